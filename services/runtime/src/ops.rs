//! The operations port: `/metrics`, `/healthz` and `/readyz`, for whoever runs the service.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::CancellationToken;

use crate::{http, metrics::Metrics};

/// Whether a service wants requests, and what it says of the parts that it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Whether `/readyz` answers 200.
    pub ready: bool,
    /// Lines such as `thoughts: out of reach`, for people.
    pub report: Vec<String>,
}

/// Serves the operations port until `shutdown`.
pub async fn serve(
    listener: TcpListener,
    metrics: Metrics,
    readiness: watch::Receiver<Readiness>,
    shutdown: CancellationToken,
) {
    let router = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(scrape))
        .with_state(Arc::new(Ops { metrics, readiness }));
    http::serve_plain(listener, router, shutdown).await;
}

struct Ops {
    metrics: Metrics,
    readiness: watch::Receiver<Readiness>,
}

async fn ready(State(ops): State<Arc<Ops>>) -> Response {
    let readiness = ops.readiness.borrow().clone();
    let (code, word) = if readiness.ready {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready")
    };
    let mut page = format!("{word}\n");
    for line in readiness.report {
        page.push_str(&line);
        page.push('\n');
    }
    (code, page).into_response()
}

async fn scrape(State(ops): State<Arc<Ops>>) -> Response {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match ops.metrics.encode() {
        Ok(page) => ([(header::CONTENT_TYPE, content_type)], page).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
