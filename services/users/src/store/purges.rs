//! Deletions that are not done everywhere yet: a transactional outbox.

use database::{Error, read, write};
use runtime::clock::Timestamp;
use uuid::Uuid;

use super::Store;
use crate::purge::Purge;

impl Store {
    /// How many deleted accounts still have thoughts elsewhere.
    pub async fn pending_purges(&self) -> Result<i64, Error> {
        read!(self.database, |conn| {
            sqlx::query_scalar("SELECT count(*) FROM purges")
                .fetch_one(&mut *conn)
                .await
        })
    }

    /// A purge that is due, for the caller alone until its lease is over; `None` if there is none,
    /// or another replica was first.
    pub async fn take_purge(&self, now: Timestamp) -> Result<Option<Purge>, Error> {
        write!(self.database, |conn| {
            let due: Option<(Uuid, i64, i64)> = sqlx::query_as(
                "SELECT user_id, attempts, due_time FROM purges WHERE due_time <= $1
                 ORDER BY due_time LIMIT 1",
            )
            .bind(now.as_micros())
            .fetch_optional(&mut *conn)
            .await?;
            let Some((user_id, attempts, due_time)) = due else {
                return Ok(None);
            };
            let purge = Purge {
                user_id,
                attempt: u32::try_from(attempts)
                    .unwrap_or(u32::MAX)
                    .saturating_add(1),
            };
            let taken = sqlx::query(
                "UPDATE purges SET attempts = $1, due_time = $2 WHERE user_id = $3 AND due_time = $4",
            )
            .bind(i64::from(purge.attempt))
            .bind((now + purge.lease()).as_micros())
            .bind(user_id)
            .bind(due_time)
            .execute(&mut *conn)
            .await?;
            Ok((taken.rows_affected() == 1).then_some(purge))
        })
    }

    /// Lets a purge that was taken be tried again at a time, unless somebody else has taken it since.
    pub async fn postpone_purge(&self, purge: Purge, until: Timestamp) -> Result<(), Error> {
        write!(self.database, |conn| {
            sqlx::query("UPDATE purges SET due_time = $1 WHERE user_id = $2 AND attempts = $3")
                .bind(until.as_micros())
                .bind(purge.user_id)
                .bind(i64::from(purge.attempt))
                .execute(&mut *conn)
                .await
                .map(drop)
        })
    }

    /// Notes that the thoughts of a deleted account are gone; whether that was not known yet.
    pub async fn finish_purge(&self, user_id: Uuid) -> Result<bool, Error> {
        write!(self.database, |conn| {
            sqlx::query("DELETE FROM purges WHERE user_id = $1")
                .bind(user_id)
                .execute(&mut *conn)
                .await
                .map(|done| done.rows_affected() == 1)
        })
    }
}
