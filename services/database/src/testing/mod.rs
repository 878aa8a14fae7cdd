//! Fresh databases for tests, on each engine.
//!
//! ```ignore
//! #[tokio::test]
//! async fn a_thought_is_kept() {
//!     database::testing::on_each_engine(async |fresh| {
//!         let store = Store::new(fresh.open(&migrations()).await);
//!         // …
//!     })
//!     .await;
//! }
//! ```
//!
//! The test runs once on an SQLite file in a folder of its own, then once on a new database of each
//! PostgreSQL server; what it prints says which one it was on when it failed. The servers are
//!
//! - those in `TEST_POSTGRES_URLS`, separated by commas, each with a user who may create databases
//!   (`postgres://postgres@localhost:5432/postgres`); or, while that is not set,
//! - one that this module starts from the `postgres` on the `PATH`, in a temporary folder, reached by
//!   a socket in it. It ends when the test process ends, however that ends.
//!
//! Without either, tests run on SQLite alone and say so; `REQUIRE_POSTGRES=1` makes that a failure.
//!
//! A test that stops its server, or needs one that follows another, starts a [`Server`] of its own.
//!
//! A test that needs an address rather than a pool (for a program's `DATABASE_URL`) takes
//! [`Fresh::url`]. One that needs to loop over engines itself takes [`each_engine`].

// A test that cannot have its database has nothing better to do than to stop and say why.
#![allow(clippy::expect_used, clippy::print_stderr)]

mod server;
mod servers;

use std::{
    future, process,
    str::FromStr as _,
    sync::atomic::{AtomicU32, Ordering},
};

use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, postgres::PgConnectOptions};

pub use self::server::Server;
use crate::{Database, DatabaseUrl, Engine, Migrations, url::Location};

/// A new and empty database, gone when this is dropped.
pub struct Fresh {
    url: DatabaseUrl,
    text: String,
    name: String,
    home: Home,
}

enum Home {
    Folder(#[allow(dead_code, reason = "kept for its Drop")] tempfile::TempDir),
    Server(Box<PgConnectOptions>, String),
}

/// Runs a test on a fresh database of each engine, one after the other.
pub async fn on_each_engine(test: impl AsyncFn(&Fresh)) {
    for fresh in each_engine().await {
        eprintln!("on {}", fresh.name());
        test(&fresh).await;
        fresh.drop_now().await;
    }
}

/// A fresh database of each engine.
pub async fn each_engine() -> Vec<Fresh> {
    let mut all = vec![Fresh::sqlite()];
    for server in servers::postgres_urls() {
        all.push(Fresh::postgres(server).await);
    }
    all
}

impl Fresh {
    /// A new SQLite file in a folder of its own.
    #[must_use]
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("test.db");
        Self {
            url: DatabaseUrl::sqlite(&path),
            text: format!("sqlite://{}", path.display()),
            name: Engine::Sqlite.to_string(),
            home: Home::Folder(folder),
        }
    }

    /// A new database of the server at `address`.
    async fn postgres(address: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let database = format!("test_{}_{count}", process::id());

        let server = PgConnectOptions::from_str(address).expect("an address of PostgreSQL");
        // Left over if an earlier process with this id was killed.
        let drop = format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)");
        run(&server, &drop).await;
        // template0 is the one template that accepts any encoding and locale.
        let create = format!(
            "CREATE DATABASE {database} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'"
        );
        run(&server, &create).await;
        let text = with_database(address, &database);
        let url = DatabaseUrl(Location::Postgres(Box::new(
            server.clone().database(&database),
        )));
        let name = format!("{} ({url})", Engine::Postgres);
        Self {
            url,
            text,
            name,
            home: Home::Server(Box::new(server), database),
        }
    }

    /// Opens the database and migrates it.
    pub async fn open(&self, migrations: &Migrations) -> Database {
        Database::open(&self.url, migrations, future::pending())
            .await
            .expect("the test database")
    }

    /// Where it is, as a program's `DATABASE_URL`.
    #[must_use]
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// The same as a text, password included: what another process is given.
    #[must_use]
    pub fn url_text(&self) -> &str {
        &self.text
    }

    /// The engine and where it is, for the message of a failed test.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which engine it is on.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.url.engine()
    }

    /// Removes the database. One whose test failed stays on its server until that is stopped.
    async fn drop_now(self) {
        if let Home::Server(server, database) = &self.home {
            run(
                server,
                &format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"),
            )
            .await;
        }
    }
}

async fn run(server: &PgConnectOptions, statement: &str) {
    let mut connection = server
        .connect()
        .await
        .expect("a connection to the test server");
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(&mut connection)
        .await
        .expect("the test server does as told");
    connection.close().await.expect("the connection closes");
}

/// `address` with its path, if any, replaced by `database`.
fn with_database(address: &str, database: &str) -> String {
    let (rest, query) = match address.split_once('?') {
        Some((rest, query)) => (rest, format!("?{query}")),
        None => (address, String::new()),
    };
    let authority = rest.find("://").map_or(0, |at| at + 3);
    let server = match rest[authority..].find('/') {
        Some(slash) => &rest[..authority + slash],
        None => rest,
    };
    format!("{server}/{database}{query}")
}
