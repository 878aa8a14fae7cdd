//! Every statement, on each engine.

use std::{collections::HashSet, future::pending, time::Duration};

use database::{
    Engine,
    testing::{Fresh, each_engine, on_each_engine},
};
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};
use runtime::clock::{Clock, Timestamp};
use sha2::{Digest as _, Sha256};

use super::*;
use crate::{
    page::{Page, PageRequest, Place},
    query::SearchQuery,
    thought::{Author, Visibility},
};

pub(super) const BRUCE: Uuid = Uuid::from_u128(1);
pub(super) const STEPHEN: Uuid = Uuid::from_u128(2);

pub(super) async fn opened(fresh: &Fresh) -> Store {
    Store::open(fresh.url(), pending())
        .await
        .expect("the test database")
}

pub(super) fn thought(author: Uuid, micros: i64, text: &str, visibility: Visibility) -> Thought {
    let time = Timestamp::from_micros(micros);
    let username = if author == BRUCE { "bruce" } else { "stephen" };
    Thought {
        id: Clock::system().new_id(),
        author: Author {
            id: author,
            username: username.to_owned(),
        },
        text: text.to_owned(),
        visibility,
        create_time: time,
        position: micros,
        update_time: time,
        trashed: None,
    }
}

pub(super) fn public(author: Uuid, micros: i64, text: &str) -> Thought {
    thought(author, micros, text, Visibility::Public)
}

pub(super) fn private(author: Uuid, micros: i64, text: &str) -> Thought {
    thought(author, micros, text, Visibility::Private)
}

pub(super) fn request(id: u128, text: &str) -> Option<CreationRequest> {
    let request_hash = Sha256::digest(text).into();
    Some(CreationRequest {
        id: Uuid::from_u128(id),
        request_hash,
    })
}

pub(super) async fn stored(store: &Store, thought: &Thought) -> Thought {
    match store.create(thought, None).await.expect("stored") {
        Created::New(thought) => thought,
        other => panic!("{other:?}"),
    }
}

pub(super) fn page(size: usize, before: Option<Place>) -> PageRequest {
    PageRequest { size, before }
}

pub(super) fn texts(page: &Page) -> Vec<&str> {
    page.thoughts
        .iter()
        .map(|thought| thought.text.as_str())
        .collect()
}

