//! The service token that all replicas share.

use database::Error;
use runtime::clock::Timestamp;

use super::Store;
use crate::service_token::ServiceToken;

const PUT: &str = "
    INSERT INTO service_token (id, token, expire_time) VALUES (1, $1, $2)
    ON CONFLICT (id) DO UPDATE SET token = excluded.token, expire_time = excluded.expire_time
    WHERE excluded.expire_time > service_token.expire_time";

const GET: &str = "SELECT token, expire_time FROM service_token WHERE id = 1";

impl Store {
    /// Keeps a service token, unless there is one that ends later.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn put_service_token(&self, token: &ServiceToken) -> Result<(), Error> {
        database::write!(self.database, |conn| {
            let put = sqlx::query(PUT).bind(token.text());
            let put = put.bind(token.expires().as_micros());
            put.execute(&mut *conn).await.map(drop)
        })
    }

    /// The service token that was kept last, which may be over.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn service_token(&self) -> Result<Option<ServiceToken>, Error> {
        let kept: Option<(String, i64)> = database::read!(self.database, |conn| {
            sqlx::query_as(GET).fetch_optional(&mut *conn).await
        })?;
        Ok(kept.map(|(text, expires)| ServiceToken::new(text, Timestamp::from_micros(expires))))
    }
}
