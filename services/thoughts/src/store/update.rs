//! Changing.

use database::Error;
use runtime::clock::Timestamp;
use uuid::Uuid;

use super::{Store, Updated, read::Row, write::number};
use crate::{
    etag::Etag,
    fold::fold,
    thought::{Change, Thought},
};

const OWN: &str = "
    SELECT position, moved_by, id, author_id, author, text, visibility, update_time
    FROM thoughts WHERE id = $1 AND author_id = $2";

/// Only a thought that is still as it was read.
const REPLACE: &str = "
    UPDATE thoughts SET text = $3, folded = $4, visibility = $5, update_time = $6
    WHERE id = $1 AND update_time = $2";

const KEEP_REVISION: &str = "
    INSERT INTO thought_revisions (thought_id, create_time, end_time, author_id, text, visibility)
    VALUES ($1, $2, $3, $4, $5, $6)";

/// Puts `after` in the place of `before`, and keeps that as a revision; false when another
/// transaction has changed the thought since it was read.
macro_rules! replace {
    ($conn:expr, $engine:expr, $before:expr, $after:expr) => {{
        let (before, after): (&Thought, &Thought) = ($before, $after);
        let folded = &fold(&after.text);
        let replaced = sqlx::query(REPLACE)
            .bind(after.id)
            .bind(before.update_time.as_micros())
            .bind(&after.text)
            .bind(folded)
            .bind(number(after.visibility))
            .bind(after.update_time.as_micros())
            .execute(&mut *$conn)
            .await?
            .rows_affected()
            == 1;
        if replaced {
            unindex!($conn, $engine, before);
            index!($conn, $engine, after, folded);
            sqlx::query(KEEP_REVISION)
                .bind(before.id)
                .bind(before.update_time.as_micros())
                .bind(after.update_time.as_micros())
                .bind(before.author.id)
                .bind(&before.text)
                .bind(number(before.visibility))
                .execute(&mut *$conn)
                .await?;
        }
        replaced
    }};
}

impl Store {
    /// Changes a thought of the author's, if it still has that etag or is so already. `None` when
    /// the author has no such thought, or has it in the trash.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn update(
        &self,
        id: Uuid,
        author: Uuid,
        change: &Change,
        etag: Option<Etag>,
        now: Timestamp,
    ) -> Result<Option<Updated>, Error> {
        let engine = self.database.engine();
        change!(self, |conn| {
            hold_off_purge!(conn, engine, author);
            loop {
                let found: Option<Row> = sqlx::query_as(OWN)
                    .bind(id)
                    .bind(author)
                    .fetch_optional(&mut *conn)
                    .await?;
                let Some(before) = found.map(Thought::from) else {
                    break Ok(None);
                };
                let Some(after) = change.make(&before, now) else {
                    break Ok(Some(Updated::Done(before)));
                };
                if etag.is_some_and(|etag| etag != Etag::of(&before)) {
                    break Ok(Some(Updated::Stale));
                }
                if replace!(conn, engine, &before, &after) {
                    break Ok(Some(Updated::Done(after)));
                }
            }
        })
    }
}