#[tokio::test]
async fn a_thought_comes_back_as_it_was_stored() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        for thought in [
            public(BRUCE, 1_700_000_000_123_456, "京都 & <b>\n\t👩‍💻"),
            private(BRUCE, -241_193_220_000_001, "before 1970"),
        ] {
            let kept = stored(&store, &thought).await;
            assert_eq!(kept, thought);
            assert_eq!(
                store.get(thought.id, Some(BRUCE)).await.expect("read"),
                Some(thought)
            );
        }
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_private_thought_is_its_authors() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        let secret = stored(&store, &private(BRUCE, 1, "green secret")).await;
        let open = stored(&store, &public(BRUCE, 2, "open secret")).await;
        for (viewer, sees) in [(Some(BRUCE), true), (Some(STEPHEN), false), (None, false)] {
            let got = store.get(secret.id, viewer).await.expect("read");
            assert_eq!(got.is_some(), sees);
            let mut expected = vec![open.text.as_str()];
            expected.extend(sees.then_some(secret.text.as_str()));
            let query = SearchQuery::parse("secret").expect("a query");
            let everyones = store.list(viewer, None, page(9, None)).await.expect("read");
            let bruces = store
                .list(viewer, Some("bruce"), page(9, None))
                .await
                .expect("read");
            let found = store
                .search(viewer, &query, page(9, None))
                .await
                .expect("read");
            for list in [everyones, bruces, found] {
                assert_eq!(texts(&list), expected, "{viewer:?}");
            }
        }
        let nobodys = store
            .list(Some(BRUCE), Some("nobody"), page(9, None))
            .await
            .expect("read");
        assert_eq!(nobodys, Page::empty());
        let stephens = store
            .list(Some(BRUCE), Some("stephen"), page(9, None))
            .await
            .expect("read");
        assert_eq!(stephens, Page::empty());
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_deleted_is_neither_read_nor_found() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        let gone = stored(&store, &public(BRUCE, 1, "a platypus")).await;
        let kept = stored(&store, &public(BRUCE, 2, "another platypus")).await;
        let delete = async || store.delete(gone.id, BRUCE, gone.create_time).await;
        assert!(delete().await.expect("deleted"));
        assert!(!delete().await.expect("nothing to delete"));
        assert_eq!(store.get(gone.id, Some(BRUCE)).await.expect("read"), None);
        let query = SearchQuery::parse("platypus").expect("a query");
        let found = store
            .search(None, &query, page(9, None))
            .await
            .expect("read");
        assert_eq!(texts(&found), [kept.text.as_str()]);
        // Its place is free again, for another text.
        stored(&store, &public(BRUCE, 1, "a wombat")).await;
        let found = store
            .search(None, &query, page(9, None))
            .await
            .expect("read");
        assert_eq!(texts(&found), [kept.text.as_str()]);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn thoughts_of_the_same_moment_stand_side_by_side() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        let mut times = Vec::new();
        for n in 0..3 {
            let kept = stored(&store, &public(BRUCE, -7, &n.to_string())).await;
            assert_eq!(kept.create_time, kept.update_time);
            assert_eq!(
                store.get(kept.id, None).await.expect("read").as_ref(),
                Some(&kept)
            );
            times.push(kept.create_time.as_micros());
        }
        assert_eq!(times, [-7, -6, -5]);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn r05_one_request_a_hundred_times_at_once_makes_one_thought() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        let calls: Vec<_> = (0..100)
            .map(|n| {
                let store = store.clone();
                let thought = public(BRUCE, n, "once");
                tokio::spawn(async move { store.create(&thought, request(7, "once")).await })
            })
            .collect();
        let mut made = 0;
        let mut answers = HashSet::new();
        for call in calls {
            match call.await.expect("no panic").expect("an answer") {
                Created::New(thought) => {
                    made += 1;
                    answers.insert(thought.id);
                }
                Created::Before(thought) => _ = answers.insert(thought.id),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((made, answers.len()), (1, 1));
        let all = store.list(None, None, page(9, None)).await.expect("read");
        assert_eq!(texts(&all), ["once"]);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_request_id_stands_for_one_text_of_one_author() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        let create = async |author, text| {
            store
                .create(&public(author, 1, text), request(7, text))
                .await
                .expect("an answer")
        };
        let Created::New(first) = create(BRUCE, "one").await else {
            panic!("not made")
        };
        assert_eq!(create(BRUCE, "one").await, Created::Before(first.clone()));
        assert_eq!(create(BRUCE, "two").await, Created::OtherText);
        assert!(matches!(create(STEPHEN, "two").await, Created::New(_)));
        let now = Timestamp::from_micros(2);
        store.delete(first.id, BRUCE, now).await.expect("deleted");
        assert_eq!(create(BRUCE, "one").await, Created::Gone);
        assert_eq!(create(BRUCE, "two").await, Created::OtherText);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn examples_go_into_an_empty_database_once() {
    on_each_engine(async |fresh| {
        let (store, other) = (opened(fresh).await, opened(fresh).await);
        let examples = crate::example::thoughts();
        let (one, two) = tokio::join!(
            store.create_examples(&examples),
            other.create_examples(&examples)
        );
        one.and(two).expect("stored");
        store.create_examples(&examples).await.expect("left alone");
        let all = store.list(None, None, page(9, None)).await.expect("read");
        let mut newest_first = examples;
        newest_first.reverse();
        assert_eq!(all.thoughts, newest_first);
        let query = SearchQuery::parse("PLATYPUS").expect("a query");
        let found = store
            .search(None, &query, page(9, None))
            .await
            .expect("read");
        assert_eq!(found.thoughts.len(), 1);
        store.close().await;
        other.close().await;
    })
    .await;
}

#[tokio::test]
async fn examples_stay_out_of_a_database_with_thoughts() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        stored(&store, &public(BRUCE, 1, "mine")).await;
        store
            .create_examples(&crate::example::thoughts())
            .await
            .expect("left alone");
        let all = store.list(None, None, page(9, None)).await.expect("read");
        assert_eq!(texts(&all), ["mine"]);
        store.close().await;
    })
    .await;
}

