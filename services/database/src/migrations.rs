//! The steps that bring a database to the schema a program needs.

use sqlx::migrate::Migrator;

/// The migrations of one service, for each engine.
///
/// ```ignore
/// Migrations::new(
///     sqlx::migrate!("migrations/sqlite"),
///     sqlx::migrate!("migrations/postgres"),
/// )
/// ```
#[derive(Debug)]
pub struct Migrations {
    pub(crate) sqlite: Migrator,
    pub(crate) postgres: Migrator,
}

impl Migrations {
    /// Both folders, embedded with `sqlx::migrate!`.
    #[must_use]
    pub fn new(mut sqlite: Migrator, mut postgres: Migrator) -> Self {
        // A program goes on serving a schema newer than itself: during a rolling upgrade the old
        // replicas restart beside the new ones.
        sqlite.set_ignore_missing(true);
        postgres.set_ignore_missing(true);
        Self { sqlite, postgres }
    }
}
