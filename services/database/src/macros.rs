//! One text of Rust and SQL for both engines.
//!
//! Being generic over `sqlx::Database` would put a dozen higher-ranked bounds on every function of
//! a store. A macro that expands the same block once for each engine needs none.

/// Reads on one connection: `read!(database, |conn| { … })`.
///
/// The block is expanded once for each engine, with `conn` a `&mut` connection of it, and ends in a
/// `Result<T, sqlx::Error>`; `?` works on such results inside. The whole is a
/// `Result<T, database::Error>`, and has to be in an `async` function.
///
/// On SQLite the connection cannot write.
#[macro_export]
macro_rules! read {
    ($database:expr, |$conn:ident| $body:expr) => {{
        fn here() {}
        let database = $crate::Database::itself(&$database);
        let work = async {
            match database {
                $crate::Database::Sqlite { readers, .. } => $crate::__read!(readers, |$conn| $body),
                $crate::Database::Postgres(pool) => $crate::__read!(pool, |$conn| $body),
            }
        };
        $crate::trace::traced(database.engine(), "read", here, work).await
    }};
}

/// Writes in one transaction: `write!(database, |conn| { … })`.
///
/// Like [`read!`](crate::read!), in a transaction that is committed when the block gives `Ok` and
/// rolled back when it gives `Err` or is dropped. On SQLite it holds the write lock from its
/// beginning (`BEGIN IMMEDIATE`); on PostgreSQL it is READ COMMITTED.
///
/// The block runs again, at most twice, when the transaction fails as [`Error::Conflict`]; so it
/// only borrows what it binds.
///
/// [`Error::Conflict`]: crate::Error::Conflict
#[macro_export]
macro_rules! write {
    ($database:expr, |$conn:ident| $body:expr) => {{
        fn here() {}
        let database = $crate::Database::itself(&$database);
        let work = async {
            let mut tries_left = 2;
            loop {
                let outcome = match database {
                    $crate::Database::Sqlite { writer, .. } => {
                        $crate::__write!(writer, "BEGIN IMMEDIATE", |$conn| $body)
                    }
                    $crate::Database::Postgres(pool) => {
                        $crate::__write!(pool, "BEGIN", |$conn| $body)
                    }
                };
                match outcome {
                    Err($crate::Error::Conflict(_)) if tries_left > 0 => tries_left -= 1,
                    outcome => break outcome,
                }
                database.count_retry();
            }
        };
        $crate::trace::traced(database.engine(), "write", here, work).await
    }};
}

/// The arm of one engine of [`read!`](crate::read!).
#[doc(hidden)]
#[macro_export]
macro_rules! __read {
    ($pool:expr, |$conn:ident| $body:expr) => {
        match $pool.acquire().await {
            Ok(mut connection) => {
                let outcome: ::std::result::Result<_, ::sqlx::Error> = async {
                    let $conn = &mut *connection;
                    $body
                }
                .await;
                outcome.map_err($crate::Error::from)
            }
            Err(error) => Err($crate::Error::from(error)),
        }
    };
}

/// The arm of one engine of [`write!`](crate::write!).
#[doc(hidden)]
#[macro_export]
macro_rules! __write {
    ($pool:expr, $begin:literal, |$conn:ident| $body:expr) => {
        match $pool.acquire().await {
            Ok(mut connection) => {
                let (outcome, sound) =
                    match ::sqlx::Connection::begin_with(&mut *connection, $begin).await {
                        Ok(mut transaction) => {
                            let outcome: ::std::result::Result<_, ::sqlx::Error> = async {
                                let $conn = &mut *transaction;
                                $body
                            }
                            .await;
                            match outcome {
                                Ok(value) => match transaction.commit().await {
                                    Ok(()) => (Ok(value), true),
                                    Err(error) => (Err(error), false),
                                },
                                // Waited for, so that the next caller does not meet our locks.
                                Err(error) => (Err(error), transaction.rollback().await.is_ok()),
                            }
                        }
                        Err(error) => (Err(error), false),
                    };
                // SQLite ends a transaction by itself when the disk is full or an I/O error
                // happens, so that ROLLBACK fails and the connection is out of step for ever.
                if !sound {
                    connection.close_on_drop();
                }
                outcome.map_err($crate::Error::from)
            }
            Err(error) => Err($crate::Error::from(error)),
        }
    };
}
