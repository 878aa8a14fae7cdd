//! Everything that this service keeps in the database: every statement of it.
//!
//! Here are accounts, signing keys and the set-up code; sessions are in `sessions`, failed
//! sign-ins in `limits`.

use database::{Database, Error, Migrations, read, write};
use runtime::{auth::Role, clock::Timestamp};
use sqlx::FromRow;
use uuid::Uuid;

use crate::{
    setup::SetupCode,
    user::{Credentials, User},
};

mod limits;
mod sessions;
#[cfg(test)]
mod tests;

/// The schema that the statements below are written for.
pub fn migrations() -> Migrations {
    Migrations::new(
        sqlx::migrate!("migrations/sqlite"),
        sqlx::migrate!("migrations/postgres"),
    )
}

/// What came of the attempt to add an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// It was added, with the creation time that it has got.
    Account(User),
    /// Another one has the name.
    UsernameTaken,
    /// It was to be the first administrator, and there is one.
    AdministratorExists,
}

/// The accounts of one database.
#[derive(Debug, Clone)]
pub struct Store {
    database: Database,
}

/// Whether there is an administrator, on one connection.
macro_rules! has_administrator {
    ($conn:ident) => {
        sqlx::query_scalar::<_, bool>("SELECT EXISTS (SELECT 1 FROM users WHERE role = $1)")
            .bind(role_number(Role::Admin))
            .fetch_one(&mut *$conn)
            .await
    };
}

/// Lets one transaction at a time set the database up: it holds the one row of `setup`.
macro_rules! lock_setup {
    ($conn:ident) => {
        sqlx::query(
            "INSERT INTO setup (id, code) VALUES (1, NULL)
             ON CONFLICT (id) DO UPDATE SET code = setup.code",
        )
        .execute(&mut *$conn)
        .await
    };
}

/// Adds an account within a transaction: `Ok(None)` when its name or id is taken. The creation
/// time moves on by a microsecond while another account has it.
macro_rules! insert {
    ($conn:ident, $account:expr) => {
        async {
            let account: &Credentials = $account;
            let user = &account.user;
            let mut create_time = user.create_time.as_micros();
            loop {
                let inserted = sqlx::query(
                    "INSERT INTO users (id, username, password_hash, role, create_time)
                     VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                )
                .bind(user.id)
                .bind(user.username.as_str())
                .bind(account.password_hash.as_str())
                .bind(role_number(user.role))
                .bind(create_time)
                .execute(&mut *$conn)
                .await?;
                if inserted.rows_affected() == 1 {
                    let create_time = Timestamp::from_micros(create_time);
                    break Ok(Some(User {
                        create_time,
                        ..user.clone()
                    }));
                }
                let taken: bool = sqlx::query_scalar(
                    "SELECT EXISTS (SELECT 1 FROM users WHERE username = $1 OR id = $2)",
                )
                .bind(user.username.as_str())
                .bind(user.id)
                .fetch_one(&mut *$conn)
                .await?;
                if taken {
                    break Ok::<_, sqlx::Error>(None);
                }
                create_time += 1;
            }
        }
        .await
    };
}

impl Store {
    /// The store in a database that [`migrations`] have brought up to date.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Whether the database answers.
    pub async fn is_there(&self) -> bool {
        self.database.ping().await.is_ok()
    }

    /// Closes the connections, after the statements that are under way.
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// The account that somebody wants to sign in to. `None`, for a name that no account can have,
    /// asks the database as well: it takes as long as an unknown name.
    pub async fn credentials(&self, username: Option<&str>) -> Result<Option<Credentials>, Error> {
        read!(self.database, |conn| {
            sqlx::query_as::<_, Row>(
                "SELECT id, username, password_hash, role, create_time FROM users
                 WHERE username = $1",
            )
            .bind(username)
            .fetch_optional(&mut *conn)
            .await?
            .map(Row::into_credentials)
            .transpose()
        })
    }

    /// The account with an id, and what its password is checked against.
    pub async fn credentials_by_id(&self, id: Uuid) -> Result<Option<Credentials>, Error> {
        read!(self.database, |conn| {
            sqlx::query_as::<_, Row>(
                "SELECT id, username, password_hash, role, create_time FROM users WHERE id = $1",
            )
            .bind(id)
            .fetch_optional(&mut *conn)
            .await?
            .map(Row::into_credentials)
            .transpose()
        })
    }

    /// The account with an id.
    pub async fn user_by_id(&self, id: Uuid) -> Result<Option<User>, Error> {
        let found = self.credentials_by_id(id).await?;
        Ok(found.map(|account| account.user))
    }

