//! What happens around each request: its id, its line in the log, its place in the metrics and in a
//! trace.

use std::{convert::Infallible, fmt, net::SocketAddr};

use axum::{
    extract::{ConnectInfo, FromRequestParts, MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, request::Parts},
    middleware::Next,
    response::Response,
};
use runtime::{grpc::REQUEST_ID, trace};
use tokio::time::Instant;
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use crate::app::App;

/// What is told of a request whose browser has gone before there was an answer, as nginx does it.
const GONE: u16 = 499;

/// The id of one request, by which it is found in the logs of every part. Always our own: a
/// browser has none to give, and what others send could be made to look like another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(Uuid);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl RequestId {
    /// What puts the id into every line of the log.
    pub(crate) fn span(self) -> Span {
        tracing::info_span!("request", request_id = %self)
    }
}

impl FromRequestParts<App> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or(Self(Uuid::nil())))
    }
}

/// Gives the request its id, and writes one line when it is answered. The path is left out in
/// favour of the route, and the query altogether: set-up codes and searches travel there.
pub(crate) async fn observe(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = RequestId(app.clock.new_id());
    request.extensions_mut().insert(id);
    let method = known(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let answering = Answering {
        span: span(&app, &request, method, pattern(route.as_ref()), id),
        app,
        method,
        route,
        id,
        began: Instant::now(),
        answered: false,
    };
    let answer = next.run(request).instrument(answering.span.clone());
    let mut response = answer.instrument(id.span()).await;
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response
            .headers_mut()
            .insert(HeaderName::from_static(REQUEST_ID), value);
    }
    answering.ends(response.status().as_u16());
    response
}

/// The span of a request, for its trace. A proxy in front may have begun that; a browser may not.
fn span(app: &App, request: &Request, method: &str, route: &str, id: RequestId) -> Span {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let believed = peer.is_some_and(|ConnectInfo(peer)| app.trusted_proxies.contain(peer.ip()));
    trace::request(method, route, &id, believed.then_some(request.headers()))
}

/// A request under way: told of once, however it ends.
struct Answering {
    app: App,
    method: &'static str,
    route: Option<MatchedPath>,
    id: RequestId,
    span: Span,
    began: Instant,
    answered: bool,
}

impl Answering {
    fn ends(mut self, status: u16) {
        self.answered = true;
        self.tell(status);
    }

    fn tell(&self, status: u16) {
        let took = self.began.elapsed();
        let (method, route) = (self.method, pattern(self.route.as_ref()));
        trace::answered(&self.span, status);
        let trace_id = trace::id(&self.span).map(tracing::field::display);
        let ms = trace::milliseconds(took);
        tracing::info!(method, route, status, ms, request_id = %self.id, trace_id, "answered");
        self.app.metrics.served(method, route, status, took);
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if !self.answered {
            self.tell(GONE);
        }
    }
}

fn pattern(route: Option<&MatchedPath>) -> &str {
    route.map_or("none", MatchedPath::as_str)
}

/// Anybody can make methods up; metrics must not grow with them.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
