//! Replicas for reading: PostgreSQL servers that follow the one that is written to.
//!
//! A replica is some moments behind, and may be away; so what is read there is what may be a little
//! old, and whoever reads falls back on the primary. [`Replica::follow`] looks each second how far
//! the replica is: it asks the primary how much it has written, and believes a replica that has
//! repeated what the primary had [`MAX_LAG`] ago. Times that replicas tell of themselves say nothing
//! when they hear of nothing new. While the primary is away, what it had written last is what counts.
//!
//! One address may lead to several replicas, a connection to each as it comes, so each connection is
//! looked at.

mod place;

use std::{iter, sync::Arc, time::Duration};

use futures_util::future::join_all;
use sqlx::{
    ConnectOptions as _, PgConnection, Postgres,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};

use self::place::{Past, Unfit, Wanted};
use crate::{Database, DatabaseUrl, Error, Pool, postgres::PLANNING, url::Location};

/// How old what is read from a replica may be.
pub const MAX_LAG: Duration = Duration::from_secs(5);
/// How often replicas are looked at.
const LOOK_EACH: Duration = Duration::from_secs(1);
/// How soon after something could not be read there.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// How long a replica may take to connect, or to say where it is.
const ANSWER: Duration = Duration::from_secs(1);
/// How long something may take to be read there, before the primary is asked instead.
const READ: Duration = Duration::from_secs(2);
/// How long a replica is left alone that answered with a defect, such as a privilege it lacks.
const LEFT_ALONE: Duration = Duration::from_secs(10);
/// How many connections are tried in one look: each may lead to another replica.
const TRIES: usize = 3;
/// How many connections a process keeps to its replicas at most.
const CONNECTIONS: u32 = 16;
/// A replica cannot write; what is taken for one by mistake must not.
const SETTINGS: [(&str, &str); 3] = [
    ("default_transaction_read_only", "on"),
    ("statement_timeout", "2s"),
    ("idle_in_transaction_session_timeout", "10s"),
];

/// Replicas of one database, at one address. Clones share the connections.
#[derive(Clone, Debug)]
pub struct Replica {
    url: DatabaseUrl,
    pool: Pool<Postgres>,
    options: PgConnectOptions,
    standing: Arc<watch::Sender<Standing>>,
    wanted: Wanted,
    /// That something could not be read, so that it is looked why.
    failed: Arc<Notify>,
}

/// Whether a replica is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Standing {
    Unknown,
    InUse,
    /// Why not, and until when it is not even looked at.
    Out(String, Option<Instant>),
}

impl Replica {
    /// The replicas at `url`; `None` if it is not PostgreSQL. Nothing is connected to before
    /// [`Replica::follow`] runs.
    #[must_use]
    pub fn new(url: &DatabaseUrl) -> Option<Self> {
        let Location::Postgres(options) = &url.0 else {
            return None;
        };
        let options = options.as_ref().clone();
        let options = options.options(SETTINGS).options(PLANNING);
        let wanted = Wanted::default();
        let checked = wanted.clone();
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ANSWER)
            .test_before_acquire(false)
            .after_connect(move |connection, _| {
                let wanted = checked.clone();
                Box::pin(async move {
                    let fit = wanted.examine(connection).await;
                    fit.map_err(|unfit| sqlx::Error::Configuration(unfit.into()))
                })
            })
            .connect_lazy_with(options.clone());
        Some(Self {
            url: url.clone(),
            pool: Pool::new("replicas", pool),
            options,
            standing: Arc::new(watch::Sender::new(Standing::Unknown)),
            wanted,
            failed: Arc::default(),
        })
    }

    /// What statements run on. They cannot write, and may find something that is a little old.
    #[must_use]
    pub fn database(&self) -> Database {
        Database::Postgres(self.pool.clone())
    }

    /// Whether something can be read there.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        *self.standing.borrow() == Standing::InUse
    }

    /// What `reading` finds on [`Replica::database`]; `None` if that is to be read on the primary
    /// instead, because there is nothing to be had here, or not in two seconds.
    pub async fn read<T>(&self, reading: impl Future<Output = Result<T, Error>>) -> Option<T> {
        if !self.is_in_use() {
            return None;
        }
        match timeout(READ, reading).await {
            Ok(Ok(found)) => return Some(found),
            // Read again by the primary, which nothing of the kind happens to: replicas cancel what
            // reads rows that are being cleared away.
            Ok(Err(Error::Conflict(_))) => {}
            Err(_) | Ok(Err(Error::Unavailable(_))) => self.failed.notify_one(),
            Ok(Err(error)) => {
                let until = Instant::now() + LEFT_ALONE;
                self.stands(Standing::Out(error.to_string(), Some(until)));
            }
        }
        None
    }

    /// Keeps looking how far the replicas are. For one task, which ends by being dropped.
    pub async fn follow(&self, primary: &Database) {
        let mut past = Past::default();
        let mut own = None;
        let mut tick = interval(LOOK_EACH);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = self.failed.notified() => sleep(LOOK_AGAIN).await,
            }
            if let Some(place) = self.wanted.learn(primary, &mut past).await {
                self.wanted.set(place);
            }
            self.look(&mut own).await;
        }
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Looks at each connection that nobody uses at the moment, and at one of its own.
    async fn look(&self, own: &mut Option<PgConnection>) {
        if matches!(&*self.standing.borrow(), Standing::Out(_, Some(until)) if *until > Instant::now())
        {
            return;
        }
        let idle = iter::from_fn(|| self.pool.try_acquire());
        join_all(idle.map(|mut connection| async move {
            if self.wanted.examine(&mut connection).await.is_err() {
                connection.close_on_drop();
            }
        }))
        .await;
        let standing = match self.look_at_one(own).await {
            Ok(()) => Standing::InUse,
            Err(unfit) => Standing::Out(unfit.to_string(), None),
        };
        self.stands(standing);
    }

    async fn look_at_one(&self, own: &mut Option<PgConnection>) -> Result<(), Unfit> {
        let mut outcome = Err(Unfit::Silent);
        for _ in 0..TRIES {
            let connected = match own.take() {
                Some(connection) => Ok(connection),
                None => match timeout(ANSWER, self.options.connect()).await {
                    Ok(connected) => connected.map_err(Unfit::from),
                    Err(_) => Err(Unfit::Silent),
                },
            };
            outcome = match connected {
                Ok(mut connection) => match self.wanted.examine(&mut connection).await {
                    Ok(()) => {
                        *own = Some(connection);
                        return Ok(());
                    }
                    Err(unfit) => Err(unfit),
                },
                Err(unfit) => Err(unfit),
            };
        }
        outcome
    }

    /// Says so when it is another than before.
    fn stands(&self, standing: Standing) {
        let database = &self.url;
        self.standing.send_if_modified(|before| {
            let changed = match (&*before, &standing) {
                (Standing::Out(before, _), Standing::Out(now, _)) => before != now,
                (before, now) => before != now,
            };
            match &standing {
                _ if !changed => {}
                Standing::InUse => tracing::info!(%database, "reading from replicas"),
                Standing::Out(reason, _) => {
                    tracing::warn!(%database, %reason, "replicas are not read from for now");
                }
                Standing::Unknown => {}
            }
            *before = standing;
            changed
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_has_no_replicas() {
        assert!(Replica::new(&DatabaseUrl::sqlite("thoughts.db")).is_none());
    }
}
