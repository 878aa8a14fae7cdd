//! How each engine goes about it with 100,000 thoughts: no list and no rare word may read through
//! the table.

use database::{Engine, Error, testing::on_each_engine};
use sqlx::AssertSqlSafe;

use super::{
    read::{LIST, LIST_OF_AUTHOR},
    read_trash::{LIST_TRASH, beside},
    tests::{BRUCE, STEPHEN, opened, thought},
    write::number,
    *,
};
use crate::{
    fold::fold,
    page::PageRequest,
    query::SearchQuery,
    thought::{Thought, Visibility},
};

const ROWS: i64 = 100_000;

/// Half of them Chinese, a tenth private, with words in a third, in 0.5% and in two of them.
fn corpus(rows: i64) -> impl Iterator<Item = Thought> {
    (0..rows).map(move |n| {
        let mut text = if n % 2 == 0 {
            format!("{} {} and {}", name(n), name(n / 7), name(n * 31))
        } else {
            (0..20).map(|k| han(n * 37 + k * k * 11)).collect()
        };
        for (each, word) in [
            (3, " common"),
            (200, " halfpercent"),
            (rows / 2, " platypus 餮 qx"),
        ] {
            if n % each == 1 {
                text.push_str(word);
            }
        }
        let author = if n % 5 == 0 { STEPHEN } else { BRUCE };
        let visibility = if n % 10 == 0 {
            Visibility::Private
        } else {
            Visibility::Public
        };
        thought(author, n * 1_000, &text, visibility)
    })
}

fn name(n: i64) -> String {
    let syllables = ["ba", "ke", "li", "mo", "nu", "ra", "se", "ti", "vo", "zu"];
    let digit = |place: i64| syllables[usize::try_from(n / place % 10).expect("a digit")];
    [1, 10, 100].map(digit).concat()
}

fn han(n: i64) -> char {
    let offset = u32::try_from(n * n % 3_001).expect("small");
    char::from_u32(0x4e00 + offset).expect("a character")
}

/// Stores all of them in a few statements.
async fn fill(store: &Store, rows: i64) {
    let all: Vec<Thought> = corpus(rows).collect();
    match &store.database {
        Database::Sqlite { .. } => {
            for some in all.chunks(10_000) {
                let done: Result<(), Error> = database::write!(store.database, |conn| {
                    for thought in some {
                        insert!(conn, Engine::Sqlite, thought, &fold(&thought.text));
                    }
                    Ok(())
                });
                done.expect("stored");
            }
        }
        Database::Postgres(pool) => {
            for some in all.chunks(10_000) {
                copy(pool, some).await;
            }
            sqlx::raw_sql("VACUUM ANALYZE thoughts")
                .execute(pool)
                .await
                .expect("analysed");
        }
    }
}

/// As many in the trash of one author as make a walk through it stand out.
async fn fill_trash(store: &Store) {
    let (one, author) = match store.database.engine() {
        Engine::Sqlite => ("randomblob(16)", format!("x'{}'", BRUCE.simple())),
        Engine::Postgres => ("gen_random_uuid()", format!("'{BRUCE}'::uuid")),
    };
    let sql = format!(
        "INSERT INTO trash
         SELECT -n, {one}, {author}, 'bruce', 'gone', 1, 0, 0, 1, n < 0 FROM (
             WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20000)
             SELECT n FROM numbers
         ) AS all_of_them"
    );
    let done: Result<(), Error> = database::write!(store.database, |conn| {
        sqlx::query(AssertSqlSafe(sql.as_str()))
            .execute(&mut *conn)
            .await?;
        sqlx::query("ANALYZE trash").execute(&mut *conn).await?;
        Ok(())
    });
    done.expect("stored");
}

