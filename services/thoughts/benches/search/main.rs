//! P3: how long searches and lists take, by how frequent their matches are.
//!
//! Fills a database of each engine with made-up thoughts, and prints medians, 95th percentiles and
//! the number of thoughts on the first page.
//!
//! ```sh
//! cargo bench -p thoughts-backend --bench search                       # 100,000 thoughts
//! cargo bench -p thoughts-backend --bench search -- 1000000 postgres   # on one engine alone
//! ```

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark says what it finds, and stops where it cannot go on"
)]

mod corpus;

use std::{
    env,
    future::pending,
    time::{Duration, Instant},
};

use database::{
    Engine,
    testing::{Fresh, each_engine},
};
use runtime::clock::{Clock, Timestamp};
use sqlx::{Connection as _, PgConnection};
use thoughts_backend::{
    fold::fold,
    page::{PageRequest, TagPageRequest},
    query::SearchQuery,
    store::Store,
    thought::{Author, Thought, Visibility},
};
use uuid::Uuid;

const ROUNDS: usize = 25;
const STEPHEN: Uuid = Uuid::from_u128(2);

/// What is asked for, and what it is an example of.
const QUERIES: [(&str, &str); 34] = [
    ("newest", ""),
    ("word in a third", "common"),
    ("word in 0.5%", "halfpercent"),
    ("rare word", "platypus"),
    ("absent word", "absentword"),
    ("one letter", "e"),
    ("rare letters", "qx"),
    ("absent letters", "zz"),
    ("one Han character", "一"),
    ("rare Han character", "餮"),
    ("two Han characters", "丁一"),
    ("absent emoji", "😀😀😀"),
    ("frequent pieces, no word", "momovo"),
    ("frequent and rare", "common qx"),
    ("frequent and absent", "common zzzz"),
    ("phrase of letters", "\"e l\""),
    ("frequent long ago", "ancient"),
    ("#tag in a tenth", "#daily"),
    ("#tag in 0.1%", "#thousandth"),
    ("rare #tag", "#rare"),
    ("absent #tag", "#absent"),
    ("#tag and word", "#daily common"),
    ("#tag and rare word", "#daily platypus"),
    ("two #tags", "#daily #rare"),
    ("#tag of a rare author", "#daily from:ada"),
    ("author and word", "from:bruce common"),
    ("author and rare word", "from:bruce platypus"),
    ("rare author and word", "from:ada common"),
    ("without a word", "common -一"),
    ("without what all have", "-e -一 -丁"),
    ("only without", "-common"),
    ("private, rare word", "is:private platypus"),
    (
        "a day and a word",
        "since:1970-01-01 until:1970-01-01 common",
    ),
    ("days before, word", "until:1969 common"),
];

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let rows = arguments.iter().find_map(|argument| argument.parse().ok());
    let rows: i64 = rows.unwrap_or(100_000);
    let engines = [(Engine::Sqlite, "sqlite"), (Engine::Postgres, "postgres")];
    let named = |name: &str| arguments.iter().any(|argument| argument == name);
    let all = !engines.iter().any(|(_, name)| named(name));
    for fresh in each_engine().await {
        let chosen = |(engine, name): &(Engine, &str)| *engine == fresh.engine() && named(name);
        if all || engines.iter().any(chosen) {
            measure(&fresh, rows).await;
        }
    }
}

async fn measure(fresh: &Fresh, rows: i64) {
    let store = Store::open(fresh.url(), pending()).await;
    let store = store.expect("the database");
    let start = Instant::now();
    fill(fresh, &store, rows).await;
    println!(
        "{}, {rows} thoughts, filled in {:.0?}",
        fresh.name(),
        start.elapsed()
    );
    println!(
        "{:26} {:>10} {:>10} {:>4}",
        "milliseconds", "median", "p95", ""
    );
    for (what, typed) in QUERIES {
        let query = SearchQuery::parse(typed).expect("a query");
        report(what, async || searched(&store, None, &query).await).await;
    }
    let own = SearchQuery::default();
    report("newest, signed in", async || {
        searched(&store, Some(STEPHEN), &own).await
    })
    .await;
    report("own list", async || {
        let page = store
            .list(Some(STEPHEN), Some("stephen"), first_page())
            .await;
        (page.expect("read").thoughts.len(), false)
    })
    .await;
    for (what, viewer, author) in [
        ("everyone's tags", None, None),
        ("tags, signed in", Some(STEPHEN), None),
        ("an author's tags", None, Some("bruce")),
    ] {
        report(what, async || {
            let first = TagPageRequest {
                size: 20,
                behind: None,
            };
            let page = store.tags(viewer, author, &first).await.expect("read");
            (page.tags.len(), false)
        })
        .await;
    }
    store.close().await;
}

