//! The two cookies of a session: `session` has the access token, which every call carries, and
//! `renewal` the refresh token, which only renewing and ending the session need.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, header, request::Parts},
    response::Response,
};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};

use crate::{
    app::App,
    backends::{NewSession, NewToken},
    session::Token,
};

/// The cookies that a browser sent along, unchecked.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) access: Option<Token>,
    pub(crate) refresh: Option<Token>,
}

/// What the response is to do to a browser's cookies. Clones share it: whoever finds out more
/// about the session while a request is answered says so here, and the last word counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct CookieChange(Arc<Mutex<Option<Change>>>);

#[derive(Clone, Debug)]
enum Change {
    Remember {
        access: NewToken,
        /// `None`: the browser keeps the one that it has.
        refresh: Option<NewToken>,
    },
    Forget,
}

impl FromRequestParts<App> for Held {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let jar = CookieJar::from_headers(&parts.headers);
        let token = |name: &str| {
            let cookie = jar.get(name).filter(|cookie| !cookie.value().is_empty());
            cookie.map(|cookie| Token::new(cookie.value()))
        };
        let [access, refresh] = names(app);
        Ok(Self {
            access: token(access),
            refresh: token(refresh),
        })
    }
}

impl FromRequestParts<App> for CookieChange {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}

impl CookieChange {
    /// The browser gets this session's tokens.
    pub(crate) fn remember(&self, session: &NewSession) {
        self.set(Change::Remember {
            access: session.access.clone(),
            refresh: Some(session.refresh.clone()),
        });
    }

    /// The browser gets another access token for the session that it is in.
    pub(crate) fn remember_access(&self, access: &NewToken) {
        let refresh = match self.get() {
            Some(Change::Remember { refresh, .. }) => refresh,
            Some(Change::Forget) | None => None,
        };
        self.set(Change::Remember {
            access: access.clone(),
            refresh,
        });
    }

    /// The browser loses whatever tokens it has.
    pub(crate) fn forget(&self) {
        self.set(Change::Forget);
    }

    /// Whether nothing has been said yet: the cookies stay as they are.
    pub(crate) fn is_none(&self) -> bool {
        self.get().is_none()
    }

    /// Sets the cookies on their way out. Nobody may keep such a response: the next one who saw it
    /// would be signed in as this one.
    pub(crate) fn apply(&self, app: &App, response: &mut Response) {
        let [access_name, refresh_name] = names(app);
        let cookies = match self.get() {
            None => return,
            Some(Change::Remember { access, refresh }) => vec![
                Some(cookie(app, access_name, &access)),
                refresh.map(|refresh| cookie(app, refresh_name, &refresh)),
            ],
            Some(Change::Forget) => names(app).map(|name| Some(no_cookie(app, name))).to_vec(),
        };
        let headers = response.headers_mut();
        for cookie in cookies.into_iter().flatten() {
            // Tokens are made of letters that a header can carry; what is none is no token.
            if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
                headers.append(header::SET_COOKIE, value);
            }
        }
        let nowhere = HeaderValue::from_static("private, no-store");
        headers.insert(header::CACHE_CONTROL, nowhere);
    }

    fn set(&self, change: Change) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(change);
    }

    fn get(&self) -> Option<Change> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// A cookie ends when its token does.
fn cookie(app: &App, name: &'static str, token: &NewToken) -> Cookie<'static> {
    let seconds = token.expires.as_seconds() - app.clock.now().as_seconds();
    build(app, name, token.token.expose(), seconds.max(0))
}

fn no_cookie(app: &App, name: &'static str) -> Cookie<'static> {
    build(app, name, "", 0)
}

/// A cookie for this site alone, which scripts do not see.
pub(crate) fn build(app: &App, name: &'static str, value: &str, seconds: i64) -> Cookie<'static> {
    Cookie::build((name, value.to_owned()))
        .path("/")
        .http_only(true)
        .secure(app.is_secure())
        .same_site(SameSite::Lax)
        .max_age(time::Duration::seconds(seconds))
        .build()
}

/// The names for the access and the refresh token. The prefix makes browsers refuse the cookie
/// from anywhere but this very host by https.
fn names(app: &App) -> [&'static str; 2] {
    if app.is_secure() {
        ["__Host-session", "__Host-renewal"]
    } else {
        ["session", "renewal"]
    }
}
