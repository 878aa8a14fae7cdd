//! Every SQL statement, and what becomes of rows.
//!
//! One text serves both engines (`lists`, `read`, `read_trash`, `write`, `update`, `trash`, `revisions`,
//! `tags`, `export`, `import`, `purge`, `changes`, `service_token`), except for `search`: what each does
//! for it is in `postgres` and `sqlite`, which lie beside each other.

#[macro_use]
mod macros;

mod changes;
mod export;
mod import;
mod lists;
mod merging;
mod places;
mod postgres;
mod purge;
mod read;
mod read_trash;
mod revisions;
mod search;
mod service_token;
mod sqlite;
mod tags;
mod trash;
mod update;
mod write;

use std::{sync::Arc, time::Duration};

use database::{Database, DatabaseUrl, LeftOut, MAX_LAG, Migrations, Replica};
use prometheus_client::registry::Registry;
use tokio::sync::Mutex;
use uuid::Uuid;

pub use self::changes::Listener;
use crate::thought::Thought;

/// The thoughts of one database.
#[derive(Clone, Debug)]
pub struct Store {
    database: Database,
    replica: Option<Replica>,
    effort: search::Effort,
    importing: Arc<Mutex<()>>,
    changed: changes::Changed,
}

/// A repeatable creation: the same author and id never make a second thought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreationRequest {
    /// The caller's id for it.
    pub id: Uuid,
    /// SHA-256 of what was asked for, which a repeat is compared with.
    pub request_hash: [u8; 32],
}

/// What became of a creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// The thought is there now, with the time it was given.
    New(Thought),
    /// An earlier call with the same request id and text made this thought.
    Before(Thought),
    /// The request id stands for another text.
    OtherText,
    /// An earlier call made a thought, which has been deleted since.
    Gone,
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Updated {
    /// The thought is so now, or was before.
    Done(Thought),
    /// The thought is not what the change was made from. Nothing has happened.
    Stale,
}

/// The steps that bring a database to the schema of this store.
#[must_use]
pub fn migrations() -> Migrations {
    Migrations::new(
        sqlx::migrate!("migrations/sqlite"),
        sqlx::migrate!("migrations/postgres"),
    )
}

/// What is not copied from one database to another.
pub const LEFT_OUT: [LeftOut; 3] = [
    LeftOut {
        table: "changes",
        why: "the log of a day, which begins anew: watchers load again",
    },
    LeftOut {
        table: "change_log",
        why: "the new log has its own",
    },
    LeftOut {
        table: "thoughts_pieces",
        why: "an index, of which PostgreSQL has another",
    },
];

impl Store {
    /// Opens the database at `url`; see [`Database::open`].
    ///
    /// # Errors
    ///
    /// One line that says why the database cannot be used.
    pub async fn open(
        url: &DatabaseUrl,
        cancelled: impl Future<Output = ()>,
    ) -> Result<Self, String> {
        let opened = Database::open(url, &migrations(), cancelled).await;
        let store = Self {
            database: opened.map_err(|error| error.to_string())?,
            replica: None,
            effort: search::Effort::default(),
            importing: Arc::default(),
            changed: changes::Changed::new(),
        };
        match store.settle_log().await {
            Ok(()) => Ok(store),
            Err(error) => Err(format!("cannot use {url}: {error}")),
        }
    }

    /// The same with replicas, from which [`Store::read_a_little_old`] reads while they are followed
    /// by [`Store::follow_replica`].
    #[must_use]
    pub fn with_replica(self, replica: Option<Replica>) -> Self {
        Self { replica, ..self }
    }

    /// Keeps looking how far the replicas are, if there are any.
    pub async fn follow_replica(&self) {
        if let Some(replica) = &self.replica {
            replica.follow(&self.database).await;
        }
    }

    /// How old what is read from replicas may be.
    #[must_use]
    pub fn lag(&self) -> Duration {
        // They are looked at each second, for a second.
        let looking = Duration::from_secs(2);
        let lag = self.replica.as_ref().map(|_| MAX_LAG + looking);
        lag.unwrap_or_default()
    }

    /// Reads what may be some seconds old: from a replica that is well, or else from the primary.
    /// `read` is given the store to read from, on which nothing can be written.
    ///
    /// # Errors
    ///
    /// The primary's.
    pub async fn read_a_little_old<T, F>(
        &self,
        read: impl Fn(Self) -> F,
    ) -> Result<T, database::Error>
    where
        F: Future<Output = Result<T, database::Error>>,
    {
        if let Some(replica) = &self.replica {
            let store = Self {
                database: replica.database(),
                replica: None,
                ..self.clone()
            };
            if let Some(found) = replica.read(read(store)).await {
                return Ok(found);
            }
        }
        read(self.clone()).await
    }

    /// Whether there is anything to be read: the database answers, or while it is away its replicas
    /// do.
    ///
    /// # Errors
    ///
    /// Nobody does.
    pub async fn is_there(&self) -> Result<(), database::Error> {
        match self.database.ping().await {
            Err(_) if self.replica.as_ref().is_some_and(Replica::is_in_use) => Ok(()),
            answer => answer,
        }
    }

    /// Adds the metrics of the database's connections.
    pub fn register(&self, registry: &mut Registry) {
        let replicas = self.replica.as_ref().map(Replica::database);
        database::register(
            registry,
            replicas.into_iter().chain([self.database.clone()]),
        );
    }

    /// Closes every connection.
    pub async fn close(&self) {
        if let Some(replica) = &self.replica {
            replica.close().await;
        }
        self.database.close().await;
    }
}

#[cfg(test)]
mod change_tests;
#[cfg(test)]
mod copy_tests;
#[cfg(test)]
mod import_tests;
#[cfg(test)]
mod keeping_tests;
#[cfg(test)]
mod language_tests;
#[cfg(test)]
mod list_tests;
#[cfg(test)]
mod merging_tests;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod purge_tests;
#[cfg(test)]
mod search_tests;
#[cfg(test)]
mod service_token_tests;
#[cfg(test)]
mod tag_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod upgrade_tests;
