//! The addresses behind a name, and which of them the next call goes to.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::{
    net::lookup_host,
    sync::watch,
    time::{Instant, sleep, timeout},
};
use tonic::transport::{Channel, Endpoint, Uri};

use super::client::BackendUrl;
use crate::tls::ClientTls;

/// How often the name is looked up.
const RESOLVE_INTERVAL: Duration = Duration::from_secs(3);

/// How soon again while it has no address.
const RESOLVE_INTERVAL_EMPTY: Duration = Duration::from_millis(500);

/// How long a look-up may take.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long an address that cannot be connected to is left alone.
const EJECTION: Duration = Duration::from_secs(1);

/// A connection whose other end is gone is noticed within the sum of these.
const PING_INTERVAL: Duration = Duration::from_secs(10);
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// The connections to the addresses of one backend.
pub(super) struct Balancer {
    url: BackendUrl,
    tls: Option<ClientTls>,
    peers: ArcSwap<Vec<Arc<Peer>>>,
    /// Turns true once the name has been looked up, with or without success.
    resolved: watch::Sender<bool>,
    /// Whether the last look-up had no success, which is said once and not each time.
    lost: AtomicBool,
}

/// One address.
pub(super) struct Peer {
    address: SocketAddr,
    pub(super) channel: Channel,
    in_flight: AtomicUsize,
    ejected_until: Mutex<Option<Instant>>,
}

impl Balancer {
    /// Begins to look the name up, again and again, for as long as somebody uses the balancer.
    pub(super) fn start(url: BackendUrl, tls: Option<ClientTls>) -> Arc<Self> {
        let balancer = Arc::new(Self {
            url,
            tls,
            peers: ArcSwap::default(),
            resolved: watch::Sender::new(false),
            lost: AtomicBool::new(false),
        });
        let weak = Arc::downgrade(&balancer);
        tokio::spawn(async move {
            while let Some(balancer) = weak.upgrade() {
                balancer.resolve().await;
                let empty = balancer.peers.load().is_empty();
                drop(balancer);
                sleep(if empty {
                    RESOLVE_INTERVAL_EMPTY
                } else {
                    RESOLVE_INTERVAL
                })
                .await;
            }
        });
        balancer
    }

    /// The same name, with connections of its own.
    pub(super) fn another(&self) -> Arc<Self> {
        Self::start(self.url.clone(), self.tls.clone())
    }

    /// The address for the next call that has not been tried for it yet, if there is one: the less
    /// busy of two drawn by chance among those that are not ejected.
    pub(super) async fn pick(&self, tried: &[SocketAddr]) -> Option<Arc<Peer>> {
        // The sender lives as long as this balancer, so waiting cannot fail.
        let _ = self
            .resolved
            .subscribe()
            .wait_for(|resolved| *resolved)
            .await;
        let peers = self.peers.load();
        let now = Instant::now();
        let untried: Vec<_> = peers
            .iter()
            .filter(|peer| !tried.contains(&peer.address))
            .collect();
        let healthy: Vec<_> = untried
            .iter()
            .copied()
            .filter(|peer| !peer.ejected(now))
            .collect();
        let all: Vec<_> = peers.iter().collect();
        // An ejected address may work again by now; one that has just failed this call hardly does.
        [healthy, untried, all]
            .iter()
            .find_map(|peers| less_busy(peers))
            .map(Arc::clone)
    }

    async fn resolve(&self) {
        let host = self.url.host();
        let found = timeout(RESOLVE_TIMEOUT, lookup_host((host, self.url.port()))).await;
        let was_lost = self
            .lost
            .swap(!matches!(found, Ok(Ok(_))), Ordering::Relaxed);
        match found {
            Ok(Ok(addresses)) => {
                if was_lost {
                    tracing::info!(host, "the name is found again");
                }
                self.update(addresses.collect());
            }
            _ if was_lost => {}
            Ok(Err(error)) => tracing::warn!(host, %error, "name not found"),
            Err(_) => tracing::warn!(host, "the look-up of a name takes too long"),
        }
        self.resolved.send_replace(true);
    }

    /// Keeps the connections to addresses that stay. An empty answer changes nothing: the old
    /// addresses may well work, and nothing else does.
    fn update(&self, mut addresses: Vec<SocketAddr>) {
        addresses.sort_unstable();
        addresses.dedup();
        let old = self.peers.load();
        let unchanged = old
            .iter()
            .map(|peer| peer.address)
            .eq(addresses.iter().copied());
        if addresses.is_empty() || unchanged {
            return;
        }
        let known: HashMap<_, _> = old.iter().map(|peer| (peer.address, peer)).collect();
        let peers = addresses.iter().map(|address| match known.get(address) {
            Some(peer) => Arc::clone(peer),
            None => Arc::new(self.connect(*address)),
        });
        self.peers.store(Arc::new(peers.collect()));
    }
}

impl Balancer {
    fn connect(&self, address: SocketAddr) -> Peer {
        let endpoint = Endpoint::from(uri_of(address))
            .origin(self.url.uri().clone())
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            .keep_alive_while_idle(true);
        let channel = match &self.tls {
            None => endpoint.connect_lazy(),
            Some(tls) => {
                endpoint.connect_with_connector_lazy(tls.connector(address, self.url.host()))
            }
        };
        Peer {
            address,
            channel,
            in_flight: AtomicUsize::new(0),
            ejected_until: Mutex::new(None),
        }
    }
}

impl Peer {
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Counts a call to this address until the guard is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(Arc::clone(self))
    }

    /// Leaves the address alone for a while.
    pub(super) fn eject(&self) {
        *self.ejection() = Some(Instant::now() + EJECTION);
    }

    /// It answers: calls go to it again.
    pub(super) fn readmit(&self) {
        *self.ejection() = None;
    }

    fn ejected(&self, now: Instant) -> bool {
        self.ejection().is_some_and(|until| now < until)
    }

    fn ejection(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.ejected_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn load(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }
}

/// A call that is under way.
pub(super) struct InFlight(Arc<Peer>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

fn less_busy<'a>(peers: &[&'a Arc<Peer>]) -> Option<&'a Arc<Peer>> {
    let [one, other] = two_of(peers.len())?;
    let (one, other) = (peers[one], peers[other]);
    Some(if other.load() < one.load() {
        other
    } else {
        one
    })
}

/// Two different places of `0..count` by chance, or twice the only one.
fn two_of(count: usize) -> Option<[usize; 2]> {
    if count == 0 {
        return None;
    }
    let random = uuid::Uuid::new_v4().as_u128();
    let first = usize::try_from(random & 0xffff_ffff).unwrap_or_default() % count;
    let step = usize::try_from((random >> 32) & 0xffff).unwrap_or_default()
        % count.saturating_sub(1).max(1);
    let second = if count == 1 {
        first
    } else {
        (first + 1 + step) % count
    };
    Some([first, second])
}

/// Where to connect to. TLS is the connector's business, so the scheme is the same with it.
fn uri_of(address: SocketAddr) -> Uri {
    let uri = Uri::builder()
        .scheme("http")
        .authority(address.to_string())
        .path_and_query("/")
        .build();
    // An address and a port always make an authority.
    uri.unwrap_or_default()
}
