//! Opening PostgreSQL.

use std::time::Duration;

use sqlx::{
    ConnectOptions as _, Connection as _, PgConnection,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{Database, Error, Pool, pool::NotOpen};

/// How many connections a process keeps to its PostgreSQL at most. Two replicas of two backends stay
/// well below the 100 that PostgreSQL allows unless told otherwise.
pub const POSTGRES_CONNECTIONS: u32 = 16;
/// How long a call waits for a connection before it fails as unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// A connection that has been idle for longer is asked whether it is still there before it is given
/// out. Asking each time would cost a round trip a call.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);
/// The server ends work that nobody can still be waiting for.
const SETTINGS: [(&str, &str); 2] = [
    ("statement_timeout", "10s"),
    ("idle_in_transaction_session_timeout", "10s"),
];
/// Compiling a statement takes longer than any of ours runs; and planning one, longer than reading a
/// page. So it is planned once a connection. PostgreSQL would plan it for each call where there are
/// many rows and it does not know the limit.
pub(crate) const PLANNING: [(&str, &str); 2] =
    [("jit", "off"), ("plan_cache_mode", "force_generic_plan")];

pub(crate) async fn open(
    options: &PgConnectOptions,
    migrations: &Migrator,
) -> Result<Database, NotOpen> {
    prepare(options, migrations).await?;
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, state| {
            Box::pin(async move {
                if state.idle_for > TRUSTED_IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options.clone().options(SETTINGS).options(PLANNING));
    Ok(Database::Postgres(Pool::new("primary", pool)))
}

/// Checks and migrates on a connection of its own: waiting for another process that migrates may
/// take longer than a statement is given, and closing the connection gives up its lock however the
/// migration ended.
async fn prepare(options: &PgConnectOptions, migrations: &Migrator) -> Result<(), NotOpen> {
    let connecting = tokio::time::timeout(ACQUIRE_TIMEOUT, options.connect());
    let mut connection = match connecting.await {
        Ok(connected) => connected.map_err(not_open)?,
        Err(_) => return Err(NotOpen::Yet("no answer".to_owned())),
    };
    let outcome = prepare_on(&mut connection, migrations).await;
    // What it was for is done; a failure to say good-bye changes nothing.
    let _ = connection.close().await;
    outcome
}

async fn prepare_on(connection: &mut PgConnection, migrations: &Migrator) -> Result<(), NotOpen> {
    let encoding: String = sqlx::query_scalar("SHOW server_encoding")
        .fetch_one(&mut *connection)
        .await
        .map_err(not_open)?;
    if encoding != "UTF8" {
        return Err(NotOpen::Ever(format!(
            "its encoding is {encoding}; create the database with ENCODING 'UTF8'"
        )));
    }
    migrations
        .run_direct(None, connection, false)
        .await
        .map_err(|error| match error {
            MigrateError::Execute(error) => not_open(error),
            MigrateError::ExecuteMigration(error, version) => match not_open(error) {
                NotOpen::Ever(reason) => {
                    NotOpen::Ever(format!("migration {version} failed: {reason}"))
                }
                later @ NotOpen::Yet(_) => later,
            },
            other => NotOpen::Ever(other.to_string()),
        })
}

fn not_open(error: sqlx::Error) -> NotOpen {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    // Who is not let in at the start has been told something wrong.
    if code.is_some_and(|code| code.starts_with("28")) {
        return NotOpen::Ever(error.to_string());
    }
    match Error::from(error) {
        Error::Unavailable(error) | Error::Conflict(error) => NotOpen::Yet(error.to_string()),
        Error::Unique(error) | Error::Other(error) => NotOpen::Ever(error.to_string()),
        Error::Refused(reason) => NotOpen::Ever(reason),
    }
}
