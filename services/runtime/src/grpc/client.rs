//! A channel to a backend, balanced over every address that its name has.
//!
//! tonic's own balanced channel sends calls to addresses that refuse them, and waits for ever
//! where there is none; so addresses are looked up, picked and left out here, each behind a plain
//! tonic channel. Every call has a deadline, which the server is told. A call that no server has
//! looked at is made again elsewhere, and so is one that reads, or that says it is [`Idempotent`],
//! after a broken connection; a budget keeps a dead backend from drawing a storm of retries.

use std::{
    fmt,
    str::FromStr,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::BoxFuture;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use tokio::time::{Instant, timeout_at};
use tonic::{Code, Status, body::Body};
use tower::{
    Service, ServiceExt as _,
    retry::budget::{Budget as _, TpsBudget},
};
use tracing::Instrument as _;

use super::{
    balance::{Balancer, Peer},
    calls,
    failure::Failure,
    timeout,
};
use crate::{
    lifecycle::StartError,
    metrics::{ClientMetrics, Metrics},
    status,
    tls::ClientTls,
    trace,
};

/// How long a call may take when it does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// How often one call is tried at most.
const MAX_ATTEMPTS: usize = 3;

/// Retries may add this part to the calls of the last ten seconds, and one a second besides.
const RETRY_SHARE: f32 = 0.15;

/// Put into a request's extensions: carrying this call out twice does no harm.
#[derive(Clone, Copy, Debug)]
pub struct Idempotent;

/// Where a backend is: `http://host:port`, or `https://host:port` with TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendUrl {
    uri: Uri,
    secure: bool,
    host: String,
    port: u16,
}

impl BackendUrl {
    /// Whether the backend speaks TLS.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for BackendUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "expected http://host:port or https://host:port".to_owned();
        let uri: Uri = text.parse().map_err(|_| expected())?;
        let secure = uri.scheme_str() == Some("https");
        let plain = (secure || uri.scheme_str() == Some("http"))
            && uri.path() == "/"
            && uri.query().is_none()
            && !uri
                .authority()
                .is_some_and(|authority| authority.as_str().contains('@'));
        let host = uri.host().filter(|host| plain && !host.is_empty());
        let (Some(host), Some(port)) = (host, uri.port_u16()) else {
            return Err(expected());
        };
        let host = host.trim_matches(['[', ']']).to_owned();
        Ok(Self {
            uri,
            secure,
            host,
            port,
        })
    }
}

impl fmt::Display for BackendUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.uri)
    }
}

/// A channel for generated clients. Clones share its connections and its retry budget.
///
/// Requests are unary: their one message is kept, so that it can be sent again.
#[derive(Clone)]
pub struct Channel {
    shared: Arc<Shared>,
}

struct Shared {
    name: &'static str,
    balancer: Arc<Balancer>,
    budget: TpsBudget,
    metrics: ClientMetrics,
}

impl Channel {
    /// A channel to the backend of that name, such as `thoughts`, which error messages give. It
    /// connects when it is first used.
    pub fn new(name: &'static str, url: BackendUrl) -> Self {
        Self::over(name, Balancer::start(url, None), ClientMetrics::default())
    }

    /// As [`Channel::new`], for backends that may be at `https`; `variable` is the setting that the
    /// URL came from.
    ///
    /// # Errors
    ///
    /// The URL is `https`, but there is no authority to trust.
    pub fn secured(
        name: &'static str,
        variable: &str,
        url: BackendUrl,
        tls: Option<&ClientTls>,
    ) -> Result<Self, StartError> {
        let tls = tls.filter(|_| url.is_secure()).cloned();
        if url.is_secure() && tls.is_none() {
            let expected = "https needs TLS_CLIENT_CA, the authority of the backend's certificate";
            return Err(StartError::setting(variable, url, expected));
        }
        let balancer = Balancer::start(url, tls);
        Ok(Self::over(name, balancer, ClientMetrics::default()))
    }

    /// The same channel, whose calls are counted among these metrics.
    #[must_use]
    pub fn measured(&self, metrics: &Metrics) -> Self {
        let (name, balancer) = (self.shared.name, Arc::clone(&self.shared.balancer));
        for failure in Failure::RETRIED {
            metrics.client.begin_retries(name, failure.name());
        }
        Self::over(name, balancer, metrics.client.clone())
    }

    /// The same backend over other connections, for streams that would take the room of calls.
    #[must_use]
    pub fn with_own_connections(&self) -> Self {
        let metrics = self.shared.metrics.clone();
        Self::over(self.shared.name, self.shared.balancer.another(), metrics)
    }

