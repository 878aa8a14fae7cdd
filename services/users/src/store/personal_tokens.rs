//! Personal access tokens. Tokens themselves are never stored, only their digests.

use database::{Error, read, write};
use runtime::{auth::Scope, clock::Timestamp};
use sqlx::FromRow;
use uuid::Uuid;

use super::{Store, accounts::role};
use crate::{
    personal_token::{
        Creation, MAX_TOKENS, NewPersonalToken, PersonalTokenInfo, Presented, USE_NOTED_EVERY,
    },
    secret::Digest,
    user::{Actor, User},
};

/// So many tokens are forgotten in one transaction, so that none takes long.
const FORGOTTEN_AT_ONCE: i64 = 500;

impl Store {
    /// Makes a token, unless the account has as many as it may or the session that it is asked for
    /// in is over. Of several at once, by whatever replica, no more are made than that.
    pub async fn create_personal_token(
        &self,
        token: &NewPersonalToken,
        session_id: Uuid,
    ) -> Result<Creation, Error> {
        let (user_id, now) = (token.user_id, token.create_time);
        let owner = Actor {
            user_id,
            session_id,
        };
        write!(self.database, |conn| {
            // The account's row is held first, so that tokens are counted one after the other and
            // whatever ends the account's tokens ends this one or comes before it.
            if hold_actor!(conn, owner, now)?.is_none() {
                return Ok(Creation::SessionOver);
            }
            sqlx::query("DELETE FROM access_tokens WHERE user_id = $1 AND expire_time <= $2")
                .bind(token.user_id)
                .bind(now.as_micros())
                .execute(&mut *conn)
                .await?;
            let count: i64 =
                sqlx::query_scalar("SELECT count(*) FROM access_tokens WHERE user_id = $1")
                    .bind(token.user_id)
                    .fetch_one(&mut *conn)
                    .await?;
            if count >= MAX_TOKENS {
                return Ok(Creation::TooMany);
            }
            sqlx::query(
                "INSERT INTO access_tokens (id, user_id, display_name, digest, scope, create_time,
                 expire_time) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(token.id)
            .bind(token.user_id)
            .bind(token.display_name.as_str())
            .bind(token.digest.as_bytes())
            .bind(scope_number(token.scope))
            .bind(now.as_micros())
            .bind(token.expire_time.get().as_micros())
            .execute(&mut *conn)
            .await?;
            Ok(Creation::Made)
        })
    }

    /// The tokens of an account that have not ended, newest first.
    pub async fn personal_tokens_of(
        &self,
        user_id: Uuid,
        now: Timestamp,
    ) -> Result<Vec<PersonalTokenInfo>, Error> {
        read!(self.database, |conn| {
            sqlx::query_as::<_, TokenRow>(
                "SELECT id, display_name, scope, create_time, expire_time, last_use_time
                 FROM access_tokens WHERE user_id = $1 AND expire_time > $2
                 ORDER BY create_time DESC, id DESC",
            )
            .bind(user_id)
            .bind(now.as_micros())
            .fetch_all(&mut *conn)
            .await?
            .into_iter()
            .map(TokenRow::into_info)
            .collect()
        })
    }

