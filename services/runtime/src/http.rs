//! The connections below gRPC and pages: accepted, bounded, and let go.
//!
//! hyper is driven here rather than by tonic or axum because their servers leave some of its
//! guards off: a peer that stays silent, sends a header byte by byte or resets stream after stream
//! is shown the door, and no peer can hold up the end of the process.
//!
//! Every request carries its peer's address, as axum's `ConnectInfo<SocketAddr>`, and [`Certified`]
//! where the peer has shown a certificate that was asked for.

mod drivers;

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    response::Response,
};
use futures_util::{FutureExt as _, future::BoxFuture};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep, sleep_until, timeout, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

pub(crate) use self::drivers::Protocol;
use self::drivers::{Driver, Drivers};
use crate::{
    metrics::{Counted, Metrics},
    tls::{Certified, ServerTls},
};

/// How long a peer may take for the first request, or for the head of a later one.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long open connections may take to finish what they do when the service stops.
const DRAIN: Duration = Duration::from_secs(15);

/// How long a peer that has not spoken yet may still do so when the service stops.
const LAST_WORD: Duration = Duration::from_secs(1);

/// After this long a connection is asked to come again, so that load follows new replicas.
const MAX_AGE: Duration = Duration::from_secs(300);

/// Serves pages until `shutdown`, then lets running requests finish.
pub async fn serve_web(
    listener: TcpListener,
    router: Router,
    metrics: &Metrics,
    shutdown: CancellationToken,
) {
    serve(
        listener,
        router,
        Protocol::Web,
        None,
        Some(metrics),
        shutdown,
    )
    .await;
}

/// Serves the operations port.
pub(crate) async fn serve_plain(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
) {
    serve(listener, router, Protocol::Web, None, None, shutdown).await;
}

pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    protocol: Protocol,
    tls: Option<ServerTls>,
    metrics: Option<&Metrics>,
    shutdown: CancellationToken,
) {
    let router = router.with_state(());
    let drivers = Arc::new(Drivers::new(protocol));
    let connections = TaskTracker::new();
    // Cancelled when the drain's time is over: whatever is still open then is dropped.
    let hard = CancellationToken::new();
    while let Some((stream, peer)) = shutdown.run_until_cancelled(accept(&listener)).await {
        let connection = Connection {
            router: router.clone(),
            peer,
            tls: tls.clone(),
            soft: shutdown.clone(),
        };
        let open = metrics.map(|metrics| Counted::new(&metrics.connections));
        let hard = hard.clone();
        let served = connection.serve(Arc::clone(&drivers), stream);
        connections.spawn(async move {
            let _open = open;
            hard.run_until_cancelled(served).await;
        });
    }
    drop(listener);
    connections.close();
    if timeout(DRAIN, connections.wait()).await.is_err() {
        tracing::warn!(
            left = connections.len(),
            "connections did not end in time and are dropped"
        );
        hard.cancel();
        connections.wait().await;
    }
}

/// The next connection. Errors here (a peer gone already, too many open files) pass by.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

struct Connection {
    router: Router,
    peer: SocketAddr,
    tls: Option<ServerTls>,
    soft: CancellationToken,
}

