//! The signing keys.

use database::{Error, read, write};
use runtime::clock::Timestamp;

use super::Store;

impl Store {
    /// The signing keys of this database: generation, the key as it was stored and when it was made,
    /// oldest first.
    pub async fn signing_keys(&self) -> Result<Vec<(i64, Vec<u8>, Timestamp)>, Error> {
        let rows: Vec<(i64, Vec<u8>, i64)> = read!(self.database, |conn| {
            sqlx::query_as(
                "SELECT generation, pkcs8, create_time FROM signing_keys ORDER BY generation",
            )
            .fetch_all(&mut *conn)
            .await
        })?;
        let dated = rows.into_iter().map(|(generation, key, create_time)| {
            (generation, key, Timestamp::from_micros(create_time))
        });
        Ok(dated.collect())
    }

    /// Adds the signing key of a generation unless there is one; whether it did.
    pub async fn add_signing_key(
        &self,
        generation: i64,
        key: &[u8],
        now: Timestamp,
    ) -> Result<bool, Error> {
        let added = write!(self.database, |conn| {
            sqlx::query(
                "INSERT INTO signing_keys (generation, pkcs8, create_time) VALUES ($1, $2, $3)
                 ON CONFLICT (generation) DO NOTHING",
            )
            .bind(generation)
            .bind(key)
            .bind(now.as_micros())
            .execute(&mut *conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        Ok(added == 1)
    }

    /// Stores the signing key of a generation in another form, if it is still there in this one;
    /// whether it was.
    pub async fn replace_signing_key(
        &self,
        generation: i64,
        old: &[u8],
        new: &[u8],
    ) -> Result<bool, Error> {
        let replaced = write!(self.database, |conn| {
            sqlx::query("UPDATE signing_keys SET pkcs8 = $3 WHERE generation = $1 AND pkcs8 = $2")
                .bind(generation)
                .bind(old)
                .bind(new)
                .execute(&mut *conn)
                .await
                .map(|done| done.rows_affected())
        })?;
        Ok(replaced == 1)
    }

    /// Deletes the signing keys up to a generation; how many there were.
    pub async fn drop_signing_keys(&self, generation: i64) -> Result<u64, Error> {
        write!(self.database, |conn| {
            sqlx::query("DELETE FROM signing_keys WHERE generation <= $1")
                .bind(generation)
                .execute(&mut *conn)
                .await
                .map(|done| done.rows_affected())
        })
    }
}
