//! Personal access tokens.

use api::users::v1 as users;
use runtime::clock::Timestamp;
use uuid::Uuid;

use super::{Backends, id, users_failed};
use crate::{
    error::Problem,
    model::{PersonalToken, Scope, Secret},
    session::Token,
};

impl Backends {
    /// Makes a token; what it is itself is never told again.
    pub(crate) async fn create_access_token(
        &self,
        name: &str,
        scope: Scope,
        expires: Timestamp,
        token: &Token,
    ) -> Result<(PersonalToken, Secret), Problem> {
        let scope = match scope {
            Scope::Read => users::Scope::Read,
            Scope::ReadWrite => users::Scope::ReadWrite,
        };
        let request = users::CreateAccessTokenRequest {
            display_name: name.to_owned(),
            expire_time: Some(expires.into()),
            scope: scope.into(),
        };
        let request = self.introduced(request, Some(token));
        let answer = self.app.users.clone().create_access_token(request).await;
        let mut made = answer.map_err(users_failed)?.into_inner();
        let secret = std::mem::take(&mut made.access_token);
        if secret.is_empty() {
            tracing::error!("a new access token that is not told");
            return Err(Problem::Defect);
        }
        Ok((access_token(made)?, Secret::new(secret)))
    }

    /// The tokens of the session's owner that have not expired, newest first.
    pub(crate) async fn access_tokens(&self, token: &Token) -> Result<Vec<PersonalToken>, Problem> {
        let request = self.request(users::ListAccessTokensRequest {}, Some(token));
        let answer = self.app.users.clone().list_access_tokens(request).await;
        let tokens = answer.map_err(users_failed)?.into_inner().access_tokens;
        tokens.into_iter().map(access_token).collect()
    }

    pub(crate) async fn revoke_access_token(&self, id: Uuid, token: &Token) -> Result<(), Problem> {
        let request = users::RevokeAccessTokenRequest { id: id.to_string() };
        let request = self.introduced(request, Some(token));
        let answer = self.app.users.clone().revoke_access_token(request).await;
        answer.map(drop).map_err(users_failed)
    }
}

fn access_token(token: users::AccessToken) -> Result<PersonalToken, Problem> {
    let (Some(made), Some(expires)) = (token.create_time, token.expire_time) else {
        tracing::error!(id = token.id, "an access token without a time");
        return Err(Problem::Defect);
    };
    Ok(PersonalToken {
        id: id(&token.id)?,
        scope: match token.scope() {
            users::Scope::ReadWrite => Scope::ReadWrite,
            users::Scope::Read | users::Scope::Unspecified => Scope::Read,
        },
        name: token.display_name,
        made: made.into(),
        expires: expires.into(),
        last_used: token.last_use_time.map(Into::into),
    })
}
