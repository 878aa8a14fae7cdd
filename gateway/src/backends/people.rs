//! What is done to accounts: by administrators, and by their owners.

use api::users::v1 as users;
use prost_types::FieldMask;
use runtime::grpc::client::Idempotent;

use super::{Backends, accounts::username, given, users_failed};
use crate::{
    error::Problem,
    model::{Account, ListPage, PasswordReset, Role, Secret, Username},
    session::Token,
};

impl Backends {
    /// An account, with all that the token's owner may know of it.
    pub(crate) async fn account(&self, name: &Username, token: &Token) -> Result<Account, Problem> {
        let request = users::GetUserRequest {
            username: name.to_string(),
        };
        let request = self.request(request, Some(token));
        let answer = self.app.users.clone().get_user(request).await;
        account(&answer.map_err(users_failed)?.into_inner())
    }

    /// A page of all accounts, newest first.
    pub(crate) async fn accounts(
        &self,
        page_token: Option<&str>,
        token: &Token,
    ) -> Result<ListPage<Account>, Problem> {
        let request = users::ListUsersRequest {
            page_size: 0,
            page_token: page_token.unwrap_or_default().to_owned(),
        };
        let request = self.request(request, Some(token));
        let answer = self.app.users.clone().list_users(request).await;
        let answer = answer.map_err(users_failed)?.into_inner();
        Ok(ListPage {
            items: answer.users.iter().map(account).collect::<Result<_, _>>()?,
            next_page_token: given(answer.next_page_token),
        })
    }

    pub(crate) async fn change_role(
        &self,
        name: &Username,
        role: Role,
        token: &Token,
    ) -> Result<(), Problem> {
        let user = users::User {
            role: to_proto(role).into(),
            ..named(name)
        };
        self.update_user(user, "role", token).await
    }

    /// Ends all of an account's sessions and tokens, and lets nobody sign in to it; or lets people
    /// in again.
    pub(crate) async fn disable(
        &self,
        name: &Username,
        disabled: bool,
        token: &Token,
    ) -> Result<(), Problem> {
        let user = users::User {
            disabled,
            ..named(name)
        };
        self.update_user(user, "disabled", token).await
    }

    /// Deletes an account with all that is its.
    pub(crate) async fn delete_user(&self, name: &Username, token: &Token) -> Result<(), Problem> {
        let request = users::DeleteUserRequest {
            username: name.to_string(),
        };
        let request = self.introduced(request, Some(token));
        let answer = self.app.users.clone().delete_user(request).await;
        answer.map(drop).map_err(users_failed)
    }

    /// The code for somebody who has forgotten the password; an older one ends with it.
    pub(crate) async fn make_password_reset(
        &self,
        name: &Username,
        token: &Token,
    ) -> Result<PasswordReset, Problem> {
        let request = users::CreatePasswordResetRequest {
            username: name.to_string(),
        };
        let request = self.request(request, Some(token));
        let answer = self.app.users.clone().create_password_reset(request).await;
        let reset = answer.map_err(users_failed)?.into_inner();
        let Some(expires) = reset.expire_time.filter(|_| !reset.code.is_empty()) else {
            tracing::error!("a password reset without a code or its end");
            return Err(Problem::Defect);
        };
        Ok(PasswordReset {
            username: username(&reset.username)?,
            code: Secret::new(reset.code),
            expires: expires.into(),
        })
    }

    /// Sets another password with such a code.
    pub(crate) async fn reset_password(&self, code: &str, new: &str) -> Result<(), Problem> {
        let request = users::ResetPasswordRequest {
            code: code.to_owned(),
            new_password: new.to_owned(),
        };
        let request = self.introduced(request, None);
        let answer = self.app.users.clone().reset_password(request).await;
        answer.map(drop).map_err(users_failed)
    }

    async fn update_user(
        &self,
        user: users::User,
        field: &str,
        token: &Token,
    ) -> Result<(), Problem> {
        let request = users::UpdateUserRequest {
            user: Some(user),
            update_mask: Some(FieldMask {
                paths: vec![field.to_owned()],
            }),
        };
        let mut request = self.introduced(request, Some(token));
        // Said twice it is the same.
        request.extensions_mut().insert(Idempotent);
        let answer = self.app.users.clone().update_user(request).await;
        answer.map(drop).map_err(users_failed)
    }
}

fn named(name: &Username) -> users::User {
    users::User {
        username: name.to_string(),
        ..users::User::default()
    }
}

fn account(user: &users::User) -> Result<Account, Problem> {
    let Some(made) = user.create_time else {
        tracing::error!(id = user.id, "an account without a time");
        return Err(Problem::Defect);
    };
    Ok(Account {
        username: username(&user.username)?,
        role: role(user.role()),
        made: made.into(),
        disabled: user.disabled,
    })
}

/// A role that is unknown here gives no rights.
pub(super) fn role(role: users::Role) -> Role {
    match role {
        users::Role::Admin => Role::Administrator,
        users::Role::Member | users::Role::Unspecified => Role::Member,
    }
}

pub(super) const fn to_proto(role: Role) -> users::Role {
    match role {
        Role::Administrator => users::Role::Admin,
        Role::Member => users::Role::Member,
    }
}
