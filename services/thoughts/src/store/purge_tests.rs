//! The end of an author, on each engine.

use std::time::Duration;

use database::{Engine, Error, testing::on_each_engine};
use runtime::clock::{Clock, Timestamp};
use sqlx::AssertSqlSafe;

use super::{
    tests::{BRUCE, STEPHEN, opened, page, private, public, request, stored, texts},
    *,
};
use crate::{
    error,
    page::PageRequest,
    query::SearchQuery,
    thought::{Change, MaxLength, ThoughtText},
    trash::Reach,
};

const NOW: Timestamp = Timestamp::from_micros(7);

/// What a client waits for an answer unless it says otherwise.
const CALL: Duration = Duration::from_secs(5);

const EVERYTHING: PageRequest = PageRequest {
    size: 100,
    before: None,
};

async fn purge(store: &Store, author: Uuid) {
    store.purge_author(author, NOW).await.expect("purged");
}

/// How many rows of an author there are in a table.
async fn rows(store: &Store, table: &str, author: Uuid) -> i64 {
    let sql = format!("SELECT count(*) FROM {table} WHERE author_id = $1");
    let (count,): (i64,) = database::read!(store.database, |conn| {
        let count = sqlx::query_as(AssertSqlSafe(sql.clone())).bind(author);
        count.fetch_one(&mut *conn).await
    })
    .expect("a count");
    count
}

/// What SQLite's index holds; as many as there are thoughts elsewhere.
async fn indexed(store: &Store) -> i64 {
    let sql = match &store.database {
        Database::Sqlite { .. } => "SELECT count(*) FROM thoughts_pieces",
        Database::Postgres(_) => "SELECT count(*) FROM thoughts",
    };
    let (count,): (i64,) = database::read!(store.database, |conn| {
        sqlx::query_as(sql).fetch_one(&mut *conn).await
    })
    .expect("a count");
    count
}

