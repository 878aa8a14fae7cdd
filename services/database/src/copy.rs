//! Copying a database from SQLite to PostgreSQL, wholly or not at all.
//!
//! What there is to copy is asked of both databases ([`plan`]), so that no table can be forgotten:
//! one that is on one side alone, and not said to be left out, ends the copy before it begins. Rows
//! go from one to the other as they are read ([`encode`]), in one transaction of PostgreSQL, and are
//! then read again there: a table's rows have to be as many, with the same checksum ([`rows`]).
//!
//! The SQLite file is held alone meanwhile, which is refused while any other program has it open: so
//! nothing is written there that would not be copied.

mod encode;
mod plan;
mod rows;
mod summary;

use std::{path::Path, time::Duration};

use futures_util::TryStreamExt as _;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteLockingMode},
};

pub use self::summary::Summary;
use self::{
    encode::Encoder,
    plan::{Plan, Table, quoted},
    rows::{Checksum, of_postgres, of_sqlite},
};
use crate::{Database, DatabaseUrl, Migrations, OpenError, url::Location};

/// How long another program may hold one of the databases.
const PATIENCE: Duration = Duration::from_secs(2);
/// So many bytes are sent at once.
const CHUNK: usize = 64 * 1024;

/// A table that is not copied.
#[derive(Clone, Copy, Debug)]
pub struct LeftOut {
    /// Its name.
    pub table: &'static str,
    /// Why nothing is lost by that, in a few words.
    pub why: &'static str,
}

/// What has been copied of a table, and found again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Its name.
    pub table: String,
    /// How many rows, on both sides.
    pub rows: u64,
    /// A checksum of all rows in whatever order, on both sides.
    pub checksum: u128,
}

/// Why nothing was copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The database to copy to cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database to copy from cannot be used as it is.
    #[error("cannot copy from {0}: {1}")]
    From(DatabaseUrl, String),
    /// The database to copy to cannot be used as it is, or failed.
    #[error("cannot copy to {0}: {1}")]
    To(DatabaseUrl, String),
    /// It does not go from SQLite to PostgreSQL.
    #[error("DATABASE_URL: \"{0}\": expected postgres://USER@HOST:PORT/DB, to be copied to")]
    Engines(DatabaseUrl),
    /// The two sides do not have the same tables: a defect.
    #[error("cannot copy: {0}")]
    Unplanned(String),
    /// What came out is not what went in: a defect, or somebody's other program.
    #[error("{table} does not hold there what it holds here: {here} here, {there} there")]
    Differs {
        /// Which table.
        table: String,
        /// What was read.
        here: String,
        /// What was written.
        there: String,
    },
}

/// Copies everything from an SQLite file to an empty PostgreSQL database, which is migrated first,
/// and checks that all of it is there.
///
/// # Errors
///
/// [`CopyError`]; nothing has been copied then, and this can be done again.
pub async fn copy(
    from: &DatabaseUrl,
    to: &DatabaseUrl,
    migrations: &Migrations,
    left_out: &[LeftOut],
    cancelled: impl Future<Output = ()>,
) -> Result<Vec<Copied>, CopyError> {
    let (Location::Sqlite(path), Location::Postgres(options)) = (&from.0, &to.0) else {
        return Err(CopyError::Engines(to.clone()));
    };
    let failed_here = |error: sqlx::Error| CopyError::From(from.clone(), told(&error));
    let failed_there = |error: sqlx::Error| CopyError::To(to.clone(), told(&error));
    let mut source = hold(path)
        .await
        .map_err(|why| CopyError::From(from.clone(), why))?;
    is_up_to_date(&mut source, migrations)
        .await
        .map_err(|why| CopyError::From(from.clone(), why))?;
    Database::open(to, migrations, cancelled)
        .await?
        .close()
        .await;

    let mut target = options.connect().await.map_err(failed_there)?;
    let mut transaction = target.begin().await.map_err(failed_there)?;
    let plan = Plan::of(&mut source, &mut transaction, left_out).await?;
    lock_empty(&mut transaction, &plan)
        .await
        .map_err(|why| CopyError::To(to.clone(), why))?;
    let mut sent = Vec::new();
    for table in &plan.tables {
        sent.push(send(table, &mut source, &mut transaction).await.map_err(
            |failure| match failure {
                Failure::Here(error) => failed_here(error),
                Failure::There(error) => failed_there(error),
            },
        )?);
    }
    let mut copied = Vec::new();
    for (table, here) in plan.tables.iter().zip(sent) {
        let there = found(table, &mut transaction).await.map_err(failed_there)?;
        copied.push(table.compared(here, there)?);
    }
    transaction.commit().await.map_err(failed_there)?;
    // All is done; a failure to say good-bye changes nothing.
    let _ = (target.close().await, source.close().await);
    Ok(copied)
}

/// Which side failed.
enum Failure {
    Here(sqlx::Error),
    There(sqlx::Error),
}

/// Opens an SQLite file so that nobody else can.
async fn hold(path: &Path) -> Result<SqliteConnection, String> {
    if !path.is_file() {
        return Err("there is no such file".to_owned());
    }
    let held = async {
        let mut connection = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .locking_mode(SqliteLockingMode::Exclusive)
            .busy_timeout(PATIENCE)
            // Waiting for another program is expected here, and answered with one line.
            .disable_statement_logging()
            .connect()
            .await?;
        sqlx::query("BEGIN EXCLUSIVE")
            .execute(&mut connection)
            .await?;
        Ok(connection)
    };
    held.await
        .map_err(|error: sqlx::Error| match crate::Error::from(error) {
            crate::Error::Conflict(_) => "another program has it open: end that first".to_owned(),
            error => error.to_string(),
        })
}