    /// Ends one token of an account; whether there was one that had not ended.
    pub async fn revoke_personal_token(
        &self,
        user_id: Uuid,
        id: Uuid,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let ended = write!(self.database, |conn| {
            sqlx::query(
                "DELETE FROM access_tokens WHERE id = $1 AND user_id = $2 AND expire_time > $3",
            )
            .bind(id)
            .bind(user_id)
            .bind(now.as_micros())
            .execute(&mut *conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        Ok(ended > 0)
    }

    /// The token with a digest, if it has not ended and its owner is not disabled.
    pub async fn presented(
        &self,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<Option<Presented>, Error> {
        read!(self.database, |conn| {
            sqlx::query_as::<_, PresentedRow>(
                "SELECT t.id, t.scope, t.expire_time, t.last_use_time, t.user_id, u.username,
                     u.role, u.create_time
                 FROM access_tokens t JOIN users u ON u.id = t.user_id
                 WHERE t.digest = $1 AND t.expire_time > $2 AND NOT EXISTS
                     (SELECT 1 FROM disabled_users d WHERE d.user_id = u.id)",
            )
            .bind(digest.as_bytes())
            .bind(now.as_micros())
            .fetch_optional(&mut *conn)
            .await?
            .map(PresentedRow::into_presented)
            .transpose()
        })
    }

    /// Writes that a token was used, unless that was written within the last minute; whether it did.
    pub async fn note_use(&self, id: Uuid, now: Timestamp) -> Result<bool, Error> {
        let noted = write!(self.database, |conn| {
            sqlx::query(
                "UPDATE access_tokens SET last_use_time = $1
                 WHERE id = $2 AND (last_use_time IS NULL OR last_use_time <= $3)",
            )
            .bind(now.as_micros())
            .bind(id)
            .bind((now - USE_NOTED_EVERY).as_micros())
            .execute(&mut *conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        Ok(noted > 0)
    }

    /// Deletes tokens that have expired, not all of them at once; how many.
    pub async fn forget_personal_tokens(&self, now: Timestamp) -> Result<u64, Error> {
        write!(self.database, |conn| {
            sqlx::query(
                "DELETE FROM access_tokens WHERE id IN
                 (SELECT id FROM access_tokens WHERE expire_time <= $1
                  ORDER BY expire_time LIMIT $2)",
            )
            .bind(now.as_micros())
            .bind(FORGOTTEN_AT_ONCE)
            .execute(&mut *conn)
            .await
            .map(|done| done.rows_affected())
        })
    }
}

/// A row of `access_tokens`, as its owner sees it.
#[derive(FromRow)]
struct TokenRow {
    id: Uuid,
    display_name: String,
    scope: i16,
    create_time: i64,
    expire_time: i64,
    last_use_time: Option<i64>,
}

impl TokenRow {
    fn into_info(self) -> Result<PersonalTokenInfo, sqlx::Error> {
        Ok(PersonalTokenInfo {
            id: self.id,
            display_name: self.display_name.parse().map_err(undecodable)?,
            scope: scope(self.scope)?,
            create_time: Timestamp::from_micros(self.create_time),
            expire_time: Timestamp::from_micros(self.expire_time),
            last_use_time: self.last_use_time.map(Timestamp::from_micros),
        })
    }
}

/// A row of `access_tokens` and its owner's of `users`.
#[derive(FromRow)]
struct PresentedRow {
    id: Uuid,
    scope: i16,
    expire_time: i64,
    last_use_time: Option<i64>,
    user_id: Uuid,
    username: String,
    role: i16,
    create_time: i64,
}

impl PresentedRow {
    fn into_presented(self) -> Result<Presented, sqlx::Error> {
        Ok(Presented {
            id: self.id,
            user: User {
                id: self.user_id,
                username: self.username.parse().map_err(undecodable)?,
                role: role(self.role)?,
                create_time: Timestamp::from_micros(self.create_time),
                disabled: false,
            },
            scope: scope(self.scope)?,
            expire_time: Timestamp::from_micros(self.expire_time),
            last_use_time: self.last_use_time.map(Timestamp::from_micros),
        })
    }
}

/// How a scope is stored.
fn scope_number(scope: Scope) -> i16 {
    match scope {
        Scope::Read => 1,
        Scope::ReadWrite => 2,
    }
}

fn scope(number: i16) -> Result<Scope, sqlx::Error> {
    match number {
        1 => Ok(Scope::Read),
        2 => Ok(Scope::ReadWrite),
        other => Err(sqlx::Error::Decode(
            format!("there is no scope {other}").into(),
        )),
    }
}

fn undecodable(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}
