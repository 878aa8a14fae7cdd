//! Who is looking: the session cookie, checked here, without asking anybody.

use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::{FromRequestParts, Request, State},
    http::request::Parts,
    middleware::Next,
    response::Response,
};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use runtime::{auth::VerifyError, clock::Timestamp};

use crate::{
    app::App,
    error::{Part, Problem},
    model::Viewer,
};

/// What the cookie of a request says.
#[derive(Clone, Debug)]
pub(crate) enum Session {
    /// Nobody is signed in; a cookie that is not valid (any more) counts for none.
    Visitor,
    /// A checked token.
    SignedIn(SignedIn),
    /// There is a token, but no key to check it with: the accounts are out of reach. Public pages
    /// go on as for a visitor.
    Unknown,
}

/// Somebody who is signed in. As an extractor: the pages of one's own.
#[derive(Clone, Debug)]
pub(crate) struct SignedIn {
    pub(crate) viewer: Viewer,
    pub(crate) token: Token,
}

/// An access token, on its way from the cookie to the backends. `Debug` leaves it out.
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
            Self::Visitor | Self::Unknown => None,
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
            Self::Unknown => Err(Problem::out_of_reach(Part::Accounts)),
        }
    }
}

/// Reads the cookie once for the whole request and leaves the [`Session`] with it.
pub(crate) async fn identify(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let jar = CookieJar::from_headers(request.headers());
    let session = match jar.get(cookie_name(&app)) {
        Some(cookie) => check(&app, cookie.value()).await,
        None => Session::Visitor,
    };
    request.extensions_mut().insert(session);
    next.run(request).await
}

/// The cookie of a new session, which ends when its token does.
pub(crate) fn cookie(app: &App, token: &Token, expires: Timestamp) -> Cookie<'static> {
    let seconds = expires.as_seconds() - app.clock.now().as_seconds();
    let max_age = time::Duration::seconds(seconds.max(0));
    Cookie::build((cookie_name(app), token.expose().to_owned()))
        .path("/")
        .http_only(true)
        .secure(app.is_secure())
        .same_site(SameSite::Lax)
        .max_age(max_age)
        .build()
}

/// The cookie that ends a session.
pub(crate) fn no_cookie(app: &App) -> Cookie<'static> {
    cookie(app, &Token::new(""), Timestamp::from_seconds(0))
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

async fn check(app: &App, token: &str) -> Session {
    match app.verifier.verify(token).await {
        Ok(caller) => Session::SignedIn(SignedIn {
            viewer: Viewer {
                administrator: caller.is_admin(),
                username: caller.username,
            },
            token: Token::new(token),
        }),
        Err(VerifyError::Rejected) => Session::Visitor,
        Err(VerifyError::KeysUnavailable) => Session::Unknown,
    }
}

/// The prefix makes browsers refuse the cookie from anywhere but this very host by https.
fn cookie_name(app: &App) -> &'static str {
    if app.is_secure() {
        "__Host-session"
    } else {
        "session"
    }
}
