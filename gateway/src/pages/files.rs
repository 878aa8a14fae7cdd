//! What is no page: the key set, and the files in the binary.

use axum::{
    http::{Extensions, HeaderMap, HeaderValue, StatusCode, Version, header},
    response::{IntoResponse, Response},
};
use tower_http::compression::{DefaultPredicate, Predicate};

use crate::{
    assets::{self, Asset, ICON},
    backends::Backends,
    error::Problem,
    fields::Segment,
};

/// The address has the content's hash, so it never means anything else.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const A_DAY: &str = "public, max-age=86400";
/// A new key is published before it signs, by more than this.
const A_MINUTE: &str = "public, max-age=60";

/// `GET /.well-known/jwks.json`
pub(crate) async fn key_set(backends: Backends) -> Result<Response, Problem> {
    let key_set = backends.key_set().await?;
    let headers = [
        (header::CONTENT_TYPE, "application/jwk-set+json"),
        (header::CACHE_CONTROL, A_MINUTE),
    ];
    Ok((headers, key_set).into_response())
}

/// `GET /assets/{name}`
pub(crate) async fn asset(Segment(name): Segment, headers: HeaderMap) -> Result<Response, Problem> {
    let asset = Asset::find(&name).ok_or(Problem::NotFound)?;
    Ok(send(asset, &headers, FOR_EVER))
}

/// `GET /favicon.ico`, which some programs ask for whatever a page says.
pub(crate) async fn favicon(headers: HeaderMap) -> Response {
    send(&ICON, &headers, A_DAY)
}

/// `GET /robots.txt`
pub(crate) async fn robots() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, A_DAY),
    ];
    (headers, assets::ROBOTS).into_response()
}

/// Marks an answer whose bytes go out as they are: it is compressed already, or somebody waits for
/// each piece of it, which compressing would hold back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AsItIs;

/// Which answers may be compressed.
pub(crate) fn may_be_compressed() -> impl Predicate {
    let unmarked = |_: StatusCode, _: Version, _: &HeaderMap, extensions: &Extensions| {
        extensions.get::<AsItIs>().is_none()
    };
    DefaultPredicate::new().and(unmarked)
}

fn send(asset: &'static Asset, asked: &HeaderMap, kept: &'static str) -> Response {
    let mut response = if is_known(asked, &asset.etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, asset.content_type)], asset.content).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    if let Ok(etag) = HeaderValue::from_str(&asset.etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}

/// Whether the browser has what has this tag. Compression makes a tag weak on its way, which is the
/// same to If-None-Match.
pub(super) fn is_known(asked: &HeaderMap, etag: &str) -> bool {
    asked.get_all(header::IF_NONE_MATCH).iter().any(|tags| {
        let mut tags = tags.to_str().unwrap_or_default().split(',').map(str::trim);
        tags.any(|tag| tag.trim_start_matches("W/") == etag)
    })
}