    fn over(name: &'static str, balancer: Arc<Balancer>, metrics: ClientMetrics) -> Self {
        let budget = TpsBudget::new(Duration::from_secs(10), 1, RETRY_SHARE);
        Self {
            shared: Arc::new(Shared {
                name,
                balancer,
                budget,
                metrics,
            }),
        }
    }
}

impl Service<Request<Body>> for Channel {
    type Response = Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Body>, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move { shared.call(request).await })
    }
}

impl Shared {
    /// A call, told of in metrics and traces.
    async fn call(&self, mut request: Request<Body>) -> Result<Response<Body>, Status> {
        let began = Instant::now();
        let path = request.uri().path().to_owned();
        let (service, method) = calls::names(&path);
        let span = trace::outgoing(service, method, request.headers_mut());
        let answer = self.bounded(request).instrument(span.clone()).await;
        let code = match &answer {
            Ok(response) => calls::code(response.headers()),
            Err(status) => status.code(),
        };
        trace::ended(&span, code);
        let labels = calls::labels(service, method, code);
        self.metrics.calls.observe(&labels, began.elapsed());
        answer
    }

    async fn bounded(&self, request: Request<Body>) -> Result<Response<Body>, Status> {
        let asked = timeout::read(request.headers()).ok().flatten();
        let deadline = Instant::now() + asked.unwrap_or(DEFAULT_TIMEOUT);
        match timeout_at(deadline, self.attempts(request, deadline)).await {
            Ok(answer) => answer,
            Err(_) => Err(self.too_slow()),
        }
    }

    async fn attempts(
        &self,
        request: Request<Body>,
        deadline: Instant,
    ) -> Result<Response<Body>, Status> {
        let call = Call::keep(request).await?;
        let mut tried = Vec::new();
        self.budget.deposit();
        loop {
            let Some(peer) = self.balancer.pick(&tried).await else {
                return Err(self.unreachable());
            };
            tried.push(peer.address());
            let error = match attempt(&peer, call.request(deadline)).await {
                Ok(response) => {
                    peer.readmit();
                    return Ok(response);
                }
                Err(error) => error,
            };
            let failure = Failure::of(&error);
            tracing::debug!(backend = self.name, address = %peer.address(), ?failure, %error, "attempt failed");
            match failure {
                Failure::Connect => peer.eject(),
                Failure::TooSlow => return Err(self.too_slow()),
                Failure::Unprocessed | Failure::Broken => {}
            }
            let again = failure != Failure::Broken || call.repeatable;
            if !again || tried.len() == MAX_ATTEMPTS || !self.budget.withdraw() {
                return Err(self.unreachable());
            }
            self.metrics.count_retry(self.name, failure.name());
        }
    }

    fn too_slow(&self) -> Status {
        status::error(
            Code::DeadlineExceeded,
            "BACKEND_TOO_SLOW",
            format!("the {} backend did not answer in time", self.name),
        )
    }

    fn unreachable(&self) -> Status {
        status::unavailable(
            "BACKEND_UNREACHABLE",
            format!("the {} backend is out of reach", self.name),
        )
    }
}

async fn attempt(
    peer: &Arc<Peer>,
    request: Request<Body>,
) -> Result<Response<Body>, tonic::transport::Error> {
    let _in_flight = peer.begin();
    peer.channel.clone().oneshot(request).await
}

/// A call that can be made several times.
struct Call {
    head: http::request::Parts,
    message: Bytes,
    repeatable: bool,
}

impl Call {
    async fn keep(request: Request<Body>) -> Result<Self, Status> {
        let (head, body) = request.into_parts();
        let message = body.collect().await?.to_bytes();
        let method = head.uri.path().rsplit('/').next().unwrap_or_default();
        let reads = ["Get", "List", "Search", "Watch"]
            .iter()
            .any(|verb| method.starts_with(verb));
        let repeatable = reads || head.extensions.get::<Idempotent>().is_some();
        Ok(Self {
            head,
            message,
            repeatable,
        })
    }

    fn request(&self, deadline: Instant) -> Request<Body> {
        let mut head = self.head.clone();
        timeout::write(
            &mut head.headers,
            deadline.saturating_duration_since(Instant::now()),
        );
        Request::from_parts(head, Body::new(Full::new(self.message.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_a_host_and_a_port_and_nothing_else() {
        let url: BackendUrl = "http://thoughts-service:8000".parse().unwrap();
        assert_eq!((url.host(), url.port()), ("thoughts-service", 8000));
        let url: BackendUrl = "http://[::1]:8000/".parse().unwrap();
        assert_eq!(url.host(), "::1");
        for wrong in [
            "",
            "thoughts:8000",
            "http://thoughts",
            "http://:8000",
            "ftp://a:1",
            "http://a:1/b",
            "http://a:b@c:1",
        ] {
            assert!(wrong.parse::<BackendUrl>().is_err(), "{wrong}");
        }
    }
}
