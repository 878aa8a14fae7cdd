//! Everything of one author, oldest first.

use database::Error;
use runtime::clock::Timestamp;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;
use uuid::Uuid;

use super::{Store, read::visibility};
use crate::{
    page::Place,
    thought::{Author, Thought},
    trash::Trashed,
};

/// All in one statement, by time and id, which a thought keeps when it is moved to the trash: so it is
/// in one part of an export, wherever it is by then. Those that were moved on from their time have an
/// index of their own, by time; of all others the position is the time.
/// Whether an author has changed anything at all is asked once, not for each thought.
const EXPORT: &str = "
    SELECT listed.*, (SELECT EXISTS (SELECT 1 FROM thought_revisions WHERE author_id = $1))
        AND EXISTS (SELECT 1 FROM thought_revisions AS r WHERE r.thought_id = listed.id) AS changed
    FROM (
        SELECT * FROM (
            SELECT position, moved_by, id, text, visibility, update_time,
                CAST(NULL AS BIGINT) AS delete_time, CAST(NULL AS BIGINT) AS expire_time,
                FALSE AS removed
            FROM thoughts
            WHERE author_id = $1 AND moved_by = 0 AND position >= $2 AND (position, id) > ($2, $6)
            ORDER BY position LIMIT $3
        ) AS kept
        UNION ALL
        SELECT * FROM (
            SELECT position, moved_by, id, text, visibility, update_time,
                CAST(NULL AS BIGINT) AS delete_time, CAST(NULL AS BIGINT) AS expire_time,
                FALSE AS removed
            FROM thoughts
            WHERE author_id = $1 AND moved_by > 0 AND (position - moved_by, id) > ($2, $6)
            ORDER BY position - moved_by, id LIMIT $3
        ) AS kept_and_moved
        UNION ALL
        SELECT * FROM (
            SELECT position, moved_by, id, text, visibility, update_time,
                delete_time, expire_time, removed
            FROM trash
            WHERE author_id = $1 AND moved_by = 0 AND -position <= -$2 AND (position, id) > ($2, $6)
                AND $4 AND expire_time > $5
            ORDER BY -position DESC LIMIT $3
        ) AS lying
        UNION ALL
        SELECT * FROM (
            SELECT position, moved_by, id, text, visibility, update_time,
                delete_time, expire_time, removed
            FROM trash
            WHERE author_id = $1 AND moved_by > 0 AND (position - moved_by, id) > ($2, $6)
                AND $4 AND expire_time > $5
            ORDER BY position - moved_by, id LIMIT $3
        ) AS lying_and_moved
    ) AS listed
    ORDER BY position - moved_by, id LIMIT $3";

/// In the order of the columns: finding ten of them by name takes longer than all else.
type Row = (
    i64,
    i64,
    Uuid,
    String,
    i16,
    i64,
    Option<i64>,
    Option<i64>,
    bool,
    bool,
);

impl Store {
    /// [`Store::export`], begun at once and not when the answer is awaited. It ends when that is
    /// given up.
    pub fn export_ahead(
        &self,
        author: Author,
        trash: bool,
        behind: Option<Place>,
        limit: i64,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<(Thought, bool)>, Error>> + Send + use<> {
        let store = self.clone();
        let reading = async move { store.export(&author, trash, behind, limit, now).await };
        let reading = AbortOnDropHandle::new(tokio::spawn(reading.in_current_span()));
        async move {
            let read = reading.await;
            read.unwrap_or(Err(sqlx::Error::WorkerCrashed.into()))
        }
    }

    /// The author's next thoughts after a place, the oldest first, with whether each was ever changed; with those
    /// in the trash, if so.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn export(
        &self,
        author: &Author,
        trash: bool,
        behind: Option<Place>,
        limit: i64,
        now: Timestamp,
    ) -> Result<Vec<(Thought, bool)>, Error> {
        // It can be negated, other than the least time.
        let behind = behind.unwrap_or(Place::before(-i64::MAX));
        let rows: Vec<Row> = database::read!(self.database, |conn| {
            sqlx::query_as(EXPORT)
                .bind(author.id)
                .bind(behind.time)
                .bind(limit)
                .bind(trash)
                .bind(now.as_micros())
                .bind(behind.id)
                .fetch_all(&mut *conn)
                .await
        })?;
        Ok(rows.into_iter().map(|row| exported(author, row)).collect())
    }
}

fn exported(author: &Author, row: Row) -> (Thought, bool) {
    let (position, moved_by, id, text, number, update_time, deleted, expires, removed, changed) =
        row;
    let trashed = deleted.zip(expires).map(|(deleted, expires)| Trashed {
        delete_time: Timestamp::from_micros(deleted),
        expire_time: Timestamp::from_micros(expires),
        removed,
    });
    let thought = Thought {
        id,
        author: author.clone(),
        text,
        visibility: visibility(number),
        create_time: Timestamp::from_micros(position - moved_by),
        position,
        update_time: Timestamp::from_micros(update_time),
        trashed,
    };
    (thought, changed)
}
