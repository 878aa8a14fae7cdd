//! How far a primary and its replicas are, told by places in the primary's log.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sqlx::PgConnection;
use tokio::time::{Instant, timeout};

use super::{ANSWER, MAX_LAG};
use crate::Database;

/// How much the primary has written, and which database it is: a number that rises, and never comes
/// again in the same cluster.
const WRITTEN: &str = "
    SELECT system_identifier::TEXT || ' ' || (
        SELECT oid::TEXT FROM pg_database WHERE datname = current_database()
    ), (pg_current_wal_flush_lsn() - '0/0')::BIGINT
    FROM pg_control_system()";

/// The same of a replica: how much it has repeated. What is no replica any more, or never was one,
/// has everything that it has written itself.
const REPEATED: &str = "
    SELECT system_identifier::TEXT || ' ' || (
        SELECT oid::TEXT FROM pg_database WHERE datname = current_database()
    ), (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
        ELSE pg_current_wal_flush_lsn() END - '0/0')::BIGINT
    FROM pg_control_system()";

/// Why a connection is not read from.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfit {
    #[error("no answer")]
    Silent,
    #[error("{0}")]
    Away(#[from] sqlx::Error),
    #[error("it is more than {} s behind", MAX_LAG.as_secs())]
    Behind,
    #[error("it is no replica of this database")]
    Another,
    #[error("how far it should be is not known yet")]
    NothingKnown,
}

/// What a connection has to have: the place in the log that the primary had reached [`MAX_LAG`] ago.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted(Arc<Mutex<Option<Place>>>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    database: String,
    written: i64,
}

/// Where the primary was, the oldest first: not longer than [`MAX_LAG`] before the newest.
#[derive(Debug, Default)]
pub(super) struct Past(VecDeque<(Instant, Place)>);

impl Wanted {
    /// Whether a connection leads to a replica of the database that has what is wanted.
    pub(super) async fn examine(&self, connection: &mut PgConnection) -> Result<(), Unfit> {
        let asked = sqlx::query_as(REPEATED).fetch_one(connection);
        let (database, repeated): (String, Option<i64>) =
            timeout(ANSWER, asked).await.map_err(|_| Unfit::Silent)??;
        match &*self.lock() {
            None => Err(Unfit::NothingKnown),
            Some(wanted) if wanted.database != database => Err(Unfit::Another),
            Some(wanted) if repeated.is_none_or(|it| it < wanted.written) => Err(Unfit::Behind),
            Some(_) => Ok(()),
        }
    }

    /// Asks the primary where it is; what is wanted from now on, if it says so.
    pub(super) async fn learn(&self, primary: &Database, past: &mut Past) -> Option<Place> {
        let Database::Postgres(pool) = primary else {
            return None;
        };
        let asked_at = Instant::now();
        let asked = sqlx::query_as(WRITTEN).fetch_one(&**pool);
        let (database, written) = timeout(ANSWER, asked).await.ok()?.ok()?;
        Some(past.and(asked_at, Place { database, written }))
    }

    pub(super) fn set(&self, place: Place) {
        *self.lock() = Some(place);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Past {
    /// Adds where the primary is; where it was [`MAX_LAG`] ago, or since it is known.
    fn and(&mut self, now: Instant, place: Place) -> Place {
        if self
            .0
            .back()
            .is_some_and(|it| it.1.database != place.database)
        {
            self.0.clear();
        }
        while self.0.front().is_some_and(|it| it.0 + MAX_LAG < now) {
            self.0.pop_front();
        }
        self.0.push_back((now, place.clone()));
        self.0.front().map_or(place, |it| it.1.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_wanted_is_what_the_primary_had_some_seconds_ago() {
        let start = Instant::now();
        let mut past = Past::default();
        let mut wanted = |seconds, written| {
            let database = "a".to_owned();
            let at = start + Duration::from_secs(seconds);
            past.and(at, Place { database, written }).written
        };
        assert_eq!(wanted(0, 10), 10);
        assert_eq!(wanted(3, 20), 10);
        assert_eq!(wanted(5, 30), 10, "five seconds old");
        assert_eq!(wanted(6, 40), 20);
        assert_eq!(wanted(9, 50), 30);
        // Nothing was heard for a while.
        assert_eq!(wanted(60, 60), 60);
        assert_eq!(
            wanted(61, 5),
            60,
            "another is the primary now, which has less"
        );
        assert_eq!(wanted(66, 6), 5);
    }

    #[test]
    fn another_database_is_another_past() {
        let now = Instant::now();
        let place = |database: &str, written| Place {
            database: database.to_owned(),
            written,
        };
        let mut past = Past::default();
        past.and(now, place("a", 10));
        assert_eq!(past.and(now, place("b", 1)), place("b", 1));
    }
}
