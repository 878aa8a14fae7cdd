//! Counts and times, for Prometheus.
//!
//! Each service has a registry of its own, so that several can live in one process.

use std::{
    fmt,
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
    http: CallMetrics<HttpLabels>,
    /// Connections that are open now.
    pub(crate) connections: Gauge,
}

/// A number of calls and how long they took, by some labels.
#[derive(Clone)]
pub(crate) struct CallMetrics<L: Clone + std::hash::Hash + Eq> {
    handled: Family<L, Counter>,
    seconds: Family<L, Histogram, fn() -> Histogram>,
}

impl<L: Clone + std::hash::Hash + Eq> CallMetrics<L> {
    fn new() -> Self {
        Self {
            handled: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
        }
    }

    pub(crate) fn observe(&self, labels: &L, duration: Duration) {
        self.handled.get_or_create(labels).inc();
        self.seconds
            .get_or_create(labels)
            .observe(duration.as_secs_f64());
    }
}

/// By what gRPC calls are told apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct GrpcLabels {
    pub(crate) grpc_service: String,
    pub(crate) grpc_method: String,
    pub(crate) grpc_code: &'static str,
}

/// By what HTTP requests are told apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HttpLabels {
    method: String,
    route: String,
    status: u16,
}

impl Metrics {
    /// An empty set of metrics that says which program and version it belongs to.
    pub fn new(program: &'static str) -> Self {
        let metrics = Self {
            registry: Arc::default(),
            grpc: CallMetrics::new(),
            http: CallMetrics::new(),
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
        });
        metrics
    }

    /// Adds the metrics of a gRPC server.
    pub(crate) fn with_grpc(self) -> Self {
        self.register(|registry| {
            registry.register(
                "grpc_server_handled",
                "gRPC calls answered, by method and code",
                self.grpc.handled.clone(),
            );
            registry.register(
                "grpc_server_handling_seconds",
                "How long gRPC calls took to their answer",
                self.grpc.seconds.clone(),
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