    /// At most `limit` accounts made before a time (`None`: the newest), newest first.
    pub async fn users_before(
        &self,
        time: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<User>, Error> {
        let before = time.map_or(i64::MAX, Timestamp::as_micros);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        read!(self.database, |conn| {
            sqlx::query_as::<_, Row>(
                "SELECT id, username, password_hash, role, create_time FROM users
                 WHERE create_time < $1 ORDER BY create_time DESC LIMIT $2",
            )
            .bind(before)
            .bind(limit)
            .fetch_all(&mut *conn)
            .await?
            .into_iter()
            .map(|row| Ok(row.into_credentials()?.user))
            .collect()
        })
    }

    /// Adds an account.
    pub async fn add(&self, account: &Credentials) -> Result<Added, Error> {
        write!(self.database, |conn| {
            let added = insert!(conn, account)?;
            Ok(added.map_or(Added::UsernameTaken, Added::Account))
        })
    }

    /// Adds the first administrator and uses the set-up code up. Of several attempts at once, by
    /// whatever replica, one succeeds.
    pub async fn add_first_administrator(&self, account: &Credentials) -> Result<Added, Error> {
        write!(self.database, |conn| {
            lock_setup!(conn)?;
            if has_administrator!(conn)? {
                return Ok(Added::AdministratorExists);
            }
            let Some(user) = insert!(conn, account)? else {
                return Ok(Added::UsernameTaken);
            };
            sqlx::query("UPDATE setup SET code = NULL")
                .execute(&mut *conn)
                .await?;
            Ok(Added::Account(user))
        })
    }

    /// Adds these accounts if there is none at all, and tells whether it did.
    pub async fn add_to_empty(&self, accounts: &[Credentials]) -> Result<bool, Error> {
        write!(self.database, |conn| {
            lock_setup!(conn)?;
            let some: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM users)")
                .fetch_one(&mut *conn)
                .await?;
            if some {
                return Ok(false);
            }
            for account in accounts {
                insert!(conn, account)?;
            }
            Ok(true)
        })
    }

    /// Whether there is no account at all.
    pub async fn is_empty(&self) -> Result<bool, Error> {
        read!(self.database, |conn| {
            sqlx::query_scalar("SELECT NOT EXISTS (SELECT 1 FROM users)")
                .fetch_one(&mut *conn)
                .await
        })
    }

    /// Whether there is an administrator.
    pub async fn has_administrator(&self) -> Result<bool, Error> {
        read!(self.database, |conn| has_administrator!(conn))
    }

    /// The set-up code of this database, which is `fresh` from now on if there was none; `None`
    /// when there is an administrator.
    pub async fn setup_code_or(&self, fresh: &SetupCode) -> Result<Option<SetupCode>, Error> {
        let code: Option<String> = write!(self.database, |conn| {
            lock_setup!(conn)?;
            if has_administrator!(conn)? {
                return Ok(None);
            }
            sqlx::query_scalar("UPDATE setup SET code = COALESCE(code, $1) RETURNING code")
                .bind(fresh.expose())
                .fetch_one(&mut *conn)
                .await
        })?;
        Ok(code.and_then(|code| code.parse().ok()))
    }

    /// The set-up code of this database, if it has one and it has not been used.
    pub async fn setup_code(&self) -> Result<Option<SetupCode>, Error> {
        let code: Option<Option<String>> = read!(self.database, |conn| {
            sqlx::query_scalar("SELECT code FROM setup")
                .fetch_optional(&mut *conn)
                .await
        })?;
        Ok(code.flatten().and_then(|code| code.parse().ok()))
    }

    /// The signing keys of this database: generation, PKCS#8 and when it was made, oldest first.
    pub async fn signing_keys(&self) -> Result<Vec<(i64, Vec<u8>, Timestamp)>, Error> {
        let rows: Vec<(i64, Vec<u8>, i64)> = read!(self.database, |conn| {
            sqlx::query_as(
                "SELECT generation, pkcs8, create_time FROM signing_keys ORDER BY generation",
            )
            .fetch_all(&mut *conn)
            .await
        })?;
        let dated = rows.into_iter().map(|(generation, pkcs8, create_time)| {
            (generation, pkcs8, Timestamp::from_micros(create_time))
        });
        Ok(dated.collect())
    }

    /// Adds the signing key of a generation unless there is one; whether it did.
    pub async fn add_signing_key(
        &self,
        generation: i64,
        pkcs8: &[u8],
        now: Timestamp,
    ) -> Result<bool, Error> {
        let added = write!(self.database, |conn| {
            sqlx::query(
                "INSERT INTO signing_keys (generation, pkcs8, create_time) VALUES ($1, $2, $3)
                 ON CONFLICT (generation) DO NOTHING",
            )
            .bind(generation)
            .bind(pkcs8)
            .bind(now.as_micros())
            .execute(&mut *conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        Ok(added == 1)
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

/// A row of `users`.
#[derive(FromRow)]
struct Row {
    id: Uuid,
    username: String,
    password_hash: String,
    role: i16,
    create_time: i64,
}

impl Row {
    fn into_credentials(self) -> Result<Credentials, sqlx::Error> {
        Ok(Credentials {
            user: User {
                id: self.id,
                username: self
                    .username
                    .parse()
                    .map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
                role: role(self.role)?,
                create_time: Timestamp::from_micros(self.create_time),
            },
            password_hash: self.password_hash,
        })
    }
}

/// How a role is stored.
fn role_number(role: Role) -> i16 {
    match role {
        Role::Member => 1,
        Role::Admin => 2,
    }
}

fn role(number: i16) -> Result<Role, sqlx::Error> {
    match number {
        1 => Ok(Role::Member),
        2 => Ok(Role::Admin),
        other => Err(sqlx::Error::Decode(
            format!("there is no role {other}").into(),
        )),
    }
}