async fn copy(pool: &sqlx::PgPool, thoughts: &[Thought]) {
    fn column<T>(thoughts: &[Thought], value: impl Fn(&Thought) -> T) -> Vec<T> {
        thoughts.iter().map(value).collect()
    }
    sqlx::query(
        "INSERT INTO thoughts
             (position, id, author_id, author, text, folded, visibility, update_time)
         SELECT p, i, a, n, t, f, v, p FROM unnest(
             $1::bigint[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::smallint[]
         ) AS rows (p, i, a, n, t, f, v)",
    )
    .bind(column(thoughts, |t| t.create_time.as_micros()))
    .bind(column(thoughts, |t| t.id))
    .bind(column(thoughts, |t| t.author.id))
    .bind(column(thoughts, |t| t.author.username.clone()))
    .bind(column(thoughts, |t| t.text.clone()))
    .bind(column(thoughts, |t| fold(&t.text)))
    .bind(column(thoughts, |t| number(t.visibility)))
    .execute(pool)
    .await
    .expect("stored");
}

/// The plan of a list, line by line, as the engine words it.
async fn list_plan(store: &Store, sql: &str, generic: bool) -> Vec<String> {
    match &store.database {
        Database::Sqlite { readers, .. } => sqlite_plan(readers, sql).await,
        Database::Postgres(pool) => {
            let mode = if generic {
                "force_generic_plan"
            } else {
                "force_custom_plan"
            };
            let mut session = pool.acquire().await.expect("a connection");
            let statements = format!(
                "SET plan_cache_mode = {mode};
                 PREPARE list (bigint, uuid, bigint, text, bigint) AS {sql};
                 EXPLAIN EXECUTE list (50000000, '{STEPHEN}', 21, 'stephen', 0);
                 DEALLOCATE list; RESET plan_cache_mode"
            );
            let rows = sqlx::raw_sql(AssertSqlSafe(statements))
                .fetch_all(&mut *session)
                .await;
            rows.expect("a plan")
                .iter()
                .map(|row| sqlx::Row::get(row, 0))
                .collect()
        }
    }
}

async fn sqlite_plan(readers: &sqlx::SqlitePool, sql: &str) -> Vec<String> {
    let explained = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let rows = sqlx::query(explained)
        .fetch_all(readers)
        .await
        .expect("a plan");
    rows.iter()
        .map(|row| sqlx::Row::get(row, "detail"))
        .collect()
}

#[tokio::test]
async fn no_list_and_no_rare_word_reads_through_the_table() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        fill(&store, ROWS).await;
        fill_trash(&store).await;
        for generic in [false, true] {
            for (sql, everyones) in [
                (LIST, "thoughts_public"),
                (LIST_OF_AUTHOR, "thoughts_public_of_author"),
            ] {
                let plan = list_plan(&store, sql, generic).await;
                reads_in_order(&plan);
                uses(&plan, everyones);
                uses(&plan, "thoughts_private");
                let plan = list_plan(&store, &beside(sql), generic).await;
                reads_in_order(&plan);
                uses(&plan, everyones);
                uses(&plan, "thoughts_private");
                uses(&plan, "trash_of_author");
            }
            let plan = list_plan(&store, LIST_TRASH, generic).await;
            reads_in_order(&plan);
            uses(&plan, "trash_of_author");
        }
        searches_by_index(&store).await;
        store.close().await;
    })
    .await;
}

/// Reads no more of the table than it answers with (SQLite then sorts the two short arms).
fn reads_in_order(plan: &[String]) {
    for forbidden in ["Seq Scan", "Bitmap", "SCAN thoughts", "SCAN trash"] {
        assert!(
            !plan.iter().any(|line| line.contains(forbidden)),
            "{forbidden} in {plan:#?}"
        );
    }
}

fn uses(plan: &[String], index: &str) {
    let used = plan
        .iter()
        .any(|line| line.split([' ', '(']).any(|word| word == index));
    assert!(used, "no {index} in {plan:#?}");
}

async fn searches_by_index(store: &Store) {
    match &store.database {
        Database::Sqlite { readers, .. } => {
            let plan = sqlite_plan(readers, sqlite::SEARCH).await;
            reads_in_order(&plan);
            assert!(
                plan[0].starts_with("SCAN p VIRTUAL TABLE INDEX"),
                "{plan:#?}"
            );
            assert!(
                plan[1].starts_with("SEARCH t USING INTEGER PRIMARY KEY"),
                "{plan:#?}"
            );
        }
        Database::Postgres(pool) => {
            for words in [
                "platypus",
                "餮",
                "qx",
                "京",
                "😀😀😀",
                "common 餮",
                "halfpercent",
            ] {
                let query = SearchQuery::parse(words).expect("a query");
                let plan = postgres::index_plan(pool, &query).await.expect("a plan");
                assert!(
                    !plan.iter().any(|line| line.contains("Seq Scan")),
                    "{plan:#?}"
                );
                uses(&plan, "thoughts_pieces");
            }
        }
    }
}

/// The figures that the comments of the two search files quote: `cargo test --release -p
/// thoughts-backend -- --ignored p03_ --nocapture`.
#[tokio::test]
#[ignore = "measures for minutes"]
#[allow(clippy::print_stdout)]
async fn p03_search_stays_fast_at_300_000_thoughts() {
    let cases = [
        "common",
        "halfpercent",
        "platypus",
        "absentword",
        "a",
        "e",
        "zz",
        "qx",
        "餮",
        "一",
        "丁一",
        "common qx",
        "common 餮",
        "common zzzz",
        "common halfpercent 一",
        "😀😀😀",
        "momovo",
        "\"e l\"",
    ];
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        fill(&store, 300_000).await;
        for words in cases {
            let query = SearchQuery::parse(words).expect("a query");
            let mut times = Vec::new();
            let mut count = 0;
            for _ in 0..9 {
                let start = std::time::Instant::now();
                let page = PageRequest {
                    size: 20,
                    before: None,
                };
                count = store
                    .search(None, &query, page)
                    .await
                    .expect("found")
                    .thoughts
                    .len();
                times.push(start.elapsed());
            }
            times.sort_unstable();
            println!("{words:24} {count:3} {:?}", times[4]);
        }
        store.close().await;
    })
    .await;
}