async fn is_refused(store: &Store, thought: &Thought, request: Option<CreationRequest>) -> bool {
    loop {
        let outcome = store.create(thought, request).await;
        match outcome.map_err(error::Error::from) {
            Ok(Created::New(_)) => return false,
            Err(error::Error::AccountGone) => return true,
            // Many write at once, on whatever disk that is.
            Err(error::Error::Database(Error::Unavailable(_))) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_purged_authors_thoughts_are_gone_and_later_ones_refused() {
    on_each_engine(async |fresh| {
        let (store, other) = (opened(fresh).await, opened(fresh).await);
        stored(&store, &public(BRUCE, 1, "bruce's platypus")).await;
        stored(&store, &private(BRUCE, 2, "bruce's own platypus")).await;
        let asked = request(7, "asked for");
        let made = public(BRUCE, 3, "asked for");
        assert!(!is_refused(&store, &made, asked).await);
        stored(&store, &public(STEPHEN, 4, "stephen's platypus")).await;
        assert!(!store.is_purged(BRUCE).await.expect("read"));

        purge(&store, BRUCE).await;
        assert!(other.is_purged(BRUCE).await.expect("read"));
        assert!(!other.is_purged(STEPHEN).await.expect("read"));
        for table in ["thoughts", "creation_requests"] {
            assert_eq!(rows(&store, table, BRUCE).await, 0, "{table}");
        }
        let query = SearchQuery::parse("platypus").expect("a query");
        for viewer in [Some(BRUCE), None] {
            let list = store.list(viewer, None, page(9, None)).await.expect("read");
            assert_eq!(texts(&list), ["stephen's platypus"]);
            let found = store.search(viewer, &query, page(9, None)).await;
            assert_eq!(texts(&found.expect("read")), ["stephen's platypus"]);
        }
        assert_eq!(indexed(&store).await, 1);

        // By any replica, of any kind, a repeat included, for ever.
        for _ in 0..2 {
            for store in [&store, &other] {
                assert!(is_refused(store, &public(BRUCE, 1, "back"), None).await);
                assert!(is_refused(store, &private(BRUCE, 99, "back"), None).await);
                assert!(is_refused(store, &made, asked).await);
            }
            // Doing it again changes nothing.
            purge(&other, BRUCE).await;
        }
        assert_eq!(rows(&store, "creation_requests", BRUCE).await, 0);
        // The place is free for others, in the index too.
        stored(&other, &public(STEPHEN, 1, "another text")).await;
        let found = store.search(None, &query, page(9, None)).await;
        assert_eq!(texts(&found.expect("read")), ["stephen's platypus"]);
        store.close().await;
        other.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_purged_authors_trash_and_revisions_are_gone() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        for author in [BRUCE, STEPHEN] {
            for in_trash in [false, true] {
                let thought = stored(&store, &public(author, 1, "a platypus")).await;
                edit(&store, &thought).await.expect("changed");
                if in_trash {
                    trash(&store, &thought).await.expect("deleted");
                }
            }
        }
        purge(&store, BRUCE).await;
        for table in ["thoughts", "trash", "thought_revisions"] {
            assert_eq!(rows(&store, table, BRUCE).await, 0, "{table}");
            assert!(rows(&store, table, STEPHEN).await > 0, "{table}");
        }
        assert_eq!(indexed(&store).await, 1);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn no_thought_slips_past_a_purge_by_way_of_the_trash() {
    on_each_engine(async |fresh| {
        let (one, other) = (opened(fresh).await, opened(fresh).await);
        // Only on a server are there several programs that write.
        let second = match one.database.engine() {
            Engine::Sqlite => &one,
            Engine::Postgres => &other,
        };
        for round in 0..5_u128 {
            let author = Uuid::from_u128(1_000 + round);
            let writers: Vec<_> = [&one, second, &one, second]
                .map(|store| tokio::spawn(keeps_until_refused(store.clone(), author)))
                .into();
            while rows(&one, "thought_revisions", author).await < 20 {}
            purge(second, author).await;
            for writer in writers {
                writer.await.expect("no panic");
            }
            for table in ["thoughts", "trash", "thought_revisions"] {
                assert_eq!(rows(&one, table, author).await, 0, "{table} in {round}");
            }
        }
        assert_eq!(indexed(&one).await, 0);
        one.close().await;
        other.close().await;
    })
    .await;
}

/// Writes, changes, deletes and brings back, until a purge has taken it all away.
async fn keeps_until_refused(store: Store, author: Uuid) {
    loop {
        let thought = match store.create(&public(author, 1, "more"), None).await {
            Ok(Created::New(thought)) => thought,
            Err(Error::Unavailable(_)) => continue,
            _ => break,
        };
        for step in 0..4 {
            let done = match step {
                0 | 3 => edit(&store, &thought).await,
                1 => trash(&store, &thought).await,
                _ => store
                    .take_from_trash(thought.id, author, NOW)
                    .await
                    .map(|back| back.is_some()),
            };
            match done.map_err(error::Error::from) {
                Ok(true) | Err(error::Error::Database(Error::Unavailable(_))) => {}
                // It is gone, or is not to be.
                Ok(false) | Err(error::Error::AccountGone) => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// Each time into another text; false when it is not there.
async fn edit(store: &Store, thought: &Thought) -> Result<bool, Error> {
    let words = Clock::system().new_id().to_string();
    let change = Change {
        text: ThoughtText::parse(&words, MaxLength::default()).ok(),
        visibility: None,
    };
    let updated = store.update(thought.id, thought.author.id, &change, None, NOW);
    updated.await.map(|updated| updated.is_some())
}

async fn trash(store: &Store, thought: &Thought) -> Result<bool, Error> {
    let author = thought.author.id;
    store
        .move_to_trash(thought.id, author, Reach::Own, NOW)
        .await
}

#[tokio::test]
async fn a_purged_administrator_removes_nothing() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        let thought = stored(&store, &public(BRUCE, 1, "bruce's")).await;
        purge(&store, STEPHEN).await;
        let removed = store.move_to_trash(thought.id, STEPHEN, Reach::Public, NOW);
        assert!(!removed.await.expect("an answer"));
        assert_eq!(rows(&store, "thoughts", BRUCE).await, 1);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn an_author_who_never_wrote_is_refused_once_purged() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        purge(&store, BRUCE).await;
        assert!(is_refused(&store, &public(BRUCE, 1, "first"), None).await);
        assert!(!is_refused(&store, &public(STEPHEN, 1, "first"), None).await);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_purged_authors_thoughts_cannot_be_changed_either() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        stored(&store, &public(STEPHEN, 1, "stephen's")).await;
        purge(&store, BRUCE).await;
        let change: Result<(), _> = database::write!(store.database, |conn| {
            let change = sqlx::query("UPDATE thoughts SET author_id = $1").bind(BRUCE);
            change.execute(&mut *conn).await.map(drop)
        });
        let refused = change.map_err(error::Error::from);
        assert!(
            matches!(refused, Err(error::Error::AccountGone)),
            "{refused:?}"
        );
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn no_thought_slips_past_a_purge() {
    on_each_engine(async |fresh| {
        let (one, other) = (opened(fresh).await, opened(fresh).await);
        // Only on a server are there several programs that write.
        let stores = match one.database.engine() {
            Engine::Sqlite => [one.clone(), one.clone()],
            Engine::Postgres => [one.clone(), other.clone()],
        };
        for round in 0..5_u128 {
            let author = Uuid::from_u128(1_000 + round);
            let writers: Vec<_> = (0..8_usize)
                .map(|n| tokio::spawn(writes_until_refused(stores[n % 2].clone(), author, n)))
                .collect();
            // Right into the midst of them.
            while rows(&one, "thoughts", author).await < 20 {}
            purge(&other, author).await;
            for store in &stores {
                assert_eq!(rows(store, "thoughts", author).await, 0, "round {round}");
            }
            let mut written = 0;
            for writer in writers {
                written += writer.await.expect("no panic");
            }
            assert!(written >= 20);
            for table in ["thoughts", "creation_requests"] {
                let left = rows(&one, table, author).await;
                assert_eq!(left, 0, "{table} in round {round}");
            }
        }
        assert_eq!(indexed(&one).await, 0);
        one.close().await;
        other.close().await;
    })
    .await;
}

/// How much an author wrote before the first refusal; some of it with request ids.
async fn writes_until_refused(store: Store, author: Uuid, writer: usize) -> usize {
    let mut written = 0_usize;
    loop {
        let id = u128::try_from(writer * 1_000_000 + written).expect("small");
        let asked = request(id, "more").filter(|_| writer.is_multiple_of(2));
        if is_refused(&store, &public(author, 1, "more"), asked).await {
            return written;
        }
        written += 1;
    }
}

#[tokio::test]
async fn a_hundred_thousand_thoughts_are_purged_step_by_step() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        fill(&store, BRUCE, 0, 100_000).await;
        fill(&store, STEPHEN, 100_000, 10_000).await;

        // Broken off after the first step: the mark is there.
        let more = store.purge_some(BRUCE, NOW).await.expect("a step");
        assert!(more && rows(&store, "thoughts", BRUCE).await == 95_000);
        assert!(is_refused(&store, &public(BRUCE, -1, "back"), None).await);

        // The same again goes on, however often its time is over before it is done.
        let mut calls = 1;
        while tokio::time::timeout(CALL, purge(&store, BRUCE))
            .await
            .is_err()
        {
            calls += 1;
            assert!(calls <= 20, "it gets nowhere");
        }
        eprintln!("done by {calls} calls");
        for table in ["thoughts", "creation_requests"] {
            assert_eq!(rows(&store, table, BRUCE).await, 0, "{table}");
        }
        assert_eq!(rows(&store, "thoughts", STEPHEN).await, 10_000);
        assert_eq!(indexed(&store).await, 10_000);
        store.close().await;
    })
    .await;
}

/// Thoughts of an author at the positions from `start` on, each made by a request.
async fn fill(store: &Store, author: Uuid, start: i64, count: i64) {
    let numbers = "WITH RECURSIVE numbers (n) AS (
        SELECT $2 UNION ALL SELECT n + 1 FROM numbers WHERE n < $2 + $3 - 1
    )";
    let id = match store.database.engine() {
        Engine::Sqlite => "randomblob(16)",
        Engine::Postgres => "gen_random_uuid()",
    };
    let index = match store.database.engine() {
        Engine::Sqlite => format!(
            "INSERT INTO thoughts_pieces (rowid, pieces) {numbers}
             SELECT n, 'a b c ab bc ca abc bca cab ' || n FROM numbers WHERE $1 = $1"
        ),
        // Rows are not taken out of it one by one.
        Engine::Postgres => "DROP INDEX IF EXISTS thoughts_search".to_owned(),
    };
    let thoughts = format!(
        "INSERT INTO thoughts (position, id, author_id, author, text, folded, visibility, update_time)
         {numbers} SELECT n, {id}, $1, 'somebody', 'abcabc', 'abcabc', 1 + n % 2, n FROM numbers"
    );
    let requests = format!(
        "INSERT INTO creation_requests (author_id, request_id, thought_id, request_hash)
         SELECT author_id, {id}, id, $2 FROM thoughts
         WHERE author_id = $1 AND position BETWEEN $3 AND $4"
    );
    let done: Result<(), Error> = database::write!(store.database, |conn| {
        if store.database.engine() == Engine::Sqlite {
            let index = sqlx::query(AssertSqlSafe(index.clone()));
            let index = index.bind(author).bind(start).bind(count);
            index.execute(&mut *conn).await?;
        } else {
            sqlx::raw_sql(AssertSqlSafe(index.clone()))
                .execute(&mut *conn)
                .await?;
        }
        let thoughts = sqlx::query(AssertSqlSafe(thoughts.clone()));
        let thoughts = thoughts.bind(author).bind(start).bind(count);
        thoughts.execute(&mut *conn).await?;
        let requests = sqlx::query(AssertSqlSafe(requests.clone()));
        let requests = requests.bind(author).bind(vec![0_u8; 32]);
        let requests = requests.bind(start).bind(start + count);
        requests.execute(&mut *conn).await.map(drop)
    });
    done.expect("stored");
}

#[tokio::test]
async fn examples_of_purged_authors_stay_away() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        let examples = crate::example::thoughts();
        store.create_examples(&examples).await.expect("stored");
        for example in &examples {
            purge(&store, example.author.id).await;
        }
        store.create_examples(&examples).await.expect("left alone");
        let all = store.list(None, None, EVERYTHING).await.expect("read");
        assert!(all.thoughts.is_empty());
        store.close().await;
    })
    .await;
}