/// How many are found, and whether the page ended before it was full.
async fn searched(store: &Store, viewer: Option<Uuid>, query: &SearchQuery) -> (usize, bool) {
    let found = store.search(viewer, query, first_page()).await;
    let found = found.expect("an answer");
    let short = found.thoughts.len() < first_page().size && found.next.is_some();
    (found.thoughts.len(), short)
}

fn first_page() -> PageRequest {
    PageRequest {
        size: 20,
        before: None,
    }
}

async fn report(what: &str, call: impl AsyncFn() -> (usize, bool)) {
    let mut times = Vec::new();
    let (mut found, mut short) = call().await;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        (found, short) = call().await;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let millis = |time: Duration| time.as_secs_f64() * 1_000.0;
    let (median, p95) = (times[ROUNDS / 2], times[ROUNDS * 95 / 100]);
    let more = if short { " and more" } else { "" };
    println!(
        "{what:26} {:>10.2} {:>10.2} {found:>4}{more}",
        millis(median),
        millis(p95)
    );
}

async fn fill(fresh: &Fresh, store: &Store, rows: i64) {
    match fresh.engine() {
        Engine::Sqlite => {
            for start in (0..rows).step_by(10_000) {
                let some: Vec<Thought> = thoughts(start, rows).collect();
                store.create_all(&some).await.expect("stored");
            }
        }
        Engine::Postgres => fill_postgres(fresh, rows).await,
    }
    while store.tag_untagged(5_000).await.expect("tagged") > 0 {
        store.count_tags(50_000).await.expect("counted");
    }
    while store.count_tags(50_000).await.expect("counted") > 0 {}
    if fresh.engine() == Engine::Postgres {
        let mut connection = connect(fresh).await;
        run(&mut connection, "VACUUM ANALYZE").await;
    }
}

/// In bulk, and indexed afterwards, which is much faster.
async fn fill_postgres(fresh: &Fresh, rows: i64) {
    let mut connection = connect(fresh).await;
    let index: String =
        sqlx::query_scalar("SELECT indexdef FROM pg_indexes WHERE indexname = 'thoughts_pieces'")
            .fetch_one(&mut connection)
            .await
            .expect("the index");
    run(&mut connection, "DROP INDEX thoughts_pieces").await;
    for start in (0..rows).step_by(10_000) {
        copy(&mut connection, &thoughts(start, rows).collect::<Vec<_>>()).await;
    }
    run(&mut connection, "SET maintenance_work_mem = '512MB'").await;
    run(&mut connection, &index).await;
}

async fn copy(connection: &mut PgConnection, thoughts: &[Thought]) {
    fn column<T>(thoughts: &[Thought], value: impl Fn(&Thought) -> T) -> Vec<T> {
        thoughts.iter().map(value).collect()
    }
    let visibility = |thought: &Thought| match thought.visibility {
        Visibility::Public => 1_i16,
        Visibility::Private => 2,
    };
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
    .bind(column(thoughts, visibility))
    .execute(connection)
    .await
    .expect("stored");
}

async fn connect(fresh: &Fresh) -> PgConnection {
    let connecting = PgConnection::connect(fresh.url_text()).await;
    connecting.expect("a connection")
}

async fn run(connection: &mut PgConnection, statement: &str) {
    let statement = sqlx::AssertSqlSafe(statement.to_owned());
    let done = sqlx::raw_sql(statement).execute(connection).await;
    done.expect("done");
}

/// Up to 10,000 of so many thoughts, a minute apart.
fn thoughts(start: i64, of: i64) -> impl Iterator<Item = Thought> {
    let clock = Clock::system();
    (start..of.min(start + 10_000)).map(move |n| {
        let time = Timestamp::from_seconds(n * 60);
        let (id, username) = corpus::author(n);
        Thought {
            id: clock.new_id(),
            author: Author {
                id: Uuid::from_u128(id),
                username: username.to_owned(),
            },
            text: corpus::text(n, of),
            visibility: if corpus::is_private(n) {
                Visibility::Private
            } else {
                Visibility::Public
            },
            create_time: time,
            update_time: time,
            trashed: None,
        }
    })
}
