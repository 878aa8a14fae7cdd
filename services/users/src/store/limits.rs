//! How often sign-ins have failed.

use std::array;

use database::{Error, read, write};
use runtime::clock::Timestamp;

use super::Store;
use crate::throttle::{Buckets, Level, Wait, known_until};

/// So many rows are forgotten in one transaction, so that none takes long.
const FORGOTTEN_AT_ONCE: i64 = 1_000;

/// The levels of all four buckets, on one connection.
macro_rules! levels {
    ($conn:ident, $buckets:expr) => {
        async {
            let buckets: &Buckets = $buckets;
            let [one, two, three, four] = buckets.each();
            let rows: Vec<(Vec<u8>, i64, Option<i64>)> = sqlx::query_as(
                "SELECT bucket, free_time, known_time FROM sign_in_limits
                 WHERE bucket IN ($1, $2, $3, $4)",
            )
            .bind(one.key.as_slice())
            .bind(two.key.as_slice())
            .bind(three.key.as_slice())
            .bind(four.key.as_slice())
            .fetch_all(&mut *$conn)
            .await?;
            Ok::<_, sqlx::Error>(in_order(buckets, &rows))
        }
        .await
    };
}

impl Store {
    /// How long whoever wants to sign in has to wait, if so.
    pub async fn sign_in_wait(
        &self,
        buckets: &Buckets,
        now: Timestamp,
    ) -> Result<Result<(), Wait>, Error> {
        let seen = read!(self.database, |conn| levels!(conn, buckets))?;
        Ok(buckets.take(&seen, now).map(|_| ()))
    }

    /// Counts a sign-in as failed, which [`Store::give_back`] takes back when it has not; or tells
    /// how long to wait. Of many at once, on whatever replica, no more come through than the
    /// buckets let.
    pub async fn count_sign_in(
        &self,
        buckets: &Buckets,
        now: Timestamp,
    ) -> Result<Result<(), Wait>, Error> {
        write!(self.database, |conn| {
            // The bucket of all is held first, so that sign-ins are counted one after the other.
            sqlx::query(
                "INSERT INTO sign_in_limits (bucket, free_time, forget_time) VALUES ($1, $2, $2)
                 ON CONFLICT (bucket) DO UPDATE SET free_time = sign_in_limits.free_time",
            )
            .bind(buckets.each()[0].key.as_slice())
            .bind(now.as_micros())
            .execute(&mut *conn)
            .await?;
            let after = match buckets.take(&levels!(conn, buckets)?, now) {
                Ok(after) => after,
                Err(wait) => return Ok(Err(wait)),
            };
            for (bucket, free_time) in buckets.each().iter().zip(after) {
                sqlx::query(
                    "INSERT INTO sign_in_limits (bucket, free_time, forget_time)
                     VALUES ($1, $2, $2) ON CONFLICT (bucket) DO UPDATE SET
                     free_time = excluded.free_time, forget_time = CASE
                         WHEN excluded.free_time > COALESCE(sign_in_limits.known_time, 0)
                         THEN excluded.free_time ELSE sign_in_limits.known_time END",
                )
                .bind(bucket.key.as_slice())
                .bind(free_time.as_micros())
                .execute(&mut *conn)
                .await?;
            }
            Ok(Ok(()))
        })
    }

    /// Takes back that a sign-in was counted as failed. With `known` it was a good one, and the name
    /// is known at the address from now on.
    pub async fn give_back(
        &self,
        buckets: &Buckets,
        known: bool,
        now: Timestamp,
    ) -> Result<(), Error> {
        write!(self.database, |conn| {
            for bucket in buckets.each() {
                let cost = i64::try_from(bucket.cost().as_micros()).unwrap_or(i64::MAX);
                sqlx::query(
                    "UPDATE sign_in_limits SET free_time = free_time - $1 WHERE bucket = $2",
                )
                .bind(cost)
                .bind(bucket.key.as_slice())
                .execute(&mut *conn)
                .await?;
            }
            if known {
                sqlx::query(
                    "UPDATE sign_in_limits SET known_time = $1, forget_time = $1 WHERE bucket = $2",
                )
                .bind(known_until(now).as_micros())
                .bind(buckets.pair().key.as_slice())
                .execute(&mut *conn)
                .await?;
            }
            Ok(())
        })
    }

    /// Deletes limits that nobody needs any more, not all of them at once; how many.
    pub async fn forget_limits(&self, now: Timestamp) -> Result<u64, Error> {
        write!(self.database, |conn| {
            sqlx::query(
                "DELETE FROM sign_in_limits WHERE forget_time <= $1 AND bucket IN
                 (SELECT bucket FROM sign_in_limits WHERE forget_time <= $1 LIMIT $2)",
            )
            .bind(now.as_micros())
            .bind(FORGOTTEN_AT_ONCE)
            .execute(&mut *conn)
            .await
            .map(|done| done.rows_affected())
        })
    }
}

fn in_order(buckets: &Buckets, rows: &[(Vec<u8>, i64, Option<i64>)]) -> [Option<Level>; 4] {
    array::from_fn(|index| {
        let key = buckets.each()[index].key;
        let row = rows.iter().find(|row| row.0 == key)?;
        Some(Level {
            free_time: Timestamp::from_micros(row.1),
            known_time: row.2.map(Timestamp::from_micros),
        })
    })
}
