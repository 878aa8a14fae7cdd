//! Keeping the index of words in few parts.
//!
//! FTS5 writes each transaction's words as a part (a *segment*) of its own and merges four of a kind
//! into one as it goes, so that a search has to look into a number of parts that grows with the
//! thoughts. Merged by two, in the quiet, they become few.

use database::{Engine, Error};

use super::Store;

/// FTS5's [`merge`](https://sqlite.org/fts5.html#the_merge_command), of so many pages (of 4 kB) that
/// writers wait for some milliseconds.
const MERGE: &str = "INSERT INTO thoughts_pieces (thoughts_pieces, rank) VALUES ('merge', 500)";

/// A merge that found nothing to do has changed one row, the command's own.
const CHANGES: &str = "SELECT total_changes()";

impl Store {
    /// Merges a little of the index; whether there is more to merge. On PostgreSQL there never is:
    /// autovacuum does it.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn merge_index(&self) -> Result<bool, Error> {
        if self.database.engine() == Engine::Postgres {
            return Ok(false);
        }
        database::write!(self.database, |conn| {
            let before: i64 = sqlx::query_scalar(CHANGES).fetch_one(&mut *conn).await?;
            sqlx::query(MERGE).execute(&mut *conn).await?;
            let after: i64 = sqlx::query_scalar(CHANGES).fetch_one(&mut *conn).await?;
            Ok(after - before > 1)
        })
    }
}
