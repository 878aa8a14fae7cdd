//! Every SQL statement, and what becomes of rows.
//!
//! One text serves both engines (`read`, `read_trash`, `write`, `update`, `trash`, `revisions`,
//! `tags`, `export`, `import`, `purge`, `changes`, `service_token`), except for `search`: what each does
//! for it is in `postgres` and `sqlite`, which lie beside each other.

#[macro_use]
mod macros;

mod changes;
mod export;
mod import;
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

use std::sync::Arc;

use database::{Database, DatabaseUrl, Migrations};
use tokio::sync::Mutex;
use uuid::Uuid;

pub use self::changes::Listener;
use crate::thought::Thought;

/// The thoughts of one database.
#[derive(Clone, Debug)]
pub struct Store {
    database: Database,
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
            effort: search::Effort::default(),
            importing: Arc::default(),
            changed: changes::Changed::new(),
        };
        match postgres::finds_every_script(&store.database).await {
            Ok(true) => match store.settle_log().await {
                Ok(()) => Ok(store),
                Err(error) => Err(format!("cannot use {url}: {error}")),
            },
            Ok(false) => Err(format!(
                "cannot use {url}: its LC_CTYPE knows no letters beyond ASCII, so searches would \
                 find nothing; create the database with LOCALE 'C.UTF-8'"
            )),
            Err(error) => Err(format!("cannot use {url}: {error}")),
        }
    }

    /// Whether the database answers.
    ///
    /// # Errors
    ///
    /// It does not.
    pub async fn is_there(&self) -> Result<(), database::Error> {
        self.database.ping().await
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

#[cfg(test)]
mod change_tests;
#[cfg(test)]
mod keeping_tests;
#[cfg(test)]
mod language_tests;
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
