//! What every response tells the browser to be careful with.

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use tower_http::{
    catch_panic::ResponseForPanic,
    csrf::{ConfigError, CsrfLayer, ProtectionError},
};

use crate::{app::App, error::Problem, session::Session};

/// Nothing but our own style, script, images, forms, and what the script asks for: no inline script or style, no frames.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
     img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'";

/// A year. Only ever sent where the site itself is known to be https.
const STRICT_TRANSPORT_SECURITY: &str = "max-age=31536000";

/// The longest address, in bytes: room for the longest search, percent-encoded.
const MAX_ADDRESS: usize = 16 * 1024;

/// Answers a form that another site sent.
type Refusal = fn(ProtectionError) -> Response;

/// Headers that are the same everywhere. `same-origin` and not `no-referrer`: with that browsers
/// send `Origin: null` along with forms.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// Adds the headers, and says who may keep the page: browsers may show a page for everyone again
/// after asking, what a signed-in person sees is kept nowhere.
pub(crate) async fn headers(
    State(app): State<App>,
    session: Session,
    request: Request,
    next: Next,
) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = next.run(request).await;
    let public =
        reads && matches!(session, Session::Visitor) && response.status() == StatusCode::OK;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if app.is_secure() {
        let value = HeaderValue::from_static(STRICT_TRANSPORT_SECURITY);
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        let kept = if public {
            "no-cache"
        } else {
            "private, no-store"
        };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
        headers.append(header::VARY, HeaderValue::from_static("cookie"));
    }
    response
}

/// Refuses addresses that are longer than any of ours.
pub(crate) async fn short_addresses(request: Request, next: Next) -> Response {
    let length = request
        .uri()
        .path_and_query()
        .map_or(0, |address| address.as_str().len());
    if length > MAX_ADDRESS {
        return Problem::AddressTooLong.into_response();
    }
    next.run(request).await
}

/// Refuses whatever another site makes a browser send here, reading excepted.
///
/// # Errors
///
/// The public origin is none that a browser could send.
pub(crate) fn own_forms_only(app: &App) -> Result<CsrfLayer<Refusal>, ConfigError> {
    let mut layer = CsrfLayer::new();
    if let Some(url) = &app.public_url {
        layer = layer.add_trusted_origin(url.origin())?;
    }
    Ok(layer.with_rejection_response(|_| Problem::CrossSite.into_response()))
}

/// A panic is one request's misfortune, not the process's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OnPanic;

impl ResponseForPanic for OnPanic {
    type ResponseBody = axum::body::Body;

    fn response_for_panic(&mut self, panic: Box<dyn std::any::Any + Send>) -> Response {
        let message = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        tracing::error!(panic = message, "a handler panicked");
        Problem::Defect.into_response()
    }
}
