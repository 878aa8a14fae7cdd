//! The trash: into it, out of it, and out of it for ever.
//!
//! Each statement that takes a row looks at its conditions again when it had to wait for another
//! transaction, so of two moves at once one finds nothing.

use database::Error;
use runtime::clock::Timestamp;
use uuid::Uuid;

use super::{Store, read::Row, write::number};
use crate::{
    fold::fold,
    thought::Thought,
    trash::{KEPT_FOR, Reach},
};

/// Whoever was purged has no say in what others wrote.
const TAKE: &str = "
    DELETE FROM thoughts WHERE id = $1 AND (
        author_id = $2
        OR ($3 AND visibility = 1
            AND NOT EXISTS (SELECT 1 FROM purged_authors WHERE author_id = $2))
    )
    RETURNING position, moved_by, id, author_id, author, text, visibility, update_time";

const PUT: &str = "
    INSERT INTO trash (
        position, moved_by, id, author_id, author, text, visibility, update_time,
        delete_time, expire_time, removed
    ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (position) DO NOTHING";

const TAKE_BACK: &str = "
    DELETE FROM trash WHERE id = $1 AND author_id = $2 AND NOT removed AND expire_time > $3
    RETURNING position, moved_by, id, author_id, author, text, visibility, update_time";

const DELETE: &str = "
    DELETE FROM trash WHERE id = $1 AND author_id = $2 AND expire_time > $3";

const DELETE_REVISIONS: &str = "DELETE FROM thought_revisions WHERE thought_id = $1";

/// Up to when as many as one transaction deletes have expired.
const EXPIRED: &str = "
    SELECT max(expire_time) FROM (
        SELECT expire_time FROM trash WHERE expire_time <= $1 ORDER BY expire_time LIMIT 500
    ) AS oldest";

const DELETE_EXPIRED_REVISIONS: &str = "
    DELETE FROM thought_revisions
    WHERE thought_id IN (SELECT id FROM trash WHERE expire_time <= $1)";

const DELETE_EXPIRED: &str = "DELETE FROM trash WHERE expire_time <= $1";

impl Store {
    /// Moves a thought that `by` may delete to its author's trash, where an author's other than `by`
    /// is one that was removed; false if there is none.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn move_to_trash(
        &self,
        id: Uuid,
        by: Uuid,
        reach: Reach,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let engine = self.database.engine();
        change!(self, |conn| {
            let taken: Option<Row> = sqlx::query_as(TAKE)
                .bind(id)
                .bind(by)
                .bind(reach == Reach::Public)
                .fetch_optional(&mut *conn)
                .await?;
            let Some(mut thought) = taken.map(Thought::from) else {
                return Ok(false);
            };
            unindex!(conn, engine, thought);
            while sqlx::query(PUT)
                .bind(thought.position)
                .bind(thought.moved_by())
                .bind(thought.id)
                .bind(thought.author.id)
                .bind(&thought.author.username)
                .bind(&thought.text)
                .bind(number(thought.visibility))
                .bind(thought.update_time.as_micros())
                .bind(now.as_micros())
                .bind((now + KEPT_FOR).as_micros())
                .bind(thought.author.id != by)
                .execute(&mut *conn)
                .await?
                .rows_affected()
                == 0
            {
                thought.position += 1;
            }
            Ok(true)
        })
    }

    /// Takes a thought of the author's out of the trash, to where it was before. `None` when it is
    /// not there, or an administrator removed it.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn take_from_trash(
        &self,
        id: Uuid,
        author: Uuid,
        now: Timestamp,
    ) -> Result<Option<Thought>, Error> {
        let engine = self.database.engine();
        change!(self, |conn| {
            hold_off_purge!(conn, engine, author);
            let taken: Option<Row> = sqlx::query_as(TAKE_BACK)
                .bind(id)
                .bind(author)
                .bind(now.as_micros())
                .fetch_optional(&mut *conn)
                .await?;
            let Some(mut thought) = taken.map(Thought::from) else {
                return Ok(None);
            };
            let folded = &fold(&thought.text);
            while !insert!(conn, engine, &thought, folded) {
                thought.position += 1;
            }
            Ok(Some(thought))
        })
    }

    /// Deletes a thought of the author's with its revisions, out of the trash or past it; false if
    /// there is none.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn delete(&self, id: Uuid, author: Uuid, now: Timestamp) -> Result<bool, Error> {
        let engine = self.database.engine();
        change!(self, |conn| {
            let taken: Option<Row> = sqlx::query_as(TAKE)
                .bind(id)
                .bind(author)
                .bind(false)
                .fetch_optional(&mut *conn)
                .await?;
            let there = if let Some(thought) = taken.map(Thought::from) {
                unindex!(conn, engine, thought);
                true
            } else {
                let deleted = sqlx::query(DELETE)
                    .bind(id)
                    .bind(author)
                    .bind(now.as_micros())
                    .execute(&mut *conn)
                    .await?;
                deleted.rows_affected() == 1
            };
            if there {
                sqlx::query(DELETE_REVISIONS)
                    .bind(id)
                    .execute(&mut *conn)
                    .await?;
            }
            Ok(there)
        })
    }

    /// Deletes what has been in the trash for its time, with its revisions.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn empty_trash(&self, now: Timestamp) -> Result<(), Error> {
        // A few at a time, so that nobody waits for long.
        loop {
            let emptied = database::write!(self.database, |conn| {
                let until: Option<i64> = sqlx::query_scalar(EXPIRED)
                    .bind(now.as_micros())
                    .fetch_one(&mut *conn)
                    .await?;
                if let Some(until) = until {
                    for sql in [DELETE_EXPIRED_REVISIONS, DELETE_EXPIRED] {
                        sqlx::query(sql).bind(until).execute(&mut *conn).await?;
                    }
                }
                Ok(until.is_none())
            })?;
            if emptied {
                return Ok(());
            }
        }
    }
}
