//! Opening SQLite.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{
    SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{Database, Pool, pool::NotOpen};

/// Reading takes a core each; more readers than cores only take memory.
const READERS: u32 = 4;
/// How long a call waits for its connection before it fails as unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a statement waits for another process that holds the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

pub(crate) async fn open(path: &Path, migrations: &Migrator) -> Result<Database, NotOpen> {
    create(path)?;
    let lock = lock_migrations(path).await?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true);
    let writer = pool(1)
        .connect_with(
            options
                .clone()
                .journal_mode(SqliteJournalMode::Wal)
                // NORMAL may lose an acknowledged commit when the power fails.
                .synchronous(SqliteSynchronous::Full),
        )
        .await
        .map_err(|error| NotOpen::Ever(error.to_string()))?;
    migrate(&writer, migrations).await?;
    drop(lock);
    let readers = pool(READERS).connect_lazy_with(options.read_only(true));
    Ok(Database::Sqlite {
        writer: Pool::new("writer", writer),
        readers: Pool::new("readers", readers),
    })
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // A connection is a file in this process: it neither breaks nor ages.
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}

/// Makes the file if there is none, readable for its owner alone. SQLite gives the files that it
/// makes beside it the same mode.
fn create(path: &Path) -> Result<(), NotOpen> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder
        && !folder.is_dir()
    {
        return Err(NotOpen::Ever(format!(
            "there is no folder {}",
            folder.display()
        )));
    }
    private_file(path).map_err(|error| NotOpen::Ever(error.to_string()))?;
    Ok(())
}

/// SQLite itself has no lock that spans several transactions, and switching an empty file to WAL
/// is no transaction at all; so processes that start at once take turns by a lock on a file beside
/// the database. It cannot be on the database: closing any handle of a file drops the locks that
/// SQLite holds on it for the whole process.
async fn lock_migrations(path: &Path) -> Result<File, NotOpen> {
    let mut name = path.as_os_str().to_owned();
    name.push("-migrate.lock");
    let path = PathBuf::from(name);
    let locking = tokio::task::spawn_blocking(move || {
        let file = private_file(&path)?;
        file.lock()?;
        Ok::<_, io::Error>(file)
    });
    match locking.await {
        Ok(Ok(file)) => Ok(file),
        Ok(Err(error)) => Err(NotOpen::Ever(format!(
            "cannot lock it for migrating: {error}"
        ))),
        Err(error) => Err(NotOpen::Ever(error.to_string())),
    }
}

async fn migrate(writer: &SqlitePool, migrations: &Migrator) -> Result<(), NotOpen> {
    let outcome = migrations.run(writer).await;
    if outcome.is_err() {
        writer.close().await;
    }
    outcome.map_err(|error| NotOpen::Ever(error.to_string()))
}

fn private_file(path: &Path) -> io::Result<File> {
    fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}
