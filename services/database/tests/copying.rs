//! Everything goes from SQLite to PostgreSQL, or nothing does.

#![allow(clippy::expect_used, reason = "a test's helper fails the test")]

use std::future;

use database::{
    Copied, CopyError, Database, DatabaseUrl, Engine, LeftOut, Migrations, Summary, copy,
    testing::{Fresh, each_engine},
};
use sqlx::migrate::{Migration, MigrationType, Migrator};

const LEFT_OUT: [LeftOut; 2] = [
    LeftOut {
        table: "log",
        why: "it begins anew",
    },
    LeftOut {
        table: "pieces",
        why: "an index",
    },
];

/// A column of each kind, a counter, a reference to what comes later in the alphabet, a trigger, and
/// what only one side has.
const SQLITE: &str = "
    CREATE TABLE zoo (id BLOB NOT NULL PRIMARY KEY, name TEXT NOT NULL) STRICT;
    CREATE TABLE animals (
        n INTEGER NOT NULL PRIMARY KEY, zoo_id BLOB REFERENCES zoo, legs INTEGER NOT NULL,
        is_tame INTEGER NOT NULL, picture BLOB, note TEXT
    ) STRICT;
    CREATE TABLE log (n INTEGER NOT NULL PRIMARY KEY) STRICT;
    CREATE VIRTUAL TABLE pieces USING fts5 (words, content = '', contentless_delete = 1);
    CREATE TRIGGER logged AFTER INSERT ON animals BEGIN INSERT INTO log VALUES (NEW.n); END";

const POSTGRES: &str = "
    CREATE TABLE zoo (id UUID NOT NULL PRIMARY KEY, name TEXT NOT NULL);
    CREATE TABLE animals (
        n BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY, zoo_id UUID REFERENCES zoo,
        legs SMALLINT NOT NULL, is_tame BOOLEAN NOT NULL, picture BYTEA, note TEXT
    );
    CREATE TABLE log (n BIGINT NOT NULL PRIMARY KEY);
    CREATE FUNCTION log_animal() RETURNS TRIGGER LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO log VALUES (NEW.n); RETURN NULL; END $$;
    CREATE TRIGGER logged AFTER INSERT ON animals
    FOR EACH ROW EXECUTE FUNCTION log_animal()";

fn migrations() -> Migrations {
    migrations_of(SQLITE)
}

fn migrations_of(sqlite: &'static str) -> Migrations {
    let migrator = |sql: &'static str| {
        let sql = sqlx::SqlSafeStr::into_sql_str(sql);
        let kind = MigrationType::Simple;
        Migrator::with_migrations(vec![Migration::new(1, "zoo".into(), kind, sql, false)])
    };
    Migrations::new(migrator(sqlite), migrator(POSTGRES))
}

async fn run(database: &Database, statement: &'static str) {
    let ran = database::write!(database, |conn| {
        sqlx::raw_sql(statement).execute(&mut *conn).await.map(drop)
    });
    ran.expect(statement);
}

async fn number(database: &Database, statement: &'static str) -> i64 {
    database::read!(database, |conn| {
        sqlx::query_scalar(statement).fetch_one(&mut *conn).await
    })
    .expect(statement)
}

/// A file with rows, which nobody has open.
async fn source() -> Fresh {
    let fresh = Fresh::sqlite();
    let database = fresh.open(&migrations()).await;
    run(
        &database,
        "INSERT INTO zoo VALUES (x'00112233445566778899aabbccddeeff', 'Zoologischer Garten ✨');
         INSERT INTO animals VALUES
            (-5, NULL, -32768, 0, NULL, NULL),
            (7, x'00112233445566778899aabbccddeeff', 32767, 1, x'', ''),
            (9223372036854775807, NULL, 0, 0, x'00ff', 'line' || char(10) || '\\N' || char(9))",
    )
    .await;
    // Enough for several chunks.
    run(
        &database,
        "INSERT INTO animals
         WITH RECURSIVE n (n) AS (SELECT 1000 UNION ALL SELECT n + 1 FROM n WHERE n < 9000)
         SELECT n, NULL, 4, n % 2, NULL, 'animal number ' || n FROM n",
    )
    .await;
    database.close().await;
    fresh
}

