//! One pool over SQLite and PostgreSQL, and the migrations of both.
//!
//! - [`DatabaseUrl`] says which database; [`Database::open`] waits for it, migrates it and pools
//!   connections to it.
//! - [`read!`] and [`write!`](crate::write!) run one text of Rust and SQL on whichever engine it
//!   is, so that a store has one function for both. The SQL keeps to what both understand: `$1`
//!   parameters, UUID, BIGINT, BOOLEAN, `ON CONFLICT … RETURNING`, row values.
//! - Where the engines truly differ, [`Database::engine`] tells which it is.
//! - A [`Replica`] of PostgreSQL is read from where that may be a little old.
//! - [`copy`](copy()) moves everything from SQLite to PostgreSQL.
//! - [`Pool`] measures how its connections are used, for [`register`].
//! - [`trace`] makes the spans of what they do.
//! - [`Error`] tells apart what a caller can act on.
//! - `testing` (a cargo feature) gives the tests of a store a fresh database on each engine.
//!
//! ```
//! # async fn example(database: &database::Database) -> Result<(), database::Error> {
//! let names: Vec<(String,)> = database::read!(database, |conn| {
//!     sqlx::query_as("SELECT name FROM people WHERE age > $1").bind(17).fetch_all(conn).await
//! })?;
//! let added = database::write!(database, |conn| {
//!     sqlx::query("INSERT INTO people (name) VALUES ($1)").bind("bruce").execute(&mut *conn).await?;
//!     let (count,): (i64,) =
//!         sqlx::query_as("SELECT count(*) FROM people").fetch_one(&mut *conn).await?;
//!     Ok(count)
//! })?;
//! # Ok(())
//! # }
//! ```

mod copy;
mod error;
mod macros;
mod measured;
mod metrics;
mod migrations;
mod pool;
mod postgres;
mod replica;
mod sqlite;
#[cfg(feature = "testing")]
pub mod testing;
pub mod trace;
mod url;

pub use self::{
    copy::{Copied, CopyError, LeftOut, Summary, copy},
    error::{Error, OpenError},
    measured::Pool,
    metrics::register,
    migrations::Migrations,
    pool::{Database, Engine},
    postgres::POSTGRES_CONNECTIONS,
    replica::{MAX_LAG, Replica},
    url::{DatabaseUrl, ParseUrlError},
};
