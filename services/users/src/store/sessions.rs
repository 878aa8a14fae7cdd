//! Sessions and their refresh tokens. Tokens themselves are never stored, only their digests.

use database::{Error, read, write};
use runtime::clock::Timestamp;
use sqlx::FromRow;
use uuid::Uuid;

use super::{Store, accounts::Row};
use crate::{
    client::UserAgent,
    refresh_token::{Nonce, RefreshToken},
    session::{GRACE, NewSession, PasswordChange, REUSE_TOLD, Renewal, SessionInfo, expire_time},
};

/// So many of an account's sessions are listed, the newest.
const MAX_LISTED: i64 = 500;

/// So many sessions are forgotten in one transaction, so that none takes long.
const FORGOTTEN_AT_ONCE: i64 = 500;

/// Puts a token's successor in its place and moves the end of its session on.
macro_rules! rotate {
    ($conn:ident, $token:expr, $nonce:expr, $now:expr, $expires:expr) => {
        async {
            let token: &RefreshToken = $token;
            sqlx::query("UPDATE refresh_tokens SET use_time = $1, nonce = $2 WHERE digest = $3")
                .bind($now.as_micros())
                .bind($nonce.as_bytes())
                .bind(token.digest().as_bytes())
                .execute(&mut *$conn)
                .await?;
            sqlx::query("INSERT INTO refresh_tokens (digest, session_id) VALUES ($1, $2)")
                .bind(token.successor($nonce).digest().as_bytes())
                .bind(token.session_id())
                .execute(&mut *$conn)
                .await?;
            sqlx::query(
                "UPDATE sessions SET last_use_time = $1, expire_time = $2, forget_time = $2
                 WHERE id = $3",
            )
            .bind($now.as_micros())
            .bind($expires.as_micros())
            .bind(token.session_id())
            .execute(&mut *$conn)
            .await
        }
        .await
    };
}

/// Ends a session in which a token was used again, and leaves that to be told.
macro_rules! end_for_reuse {
    ($conn:ident, $id:expr, $now:expr) => {
        async {
            sqlx::query("UPDATE sessions SET reuse_time = $1, forget_time = $2 WHERE id = $3")
                .bind($now.as_micros())
                .bind(($now + REUSE_TOLD).as_micros())
                .bind($id)
                .execute(&mut *$conn)
                .await?;
            sqlx::query("DELETE FROM refresh_tokens WHERE session_id = $1")
                .bind($id)
                .execute(&mut *$conn)
                .await
        }
        .await
    };
}

