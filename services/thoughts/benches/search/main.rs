//! P3: how long searches and lists take, by how frequent their matches are, and whether they stay
//! the same when there is a hundred times as much.
//!
//! Fills two databases of each engine with made-up thoughts, 10,000 and as many as are asked for, and
//! prints medians of both, what the greater one's is of the smaller one's, its 95th percentile and the
//! number of thoughts on its first page. The two take turns, call by call.
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
    page::{PageRequest, Place, TagPageRequest},
    query::SearchQuery,
    store::Store,
    tag::tags,
    thought::{Author, Thought, Visibility},
};
use uuid::Uuid;

const ROUNDS: usize = 41;
const FEW: i64 = 10_000;
const STEPHEN: Uuid = Uuid::from_u128(2);

/// What is asked for, and what it is an example of.
const QUERIES: [(&str, &str); 39] = [
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
    ("two Latin letters", "ba"),
    ("frequent long ago", "ancient"),
    ("frequent, never together", "common ancient"),
    ("one letter and rare word", "e platypus"),
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
    ("word without another", "common -e -一"),
    ("long ago, without", "ancient -e"),
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
    let mut filled = Vec::new();
    for (few, many) in each_engine().await.into_iter().zip(each_engine().await) {
        let chosen = |(engine, name): &(Engine, &str)| *engine == few.engine() && named(name);
        if all || engines.iter().any(chosen) {
            let stores = [opened(&few, FEW).await, opened(&many, rows).await];
            filled.push(((few, many), stores));
        }
    }
    for ((few, _many), stores) in filled {
        println!("{}", few.name());
        measure(&stores, rows).await;
    }
}

async fn opened(fresh: &Fresh, rows: i64) -> Store {
    let store = Store::open(fresh.url(), pending()).await;
    let store = store.expect("the database");
    let start = Instant::now();
    fill(fresh, &store, rows).await;
    let took = start.elapsed();
    println!("{}: {rows} thoughts, filled in {took:.0?}", fresh.name());
    store
}

async fn measure(stores: &[Store; 2], rows: i64) {
    println!(
        "{:26} {:>9} {:>9} {:>6} {:>9}",
        "milliseconds", FEW, rows, "ratio", "p95"
    );
    for (what, typed) in QUERIES {
        let query = SearchQuery::parse(typed).expect("a query");
        report(stores, what, async |store| {
            searched(store, None, &query).await
        })
        .await;
    }
    let own = SearchQuery::default();
    report(stores, "newest, signed in", async |store| {
        searched(store, Some(STEPHEN), &own).await
    })
    .await;
    let ids = [id_of_one(&stores[0]).await, id_of_one(&stores[1]).await];
    report(stores, "get", async |store| {
        let id = ids[usize::from(std::ptr::eq(store, &raw const stores[1]))];
        let found = store.get(id, None).await.expect("read");
        (usize::from(found.is_some()), false)
    })
    .await;
    for (what, behind) in [
        ("own list", None),
        ("own list, far down", Some(Place::before(FEW * 30_000_000))),
    ] {
        report(stores, what, async |store| {
            let page = PageRequest {
                before: behind,
                ..first_page()
            };
            let page = store.list(Some(STEPHEN), Some("stephen"), page).await;
            (page.expect("read").thoughts.len(), false)
        })
        .await;
    }
    for (what, viewer, author) in [
        ("everyone's tags", None, None),
        ("tags, signed in", Some(STEPHEN), None),
        ("an author's tags", None, Some("bruce")),
    ] {
        report(stores, what, async |store| {
            let first = TagPageRequest {
                size: 20,
                behind: None,
            };
            let page = store.tags(viewer, author, &first).await.expect("read");
            (page.tags.len(), false)
        })
        .await;
    }
    for store in stores {
        store.close().await;
    }
}

/// The id of some thought.
async fn id_of_one(store: &Store) -> Uuid {
    let page = PageRequest {
        before: Some(Place::before(FEW * 30_000_000)),
        ..first_page()
    };
    let page = store.list(None, None, page).await.expect("read");
    page.thoughts[0].id
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

async fn report(stores: &[Store; 2], what: &str, call: impl AsyncFn(&Store) -> (usize, bool)) {
    let mut times = [Vec::new(), Vec::new()];
    let (mut found, mut short) = (0, false);
    for round in 0..=ROUNDS {
        for (store, times) in stores.iter().zip(&mut times) {
            let start = Instant::now();
            (found, short) = call(store).await;
            // The first is for the caches.
            if round > 0 {
                times.push(start.elapsed());
            }
        }
    }
    let at = |times: &mut Vec<Duration>, index: usize| {
        times.sort_unstable();
        times[index].as_secs_f64() * 1_000.0
    };
    let [few, many] = &mut times;
    let (median_of_few, median) = (at(few, ROUNDS / 2), at(many, ROUNDS / 2));
    let (ratio, p95) = (median / median_of_few, at(many, ROUNDS * 95 / 100));
    let more = if short { " and more" } else { "" };
    println!(
        "{what:26} {median_of_few:>9.2} {median:>9.2} {ratio:>6.2} {p95:>9.2} {found:>4}{more}"
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
    while store.merge_index().await.expect("merged") {}
    if fresh.engine() == Engine::Postgres {
        let mut connection = connect(fresh).await;
        run(&mut connection, "VACUUM ANALYZE").await;
    }
}

/// In bulk, indexed afterwards and without a log of it for watchers, which is much faster.
async fn fill_postgres(fresh: &Fresh, rows: i64) {
    let mut connection = connect(fresh).await;
    let index: String =
        sqlx::query_scalar("SELECT indexdef FROM pg_indexes WHERE indexname = 'thoughts_search'")
            .fetch_one(&mut connection)
            .await
            .expect("the index");
    run(&mut connection, "DROP INDEX thoughts_search").await;
    run(&mut connection, "ALTER TABLE thoughts DISABLE TRIGGER USER").await;
    for start in (0..rows).step_by(10_000) {
        let some: Vec<_> = thoughts(start, rows).collect();
        copy(&mut connection, &some).await;
        copy_tags(&mut connection, &some).await;
    }
    run(&mut connection, "ALTER TABLE thoughts ENABLE TRIGGER USER").await;
    run(&mut connection, "SET maintenance_work_mem = '1GB'").await;
    run(&mut connection, &index).await;
}

async fn copy_tags(connection: &mut PgConnection, thoughts: &[Thought]) {
    let all = thoughts.iter().flat_map(|thought| {
        let position = thought.create_time.as_micros();
        tags(&thought.text)
            .into_iter()
            .map(move |tag| (position, String::from(tag)))
    });
    let (positions, tags): (Vec<i64>, Vec<String>) = all.unzip();
    sqlx::query(
        "INSERT INTO thought_tags (position, tag, author_id, visibility)
         SELECT position, tag, author_id, visibility
         FROM unnest($1::bigint[], $2::text[]) AS tags (position, tag)
         JOIN thoughts USING (position)",
    )
    .bind(positions)
    .bind(tags)
    .execute(connection)
    .await
    .expect("stored");
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
            position: time.as_micros(),
            update_time: time,
            trashed: None,
        }
    })
}