/// The tables and columns of a database, as (table, column, may be null).
async fn columns(store: &Store) -> HashSet<(String, String, bool)> {
    let sql = match store.database.engine() {
        Engine::Sqlite => {
            "SELECT t.name, c.name, c.\"notnull\" = 0
             FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c
             WHERE t.type = 'table' AND t.name NOT LIKE 'thoughts_pieces%'
                 AND t.name NOT LIKE 'sqlite_%'"
        }
        Engine::Postgres => {
            "SELECT table_name::text, column_name::text, is_nullable = 'YES'
             FROM information_schema.columns WHERE table_schema = 'public'"
        }
    };
    let all: Vec<(String, String, bool)> = database::read!(store.database, |conn| {
        sqlx::query_as(sql).fetch_all(&mut *conn).await
    })
    .expect("the schema");
    all.into_iter()
        .filter(|(table, ..)| !table.starts_with("_sqlx"))
        .collect()
}

#[tokio::test]
async fn both_engines_have_the_same_tables() {
    let mut schemas = Vec::new();
    for fresh in each_engine().await {
        let store = opened(&fresh).await;
        schemas.push(columns(&store).await);
        store.close().await;
    }
    assert!(schemas[0].len() > 10);
    for schema in &schemas[1..] {
        assert_eq!(*schema, schemas[0]);
    }
}

#[tokio::test]
async fn every_script_is_found_in_a_database_that_knows_no_letters_beyond_ascii() {
    for fresh in each_engine()
        .await
        .iter()
        .filter(|fresh| fresh.engine() == Engine::Postgres)
    {
        let store = opened(fresh).await;
        let Database::Postgres(pool) = &store.database else {
            panic!("PostgreSQL")
        };
        let name: String = sqlx::query_scalar("SELECT current_database()")
            .fetch_one(&**pool)
            .await
            .expect("name");
        let plain = format!("{name}_c");
        let create =
            format!("CREATE DATABASE {plain} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'");
        sqlx::raw_sql(sqlx::AssertSqlSafe(create))
            .execute(&**pool)
            .await
            .expect("created");
        let url = fresh
            .url_text()
            .replace(&name, &plain)
            .parse()
            .expect("an address");
        let unlettered = Store::open(&url, pending()).await.expect("the database");
        let written = public(STEPHEN, 0, "京都の咖啡馆 ΟΔΟΣ");
        let written = stored(&unlettered, &written).await;
        for words in ["咖啡馆", "都の", "京", "οδος"] {
            let query = SearchQuery::parse(words).expect("a query");
            let found = unlettered.search(None, &query, page(1, None)).await;
            assert_eq!(
                found.expect("read").thoughts,
                std::slice::from_ref(&written),
                "{words}"
            );
        }
        unlettered.close().await;
        let drop = format!("DROP DATABASE {plain} WITH (FORCE)");
        sqlx::raw_sql(sqlx::AssertSqlSafe(drop))
            .execute(&**pool)
            .await
            .expect("dropped");
        store.close().await;
    }
}

#[tokio::test]
async fn a_walk_through_pages_meets_each_thought_once_whatever_is_added() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        let start = Timestamp::from_micros(0);
        let times = prop::collection::vec(-5..5_i64, 1..12);
        let mut runner = TestRunner::new(Config {
            cases: 8,
            ..Config::default()
        });
        let mut clock = start;
        for _ in 0..8 {
            // Rounds lie apart, so that none meets the thoughts of another.
            clock = clock - Duration::from_secs(1);
            let new = |runner: &mut TestRunner| times.new_tree(runner).expect("a case").current();
            let (first, size) = (new(&mut runner), 1 + new(&mut runner).len() % 4);
            let author = Clock::system().new_id();
            let add = async |at: i64| {
                let mut thought = public(STEPHEN, clock.as_micros() + at, "x");
                thought.author = Author {
                    id: author,
                    username: author.to_string(),
                };
                stored(&store, &thought).await.id
            };
            let mut there = HashSet::new();
            for at in first {
                there.insert(add(at).await);
            }
            let (mut met, mut before) = (Vec::new(), None);
            loop {
                let name = author.to_string();
                let got = store
                    .list(None, Some(&name), page(size, before))
                    .await
                    .expect("read");
                assert!(got.thoughts.len() <= size);
                assert!(
                    got.thoughts
                        .is_sorted_by(|a, b| a.create_time > b.create_time)
                );
                met.extend(got.thoughts.iter().map(|thought| thought.id));
                before = got.next;
                if before.is_none() {
                    break;
                }
                add(new(&mut runner)[0]).await;
            }
            let distinct: HashSet<_> = met.iter().copied().collect();
            assert_eq!(distinct.len(), met.len(), "met twice");
            assert!(distinct.is_superset(&there), "passed over");
        }
        store.close().await;
    })
    .await;
}
