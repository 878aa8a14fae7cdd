//! The pool on each engine: opening, migrating, reading, writing, failing.

#![allow(clippy::expect_used, reason = "a test's helper fails the test")]

use std::{future, os::unix::fs::PermissionsExt as _, time::Duration};

use database::{
    Database, DatabaseUrl, Engine, Error, Migrations, OpenError,
    testing::{Fresh, each_engine, on_each_engine},
};
use sqlx::migrate::{Migration, MigrationType, Migrator};

fn migrations() -> Migrations {
    Migrations::new(
        sqlx::migrate!("tests/migrations/sqlite"),
        sqlx::migrate!("tests/migrations/postgres"),
    )
}

/// What a later release would bring: one more step on each engine.
fn newer_migrations() -> Migrations {
    let with_one_more = |migrator: Migrator| {
        let mut all: Vec<_> = migrator.iter().cloned().collect();
        let sql = sqlx::SqlSafeStr::into_sql_str("CREATE TABLE places (name TEXT NOT NULL)");
        all.push(Migration::new(
            2,
            "places".into(),
            MigrationType::Simple,
            sql,
            false,
        ));
        Migrator::with_migrations(all)
    };
    Migrations::new(
        with_one_more(sqlx::migrate!("tests/migrations/sqlite")),
        with_one_more(sqlx::migrate!("tests/migrations/postgres")),
    )
}

async fn add(database: &Database, name: &str) -> Result<(), Error> {
    database::write!(database, |conn| {
        let add = sqlx::query("INSERT INTO people (name, age) VALUES ($1, 30)").bind(name);
        add.execute(&mut *conn).await.map(|_| ())
    })
}

async fn names(database: &Database) -> Vec<String> {
    database::read!(database, |conn| {
        sqlx::query_scalar("SELECT name FROM people ORDER BY name")
            .fetch_all(&mut *conn)
            .await
    })
    .expect("names")
}

#[tokio::test]
async fn what_is_written_is_read() {
    on_each_engine(async |fresh| {
        let database = fresh.open(&migrations()).await;
        add(&database, "bruce").await.expect("added");
        assert_eq!(names(&database).await, ["bruce"]);
        database.ping().await.expect("there");
        database.close().await;
        assert!(matches!(database.ping().await, Err(Error::Unavailable(_))));
    })
    .await;
}

#[tokio::test]
async fn the_same_key_again_is_told_apart() {
    on_each_engine(async |fresh| {
        let database = fresh.open(&migrations()).await;
        add(&database, "bruce").await.expect("added");
        assert!(matches!(
            add(&database, "bruce").await,
            Err(Error::Unique(_))
        ));
        database.close().await;
    })
    .await;
}

