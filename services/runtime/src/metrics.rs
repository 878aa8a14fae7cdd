//! Counts and times, for Prometheus.
//!
//! Each service has a registry of its own, so that several can live in one process. Labels take
//! their values from bounded sets: nothing that a caller can make up is one.

mod process;

use std::{
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::Registry,
};

/// Bounds of the duration buckets, in seconds: from a cached row to the longest deadline.
const BUCKETS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0,
];

/// The metrics of one service.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    pub(crate) grpc: CallMetrics<GrpcLabels>,
    /// Calls that were refused to keep the service well, by the reason in the error.
    refused: Family<ReasonLabels, Counter>,
    pub(crate) client: ClientMetrics,
    http: CallMetrics<HttpLabels>,
    /// Connections that are open now.
    pub(crate) connections: Gauge,
}

/// What becomes of the calls that this service makes to others.
#[derive(Clone, Default)]
pub(crate) struct ClientMetrics {
    pub(crate) calls: CallMetrics<GrpcLabels>,
    retries: Family<RetryLabels, Counter>,
}

impl ClientMetrics {
    /// Begins to count at 0: what is not there yet cannot be seen to rise.
    pub(crate) fn begin_retries(&self, backend: &'static str, failure: &'static str) {
        let labels = RetryLabels { backend, failure };
        self.retries.get_or_create(&labels).inc_by(0);
    }

    pub(crate) fn count_retry(&self, backend: &'static str, failure: &'static str) {
        let labels = RetryLabels { backend, failure };
        self.retries.get_or_create(&labels).inc();
    }
}

/// A number of calls and how long they took, by some labels.
#[derive(Clone)]
pub(crate) struct CallMetrics<L: Clone + Hash + Eq> {
    handled: Family<L, Counter>,
    seconds: Family<L, Histogram, fn() -> Histogram>,
}

impl<L: Clone + Hash + Eq> Default for CallMetrics<L> {
    fn default() -> Self {
        Self {
            handled: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
        }
    }
}

impl<L: Clone + Hash + Eq> CallMetrics<L> {
    pub(crate) fn observe(&self, labels: &L, duration: Duration) {
        self.time(labels, duration);
        self.count(labels);
    }

    pub(crate) fn time(&self, labels: &L, duration: Duration) {
        self.seconds
            .get_or_create(labels)
            .observe(duration.as_secs_f64());
    }

    pub(crate) fn count(&self, labels: &L) {
        self.handled.get_or_create(labels).inc();
    }
}

/// By what gRPC calls are told apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct GrpcLabels {
    pub(crate) grpc_service: String,
    pub(crate) grpc_method: String,
    pub(crate) grpc_code: &'static str,
}

/// The reason in an error's details.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: String,
}

/// Whom a call was made to again, and how the attempt before had failed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RetryLabels {
    backend: &'static str,
    failure: &'static str,
}

/// By what HTTP requests are told apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HttpLabels {
    method: String,
    route: String,
    status: u16,
}

impl Metrics {
    /// Metrics that say which program and version they belong to, and how its process is.
    pub fn new(program: &'static str) -> Self {
        let metrics = Self {
            registry: Arc::default(),
            grpc: CallMetrics::default(),
            refused: Family::default(),
            client: ClientMetrics::default(),
            http: CallMetrics::default(),
            connections: Gauge::default(),
        };
        let build = Info::new([("program", program), ("version", env!("CARGO_PKG_VERSION"))]);
        metrics.register(|registry| {
            registry.register("mythoughts_build", "The program that this is", build);
            registry.register(
                "mythoughts_open_connections",
                "Connections that are open now",
                metrics.connections.clone(),
            );
            process::register(registry);
        });
        metrics
    }

    /// Adds the metrics of a gRPC server.
    #[must_use]
    pub fn with_grpc(self) -> Self {
        self.register(|registry| {
            registry.register(
                "grpc_server_handled",
                "gRPC calls that are over, by method and code",
                self.grpc.handled.clone(),
            );
            registry.register(
                "grpc_server_handling_seconds",
                "How long gRPC calls took to their answer, or a stream to its beginning",
                self.grpc.seconds.clone(),
            );
            registry.register(
                "grpc_server_refused",
                "gRPC calls refused because there was too much to do, or too much asked, by reason",
                self.refused.clone(),
            );
        });
        self
    }

    /// Adds the metrics of gRPC channels to others.
    #[must_use]
    pub fn with_grpc_clients(self) -> Self {
        self.register(|registry| {
            registry.register(
                "grpc_client_handled",
                "gRPC calls to other services, by method and code",
                self.client.calls.handled.clone(),
            );
            registry.register(
                "grpc_client_handling_seconds",
                "How long gRPC calls to other services took, all attempts together",
                self.client.calls.seconds.clone(),
            );
            registry.register(
                "grpc_client_retries",
                "Attempts of gRPC calls beyond the first, by what had become of the one before",
                self.client.retries.clone(),
            );
        });
        self
    }

    /// Adds the metrics of an HTTP server.
    #[must_use]
    pub fn with_http(self) -> Self {
        self.register(|registry| {
            registry.register(
                "http_requests",
                "HTTP requests answered, by method, route and status",
                self.http.handled.clone(),
            );
            registry.register(
                "http_request_duration_seconds",
                "How long HTTP requests took to their answer",
                self.http.seconds.clone(),
            );
        });
        self
    }

    /// Begins to count the calls that are refused for these reasons at 0: what is not there yet
    /// cannot be seen to rise.
    pub fn begin_refusals(&self, reasons: &[&str]) {
        for reason in reasons {
            let reason = (*reason).to_owned();
            self.refused
                .get_or_create(&ReasonLabels { reason })
                .inc_by(0);
        }
    }

    /// Counts a call that was refused for that reason, a constant of ours.
    pub(crate) fn count_refusal(&self, reason: Option<String>) {
        let reason = reason.unwrap_or_else(|| "unknown".to_owned());
        self.refused.get_or_create(&ReasonLabels { reason }).inc();
    }

    /// Counts an HTTP request that was answered with `status` after `took`. `method` and `route`
    /// must come from bounded sets: the pattern of the route, never the path.
    pub fn served(&self, method: &str, route: &str, status: u16, took: Duration) {
        let labels = HttpLabels {
            method: method.to_owned(),
            route: route.to_owned(),
            status,
        };
        self.http.observe(&labels, took);
    }

    /// Adds metrics of the caller's own.
    pub fn register(&self, add: impl FnOnce(&mut Registry)) {
        add(&mut self.registry.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// All of them in the OpenMetrics text format.
    ///
    /// # Errors
    ///
    /// A metric cannot be written as text.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut page = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        text::encode(&mut page, &registry)?;
        Ok(page)
    }
}

/// Counts something in a gauge for as long as this is there.
#[derive(Debug)]
pub struct Counted(Gauge);

impl Counted {
    /// One more.
    pub fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
