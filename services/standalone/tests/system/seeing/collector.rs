//! A collector of traces.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex},
};

pub(crate) use opentelemetry_proto::tonic::trace::v1::span::SpanKind as Kind;
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::{AnyValue, KeyValue, any_value::Value},
    trace::v1::{self as otlp, ResourceSpans},
};
use runtime::{grpc::server::GrpcServer, lifecycle::Listeners};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Request, Response, Status};

/// Takes what it is sent, by OTLP over gRPC.
pub(crate) struct Collector {
    url: String,
    received: Received,
    _serving: DropGuard,
}

#[derive(Clone, Default)]
struct Received(Arc<Mutex<Vec<ResourceSpans>>>);

/// A span, and the service that it comes from.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) service: String,
    pub(crate) trace: String,
    pub(crate) id: String,
    pub(crate) parent: String,
    kind: Kind,
    name: String,
    attributes: Vec<KeyValue>,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let any = "127.0.0.1:0".parse().expect("an address");
        let listeners = Listeners::bind(["LISTEN_ADDR", "OPS_ADDR"], any, any).await;
        let listeners = listeners.expect("free ports");
        let url = format!("http://{}", listeners.listen.local_addr().expect("bound"));
        let received = Received::default();
        let service = TraceServiceServer::new(received.clone());
        let stop = CancellationToken::new();
        let server = GrpcServer::new("collector").add_service(service);
        tokio::spawn(server.serve(listeners, stop.clone()));
        Self {
            url,
            received,
            _serving: stop.drop_guard(),
        }
    }

    /// Settings of a program that sends its traces here.
    pub(crate) fn settings(&self) -> [(&'static str, &str); 2] {
        [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &self.url),
            ("LOG_FORMAT", "json"),
        ]
    }

    /// The one span of that kind and name.
    pub(crate) fn span(&self, kind: Kind, name: &str) -> Span {
        let mut found = self.spans();
        found.retain(|span| span.kind == kind && span.name == name);
        assert_eq!(found.len(), 1, "{name}: {found:?}; {}", self.everything());
        found.remove(0)
    }

    /// The one span of that name with this value of an attribute.
    pub(crate) fn with(&self, name: &str, key: &str, value: &str) -> Span {
        let mut spans = self.spans().into_iter();
        let found = spans.find(|span| span.name == name && span.attribute(key) == value);
        found.unwrap_or_else(|| panic!("no {name} with {value}: {}", self.everything()))
    }

    /// The first span of that kind within another.
    pub(crate) fn child_of(&self, parent: &Span, kind: Kind) -> Span {
        let mut spans = self.spans().into_iter();
        let child = spans.find(|span| span.kind == kind && span.parent == parent.id);
        child.unwrap_or_else(|| panic!("{parent:?} has no child: {}", self.everything()))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.spans().iter().any(|span| span.name == name)
    }

    /// All that was received, to be searched for what must not be in it.
    pub(crate) fn everything(&self) -> String {
        format!("{:?}{:?}", self.received.all(), self.spans())
    }

    fn spans(&self) -> Vec<Span> {
        let all = self.received.all();
        let spans = all.iter().flat_map(|of_service| {
            let resource = of_service.resource.clone().unwrap_or_default();
            let service = attribute(&resource.attributes, "service.name");
            let scopes = of_service.scope_spans.iter();
            let spans = scopes.flat_map(|scope| &scope.spans);
            spans.map(move |span| Span::of(&service, span))
        });
        spans.collect()
    }
}

impl Span {
    fn of(service: &str, span: &otlp::Span) -> Self {
        Self {
            service: service.to_owned(),
            trace: hex(&span.trace_id),
            id: hex(&span.span_id),
            parent: hex(&span.parent_span_id),
            kind: span.kind(),
            name: span.name.clone(),
            attributes: span.attributes.clone(),
        }
    }

    pub(crate) fn attribute(&self, key: &str) -> String {
        attribute(&self.attributes, key)
    }
}

impl Received {
    fn all(&self) -> Vec<ResourceSpans> {
        self.0.lock().expect("no panic while locked").clone()
    }
}

#[tonic::async_trait]
impl TraceService for Received {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let spans = request.into_inner().resource_spans;
        self.0.lock().expect("no panic while locked").extend(spans);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn attribute(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.clone()) {
        Some(AnyValue {
            value: Some(Value::StringValue(text)),
        }) => text,
        Some(AnyValue {
            value: Some(Value::IntValue(number)),
        }) => number.to_string(),
        other => panic!("{key} is {other:?} in {attributes:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
