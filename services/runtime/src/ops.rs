//! The operations port: `/metrics`, `/healthz` and `/readyz`, for whoever runs the service.

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{config, http, lifecycle::StartError, metrics::Metrics};

/// How long an operations port may take to say whether the program is ready.
const PATIENCE: Duration = Duration::from_secs(3);

/// The longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 16 * 1024;

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

/// Asks whoever serves this operations port whether it is ready.
///
/// # Errors
///
/// It is not, or there is nobody; with what it says of itself.
pub async fn ask(port: SocketAddr) -> Result<(), StartError> {
    let port = config::reachable(port);
    let failed = |why: &dyn fmt::Display| StartError::new(format!("{port}: {why}"));
    let answer = match timeout(PATIENCE, answer(port)).await {
        Ok(answer) => answer.map_err(|error| failed(&error))?,
        Err(_) => return Err(failed(&"no answer")),
    };
    let (head, report) = answer.split_once("\r\n\r\n").unwrap_or_default();
    if head.starts_with("HTTP/1.1 200 ") {
        Ok(())
    } else {
        Err(failed(&report.trim_end()))
    }
}

async fn answer(port: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(port).await?;
    let request = "GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.take(MAX_ANSWER).read_to_string(&mut answer).await?;
    Ok(answer)
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
