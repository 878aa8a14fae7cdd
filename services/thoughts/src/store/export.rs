//! Everything of one author, oldest first.

use database::Error;
use runtime::clock::Timestamp;
use uuid::Uuid;

use super::{Store, read_trash::MaybeTrashed};
use crate::thought::Thought;

/// Both in one statement, by position, which a thought keeps when it is moved: so it is in one part
/// of an export, wherever it is by then.
const EXPORT: &str = "
    SELECT listed.*, EXISTS (
        SELECT 1 FROM thought_revisions AS r WHERE r.thought_id = listed.id
    ) AS changed
    FROM (
        SELECT * FROM (
            SELECT position, id, author_id, author, text, visibility, update_time,
                CAST(NULL AS BIGINT) AS delete_time, CAST(NULL AS BIGINT) AS expire_time,
                FALSE AS removed
            FROM thoughts WHERE author_id = $1 AND position > $2
            ORDER BY position LIMIT $3
        ) AS kept
        UNION ALL
        SELECT * FROM (
            SELECT position, id, author_id, author, text, visibility, update_time,
                delete_time, expire_time, removed
            FROM trash WHERE author_id = $1 AND -position < -$2 AND $4 AND expire_time > $5
            ORDER BY -position DESC LIMIT $3
        ) AS lying
    ) AS listed
    ORDER BY position LIMIT $3";

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(flatten)]
    found: MaybeTrashed,
    changed: bool,
}

impl Store {
    /// The author's next thoughts behind a position, with whether each was ever changed; with those
    /// in the trash, if so.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn export(
        &self,
        author: Uuid,
        trash: bool,
        behind: Option<i64>,
        limit: i64,
        now: Timestamp,
    ) -> Result<Vec<(Thought, bool)>, Error> {
        let rows: Vec<Row> = database::read!(self.database, |conn| {
            sqlx::query_as(EXPORT)
                .bind(author)
                // It can be negated, other than the least.
                .bind(behind.unwrap_or(-i64::MAX))
                .bind(limit)
                .bind(trash)
                .bind(now.as_micros())
                .fetch_all(&mut *conn)
                .await
        })?;
        let thoughts = rows.into_iter().map(|row| (row.found.into(), row.changed));
        Ok(thoughts.collect())
    }
}
