//! Sessions: how they begin, go on and end.

use std::time::Duration;

use api::users::v1 as users;
use runtime::{clock::Timestamp, grpc::client::Idempotent};
use uuid::Uuid;

use super::{Backends, users_failed};
use crate::{
    error::Problem,
    model::{KnownSession, Viewer},
    session::Token,
};

/// A page waits for a renewal before anything else: no longer than this.
const RENEWAL_TIMEOUT: Duration = Duration::from_secs(3);

/// Whoever logs out is gone from here in any case, and does not wait long for the rest.
const LOGOUT_TIMEOUT: Duration = Duration::from_secs(2);

/// A session that has just begun, or goes on with new tokens.
#[derive(Clone, Debug)]
pub(crate) struct NewSession {
    pub(crate) viewer: Viewer,
    pub(crate) access: NewToken,
    /// Ends when the session does, unless that is renewed before.
    pub(crate) refresh: NewToken,
}

/// A token that was just given out, and when it ends.
#[derive(Clone, Debug)]
pub(crate) struct NewToken {
    pub(crate) token: Token,
    pub(crate) expires: Timestamp,
}

impl Backends {
    pub(crate) async fn log_in(
        &self,
        username: &str,
        password: &str,
    ) -> Result<NewSession, Problem> {
        let request = users::LoginRequest {
            username: username.to_owned(),
            password: password.to_owned(),
        };
        let request = self.introduced(request, None);
        let answer = self.app.users.clone().login(request).await;
        new_session(answer.map_err(users_failed)?.into_inner())
    }

    /// The session's next tokens, for its refresh token, which is used up by this.
    ///
    /// # Errors
    ///
    /// [`Problem::SignIn`]: the session is over. Anything else may pass, and says nothing about it.
    pub(crate) async fn refresh_session(
        &self,
        refresh_token: &Token,
    ) -> Result<NewSession, Problem> {
        let request = users::RefreshSessionRequest {
            refresh_token: refresh_token.expose().to_owned(),
        };
        let mut request = self.introduced(request, None);
        request.set_timeout(RENEWAL_TIMEOUT);
        // The old token is answered with the same successor for longer than that.
        request.extensions_mut().insert(Idempotent);
        let answer = self.app.users.clone().refresh_session(request).await;
        match answer.map_err(users_failed) {
            Ok(session) => new_session(session.into_inner()),
            // What cannot be a refresh token renews nothing either.
            Err(Problem::Invalid(_) | Problem::NotFound | Problem::Forbidden) => {
                Err(Problem::SignIn)
            }
            Err(problem) => Err(problem),
        }
    }

    /// Ends a session everywhere.
    pub(crate) async fn log_out(&self, refresh_token: &Token) -> Result<(), Problem> {
        let request = users::LogoutRequest {
            refresh_token: refresh_token.expose().to_owned(),
        };
        let mut request = self.request(request, None);
        request.set_timeout(LOGOUT_TIMEOUT);
        request.extensions_mut().insert(Idempotent);
        let answer = self.app.users.clone().logout(request).await;
        answer.map(drop).map_err(users_failed)
    }

    /// Sets another password and ends every other session; the own one goes on with a new access
    /// token and the refresh token that it has.
    pub(crate) async fn change_password(
        &self,
        current: &str,
        new: &str,
        token: &Token,
    ) -> Result<NewToken, Problem> {
        let request = users::ChangePasswordRequest {
            current_password: current.to_owned(),
            new_password: new.to_owned(),
        };
        let request = self.introduced(request, Some(token));
        let answer = self.app.users.clone().change_password(request).await;
        let session = answer.map_err(users_failed)?.into_inner();
        new_token(&session.access_token, session.access_token_expire_time)
    }

    /// Where the token's owner is signed in, newest first.
    pub(crate) async fn sessions(&self, token: &Token) -> Result<Vec<KnownSession>, Problem> {
        let request = self.request(users::ListSessionsRequest {}, Some(token));
        let answer = self.app.users.clone().list_sessions(request).await;
        let sessions = answer.map_err(users_failed)?.into_inner().sessions;
        sessions.into_iter().map(known_session).collect()
    }

    /// Ends a session, or takes one that was ended for safety off the list.
    pub(crate) async fn revoke_session(&self, id: Uuid, token: &Token) -> Result<(), Problem> {
        let request = users::RevokeSessionRequest { id: id.to_string() };
        let request = self.request(request, Some(token));
        let answer = self.app.users.clone().revoke_session(request).await;
        answer.map(drop).map_err(users_failed)
    }
}

fn new_session(session: users::Session) -> Result<NewSession, Problem> {
    let access = new_token(&session.access_token, session.access_token_expire_time)?;
    let refresh = new_token(&session.refresh_token, session.refresh_token_expire_time)?;
    let Some(user) = session.user else {
        tracing::error!("a session without a user");
        return Err(Problem::Defect);
    };
    Ok(NewSession {
        access,
        refresh,
        viewer: Viewer {
            administrator: user.role() == users::Role::Admin,
            username: user.username,
        },
    })
}

fn new_token(token: &str, expires: Option<impl Into<Timestamp>>) -> Result<NewToken, Problem> {
    let (false, Some(expires)) = (token.is_empty(), expires) else {
        tracing::error!("a session without a token or its end");
        return Err(Problem::Defect);
    };
    Ok(NewToken {
        token: Token::new(token),
        expires: expires.into(),
    })
}

fn known_session(session: users::SessionInfo) -> Result<KnownSession, Problem> {
    let id = Uuid::try_parse(&session.id).ok();
    let (Some(id), Some(begun), Some(last_used)) = (id, session.create_time, session.last_use_time)
    else {
        tracing::error!(id = session.id, "a session without an id or a time");
        return Err(Problem::Defect);
    };
    Ok(KnownSession {
        id,
        current: session.current,
        user_agent: session.user_agent,
        begun: begun.into(),
        last_used: last_used.into(),
        reused: session.reuse_time.map(Into::into),
    })
}