impl Store {
    /// Begins a session of an account that is not disabled and whose stored hash is still `checked`,
    /// and replaces that by `better` if there is one. Whether it did: a password that is changed at
    /// the same time ends this session or keeps it from beginning, and so does disabling.
    pub async fn open_session(
        &self,
        session: &NewSession,
        checked: &str,
        better: Option<&str>,
    ) -> Result<bool, Error> {
        let created = session.create_time.as_micros();
        let expires = expire_time(session.create_time, session.create_time).as_micros();
        write!(self.database, |conn| {
            // Holds the account's row even where nothing changes.
            let current = sqlx::query(
                "UPDATE users SET password_hash = $1 WHERE id = $2 AND password_hash = $3",
            )
            .bind(better.unwrap_or(checked))
            .bind(session.user_id)
            .bind(checked)
            .execute(&mut *conn)
            .await?;
            if current.rows_affected() == 0 {
                return Ok(false);
            }
            // Asked now that the row is held: whoever disables the account waits, or has been.
            let disabled: bool = sqlx::query_scalar(
                "SELECT EXISTS (SELECT 1 FROM disabled_users WHERE user_id = $1)",
            )
            .bind(session.user_id)
            .fetch_one(&mut *conn)
            .await?;
            if disabled {
                return Ok(false);
            }
            sqlx::query(
                "INSERT INTO sessions (id, user_id, user_agent, create_time, last_use_time,
                 expire_time, forget_time) VALUES ($1, $2, $3, $4, $4, $5, $5)",
            )
            .bind(session.id)
            .bind(session.user_id)
            .bind(session.user_agent.as_str())
            .bind(created)
            .bind(expires)
            .execute(&mut *conn)
            .await?;
            sqlx::query("INSERT INTO refresh_tokens (digest, session_id) VALUES ($1, $2)")
                .bind(session.digest.as_bytes())
                .bind(session.id)
                .execute(&mut *conn)
                .await?;
            Ok(true)
        })
    }

    /// Uses a refresh token. A new successor is made with `nonce`; of several uses at once, by
    /// whatever replica, one makes it and all are given the same.
    pub async fn renew_session(
        &self,
        token: &RefreshToken,
        nonce: &Nonce,
        now: Timestamp,
    ) -> Result<Renewal, Error> {
        let digest = token.digest();
        write!(self.database, |conn| {
            let Some(session) = lock_session!(conn, token.session_id())? else {
                return Ok(Renewal::Over);
            };
            let used = sqlx::query_as::<_, TokenRow>(
                "SELECT use_time, nonce FROM refresh_tokens WHERE digest = $1 AND session_id = $2",
            )
            .bind(digest.as_bytes())
            .bind(token.session_id())
            .fetch_optional(&mut *conn)
            .await?;
            let user = sqlx::query_as::<_, Row>(account_where!("id = $1"))
                .bind(session.user_id)
                .fetch_one(&mut *conn)
                .await?
                .into_credentials()?
                .user;
            let goes_on = session.goes_on(now) && !user.disabled;
            let Some(used) = used.filter(|_| goes_on) else {
                return Ok(Renewal::Over);
            };
            let (nonce, expires) = match used.by(now)? {
                Use::First => {
                    let expires = expire_time(session.created(), now);
                    rotate!(conn, token, nonce, now, expires)?;
                    (*nonce, expires)
                }
                Use::JustNow(nonce) => (nonce, session.expires()),
                Use::Late => {
                    end_for_reuse!(conn, token.session_id(), now)?;
                    let user_id = session.user_id;
                    return Ok(Renewal::Reused { user_id });
                }
            };
            Ok(Renewal::Renewed {
                user,
                successor: token.successor(&nonce),
                expire_time: expires,
            })
        })
    }

    /// Ends the session of a refresh token, used or not; whose it was, if there was one.
    pub async fn close_session_of(&self, token: &RefreshToken) -> Result<Option<Uuid>, Error> {
        write!(self.database, |conn| {
            sqlx::query_scalar(
                "DELETE FROM sessions WHERE id = $1 AND EXISTS
                 (SELECT 1 FROM refresh_tokens WHERE session_id = $1 AND digest = $2)
                 RETURNING user_id",
            )
            .bind(token.session_id())
            .bind(token.digest().as_bytes())
            .fetch_optional(&mut *conn)
            .await
        })
    }

    /// Ends one session of an account, or forgets one that was ended; whether there was one.
    pub async fn close_session(
        &self,
        user_id: Uuid,
        id: Uuid,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let closed = write!(self.database, |conn| {
            sqlx::query("DELETE FROM sessions WHERE id = $1 AND user_id = $2 AND forget_time > $3")
                .bind(id)
                .bind(user_id)
                .bind(now.as_micros())
                .execute(&mut *conn)
                .await
                .map(|done| done.rows_affected())
        })?;
        Ok(closed > 0)
    }

    /// Whether a session of an account goes on.
    pub async fn session_goes_on(
        &self,
        user_id: Uuid,
        id: Uuid,
        now: Timestamp,
    ) -> Result<bool, Error> {
        read!(self.database, |conn| {
            sqlx::query_scalar(
                "SELECT EXISTS (SELECT 1 FROM sessions WHERE id = $1 AND user_id = $2
                 AND expire_time > $3 AND reuse_time IS NULL)",
            )
            .bind(id)
            .bind(user_id)
            .bind(now.as_micros())
            .fetch_one(&mut *conn)
            .await
        })
    }

    /// The sessions of an account that go on, and those that reuse has ended lately, newest first.
    pub async fn sessions_of(
        &self,
        user_id: Uuid,
        now: Timestamp,
    ) -> Result<Vec<SessionInfo>, Error> {
        let rows = read!(self.database, |conn| {
            sqlx::query_as::<_, SessionRow>(
                "SELECT id, user_agent, create_time, last_use_time, expire_time, reuse_time
                 FROM sessions WHERE user_id = $1 AND forget_time > $2
                 ORDER BY create_time DESC, id DESC LIMIT $3",
            )
            .bind(user_id)
            .bind(now.as_micros())
            .bind(MAX_LISTED)
            .fetch_all(&mut *conn)
            .await
        })?;
        Ok(rows.into_iter().map(SessionInfo::from).collect())
    }

    /// Replaces the hash `checked` of an account by `new` and ends all of its sessions but one, and
    /// its personal access tokens.
    pub async fn change_password(
        &self,
        user_id: Uuid,
        kept: Uuid,
        checked: &str,
        new: &str,
        now: Timestamp,
    ) -> Result<PasswordChange, Error> {
        write!(self.database, |conn| {
            // The account's row is held first, as by `open_session`.
            let held = sqlx::query(
                "UPDATE users SET password_hash = $1 WHERE id = $2 AND password_hash = $1",
            )
            .bind(checked)
            .bind(user_id)
            .execute(&mut *conn)
            .await?;
            if held.rows_affected() == 0 {
                return Ok(PasswordChange::HashReplaced);
            }
            let session = lock_session!(conn, kept)?;
            let Some(session) = session.filter(|it| it.user_id == user_id && it.goes_on(now))
            else {
                return Ok(PasswordChange::SessionOver);
            };
            sqlx::query("UPDATE users SET password_hash = $1 WHERE id = $2")
                .bind(new)
                .bind(user_id)
                .execute(&mut *conn)
                .await?;
            end_access!(conn, user_id, but Some(kept))?;
            Ok(PasswordChange::Changed {
                expire_time: session.expires(),
            })
        })
    }

    /// Replaces an account's hash, whatever it was, and ends all of its sessions and personal access
    /// tokens; whether there is such an account.
    pub async fn reset_password(&self, user_id: Uuid, new: &str) -> Result<bool, Error> {
        write!(self.database, |conn| {
            let changed = sqlx::query("UPDATE users SET password_hash = $1 WHERE id = $2")
                .bind(new)
                .bind(user_id)
                .execute(&mut *conn)
                .await?;
            end_access!(conn, user_id)?;
            Ok(changed.rows_affected() == 1)
        })
    }

    /// Deletes sessions that nobody needs any more, not all of them at once; how many.
    pub async fn forget_sessions(&self, now: Timestamp) -> Result<u64, Error> {
        write!(self.database, |conn| {
            sqlx::query(
                "DELETE FROM sessions WHERE id IN
                 (SELECT id FROM sessions WHERE forget_time <= $1 ORDER BY forget_time LIMIT $2)",
            )
            .bind(now.as_micros())
            .bind(FORGOTTEN_AT_ONCE)
            .execute(&mut *conn)
            .await
            .map(|done| done.rows_affected())
        })
    }
}

