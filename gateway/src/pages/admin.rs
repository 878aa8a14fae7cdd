//! What administrators do for others: accounts, invitations, and public thoughts that must go.

pub(crate) mod account;
pub(crate) mod accounts;
pub(crate) mod invitations;
pub(crate) mod moderation;

use axum::{extract::FromRequestParts, http::request::Parts};

use crate::{
    app::App,
    error::Problem,
    session::{Session, SignedIn},
};

/// An administrator, as the access token says; the backends look again. As an extractor: pages that
/// are a 403 to everybody else.
#[derive(Clone, Debug)]
pub(crate) struct Administrator(pub(crate) SignedIn);

impl Administrator {
    /// Whoever is signed in, as an administrator.
    fn of(session: Session) -> Result<Self, Problem> {
        let signed_in = session.required()?;
        if signed_in.viewer.administrator {
            Ok(Self(signed_in))
        } else {
            Err(Problem::Forbidden)
        }
    }
}

impl FromRequestParts<App> for Administrator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Ok(session) = Session::from_request_parts(parts, app).await;
        Self::of(session)
    }
}
