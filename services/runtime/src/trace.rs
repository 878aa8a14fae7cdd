//! Traces: spans of one request through all services, for OpenTelemetry.
//!
//! Spans for traces have the target `traces`, which nobody else looks at: where no collector is
//! configured they are disabled and cost next to nothing. What they say is names, codes, routes and
//! times; never a path, a query, a value or a secret.
//!
//! A trace begins where a request comes in and is carried on by `traceparent` (W3C Trace Context).
//! One that a caller has begun is gone on with only for callers who are believed: anybody else could
//! fill the collector at will. What a service does by itself begins none.

use std::{fmt, time::Duration};

use http::HeaderMap;
use opentelemetry::{
    propagation::{Extractor, Injector, TextMapPropagator as _},
    trace::{TraceContextExt as _, TraceId},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tonic::Code;
use tracing::{Span, field::Empty, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use uuid::Uuid;

use crate::{
    grpc::calls::{code_name, is_failure},
    telemetry,
};

/// The target of spans that are for traces alone.
pub const TARGET: &str = "traces";

const PARENT: &str = "traceparent";
const STATE: &str = "tracestate";

/// A span of an HTTP request that comes in. `route` is the pattern that it matched; `believed` are
/// the headers of a caller whose trace is gone on with.
pub fn request(
    method: &str,
    route: &str,
    request_id: &dyn fmt::Display,
    believed: Option<&HeaderMap>,
) -> Span {
    let span = info_span!(
        target: TARGET,
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        request_id = %request_id,
    );
    go_on(&span, believed);
    span
}

/// Says how an HTTP request was answered.
pub fn answered(span: &Span, status: u16) {
    span.record("http.response.status_code", i64::from(status));
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
}

/// A span of a gRPC call that comes in.
pub(crate) fn call(
    service: &str,
    method: &str,
    request_id: &str,
    believed: Option<&HeaderMap>,
) -> Span {
    let span = info_span!(
        target: TARGET,
        "call",
        otel.name = format!("{service}/{method}"),
        otel.kind = "server",
        otel.status_description = Empty,
        rpc.system = "grpc",
        rpc.service = service,
        rpc.method = method,
        rpc.grpc.status_code = Empty,
        request_id,
    );
    go_on(&span, believed);
    span
}

/// A span of a gRPC call that goes out as part of a request, if it is traced; whatever becomes of
/// it, the call's headers say so.
pub(crate) fn outgoing(service: &str, method: &str, headers: &mut HeaderMap) -> Span {
    headers.remove(PARENT);
    headers.remove(STATE);
    let span = info_span!(
        target: TARGET,
        "outgoing",
        otel.name = format!("{service}/{method}"),
        otel.kind = "client",
        otel.status_description = Empty,
        rpc.system = "grpc",
        rpc.service = service,
        rpc.method = method,
        rpc.grpc.status_code = Empty,
    );
    if !telemetry::is_tracing() {
        return span;
    }
    let context = span.context();
    if context.span().span_context().is_valid() {
        TraceContextPropagator::new().inject_context(&context, &mut Headers(headers));
    } else {
        // Part of nothing that anybody asked for.
        let (trace, parent) = (Uuid::new_v4().simple(), Uuid::new_v4().as_u64_pair().0);
        Headers(headers).set(PARENT, format!("00-{trace}-{parent:016x}-00"));
    }
    span
}

/// A duration in milliseconds, to the microsecond: what lines of the log say.
pub fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}

/// Says how a gRPC call was answered.
pub(crate) fn ended(span: &Span, code: Code) {
    span.record("rpc.grpc.status_code", i64::from(code as i32));
    if is_failure(code) {
        span.record("otel.status_description", code_name(code));
    }
}

/// The id by which the trace of a span is found, if it is one that is kept.
pub fn id(span: &Span) -> Option<TraceId> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let context = context.span().span_context().clone();
    context.is_sampled().then(|| context.trace_id())
}

fn go_on(span: &Span, believed: Option<&HeaderMap>) {
    let headers = believed.filter(|headers| !span.is_disabled() && headers.contains_key(PARENT));
    if let Some(headers) = headers {
        let parent = TraceContextPropagator::new().extract(&Seen(headers));
        // A span that has just been made has no parent yet.
        let _ = span.set_parent(parent);
    }
}

/// Headers as OpenTelemetry reads them.
struct Seen<'a>(&'a HeaderMap);

impl Extractor for Seen<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

/// Headers as OpenTelemetry writes them.
struct Headers<'a>(&'a mut HeaderMap);

impl Injector for Headers<'_> {
    fn set(&mut self, key: &str, value: String) {
        let name = match key {
            PARENT => PARENT,
            STATE if !value.is_empty() => STATE,
            _ => return,
        };
        if let Ok(value) = value.parse() {
            self.0.insert(name, value);
        }
    }
}
