//! Everything that this service keeps in the database: every statement of it.
//!
//! Each file beside this one has a subject; `macros` has the steps that they share.

use database::{Database, Migrations};
use prometheus_client::registry::Registry;

#[macro_use]
mod macros;
mod accounts;
mod invitations;
mod keys;
mod limits;
mod people;
mod personal_tokens;
mod purges;
mod sessions;
mod setup;
#[cfg(test)]
mod tests;

pub use self::accounts::Added;

/// The schema that the statements below are written for.
pub fn migrations() -> Migrations {
    Migrations::new(
        sqlx::migrate!("migrations/sqlite"),
        sqlx::migrate!("migrations/postgres"),
    )
}

/// The accounts of one database.
#[derive(Debug, Clone)]
pub struct Store {
    database: Database,
}

impl Store {
    /// The store in a database that [`migrations`] have brought up to date.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Whether the database answers.
    ///
    /// # Errors
    ///
    /// It does not.
    pub async fn is_there(&self) -> Result<(), database::Error> {
        self.database.ping().await
    }

    /// Adds the metrics of the database's connections.
    pub fn register(&self, registry: &mut Registry) {
        database::register(registry, [self.database.clone()]);
    }

    /// Closes the connections, after the statements that are under way.
    pub async fn close(&self) {
        self.database.close().await;
    }
}
