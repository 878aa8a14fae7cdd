//! What happens around each call that a server answers: its deadline, its line in the log, its place
//! in the metrics and in a trace, and the net below a panic.

use std::{any::Any, net::SocketAddr, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt as _;
use http::HeaderValue;
use tokio::time::{Instant, timeout_at};
use tonic::{Code, Status};
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use super::{
    REQUEST_ID,
    answer::Answer,
    call::Call,
    caller,
    calls::{self, code, names},
    timeout,
};
use crate::{metrics::Metrics, proxies::TrustedProxies, status, trace};

/// The longest that a call may take; callers may ask for less.
const MAX_TIMEOUT: Duration = Duration::from_secs(10);

/// Ids of requests that come from outside are kept if they are short and plain.
const MAX_REQUEST_ID: usize = 64;

/// What is known around all calls.
#[derive(Clone)]
pub(super) struct Observer(Arc<Shared>);

struct Shared {
    metrics: Metrics,
    /// Whose traces are gone on with.
    trusted: TrustedProxies,
    /// The services that are traced.
    services: Vec<&'static str>,
}

impl Observer {
    pub(super) fn new(
        metrics: Metrics,
        trusted: TrustedProxies,
        services: Vec<&'static str>,
    ) -> Self {
        Self(Arc::new(Shared {
            metrics,
            trusted,
            services,
        }))
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// The span of a call, for its trace.
    fn span(&self, request: &Request, service: &str, method: &str, id: &str) -> Span {
        if !self.0.services.contains(&service) || !calls::is_plain(method) {
            return Span::none();
        }
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map(|ConnectInfo(peer)| peer.ip());
        let believed = caller::is_believed(&self.0.trusted, peer, request.extensions());
        trace::call(service, method, id, believed.then_some(request.headers()))
    }
}

pub(super) async fn observe(
    State(observer): State<Observer>,
    request: Request,
    next: Next,
) -> Response {
    let (service, method) = names(request.uri().path());
    let request_id = request_id(&request);
    let mut call = Call {
        span: observer.span(&request, service, method, &request_id),
        service: service.to_owned(),
        method: method.to_owned(),
        request_id,
        began: Instant::now(),
        observer,
        answered: false,
        told: false,
    };
    let span = tracing::info_span!("rpc", service, method, request_id = call.request_id);
    let answer = answer(request, next, call.began);
    let mut response = answer
        .instrument(call.span.clone())
        .instrument(span.clone())
        .await;
    if let Ok(id) = HeaderValue::from_str(&call.request_id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    let code = code(response.headers());
    span.in_scope(|| audit(code));
    call.is_answered(code);
    if response.headers().contains_key(Status::GRPC_STATUS) {
        call.ends(response.headers());
        return response;
    }
    response.map(|body| Body::new(Answer::new(body, call, span)))
}

async fn answer(request: Request, next: Next, began: Instant) -> Response {
    let Ok(asked) = timeout::read(request.headers()) else {
        let refusal = status::invalid_argument(timeout::HEADER, "must be 1 to 8 digits and a unit");
        return refusal.into_http();
    };
    let limit = asked.map_or(MAX_TIMEOUT, |asked| asked.min(MAX_TIMEOUT));
    let call = AssertUnwindSafe(next.run(request)).catch_unwind();
    match timeout_at(began + limit, call).await {
        Ok(Ok(response)) => clarified(response),
        Ok(Err(panic)) => {
            log_panic(panic.as_ref());
            status::internal().into_http()
        }
        Err(_) => status::error(
            Code::DeadlineExceeded,
            "DEADLINE_EXCEEDED",
            "the call took longer than its deadline allowed",
        )
        .into_http(),
    }
}

/// Refusals are part of the audit log, whoever was refused.
fn audit(code: Code) {
    if matches!(code, Code::Unauthenticated | Code::PermissionDenied) {
        tracing::info!(target: "audit", event = "call", outcome = "refused", code = ?code, "refused");
    }
}

/// What tonic answers when it cannot read a request: a defect of the caller's, which it calls
/// `INTERNAL` or `OUT_OF_RANGE`, and explains from the inside. Errors of ours carry details.
fn clarified(response: Response) -> Response {
    let ours = response.headers().contains_key("grpc-status-details-bin");
    match code(response.headers()) {
        Code::Internal if !ours => {
            status::invalid_argument("request", "must be one message of this rpc").into_http()
        }
        Code::OutOfRange if !ours => {
            status::invalid_argument("request", "is larger than any message of this rpc")
                .into_http()
        }
        _ => response,
    }
}

fn request_id(request: &Request) -> String {
    let given = request
        .headers()
        .get(REQUEST_ID)
        .and_then(|id| id.to_str().ok());
    let plain = |id: &&str| {
        (1..=MAX_REQUEST_ID).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let id = given.filter(plain).map(ToOwned::to_owned);
    id.unwrap_or_else(|| Uuid::new_v4().to_string())
}

pub(super) fn log_panic(panic: &(dyn Any + Send)) {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let panic = text.unwrap_or("no message");
    tracing::error!(panic, "a call panicked");
}