#[tokio::test]
async fn what_a_trigger_refuses_is_told_apart_with_its_message() {
    on_each_engine(async |fresh| {
        let database = fresh.open(&migrations()).await;
        let trigger = match database.engine() {
            Engine::Sqlite => {
                "CREATE TRIGGER nobody BEFORE INSERT ON people WHEN NEW.name = 'nobody'
                 BEGIN SELECT RAISE (ABORT, 'NOBODY'); END"
            }
            Engine::Postgres => {
                "CREATE FUNCTION nobody() RETURNS TRIGGER LANGUAGE plpgsql AS
                 $$ BEGIN RAISE EXCEPTION 'NOBODY'; END $$;
                 CREATE TRIGGER nobody BEFORE INSERT ON people FOR EACH ROW
                 WHEN (NEW.name = 'nobody') EXECUTE FUNCTION nobody()"
            }
        };
        database::write!(database, |conn| {
            sqlx::raw_sql(trigger).execute(&mut *conn).await.map(|_| ())
        })
        .expect("a trigger");
        let outcome = add(&database, "nobody").await;
        assert!(
            matches!(&outcome, Err(Error::Refused(reason)) if reason == "NOBODY"),
            "{outcome:?}"
        );
        add(&database, "bruce").await.expect("added");
        assert_eq!(names(&database).await, ["bruce"]);
        database.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_failed_transaction_leaves_nothing() {
    on_each_engine(async |fresh| {
        let database = fresh.open(&migrations()).await;
        let outcome: Result<(), _> = database::write!(database, |conn| {
            sqlx::query("INSERT INTO people (name, age) VALUES ('stephen', 33)")
                .execute(&mut *conn)
                .await?;
            sqlx::query("INSERT INTO nowhere (name) VALUES ('stephen')")
                .execute(&mut *conn)
                .await
                .map(|_| ())
        });
        assert!(matches!(outcome, Err(Error::Other(_))), "{outcome:?}");
        assert!(names(&database).await.is_empty());
        database.close().await;
    })
    .await;
}

#[tokio::test]
async fn many_writers_at_once_all_get_their_turn() {
    on_each_engine(async |fresh| {
        let database = fresh.open(&migrations()).await;
        add(&database, "bruce").await.expect("added");
        let writers: Vec<_> = (0..50)
            .map(|_| {
                let database = database.clone();
                tokio::spawn(async move {
                    database::write!(database, |conn| {
                        sqlx::query("UPDATE people SET age = age + 1")
                            .execute(&mut *conn)
                            .await
                            .map(|done| done.rows_affected())
                    })
                })
            })
            .collect();
        for writer in writers {
            writer.await.expect("no panic").expect("written");
        }
        let age: i64 = database::read!(database, |conn| {
            sqlx::query_scalar("SELECT age FROM people")
                .fetch_one(&mut *conn)
                .await
        })
        .expect("age");
        assert_eq!(age, 80);
        database.close().await;
    })
    .await;
}

#[tokio::test]
async fn two_that_start_at_once_migrate_once() {
    on_each_engine(async |fresh| {
        let migrations = migrations();
        let opening = || Database::open(fresh.url(), &migrations, future::pending());
        let (first, second, third) = tokio::join!(opening(), opening(), opening());
        for database in [first, second, third] {
            let database = database.expect("opened");
            assert!(names(&database).await.is_empty());
            database.close().await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_older_program_serves_a_newer_schema() {
    on_each_engine(async |fresh| {
        fresh.open(&newer_migrations()).await.close().await;
        let older = fresh.open(&migrations()).await;
        add(&older, "bruce").await.expect("added");
        older.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_changed_migration_is_refused() {
    for fresh in each_engine().await {
        fresh.open(&migrations()).await.close().await;
        let sql = || sqlx::SqlSafeStr::into_sql_str("CREATE TABLE people (name TEXT NOT NULL)");
        let changed = || Migration::new(1, "people".into(), MigrationType::Simple, sql(), false);
        let changed = Migrations::new(
            Migrator::with_migrations(vec![changed()]),
            Migrator::with_migrations(vec![changed()]),
        );
        let refused = Database::open(fresh.url(), &changed, future::pending()).await;
        let message = refused.expect_err("refused").to_string();
        assert!(
            message.contains("migration 1 was previously applied"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn sqlite_is_durable_private_and_read_only_for_readers() {
    let fresh = Fresh::sqlite();
    let database = fresh.open(&migrations()).await;
    let mode = |path: &str| {
        std::fs::metadata(path)
            .expect("a file")
            .permissions()
            .mode()
            & 0o777
    };
    let path = fresh.url_text().trim_start_matches("sqlite://");
    assert_eq!(mode(path), 0o600);
    assert_eq!(mode(&format!("{path}-wal")), 0o600);

    let Database::Sqlite { writer, readers } = &database else {
        panic!("SQLite")
    };
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(&**writer)
        .await
        .expect("mode");
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous")
        .fetch_one(&**writer)
        .await
        .expect("mode");
    assert_eq!((journal.as_str(), synchronous), ("wal", 2), "2 is FULL");
    let write = sqlx::query("DELETE FROM people").execute(&**readers).await;
    assert!(write.is_err(), "a reader wrote");
    database.close().await;
}

#[tokio::test]
async fn a_full_disk_is_gone_through_once_there_is_room() {
    let fresh = Fresh::sqlite();
    let database = fresh.open(&migrations()).await;
    let Database::Sqlite { writer, .. } = &database else {
        unreachable!("this is SQLite");
    };
    // Holds for this one connection: the next one has room again.
    let mut connection = writer.acquire().await.expect("connected");
    sqlx::query("PRAGMA max_page_count = 1")
        .execute(&mut *connection)
        .await
        .expect("set");
    drop(connection);
    let big = "x".repeat(1_000_000);
    let refused = add(&database, &big).await.expect_err("the disk is full");
    assert!(matches!(refused, Error::Unavailable(_)), "{refused:?}");
    add(&database, "bruce").await.expect("there is room again");
    assert_eq!(names(&database).await, ["bruce"]);
}

#[tokio::test]
async fn a_missing_folder_is_refused_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = DatabaseUrl::sqlite(folder.path().join("missing/thoughts.db"));
    let refused = Database::open(&url, &migrations(), future::pending()).await;
    let message = refused.expect_err("refused").to_string();
    assert!(message.contains("there is no folder"), "{message}");
}

#[tokio::test]
async fn another_encoding_is_refused_at_once() {
    for fresh in each_engine()
        .await
        .iter()
        .filter(|fresh| fresh.engine() == Engine::Postgres)
    {
        let database = fresh.open(&migrations()).await;
        let Database::Postgres(pool) = &database else {
            panic!("PostgreSQL")
        };
        let name: String = sqlx::query_scalar("SELECT current_database()")
            .fetch_one(&**pool)
            .await
            .expect("name");
        let latin = format!("{name}_latin");
        let create =
            format!("CREATE DATABASE {latin} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'");
        sqlx::raw_sql(sqlx::AssertSqlSafe(create))
            .execute(&**pool)
            .await
            .expect("created");
        let url = fresh
            .url_text()
            .replace(&name, &latin)
            .parse()
            .expect("an address");
        let refused = Database::open(&url, &migrations(), future::pending()).await;
        let message = refused.expect_err("refused").to_string();
        assert!(message.contains("encoding is LATIN1"), "{message}");
        let drop = format!("DROP DATABASE {latin} WITH (FORCE)");
        sqlx::raw_sql(sqlx::AssertSqlSafe(drop))
            .execute(&**pool)
            .await
            .expect("dropped");
        database.close().await;
    }
}

#[tokio::test]
async fn a_server_that_is_away_is_waited_for_until_cancelled() {
    // Bound and never listened on for PostgreSQL's protocol: the port answers nobody.
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = port.local_addr().expect("an address");
    drop(port);
    let url = format!("postgres://bruce@{address}/thoughts")
        .parse()
        .expect("an address");
    let cancelled = tokio::time::sleep(Duration::from_millis(300));
    let outcome = Database::open(&url, &migrations(), cancelled).await;
    assert!(
        matches!(outcome, Err(OpenError::Cancelled(_))),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn connections_that_the_server_has_closed_are_replaced() {
    for fresh in each_engine()
        .await
        .iter()
        .filter(|fresh| fresh.engine() == Engine::Postgres)
    {
        let database = fresh.open(&migrations()).await;
        add(&database, "bruce").await.expect("added");
        let Database::Postgres(pool) = &database else {
            panic!("PostgreSQL")
        };
        sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .execute(&**pool)
        .await
        .expect("the others are ended");
        let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
        while let Err(error) = database.ping().await {
            assert!(error.is_unavailable(), "{error:?}");
            assert!(tokio::time::Instant::now() < deadline, "never came back");
        }
        database.close().await;
    }
}

/// As while its password is being replaced.
#[tokio::test]
async fn who_is_turned_away_for_a_while_is_let_in_again() {
    for (n, fresh) in (each_engine().await.iter())
        .filter(|fresh| fresh.engine() == Engine::Postgres)
        .enumerate()
    {
        let role = format!("turned_away_{}_{n}", std::process::id());
        let owner = fresh.open(&migrations()).await;
        run(&owner, format!("CREATE ROLE {role} LOGIN SUPERUSER")).await;
        let (_, place) = fresh.url_text().split_once('@').expect("an address");
        let url: DatabaseUrl = format!("postgres://{role}@{place}").parse().expect("one");
        let open = async || Database::open(&url, &migrations(), future::pending()).await;
        let database = open().await.expect("let in");
        add(&database, "bruce").await.expect("added");

        run(&owner, format!("ALTER ROLE {role} NOLOGIN")).await;
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'"
        );
        run(&owner, end).await;
        let refused = loop {
            match add(&database, "stephen").await {
                Ok(()) => {}
                Err(error) if error.to_string().contains("log in") => break error,
                // The connection that was there.
                Err(error) => assert!(error.is_unavailable(), "{error:?}"),
            }
        };
        assert!(matches!(refused, Error::Unavailable(_)), "{refused:?}");
        // At the start it is a mistake.
        assert!(matches!(open().await, Err(OpenError::Refused { .. })));

        run(&owner, format!("ALTER ROLE {role} LOGIN")).await;
        add(&database, "stephen").await.expect("added");
        database.close().await;
        run(&owner, format!("DROP ROLE {role}")).await;
        owner.close().await;
    }
}

async fn run(database: &Database, sql: String) {
    let Database::Postgres(pool) = database else {
        panic!("PostgreSQL")
    };
    let done = sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(&**pool)
        .await;
    done.expect("done");
}

#[tokio::test]
async fn a_statement_is_planned_once_a_connection() {
    on_each_engine(async |fresh| {
        let database = fresh.open(&migrations()).await;
        let Database::Postgres(pool) = &database else {
            return;
        };
        let mut connection = pool.acquire().await.expect("a connection");
        for _ in 0..10 {
            sqlx::query("SELECT name FROM people WHERE name > $1 ORDER BY name LIMIT $2")
                .bind("bruce")
                .bind(20_i64)
                .fetch_all(&mut *connection)
                .await
                .expect("read");
        }
        let plans: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements
             WHERE statement LIKE 'SELECT name FROM people%'",
        )
        .fetch_all(&mut *connection)
        .await
        .expect("the statements");
        assert_eq!(plans, [(10, 0)]);
        drop(connection);
        database.close().await;
    })
    .await;
}