async fn targets() -> Vec<Fresh> {
    let all = each_engine().await.into_iter();
    all.filter(|fresh| fresh.engine() == Engine::Postgres)
        .collect()
}

async fn copied(from: &DatabaseUrl, to: &Fresh) -> Result<Vec<Copied>, CopyError> {
    copy(from, to.url(), &migrations(), &LEFT_OUT, future::pending()).await
}

async fn refusal(from: &DatabaseUrl, to: &Fresh) -> String {
    copied(from, to).await.expect_err("refused").to_string()
}

#[tokio::test]
async fn every_row_arrives_and_is_counted() {
    for to in targets().await {
        let from = source().await;
        let told = copied(from.url(), &to).await.expect("copied");
        let counts: Vec<_> = told.iter().map(|it| (it.table.as_str(), it.rows)).collect();
        assert_eq!(
            counts,
            [("zoo", 1), ("animals", 8004)],
            "in order of references"
        );
        let shown = Summary::new(&told, &LEFT_OUT).to_string();
        assert!(shown.contains("not copied: it begins anew"), "{shown}");

        let database = to.open(&migrations()).await;
        let exact = "
            SELECT count(*) FROM animals AS a LEFT JOIN zoo AS z ON z.id = a.zoo_id
            WHERE (a.n, legs, is_tame) = (-5, -32768, false) AND picture IS NULL AND note IS NULL
                OR (a.n, legs, is_tame, picture, note) = (7, 32767, true, ''::BYTEA, '')
                    AND z.id = '00112233-4455-6677-8899-aabbccddeeff'
                    AND z.name = 'Zoologischer Garten ✨'
                OR (a.n, legs, is_tame) = (9223372036854775807, 0, false)
                    AND picture = '\\x00ff'::BYTEA AND note = E'line\\n\\\\N\\t'";
        assert_eq!(number(&database, exact).await, 3);
        assert_eq!(
            number(&database, "SELECT count(*) FROM log").await,
            0,
            "no trigger ran"
        );
        run(&database, "DELETE FROM animals WHERE n > 9000").await;
        database.close().await;
    }
}

#[tokio::test]
async fn triggers_and_counters_go_on_afterwards() {
    for to in targets().await {
        let from = Fresh::sqlite();
        let database = from.open(&migrations()).await;
        run(
            &database,
            "INSERT INTO animals VALUES (41, NULL, 4, 1, NULL, NULL)",
        )
        .await;
        database.close().await;
        copied(from.url(), &to).await.expect("copied");
        let database = to.open(&migrations()).await;
        run(
            &database,
            "INSERT INTO animals (legs, is_tame) VALUES (2, true)",
        )
        .await;
        assert_eq!(number(&database, "SELECT max(n) FROM animals").await, 42);
        assert_eq!(number(&database, "SELECT max(n) FROM log").await, 42);
        database.close().await;
    }
}

#[tokio::test]
async fn what_is_not_empty_is_left_as_it_is() {
    for to in targets().await {
        let from = source().await;
        let database = to.open(&migrations()).await;
        run(
            &database,
            "INSERT INTO zoo VALUES (gen_random_uuid(), 'mine')",
        )
        .await;
        database.close().await;
        let refused = refusal(from.url(), &to).await;
        assert!(
            refused.contains("it is not empty, zoo has rows"),
            "{refused}"
        );
        let database = to.open(&migrations()).await;
        assert_eq!(number(&database, "SELECT count(*) FROM zoo").await, 1);
        assert_eq!(number(&database, "SELECT count(*) FROM animals").await, 0);
        database.close().await;
    }
}

