//! The pool itself: opened, asked whether it is there, closed.

use std::{fmt, future::Future, pin::pin, time::Duration};

use sqlx::{Postgres, Sqlite};

use crate::{DatabaseUrl, Error, Migrations, OpenError, Pool, postgres, sqlite, url::Location};

/// How long a database may take to say that it is there.
const PING_TIMEOUT: Duration = Duration::from_secs(1);
/// How long to wait between two tries to open a database that is away: from the first to the last.
const RETRY_AFTER: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(2)];

/// A pool of connections to one database, cheap to clone. Statements run through
/// [`read!`](crate::read!) and [`write!`](crate::write!).
#[derive(Clone, Debug)]
pub enum Database {
    /// An SQLite file in WAL mode. There is one writer, as SQLite has room for no second one, and
    /// waiting for it in the pool is fair; readers see the last commit and never wait for it.
    Sqlite {
        /// The one connection that writes.
        writer: Pool<Sqlite>,
        /// Connections that cannot write.
        readers: Pool<Sqlite>,
    },
    /// A PostgreSQL server.
    Postgres(Pool<Postgres>),
}

/// The kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// SQLite, embedded.
    Sqlite,
    /// PostgreSQL, 15 or later.
    Postgres,
}

/// Why a database did not open this time.
pub(crate) enum NotOpen {
    /// It may be there later.
    Yet(String),
    /// Waiting would not help.
    Ever(String),
}

impl Database {
    /// Opens the database and brings its schema up to date.
    ///
    /// While the server is away this waits and tries again, until `cancelled` completes. Several
    /// processes may do this at once to one database: one of them migrates it, the others wait.
    ///
    /// # Errors
    ///
    /// [`OpenError::Refused`] at once when waiting would not help (a folder that is missing, a wrong
    /// password, an encoding other than UTF8, a migration that fails), [`OpenError::Cancelled`]
    /// when `cancelled` came first.
    pub async fn open(
        url: &DatabaseUrl,
        migrations: &Migrations,
        cancelled: impl Future<Output = ()>,
    ) -> Result<Self, OpenError> {
        let mut cancelled = pin!(cancelled);
        let mut waiting_for = None;
        let mut pause = RETRY_AFTER[0];
        loop {
            let tried = tokio::select! {
                () = &mut cancelled => return Err(OpenError::Cancelled(url.clone())),
                tried = Self::try_open(url, migrations) => tried,
            };
            match tried {
                Ok(database) => return Ok(database),
                Err(NotOpen::Ever(reason)) => {
                    return Err(OpenError::Refused {
                        url: url.clone(),
                        reason,
                    });
                }
                Err(NotOpen::Yet(reason)) => {
                    if waiting_for.as_ref() != Some(&reason) {
                        tracing::warn!(database = %url, %reason, "waiting for the database");
                        waiting_for = Some(reason);
                    }
                }
            }
            tokio::select! {
                () = &mut cancelled => return Err(OpenError::Cancelled(url.clone())),
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(RETRY_AFTER[1]),
            }
        }
    }

    /// What the macros match on, whether they were given a database or a reference to one.
    #[doc(hidden)]
    #[must_use]
    pub fn itself(&self) -> &Self {
        self
    }

    async fn try_open(url: &DatabaseUrl, migrations: &Migrations) -> Result<Self, NotOpen> {
        match &url.0 {
            Location::Sqlite(path) => sqlite::open(path, &migrations.sqlite).await,
            Location::Postgres(options) => postgres::open(options, &migrations.postgres).await,
        }
    }

    /// Which engine this is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match self {
            Self::Sqlite { .. } => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// Counts a transaction that is made again.
    #[doc(hidden)]
    pub fn count_retry(&self) {
        let usage = match self {
            Self::Sqlite { writer, .. } => &writer.usage,
            Self::Postgres(pool) => &pool.usage,
        };
        usage.retries.inc();
    }

    /// Asks the database for an answer, for at most a second.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] when there is none.
    pub async fn ping(&self) -> Result<(), Error> {
        let answer = async {
            crate::read!(self, |conn| {
                sqlx::query("SELECT 1")
                    .execute(&mut *conn)
                    .await
                    .map(|_| ())
            })
        };
        match tokio::time::timeout(PING_TIMEOUT, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::Unavailable(sqlx::Error::PoolTimedOut)),
        }
    }

    /// Closes every connection, after the statements that are under way.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                // Last, because the last connection to close merges the write-ahead log.
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Engine {
    /// What OpenTelemetry calls it.
    pub(crate) fn system(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgresql",
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}
