//! How each engine goes about it with 100,000 thoughts: no list and no rare word may read through
//! the table.

use std::time::Duration;

use database::{
    Engine, Error,
    testing::{Fresh, on_each_engine},
};
use runtime::clock::Timestamp;
use sqlx::{AssertSqlSafe, postgres::PgPoolOptions};

#[path = "../../benches/search/corpus.rs"]
mod corpus;

use super::{
    lists::{Part, Whose},
    read_trash::Trash,
    search::{Argument, List, Search, Statement},
    sqlite::Asked,
    tests::{BRUCE, STEPHEN, opened, thought},
    write::number,
    *,
};
use crate::{
    fold::fold,
    page::Place,
    query::SearchQuery,
    thought::{Thought, Visibility},
    trash::TrashList,
};

const ROWS: i64 = 100_000;

fn corpus(rows: i64) -> impl Iterator<Item = Thought> {
    (0..rows).map(move |n| {
        let visibility = if corpus::is_private(n) {
            Visibility::Private
        } else {
            Visibility::Public
        };
        let (id, username) = corpus::author(n);
        let mut thought = thought(
            Uuid::from_u128(id),
            n * 1_000,
            &corpus::text(n, rows),
            visibility,
        );
        thought.author.username = username.to_owned();
        // By its last byte one in 257 is in the sample, at even distances, so that counts are the same
        // each time.
        let last = u128::try_from(n % 257).unwrap_or_default().min(255);
        thought.id = Uuid::from_u128(u128::from(n.unsigned_abs()) << 64 | last);
        thought
    })
}

/// A store that waits for the database as long as it takes: what is looked at is how it goes about
/// things, not how busy the machine is.
async fn patient(fresh: &Fresh) -> Store {
    let mut store = opened(fresh).await;
    if let Database::Postgres(hasty) = &store.database {
        let no_limits = ["statement_timeout", "idle_in_transaction_session_timeout"];
        let options = (*hasty.connect_options())
            .clone()
            .options(no_limits.map(|limit| (limit, "0")));
        hasty.close().await;
        let pool = PgPoolOptions::new().acquire_timeout(Duration::from_mins(5));
        let pool = database::Pool::new("primary", pool.connect_lazy_with(options));
        store.database = Database::Postgres(pool);
    }
    store
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
            let index = "SELECT indexdef FROM pg_indexes WHERE indexname = 'thoughts_search'";
            let index: (String,) = sqlx::query_as(index)
                .fetch_one(&**pool)
                .await
                .expect("the index");
            // Indexed afterwards, which is much faster.
            run(pool, "DROP INDEX thoughts_search").await;
            for some in all.chunks(10_000) {
                copy(pool, some).await;
            }
            run(pool, &index.0).await;
            while store.tag_untagged(10_000).await.expect("tagged") > 0 {}
            while store.count_tags(100_000).await.expect("counted") > 0 {}
            run(pool, "VACUUM ANALYZE").await;
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
        "INSERT INTO trash (
             position, id, author_id, author, text, visibility, update_time,
             delete_time, expire_time, removed
         )
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

async fn run(pool: &sqlx::PgPool, statements: &str) {
    let statements = AssertSqlSafe(statements.to_owned());
    let done = sqlx::raw_sql(statements).execute(pool).await;
    done.expect("done");
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
async fn list_plan(store: &Store, statement: &Statement, generic: bool) -> Vec<String> {
    match &store.database {
        Database::Sqlite { readers, .. } => sqlite_plan(readers, &statement.sql).await,
        Database::Postgres(pool) => explained(pool, "EXPLAIN", statement, generic).await,
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
        let store = patient(fresh).await;
        fill(&store, ROWS).await;
        fill_trash(&store).await;
        for generic in [false, true] {
            lists_read_in_order(&store, generic).await;
        }
        walks_end(&store).await;
        searches_by_index(&store).await;
        tags_are_listed_by_index(&store).await;
        store.close().await;
    })
    .await;
}

