//! What can go wrong, by what the caller can do about it.

use crate::DatabaseUrl;

/// A statement or transaction that failed.
///
/// Told apart by kind and never by a constraint's name, which SQLite does not report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A unique index or primary key holds the value already. Nothing was written.
    #[error("the value is there already: {0}")]
    Unique(#[source] sqlx::Error),
    /// A trigger of the schema refused the write, with this message: `RAISE (ABORT, …)` on SQLite,
    /// `RAISE EXCEPTION` without a code of its own on PostgreSQL. Nothing was written.
    #[error("the schema refused the write: {0}")]
    Refused(String),
    /// The transaction met another one (deadlock, serialization failure, a locked SQLite file) and
    /// did nothing. [`write!`](crate::write!) tries again before it gives this back.
    #[error("the transaction met another one: {0}")]
    Conflict(#[source] sqlx::Error),
    /// The database is away or too busy: no connection, a broken one, a time limit, a full disk.
    /// A write may or may not have happened; the same call can be made again later.
    #[error("the database is unavailable: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// A defect of ours: a wrong statement, a value that does not decode.
    #[error("database error: {0}")]
    Other(#[source] sqlx::Error),
}

/// A database that could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The wait for the database was cancelled.
    #[error("stopped while waiting for {0}")]
    Cancelled(DatabaseUrl),
    /// The database or the folder is there, but not as it has to be; waiting would not help.
    #[error("cannot use {url}: {reason}")]
    Refused {
        /// Which database.
        url: DatabaseUrl,
        /// What is wrong with it, in one line.
        reason: String,
    },
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(reported) if reported.is_unique_violation() => {
                Self::Unique(error)
            }
            sqlx::Error::Database(reported) => match Trouble::of(reported.as_ref()) {
                Trouble::Refusal => Self::Refused(reported.message().to_owned()),
                Trouble::Conflict => Self::Conflict(error),
                Trouble::Away => Self::Unavailable(error),
                Trouble::Defect => Self::Other(error),
            },
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => Self::Unavailable(error),
            _ => Self::Other(error),
        }
    }
}

impl Error {
    /// A word for the kind of it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Unique(_) => "unique",
            Self::Refused(_) => "refused",
            Self::Conflict(_) => "conflict",
            Self::Unavailable(_) => "unavailable",
            Self::Other(_) => "other",
        }
    }

    /// Whether it is more than an answer that the schema gives.
    pub(crate) fn is_failure(&self) -> bool {
        !matches!(self, Self::Unique(_) | Self::Refused(_))
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Conflict(_))
    }
}

enum Trouble {
    Refusal,
    Conflict,
    Away,
    Defect,
}

impl Trouble {
    /// By SQLSTATE (PostgreSQL, appendix A) or by result code (sqlite.org/rescode.html).
    fn of(reported: &dyn sqlx::error::DatabaseError) -> Self {
        let code = reported.code().unwrap_or_default();
        if reported
            .try_downcast_ref::<sqlx::sqlite::SqliteError>()
            .is_some()
        {
            let code = code.parse::<i32>().unwrap_or_default();
            // The low byte is the primary code: BUSY, LOCKED; READONLY, IOERR, FULL, CANTOPEN.
            return match (code, code & 0xff) {
                // CONSTRAINT_TRIGGER
                (1811, _) => Self::Refusal,
                (_, 5 | 6) => Self::Conflict,
                (_, 8 | 10 | 13 | 14) => Self::Away,
                _ => Self::Defect,
            };
        }
        match (code.get(..2), code.as_ref()) {
            // raise_exception
            (_, "P0001") => Self::Refusal,
            // serialization_failure, deadlock_detected, lock_not_available
            (_, "40001" | "40P01" | "55P03") => Self::Conflict,
            // Connection exceptions, insufficient resources (too_many_connections, disk_full), and
            // logins that are refused: while a password is being replaced, to connections that are new.
            (Some("08" | "28" | "53"), _) => Self::Away,
            // query_canceled (statement_timeout), admin_shutdown, crash_shutdown,
            // cannot_connect_now, idle_in_transaction_session_timeout, and read_only_sql_transaction
            // (a primary that has just become a replica).
            (_, "57014" | "57P01" | "57P02" | "57P03" | "25P03" | "25006") => Self::Away,
            _ => Self::Defect,
        }
    }
}
