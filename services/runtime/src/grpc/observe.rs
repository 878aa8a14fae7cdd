//! What happens around each call that a server answers: its deadline, its name in the logs, its
//! place in the metrics, and the net below a panic.

use std::{any::Any, panic::AssertUnwindSafe, time::Duration};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt as _;
use http::HeaderValue;
use tokio::time::{Instant, timeout_at};
use tonic::{Code, Status};
use tracing::Instrument as _;
use uuid::Uuid;

use super::{REQUEST_ID, timeout};
use crate::{
    metrics::{GrpcLabels, Metrics},
    status,
};

/// The longest that a call may take; callers may ask for less.
const MAX_TIMEOUT: Duration = Duration::from_secs(10);

/// Ids of requests that come from outside are kept if they are short and plain.
const MAX_REQUEST_ID: usize = 64;

pub(super) async fn observe(
    State(metrics): State<Metrics>,
    request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let (service, method) = names(request.uri().path());
    let request_id = request_id(&request);
    let span = tracing::info_span!("rpc", service, method, request_id = %request_id.as_deref().unwrap_or_default());
    let call = answer(request, next, began).instrument(span.clone());
    let mut response = call.await;
    if let Some(Ok(id)) = request_id.map(|id| HeaderValue::from_str(&id)) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    let code = code(&response);
    let took = began.elapsed();
    span.in_scope(|| report(code, took));
    metrics.grpc.observe(&labels(service, method, code), took);
    response
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
            tracing::error!(panic = message(panic.as_ref()), "a call panicked");
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
fn report(code: Code, took: Duration) {
    if matches!(code, Code::Unauthenticated | Code::PermissionDenied) {
        tracing::info!(target: "audit", event = "call", outcome = "refused", code = ?code, "refused");
    }
    tracing::debug!(code = ?code, micros = took.as_micros(), "answered");
}

/// What tonic answers when it cannot read a request: a defect of the caller's, which it calls
/// `INTERNAL` or `OUT_OF_RANGE`, and explains from the inside. Errors of ours carry details.
fn clarified(response: Response) -> Response {
    let ours = response.headers().contains_key("grpc-status-details-bin");
    match code(&response) {
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

/// The labels of a call. Anybody may call any path, so what is not served here goes under one
/// name: metrics must not grow without bound.
fn labels(service: String, method: String, code: Code) -> GrpcLabels {
    let served = code != Code::Unimplemented;
    let unless_unknown = |name: String| if served { name } else { "unknown".to_owned() };
    GrpcLabels {
        grpc_service: unless_unknown(service),
        grpc_method: unless_unknown(method),
        grpc_code: code_name(code),
    }
}

/// The service and the method of `/package.Service/Method`.
fn names(path: &str) -> (String, String) {
    let path = path.strip_prefix('/').unwrap_or(path);
    let (service, method) = path.split_once('/').unwrap_or((path, ""));
    (service.to_owned(), method.to_owned())
}

fn request_id(request: &Request) -> Option<String> {
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
    Some(id.unwrap_or_else(|| Uuid::new_v4().to_string()))
}

/// The code of an answer. Errors come without a body, in the headers; so an answer without a
/// status there has one of `OK` in its trailers, or is a stream that has begun well.
fn code(response: &Response) -> Code {
    let header = response.headers().get(Status::GRPC_STATUS);
    header.map_or(Code::Ok, |value| Code::from_bytes(value.as_bytes()))
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// The codes as gRPC's own metrics spell them.
fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "Canceled",
        Code::Unknown => "Unknown",
        Code::InvalidArgument => "InvalidArgument",
        Code::DeadlineExceeded => "DeadlineExceeded",
        Code::NotFound => "NotFound",
        Code::AlreadyExists => "AlreadyExists",
        Code::PermissionDenied => "PermissionDenied",
        Code::ResourceExhausted => "ResourceExhausted",
        Code::FailedPrecondition => "FailedPrecondition",
        Code::Aborted => "Aborted",
        Code::OutOfRange => "OutOfRange",
        Code::Unimplemented => "Unimplemented",
        Code::Internal => "Internal",
        Code::Unavailable => "Unavailable",
        Code::DataLoss => "DataLoss",
        Code::Unauthenticated => "Unauthenticated",
    }
}
