//! A pool whose use is measured.

use std::{fmt, ops::Deref, sync::Arc};

use prometheus_client::metrics::{counter::Counter, gauge::Gauge, histogram::Histogram};
use sqlx::pool::PoolConnection;
use tokio::time::Instant;

/// Bounds of the buckets for waiting, in seconds: from a connection that is free to the longest that
/// anybody waits.
const BUCKETS: [f64; 8] = [0.0001, 0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 2.0];

/// A pool of connections, and what becomes of those who ask for one. Cheap to clone.
///
/// It is the `sqlx` pool that it holds, but for [`Pool::acquire`].
pub struct Pool<D: sqlx::Database> {
    pool: sqlx::Pool<D>,
    pub(crate) usage: Arc<Usage>,
}

/// How a pool has been used so far.
#[derive(Debug)]
pub(crate) struct Usage {
    /// What tells it apart from the other pools of the same database.
    pub(crate) name: &'static str,
    pub(crate) waiting: Gauge,
    pub(crate) seconds: Histogram,
    pub(crate) failures: Counter,
    /// Transactions that were made again.
    pub(crate) retries: Counter,
}

impl<D: sqlx::Database> Pool<D> {
    /// Measures the use of a pool; `name` tells it apart from the others of the same database.
    #[must_use]
    pub fn new(name: &'static str, pool: sqlx::Pool<D>) -> Self {
        let usage = Usage {
            name,
            waiting: Gauge::default(),
            seconds: Histogram::new(BUCKETS),
            failures: Counter::default(),
            retries: Counter::default(),
        };
        let usage = Arc::new(usage);
        Self { pool, usage }
    }

    /// A connection, when there is one.
    ///
    /// # Errors
    ///
    /// There is none in good time, or the database cannot be connected to.
    pub async fn acquire(&self) -> Result<PoolConnection<D>, sqlx::Error> {
        let began = Instant::now();
        let _waiting = Waiting::new(&self.usage.waiting);
        let acquired = self.pool.acquire().await;
        self.usage.seconds.observe(began.elapsed().as_secs_f64());
        if acquired.is_err() {
            self.usage.failures.inc();
        }
        acquired
    }
}

impl<D: sqlx::Database> Deref for Pool<D> {
    type Target = sqlx::Pool<D>;

    fn deref(&self) -> &sqlx::Pool<D> {
        &self.pool
    }
}

impl<D: sqlx::Database> Clone for Pool<D> {
    fn clone(&self) -> Self {
        Self {
            pool: self.pool.clone(),
            usage: Arc::clone(&self.usage),
        }
    }
}

impl<D: sqlx::Database> fmt::Debug for Pool<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pool.fmt(f)
    }
}

/// Somebody who waits for a connection, or has given up.
struct Waiting<'a>(&'a Gauge);

impl<'a> Waiting<'a> {
    fn new(gauge: &'a Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}
