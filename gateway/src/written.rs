//! What a browser saved last, so that the same text is not saved again unawares by another form: the
//! one that is there, with the text in it, when somebody has gone back.
//!
//! A form that is sent again as it is needs none of this: its request id stands for one thought.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, header, request::Parts},
    response::Response,
};
use axum_extra::extract::cookie::CookieJar;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{app::App, cookies, model::Draft};

/// How long the same text is asked about, in seconds.
const LIFETIME: i64 = 12 * 60 * 60;

/// The last thought that this browser has saved, if that is not long ago.
#[derive(Clone, Debug)]
pub(crate) struct Written(Option<(Uuid, String)>);

impl FromRequestParts<App> for Written {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let jar = CookieJar::from_headers(&parts.headers);
        let written = jar.get(name(app)).and_then(|cookie| {
            let (id, digest) = cookie.value().split_once('.')?;
            Some((Uuid::try_parse(id).ok()?, digest.to_owned()))
        });
        Ok(Self(written))
    }
}

impl Written {
    /// Whether this is the same text in another form.
    pub(crate) fn is_repeated_by(&self, draft: &Draft) -> bool {
        (self.0.as_ref()).is_some_and(|(id, digest)| {
            *id != draft.request_id && *digest == digest_of(*id, &draft.text)
        })
    }
}

/// Remembers what was saved.
pub(crate) fn remember(app: &App, draft: &Draft, response: &mut Response) {
    let id = draft.request_id;
    let value = format!("{id}.{}", digest_of(id, &draft.text));
    set(app, &value, LIFETIME, response);
}

/// Nobody else who uses this browser can find out what was written.
pub(crate) fn forget(app: &App, response: &mut Response) {
    set(app, "", 0, response);
}

/// As texts are compared: without the space around them, whatever ends their lines.
fn digest_of(id: Uuid, text: &str) -> String {
    let digest = Sha256::new()
        .chain_update(id.as_bytes())
        .chain_update(text.trim().replace("\r\n", "\n"))
        .finalize();
    digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn set(app: &App, value: &str, seconds: i64, response: &mut Response) {
    let cookie = cookies::build(app, name(app), value, seconds);
    if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

fn name(app: &App) -> &'static str {
    if app.is_secure() {
        "__Host-written"
    } else {
        "written"
    }
}