impl Connection {
    /// Speaks until the connection ends. In a box for each kind, so that none takes the room of the
    /// largest: thousands may be open, with nothing to do.
    fn serve(mut self, drivers: Arc<Drivers>, stream: TcpStream) -> BoxFuture<'static, ()> {
        // Answers are small and wanted at once; without this they wait for an acknowledgement.
        let _ = stream.set_nodelay(true);
        match self.tls.take() {
            None => self.plain(drivers, stream).boxed(),
            Some(tls) => self.secured(drivers, stream, tls).boxed(),
        }
    }

    async fn plain(self, drivers: Arc<Drivers>, stream: TcpStream) {
        let silent_until = Instant::now() + HEAD_TIMEOUT;
        let driver = timeout_at(silent_until, drivers.driver_for(&stream));
        let driver = match self.soft.run_until_cancelled(driver).await {
            Some(Ok(driver)) => driver,
            Some(Err(_)) => return,
            None => drivers.any(),
        };
        self.speak(driver, stream, None, silent_until).await;
    }

    async fn secured(self, drivers: Arc<Drivers>, stream: TcpStream, tls: ServerTls) {
        let secured = timeout(HEAD_TIMEOUT, tls.accept(stream, self.peer));
        let secured = secured.boxed().await;
        if let Some(stream) = secured.ok().flatten() {
            let silent_until = Instant::now() + HEAD_TIMEOUT;
            let certified = tls.certified();
            let speaks = self.speak(drivers.any(), stream, certified, silent_until);
            speaks.boxed().await;
        }
    }

    async fn speak(
        self,
        driver: &Driver,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        certified: Option<Certified>,
        silent_until: Instant,
    ) {
        let spoken = Arc::new(AtomicBool::new(false));
        let peer = (self.peer, certified);
        let service = service(self.router, peer, Arc::clone(&spoken));
        let mut connection = pin!(driver.serve_connection(TokioIo::new(stream), service));
        let mut silence = pin!(sleep_until(silent_until));
        let mut age = pin!(sleep_until(Instant::now() + jittered(MAX_AGE)));
        let mut soft = pin!(self.soft.cancelled());
        let mut ending = false;
        loop {
            let event = poll_fn(|context| {
                if connection.as_mut().poll(context).is_ready() {
                    return Poll::Ready(Event::Closed);
                }
                if !spoken.load(Ordering::Relaxed) && silence.as_mut().poll(context).is_ready() {
                    return Poll::Ready(Event::Silent);
                }
                let end = !ending
                    && (soft.as_mut().poll(context).is_ready()
                        || age.as_mut().poll(context).is_ready());
                if end {
                    Poll::Ready(Event::End)
                } else {
                    Poll::Pending
                }
            });
            match event.await {
                Event::Closed | Event::Silent => return,
                Event::End => {
                    ending = true;
                    // A request may be on its way; a peer that only keeps the line open is not
                    // waited for.
                    silence.as_mut().reset(Instant::now() + LAST_WORD);
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

enum Event {
    /// The peer or hyper has ended the connection.
    Closed,
    /// No request has come in time.
    Silent,
    /// The service stops, or the connection is old: finish what runs and take no more.
    End,
}

/// The router as hyper calls it; notes that the peer has spoken, and says who it is.
fn service(
    router: Router,
    (peer, certified): (SocketAddr, Option<Certified>),
    spoken: Arc<AtomicBool>,
) -> impl hyper::service::Service<
    Request<Incoming>,
    Response = Response,
    Error = Infallible,
    Future = impl Future<Output = Result<Response, Infallible>> + Send,
> {
    hyper::service::service_fn(move |request: Request<Incoming>| {
        spoken.store(true, Ordering::Relaxed);
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        if let Some(certified) = certified {
            request.extensions_mut().insert(certified);
        }
        router.clone().oneshot(request)
    })
}

/// A tenth more or less, so that the connections of a fleet do not all end at once.
fn jittered(duration: Duration) -> Duration {
    let random = uuid::Uuid::new_v4().as_bytes()[0];
    let factor = 0.9 + 0.2 * f64::from(random) / 255.0;
    duration.mul_f64(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thousands of them wait for what comes: each page of memory counts.
    #[tokio::test]
    async fn p09_a_plain_connection_takes_no_room_for_others() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connection = Connection {
            router: Router::new(),
            peer: address,
            tls: None,
            soft: CancellationToken::new(),
        };
        let stream = TcpStream::connect(address).await.unwrap();
        let drivers = Arc::new(Drivers::new(Protocol::Web));
        let size = size_of_val(&connection.plain(drivers, stream));
        assert!(size <= 4096, "{size} bytes");
    }
}
