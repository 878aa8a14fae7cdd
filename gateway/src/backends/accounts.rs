//! Accounts, and how they come about.

use api::users::v1 as users;

use super::{Backends, users_failed};
use crate::{
    error::Problem,
    model::{SignUp, SignUpState, Username},
    session::Token,
};

/// Somebody who wants an account.
#[derive(Debug)]
pub(crate) struct NewUser<'a> {
    pub(crate) username: &'a str,
    pub(crate) password: &'a str,
    /// Proves the right to make the first administrator.
    pub(crate) setup_code: Option<&'a str>,
    /// Stands for the right to make this one.
    pub(crate) invitation: Option<&'a str>,
}

impl Backends {
    /// Makes an account; `token` is that of whoever is signed in, and the backend's to judge.
    pub(crate) async fn create_user(
        &self,
        user: &NewUser<'_>,
        token: Option<&Token>,
    ) -> Result<Username, Problem> {
        let request = users::CreateUserRequest {
            username: user.username.to_owned(),
            password: user.password.to_owned(),
            role: users::Role::Unspecified.into(),
            setup_code: user.setup_code.map(str::to_owned),
            invitation_code: user.invitation.map(str::to_owned),
        };
        let answer = self
            .app
            .users
            .clone()
            .create_user(self.request(request, token))
            .await;
        username(&answer.map_err(users_failed)?.into_inner().username)
    }

    /// How accounts come about, for somebody who may have come with an invitation.
    pub(crate) async fn sign_up_state(
        &self,
        invitation: Option<&str>,
    ) -> Result<SignUpState, Problem> {
        let request = users::GetSignUpStateRequest {
            invitation_code: invitation.map(str::to_owned),
        };
        let request = self.request(request, None);
        let answer = self.app.users.clone().get_sign_up_state(request).await;
        let state = answer.map_err(users_failed)?.into_inner();
        let sign_up = match (state.administrator_missing, state.sign_up_open) {
            (true, open) => SignUp::FirstAdministrator { open },
            (false, true) => SignUp::Open,
            (false, false) => SignUp::Closed,
        };
        Ok(SignUpState {
            sign_up,
            invited: invitation.is_some() && state.invitation_valid,
        })
    }

    /// The public keys as a JSON Web Key Set.
    pub(crate) async fn key_set(&self) -> Result<String, Problem> {
        let request = self.request(users::GetKeySetRequest {}, None);
        let mut client = self.app.users.clone();
        let ask = async {
            let answer = client.get_key_set(request).await.map_err(users_failed)?;
            Ok(answer.into_inner().key_set_json)
        };
        self.app.key_set.get(self.app.clock.now(), ask).await
    }
}

/// A name as a backend says it.
pub(super) fn username(name: &str) -> Result<Username, Problem> {
    Username::parse(name).ok_or_else(|| {
        tracing::error!(name, "an account without a possible name");
        Problem::Defect
    })
}