/// From the first page on and from the middle; and where some positions are left to be read, no more
/// than those.
async fn lists_read_in_order(store: &Store, generic: bool) {
    let middle = Place::before(ROWS * 500);
    let parts = [part(Place::END, 0), part(middle, 0), part(middle, 1_000)];
    let left = parts[2].at(ROWS * 400..ROWS * 400 + 50_000);
    for (whose, author, everyones) in [
        (Whose::Everyones, None, "thoughts_public"),
        (
            Whose::Authors("stephen"),
            Some("stephen"),
            "thoughts_public_of_author",
        ),
    ] {
        let list = lists::List {
            whose,
            everyones: true,
            own: Some(STEPHEN),
        };
        let trash = |list| Trash {
            viewer: STEPHEN,
            author,
            list,
            now: Timestamp::from_micros(0),
        };
        for part in &parts {
            let plan = list_plan(store, &read::statement(list, part, 21), generic).await;
            reads_in_order(&plan);
            uses(&plan, everyones);
            uses(&plan, "thoughts_private");
            let beside = trash(TrashList::Beside).statement(part, 21);
            let plan = list_plan(store, &beside, generic).await;
            reads_in_order(&plan);
            uses(&plan, everyones);
            uses(&plan, "thoughts_private");
            uses(&plan, "trash_of_author");
            let alone = trash(TrashList::Alone).statement(part, 21);
            let plan = list_plan(store, &alone, generic).await;
            reads_in_order(&plan);
            uses(&plan, "trash_of_author");
        }
        let some = trash(TrashList::Beside).statement(&left, 21);
        match &store.database {
            Database::Sqlite { readers, .. } => {
                let plan = sqlite_plan(readers, &some.sql).await;
                reads_in_order(&plan);
            }
            Database::Postgres(pool) => {
                let plan = analysed(pool, &some, generic).await;
                let most = plan.iter().map(|line| rows_read(line)).max();
                assert!(most <= Some(60), "{plan:#?}");
            }
        }
    }
}

/// Reads no more of the table than it answers with (SQLite then sorts the two short arms).
fn reads_in_order(plan: &[String]) {
    for forbidden in [
        "Seq Scan",
        "Bitmap",
        "SCAN thoughts",
        "SCAN thought_tags",
        "SCAN trash",
    ] {
        let reads_through =
            |line: &&String| line.contains(forbidden) && !line.contains("VIRTUAL TABLE INDEX");
        assert_eq!(plan.iter().find(reads_through), None, "{plan:#?}");
    }
}

fn part(before: Place, furthest: i64) -> Part {
    Part {
        before,
        furthest,
        at: None,
    }
}

fn uses(plan: &[String], index: &str) {
    let used = plan
        .iter()
        .any(|line| line.split([' ', '(']).any(|word| word == index));
    assert!(used, "no {index} in {plan:#?}");
}

fn search<'a>(store: &Store, query: &'a SearchQuery) -> Search<'a> {
    Search {
        // Nobody's private thoughts are somebody else's: see the service.
        viewer: Some(STEPHEN).filter(|_| query.author().is_none_or(|name| name == "stephen")),
        query,
        engine: store.database.engine(),
    }
}

/// However rare the matches are in a list, a walk through it looks at so many thoughts and no more,
/// in the order of an index.
async fn walks_end(store: &Store) {
    const REACH: usize = 500;
    for (typed, list) in [
        ("-e -一", List::Everyone),
        ("-from:bruce -from:stephen -from:ada", List::Everyone),
        ("absentword", List::Everyone),
        ("is:private absentword", List::Everyone),
        ("is:public -o -一", List::Everyone),
        ("until:1969 -x", List::Everyone),
        ("from:stephen absentword", List::OfAuthor),
        ("from:bruce #daily absentword", List::OfAuthor),
        ("#daily absentword", List::OfTag(0)),
        ("#daily #rare -from:ada", List::OfTag(0)),
        ("#daily from:ada", List::OfTag(0)),
        ("#daily -#daily2 -#topic1 is:private", List::OfTag(0)),
        ("#rare -platypus", List::OfTag(0)),
    ] {
        let query = SearchQuery::parse(typed).expect("a query");
        let search = search(store, &query);
        let part = part(Place::END, 0);
        for statement in [
            search.walk(list, REACH, &part, 21),
            search.end_of_walk(list, REACH, &part),
        ] {
            match &store.database {
                Database::Sqlite { readers, .. } => {
                    let plan = sqlite_plan(readers, &statement.sql).await;
                    reads_in_order(&plan);
                }
                Database::Postgres(pool) => {
                    for generic in [false, true] {
                        let plan = analysed(pool, &statement, generic).await;
                        reads_in_order(&plan);
                        // Both arms of the list, and one row of each that looks ahead.
                        let most = plan.iter().map(|line| rows_read(line)).max();
                        assert!(most <= Some(2 * REACH + 2), "{typed}: {plan:#?}");
                    }
                }
            }
        }
    }
}

/// How a statement went, line by line.
async fn analysed(pool: &sqlx::PgPool, statement: &Statement, generic: bool) -> Vec<String> {
    let explain = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)";
    explained(pool, explain, statement, generic).await
}