/// Checks that the file is what this version of the program makes of it.
async fn is_up_to_date(
    source: &mut SqliteConnection,
    migrations: &Migrations,
) -> Result<(), String> {
    let asked = "SELECT version, checksum FROM _sqlx_migrations WHERE success ORDER BY version";
    let applied: Result<Vec<(i64, Vec<u8>)>, _> = sqlx::query_as(asked).fetch_all(source).await;
    let wanted = migrations.sqlite.iter();
    let wanted: Vec<_> = wanted
        .map(|it| (it.version, it.checksum.to_vec()))
        .collect();
    match applied {
        Ok(applied) if applied == wanted => Ok(()),
        Ok(_) => Err(
            "it is of another version of this program, or of another program: start this version on \
             it once, end it, and copy then"
                .to_owned(),
        ),
        Err(error) => Err(format!("it is no database of this program: {}", told(&error))),
    }
}

/// Keeps everybody else from the tables, which have to be empty, and their triggers from rows that
/// have been through them.
async fn lock_empty(target: &mut PgConnection, plan: &Plan) -> Result<(), String> {
    let failed = |error: sqlx::Error| told(&error);
    let names: Vec<_> = plan.tables.iter().map(Table::quoted).collect();
    let patience = PATIENCE.as_millis();
    let lock = format!(
        "SET LOCAL lock_timeout = {patience}; LOCK TABLE {} IN ACCESS EXCLUSIVE MODE",
        names.join(", ")
    );
    run(target, lock).await.map_err(failed)?;
    for table in &plan.tables {
        let asked = format!("SELECT EXISTS (SELECT 1 FROM {})", table.quoted());
        let asked = sqlx::query_scalar(AssertSqlSafe(asked));
        if asked.fetch_one(&mut *target).await.map_err(failed)? {
            let name = &table.name;
            return Err(format!(
                "it is not empty, {name} has rows: copy into a new database that no program has \
                 been started on"
            ));
        }
        let disable = format!("ALTER TABLE {} DISABLE TRIGGER USER", table.quoted());
        run(target, disable).await.map_err(failed)?;
    }
    Ok(())
}

/// Copies a table, and sums up what was read.
async fn send(
    table: &Table,
    source: &mut SqliteConnection,
    target: &mut PgConnection,
) -> Result<Checksum, Failure> {
    let (columns, name) = (table.columns(), table.quoted());
    let mut sum = Checksum::default();
    let mut encoder = Encoder::new();
    let select = format!("SELECT {columns} FROM {name}");
    let mut rows = sqlx::query(AssertSqlSafe(select)).fetch(source);
    let copy = format!("COPY {name} ({columns}) FROM STDIN (FORMAT binary)");
    let mut copying = target.copy_in_raw(&copy).await.map_err(Failure::There)?;
    let outcome = loop {
        let row = match rows.try_next().await {
            Ok(Some(row)) => row,
            Ok(None) => break Ok(()),
            Err(error) => break Err(Failure::Here(error)),
        };
        let values = match of_sqlite(&row, table) {
            Ok(values) => values,
            Err(error) => break Err(Failure::Here(error)),
        };
        sum.add(&values);
        if let Err(error) = encoder.row(&values, table) {
            break Err(Failure::Here(error));
        }
        if encoder.len() >= CHUNK
            && let Err(error) = copying.send(encoder.take()).await
        {
            break Err(Failure::There(error));
        }
    };
    if let Err(failure) = outcome {
        // The transaction ends with the connection, whatever becomes of this.
        let _ = copying.abort("reading failed").await;
        return Err(failure);
    }
    encoder.end();
    copying.send(encoder.take()).await.map_err(Failure::There)?;
    copying.finish().await.map_err(Failure::There)?;
    settle(table, target).await.map_err(Failure::There)?;
    Ok(sum)
}

/// Lets the triggers act again, counters go on behind what was copied, and the planner know of it.
async fn settle(table: &Table, target: &mut PgConnection) -> Result<(), sqlx::Error> {
    let name = table.quoted();
    run(target, format!("ALTER TABLE {name} ENABLE TRIGGER USER")).await?;
    for column in table.columns.iter().filter(|column| column.is_counter) {
        let number = quoted(&column.name);
        let set = format!(
            "SELECT setval(pg_get_serial_sequence($1, $2), coalesce(max({number}), 1),
                 max({number}) IS NOT NULL) FROM {name}"
        );
        sqlx::query(AssertSqlSafe(set))
            .bind(&name)
            .bind(&column.name)
            .execute(&mut *target)
            .await?;
    }
    run(target, format!("ANALYZE {name}")).await
}

/// Sums up what a table holds now.
async fn found(table: &Table, target: &mut PgConnection) -> Result<Checksum, sqlx::Error> {
    let select = format!("SELECT {} FROM {}", table.columns(), table.quoted());
    let mut rows = sqlx::query(AssertSqlSafe(select)).fetch(target);
    let mut sum = Checksum::default();
    while let Some(row) = rows.try_next().await? {
        sum.add(&of_postgres(&row, table)?);
    }
    Ok(sum)
}

async fn run(target: &mut PgConnection, statement: String) -> Result<(), sqlx::Error> {
    let run = sqlx::raw_sql(AssertSqlSafe(statement));
    run.execute(&mut *target).await.map(drop)
}

/// In one line.
fn told(error: &sqlx::Error) -> String {
    error.to_string().replace('\n', " ")
}

impl Table {
    fn compared(&self, here: Checksum, there: Checksum) -> Result<Copied, CopyError> {
        if here == there {
            return Ok(Copied {
                table: self.name.clone(),
                rows: here.rows,
                checksum: here.sum,
            });
        }
        Err(CopyError::Differs {
            table: self.name.clone(),
            here: here.to_string(),
            there: there.to_string(),
        })
    }
}