/// What decides whether a session goes on.
#[derive(FromRow)]
pub(super) struct LockedSession {
    pub(super) user_id: Uuid,
    create_time: i64,
    expire_time: i64,
    reuse_time: Option<i64>,
}

impl LockedSession {
    fn created(&self) -> Timestamp {
        Timestamp::from_micros(self.create_time)
    }

    fn expires(&self) -> Timestamp {
        Timestamp::from_micros(self.expire_time)
    }

    pub(super) fn goes_on(&self, now: Timestamp) -> bool {
        self.reuse_time.is_none() && now < self.expires()
    }
}

/// What is known of a refresh token.
#[derive(FromRow)]
struct TokenRow {
    use_time: Option<i64>,
    nonce: Option<Vec<u8>>,
}

/// Which use of a token this is.
enum Use {
    First,
    /// Again, within the grace; its successor was made with this.
    JustNow(Nonce),
    Late,
}

impl TokenRow {
    fn by(self, now: Timestamp) -> Result<Use, sqlx::Error> {
        let (Some(used), Some(nonce)) = (self.use_time, self.nonce) else {
            return Ok(Use::First);
        };
        if now >= Timestamp::from_micros(used) + GRACE {
            return Ok(Use::Late);
        }
        let nonce = Nonce::try_from(nonce);
        nonce
            .map(Use::JustNow)
            .map_err(|_| sqlx::Error::Decode("a nonce has 32 bytes".into()))
    }
}

/// A row of `sessions`, as its owner sees it.
#[derive(FromRow)]
struct SessionRow {
    id: Uuid,
    user_agent: String,
    create_time: i64,
    last_use_time: i64,
    expire_time: i64,
    reuse_time: Option<i64>,
}

impl From<SessionRow> for SessionInfo {
    fn from(row: SessionRow) -> Self {
        Self {
            id: row.id,
            user_agent: UserAgent::new(&row.user_agent),
            create_time: Timestamp::from_micros(row.create_time),
            last_use_time: Timestamp::from_micros(row.last_use_time),
            expire_time: Timestamp::from_micros(row.expire_time),
            reuse_time: row.reuse_time.map(Timestamp::from_micros),
        }
    }
}
