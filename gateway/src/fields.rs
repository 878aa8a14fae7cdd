//! Forms, queries and path segments, read strictly: what is no UTF-8 is refused rather than
//! patched up, and what is too large is refused before it is read.

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    extract::{Form, FromRequest, FromRequestParts, Path, Query, Request},
    http::{HeaderMap, header, request::Parts},
};
use futures_util::StreamExt as _;
use percent_encoding::percent_decode;
use serde::de::DeserializeOwned;
use tokio::{sync::Semaphore, time::timeout};
use uuid::{Uuid, fmt::Hyphenated};

use crate::{app::App, error::Problem, model::Username};

/// Room for every field but a long text.
const BASE_LIMIT: usize = 64 * 1024;

/// A scalar value takes up to four bytes, each up to three letters in a form. A text that is a
/// good deal too long still has to come back to its author.
const BYTES_PER_SCALAR: usize = 12 * 4;

/// A text that is far too long, as after pasting the wrong thing, comes back as well, if not too
/// many of them come at once.
const LARGE_LIMIT: usize = 1024 * 1024;
static LARGE: Semaphore = Semaphore::const_new(8);

/// How long a form may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// How much of a refused body is read and thrown away, so that the answer is not lost on its way.
const DISCARD_LIMIT: usize = 32 * 1024 * 1024;

/// The fields of a posted form.
#[derive(Debug)]
pub(crate) struct Fields<T>(pub(crate) T);

/// The parameters of an address.
#[derive(Debug)]
pub(crate) struct Params<T>(pub(crate) T);

/// The one variable segment of a path.
#[derive(Debug)]
pub(crate) struct Segment(pub(crate) String);

impl<T: DeserializeOwned> FromRequest<App> for Fields<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let mut limit = body_limit(app);
        let announced = announced_length(&parts.headers).unwrap_or_default();
        let mut permit = None;
        if announced > limit && announced <= LARGE_LIMIT {
            permit = LARGE.try_acquire().ok();
        }
        if permit.is_some() {
            limit = LARGE_LIMIT;
        }
        if announced > limit {
            discard(body);
            return Err(Problem::TooLarge);
        }
        let read = timeout(BODY_TIMEOUT, to_bytes(body, limit)).await;
        let bytes = read
            .map_err(|_| Problem::TooSlow)?
            .map_err(|_| Problem::TooLarge)?;
        if !is_text(&bytes) {
            return Err(Problem::Unreadable);
        }
        let request = Request::from_parts(parts, Body::from(bytes));
        let form = Form::from_request(request, app).await;
        form.map(|Form(fields)| Self(fields))
            .map_err(|_| Problem::Unreadable)
    }
}

impl<T: DeserializeOwned> FromRequestParts<App> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        if !is_text(parts.uri.query().unwrap_or_default().as_bytes()) {
            return Err(Problem::Unreadable);
        }
        let query = Query::try_from_uri(&parts.uri);
        query
            .map(|Query(params)| Self(params))
            .map_err(|_| Problem::Unreadable)
    }
}

impl FromRequestParts<App> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let path = Path::from_request_parts(parts, app).await;
        path.map(|Path(segment)| Self(segment))
            .map_err(|_| Problem::NotFound)
    }
}

impl Segment {
    /// The id that the segment is, in the one form that links have: with hyphens. What is no id is
    /// the id of nothing.
    pub(crate) fn id(&self) -> Result<Uuid, Problem> {
        let id = self.0.parse::<Hyphenated>();
        id.map(Uuid::from).map_err(|_| Problem::NotFound)
    }

    /// The name that the segment is. What is none is nobody's.
    pub(crate) fn username(&self) -> Result<Username, Problem> {
        Username::parse(&self.0).ok_or(Problem::NotFound)
    }
}

fn body_limit(app: &App) -> usize {
    let scalars = app.max_thought_length.last().unwrap_or_default();
    BASE_LIMIT.saturating_add(
        usize::try_from(scalars)
            .unwrap_or_default()
            .saturating_mul(BYTES_PER_SCALAR),
    )
}

pub(crate) fn announced_length(headers: &HeaderMap) -> Option<usize> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// Whether a form's bytes are UTF-8 once they are decoded.
fn is_text(form: &[u8]) -> bool {
    percent_decode(form).decode_utf8().is_ok()
}

/// A browser that is still sending when the connection closes never shows the answer. So the
/// answer goes out at once, while what still comes is thrown away, within bounds.
pub(crate) fn discard(body: Body) {
    tokio::spawn(timeout(BODY_TIMEOUT, async move {
        let mut chunks = body.into_data_stream();
        let mut read = 0;
        while let Some(Ok(chunk)) = chunks.next().await {
            read += chunk.len();
            if read > DISCARD_LIMIT {
                break;
            }
        }
    }));
}
