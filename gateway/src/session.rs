//! Who is looking: the access token in the cookie, checked here, without asking anybody; and
//! renewed without anybody's noticing when its few minutes are over.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{FromRequestParts, MatchedPath, Request, State},
    http::{Method, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use runtime::auth::{Caller, VerifyError};
use tracing::Instrument as _;

use crate::{
    app::App,
    backends::{Backends, NewSession},
    cookies::{CookieChange, Held},
    error::{Part, Problem},
    model::Viewer,
    paths,
};

/// A token that ends within this time is renewed already, so that it does not end on its way
/// through the backends.
const EARLY: Duration = Duration::from_secs(30);

/// What the cookie of a request says.
#[derive(Clone, Debug)]
pub(crate) enum Session {
    /// Nobody is signed in; a cookie that is not valid (any more) and cannot be renewed counts for
    /// none.
    Visitor,
    /// A checked token.
    SignedIn(SignedIn),
    /// There is a token, but it can neither be checked nor renewed just now, for this reason.
    /// Public pages go on as for a visitor, and the cookies stay for better times.
    Unknown(Problem),
}

/// Somebody who is signed in. As an extractor: the pages of one's own.
#[derive(Clone, Debug)]
pub(crate) struct SignedIn {
    pub(crate) viewer: Viewer,
    pub(crate) token: Token,
}

/// A refresh token that has not been used yet, beside an access token that was found good here.
#[derive(Clone, Debug)]
struct Unused(Token);

/// An access or refresh token, on its way from the cookie to the backends. `Debug` leaves it out.
#[derive(Clone)]
pub(crate) struct Token(Arc<str>);

impl Token {
    pub(crate) fn new(token: &str) -> Self {
        Self(token.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Session {
    pub(crate) fn signed_in(&self) -> Option<&SignedIn> {
        match self {
            Self::SignedIn(signed_in) => Some(signed_in),
            Self::Visitor | Self::Unknown(_) => None,
        }
    }

    pub(crate) fn viewer(&self) -> Option<&Viewer> {
        self.signed_in().map(|signed_in| &signed_in.viewer)
    }

    /// Whoever is signed in, or why nobody can be named.
    pub(crate) fn required(self) -> Result<SignedIn, Problem> {
        match self {
            Self::SignedIn(signed_in) => Ok(signed_in),
            Self::Visitor => Err(Problem::SignIn),
            Self::Unknown(problem) => Err(problem),
        }
    }
}

/// Finds out once for the whole request who is looking, and leaves the [`Session`] with it; on the
/// way back it sets the cookies, if anything about them has changed.
pub(crate) async fn identify(
    State(app): State<App>,
    backends: Backends,
    held: Held,
    mut request: Request,
    next: Next,
) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("", MatchedPath::as_str);
    // Files are the same for everybody, and kept: they have nothing to do with anybody's session.
    if paths::FILES.contains(&route) {
        return next.run(request).await;
    }
    let change = CookieChange::default();
    let session = match route {
        // Whoever logs out needs no new tokens.
        paths::LOGOUT => check(&app, held.access.as_ref()).await.0,
        _ => find(&app, &backends, &held, &change).await,
    };
    let extensions = request.extensions_mut();
    if let Some(refresh_token) = held.refresh
        && session.signed_in().is_some()
        && change.is_none()
    {
        extensions.insert(Unused(refresh_token));
    }
    extensions.insert(session);
    extensions.insert(change.clone());
    let mut response = next.run(request).await;
    change.apply(&app, &mut response);
    response
}

/// Reads a page once more, with renewed tokens, when a backend did not accept one that was found
/// good here. What a form sends is not repeated: it comes back with the log-in form.
pub(crate) async fn renew_refused(
    State(app): State<App>,
    backends: Backends,
    change: CookieChange,
    mut request: Request,
    next: Next,
) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let Some(Unused(refresh_token)) = request.extensions_mut().remove().filter(|_| reads) else {
        return next.run(request).await;
    };
    let (parts, body) = request.into_parts();
    let mut again = Request::from_parts(parts.clone(), Body::empty());
    let request = Request::from_parts(parts, body);
    let response = next.clone().run(request).await;
    if response.extensions().get() != Some(&Problem::SignIn) {
        return response;
    }
    match renew(&app, &backends, &refresh_token).await {
        Ok(session) => {
            change.remember(&session);
            let session = Session::SignedIn(session.signed_in());
            again.extensions_mut().insert(session);
            next.run(again).await
        }
        Err(problem) => problem.into_response(),
    }
}

impl NewSession {
    /// Whoever has just got these tokens.
    pub(crate) fn signed_in(self) -> SignedIn {
        SignedIn {
            viewer: self.viewer,
            token: self.access.token,
        }
    }
}

impl FromRequestParts<App> for Session {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or(Self::Visitor))
    }
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Ok(session) = Session::from_request_parts(parts, app).await;
        session.required()
    }
}

async fn find(app: &App, backends: &Backends, held: &Held, change: &CookieChange) -> Session {
    let (session, lasts) = check(app, held.access.as_ref()).await;
    let Some(refresh_token) = held.refresh.as_ref().filter(|_| !lasts) else {
        return session;
    };
    match (renew(app, backends, refresh_token).await, session) {
        (Ok(renewed), _) => {
            change.remember(&renewed);
            Session::SignedIn(renewed.signed_in())
        }
        (Err(Problem::SignIn), _) => {
            change.forget();
            Session::Visitor
        }
        // It was only to be renewed early.
        (Err(_), session @ Session::SignedIn(_)) => session,
        (Err(problem), _) => Session::Unknown(problem),
    }
}

/// What an access token says, and whether it can do without being renewed now.
async fn check(app: &App, token: Option<&Token>) -> (Session, bool) {
    let Some(token) = token else {
        return (Session::Visitor, false);
    };
    match app.verifier.verify(token.expose()).await {
        Ok(caller) => {
            let lasts = app.clock.now() + EARLY < caller.expires;
            (Session::SignedIn(signed_in(caller, token)), lasts)
        }
        Err(VerifyError::Rejected) => (Session::Visitor, false),
        // Nobody could renew it either.
        Err(VerifyError::KeysUnavailable) => {
            let away = Problem::out_of_reach(Part::Accounts);
            (Session::Unknown(away), true)
        }
    }
}

fn signed_in(caller: Caller, token: &Token) -> SignedIn {
    SignedIn {
        viewer: Viewer {
            administrator: caller.is_admin(),
            username: caller.username,
        },
        token: token.clone(),
    }
}

async fn renew(
    app: &App,
    backends: &Backends,
    refresh_token: &Token,
) -> Result<NewSession, Problem> {
    let (backends, token) = (backends.clone(), refresh_token.clone());
    let span = backends.span();
    let ask = async move { backends.refresh_session(&token).await }.instrument(span);
    app.renewals.renew(&app.clock, refresh_token, ask).await
}