async fn explained(
    pool: &sqlx::PgPool,
    explain: &str,
    statement: &Statement,
    generic: bool,
) -> Vec<String> {
    let mode = if generic {
        "force_generic_plan"
    } else {
        "force_custom_plan"
    };
    let (types, values): (Vec<&str>, Vec<String>) = statement
        .arguments
        .iter()
        .map(|argument| match argument {
            Argument::Number(number) => ("bigint", number.to_string()),
            Argument::Id(id) => ("uuid", format!("'{id}'")),
            Argument::Text(text) => ("text", format!("'{text}'")),
        })
        .unzip();
    let mut session = pool.acquire().await.expect("a connection");
    let statements = format!(
        "SET plan_cache_mode = {mode}; PREPARE walk ({}) AS {};
         {explain} EXECUTE walk ({});
         DEALLOCATE walk; RESET plan_cache_mode",
        types.join(", "),
        statement.sql,
        values.join(", "),
    );
    let rows = sqlx::raw_sql(AssertSqlSafe(statements))
        .fetch_all(&mut *session)
        .await;
    let rows = rows.expect("a plan");
    rows.iter().map(|row| sqlx::Row::get(row, 0)).collect()
}

/// The rows that a line of a plan tells of: those a node gave, each time, or those it left out.
fn rows_read(line: &str) -> usize {
    let number = |behind: &str| -> Option<usize> {
        let digits = line.split_once(behind)?.1;
        let end = digits.find(|c: char| !c.is_ascii_digit());
        digits[..end.unwrap_or(digits.len())].parse().ok()
    };
    let given = number("rows=").unwrap_or_default() * number("loops=").unwrap_or(1);
    given.max(number("Rows Removed by Filter: ").unwrap_or_default())
}

/// Whatever is searched for, an index finds it, and no more rows are looked at than is meant.
async fn searches_by_index(store: &Store) {
    for typed in [
        "platypus",
        "餮",
        "qx",
        "京",
        "😀😀😀",
        "common 餮",
        "halfpercent",
        "from:bruce platypus",
        "from:ada common",
        "since:1970 until:1970 platypus",
        "-common platypus",
        "#daily platypus",
        "#rare common",
        "is:private platypus",
        "common",
        "e",
        "ancient",
        "ancient common",
        "common -e -一",
        "from:bruce ancient -一",
        "is:private e",
        "since:1970-01-01 -#daily common",
    ] {
        let query = SearchQuery::parse(typed).expect("a query");
        let search = search(store, &query);
        match &store.database {
            Database::Sqlite { readers, .. } => {
                let part = part(Place::END, 0);
                for asked in [Asked::Words, Asked::WordsAndViewer] {
                    let statement = sqlite::search(&search, asked, 20_000, &part, 21);
                    ends_with_the_page(typed, &sqlite_plan(readers, &statement.sql).await);
                }
            }
            Database::Postgres(pool) => {
                for plan in postgres::index_plans(pool, &search).await.expect("plans") {
                    assert!(
                        !plan.iter().any(|line| line.contains("Seq Scan")),
                        "{typed}: {plan:#?}"
                    );
                    uses(&plan, "thoughts_search");
                    let most = plan.iter().map(|line| rows_read(line)).max();
                    assert!(most <= Some(3_000), "{typed}: {plan:#?}");
                }
            }
        }
    }
}

/// The index gives its rows in order, and each is looked at before the next.
fn ends_with_the_page(typed: &str, plan: &[String]) {
    reads_in_order(plan);
    let order = [
        "CO-ROUTINE found",
        "SCAN thoughts_pieces VIRTUAL TABLE INDEX",
        "SCAN found",
        "SEARCH t USING INTEGER PRIMARY KEY",
    ];
    let lines = plan
        .iter()
        .map(|line| order.iter().position(|step| line.starts_with(step)));
    let steps: Vec<usize> = lines.flatten().collect();
    assert_eq!(steps, [0, 1, 2, 3], "{typed}: {plan:#?}");
    assert!(
        !plan.iter().any(|line| line.contains("B-TREE")),
        "{plan:#?}"
    );
}

async fn tags_are_listed_by_index(store: &Store) {
    if let Database::Postgres(pool) = &store.database {
        for generic in [false, true] {
            let mut statement = Statement::default();
            statement.id(Uuid::nil());
            statement.id(STEPHEN);
            statement.number(-500_i64);
            statement.text("topic1");
            statement.number(21);
            statement.id(Uuid::nil());
            statement.sql = tags::LIST.to_owned();
            let plan = analysed(pool, &statement, generic).await;
            uses(&plan, "tag_counts_most");
            let most = plan.iter().map(|line| rows_read(line)).max();
            assert!(
                most <= Some(6_000),
                "no more than stephen's private tags: {plan:#?}"
            );
        }
    }
}
