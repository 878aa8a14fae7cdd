//! The end of an author: everything deleted, and a mark by which the schema refuses what comes
//! later, whoever writes it (see the migration `purged_authors`).

use database::{Engine, Error};
use runtime::clock::Timestamp;
use uuid::Uuid;

use super::{Store, changes, sqlite};

/// Waits for the author's writers who are under way, and holds back those who come now.
const LOCK_OUT: &str = "SELECT pg_advisory_xact_lock(uuid_hash_extended($1, 0))";

/// What the schema does for each writer, for those that hold rows by then: they do it first, or they
/// and a purge would wait for each other.
pub(super) const HOLD_OFF: &str = "SELECT pg_advisory_xact_lock_shared(uuid_hash_extended($1, 0))";

const MARK: &str = "
    INSERT INTO purged_authors (author_id, purge_time) VALUES ($1, $2)
    ON CONFLICT (author_id) DO NOTHING";

pub(super) const FIND_MARK: &str = "SELECT purge_time FROM purged_authors WHERE author_id = $1";

const DELETE_THOUGHTS: &str = "
    DELETE FROM thoughts WHERE position IN (
        SELECT position FROM thoughts WHERE author_id = $1 ORDER BY position LIMIT $2
    )";

const DELETE_TRASH: &str = "
    DELETE FROM trash WHERE position IN (
        SELECT position FROM trash WHERE author_id = $1 ORDER BY -position LIMIT $2
    )";

const DELETE_REVISIONS: &str = "
    DELETE FROM thought_revisions WHERE (thought_id, create_time) IN (
        SELECT thought_id, create_time FROM thought_revisions WHERE author_id = $1 LIMIT $2
    )";

const DELETE_REQUESTS: &str = "
    DELETE FROM creation_requests WHERE author_id = $1 AND request_id IN (
        SELECT request_id FROM creation_requests WHERE author_id = $1 ORDER BY request_id LIMIT $2
    )";

/// So many thoughts are deleted in one transaction, which is short of a second on either engine:
/// on SQLite everybody else who writes waits for it.
const BATCH: i64 = 5_000;

impl Store {
    /// Deletes everything of an author, and refuses what the author writes later.
    ///
    /// The mark and the first few thousand thoughts are one transaction; more follow in others.
    /// Wherever this is broken off the mark stays, and the same again goes on.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn purge_author(&self, author: Uuid, now: Timestamp) -> Result<(), Error> {
        while self.purge_some(author, now).await? {}
        Ok(())
    }

    /// Whether that author was purged.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn is_purged(&self, author: Uuid) -> Result<bool, Error> {
        let mark: Option<(i64,)> = database::read!(self.database, |conn| {
            sqlx::query_as(FIND_MARK)
                .bind(author)
                .fetch_optional(&mut *conn)
                .await
        })?;
        Ok(mark.is_some())
    }

    /// One transaction of a purge; whether there may be more to delete.
    pub(super) async fn purge_some(&self, author: Uuid, now: Timestamp) -> Result<bool, Error> {
        let engine = self.database.engine();
        change!(self, |conn| {
            match engine {
                Engine::Postgres => {
                    let lock = sqlx::query(LOCK_OUT).bind(author);
                    lock.execute(&mut *conn).await?;
                }
                Engine::Sqlite => {
                    let index = sqlx::query(sqlite::REMOVE_OF_AUTHOR).bind(author);
                    index.bind(BATCH).execute(&mut *conn).await?;
                }
            }
            let mark = sqlx::query(MARK).bind(author).bind(now.as_micros());
            mark.execute(&mut *conn).await?;
            let mut more = false;
            // The trash after the thoughts: one that is being moved there is waited for, and met.
            for delete in [
                DELETE_THOUGHTS,
                DELETE_TRASH,
                DELETE_REVISIONS,
                DELETE_REQUESTS,
                // Last: an administrator may just have removed something.
                changes::erase(engine),
            ] {
                let delete = sqlx::query(delete).bind(author).bind(BATCH);
                let deleted = delete.execute(&mut *conn).await?.rows_affected();
                more |= i64::try_from(deleted).is_ok_and(|deleted| deleted >= BATCH);
            }
            Ok(more)
        })
    }
}