#[tokio::test]
async fn what_somebody_has_open_is_refused_and_what_is_copied_nobody_opens() {
    for to in targets().await {
        let from = source().await;
        let open = from.open(&migrations()).await;
        let refused = refusal(from.url(), &to).await;
        assert!(refused.contains("another program has it open"), "{refused}");
        open.close().await;
        copied(from.url(), &to).await.expect("copied");
        // It is as it was, for whoever stays with it.
        let again = from.open(&migrations()).await;
        assert_eq!(number(&again, "SELECT count(*) FROM animals").await, 8004);
        again.close().await;
    }
}

#[tokio::test]
async fn what_is_not_there_or_not_ours_is_refused() {
    for to in targets().await {
        let folder = tempfile::tempdir().expect("a folder");
        let missing = DatabaseUrl::sqlite(folder.path().join("missing.db"));
        let refused = refusal(&missing, &to).await;
        assert!(refused.contains("there is no such file"), "{refused}");
        assert!(!folder.path().join("missing.db").exists());

        let empty = folder.path().join("empty.db");
        std::fs::write(&empty, "").expect("a file");
        let refused = refusal(&DatabaseUrl::sqlite(&empty), &to).await;
        assert!(
            refused.contains("it is no database of this program"),
            "{refused}"
        );

        let other = Fresh::sqlite();
        let of_another_version = migrations_of("CREATE TABLE zoo (id BLOB NOT NULL PRIMARY KEY)");
        other.open(&of_another_version).await.close().await;
        let refused = refusal(other.url(), &to).await;
        assert!(refused.contains("another version"), "{refused}");

        let from = source().await;
        let backwards = copy(to.url(), from.url(), &migrations(), &[], future::pending()).await;
        assert!(
            matches!(backwards, Err(CopyError::Engines(_))),
            "{backwards:?}"
        );
    }
}

#[tokio::test]
async fn what_does_not_fit_is_named_and_nothing_is_copied() {
    for to in targets().await {
        for (misfit, what) in [
            (
                "INSERT INTO animals VALUES (1, NULL, 40000, 1, NULL, NULL)",
                "animals.legs",
            ),
            (
                "INSERT INTO animals VALUES (1, NULL, 4, 2, NULL, NULL)",
                "animals.is_tame",
            ),
            (
                "INSERT INTO animals VALUES (1, NULL, 4, 1, NULL, char(0))",
                "animals.note",
            ),
            ("INSERT INTO zoo VALUES (x'00', 'a short id')", "zoo.id"),
        ] {
            let from = source().await;
            let database = from.open(&migrations()).await;
            run(&database, misfit).await;
            database.close().await;
            let refused = refusal(from.url(), &to).await;
            assert!(refused.contains(what), "{refused}");
            let database = to.open(&migrations()).await;
            assert_eq!(number(&database, "SELECT count(*) FROM zoo").await, 0);
            database.close().await;
        }
    }
}

#[tokio::test]
async fn a_difference_is_found() {
    for to in targets().await {
        let from = source().await;
        let database = to.open(&migrations()).await;
        // What a defect, or somebody's own rule, may do.
        run(
            &database,
            "CREATE FUNCTION change() RETURNS TRIGGER LANGUAGE plpgsql AS
             $$ BEGIN NEW.note = upper(NEW.note); RETURN NEW; END $$;
             CREATE TRIGGER change BEFORE INSERT ON animals
             FOR EACH ROW EXECUTE FUNCTION change();
             CREATE FUNCTION keep_on() RETURNS EVENT_TRIGGER LANGUAGE plpgsql AS
             $$ BEGIN
                 IF (SELECT tgenabled = 'D' FROM pg_trigger WHERE tgname = 'change') THEN
                     ALTER TABLE animals ENABLE TRIGGER change;
                 END IF;
             END $$;
             CREATE EVENT TRIGGER keep_on ON ddl_command_end EXECUTE FUNCTION keep_on()",
        )
        .await;
        database.close().await;
        let differs = copied(from.url(), &to).await.expect_err("a difference");
        assert!(
            matches!(&differs, CopyError::Differs { table, .. } if table == "animals"),
            "{differs}"
        );
        let database = to.open(&migrations()).await;
        assert_eq!(number(&database, "SELECT count(*) FROM animals").await, 0);
        database.close().await;
    }
}
