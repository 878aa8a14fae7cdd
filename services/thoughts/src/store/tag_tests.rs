//! Tags: which thoughts carry them, and how many.

use std::collections::BTreeMap;

use database::testing::on_each_engine;
use runtime::clock::Timestamp;

use super::{
    tests::{BRUCE, STEPHEN, opened, thought},
    write::{INSERT, number},
    *,
};
use crate::{
    fold::fold,
    page::{PageRequest, TagPageRequest},
    query::SearchQuery,
    tag::tags,
    thought::{
        Change, MaxLength, ThoughtText,
        Visibility::{self, Private, Public},
    },
    trash::Reach,
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

async fn write(
    store: &Store,
    author: Uuid,
    micros: i64,
    text: &str,
    visibility: Visibility,
) -> Thought {
    let new = thought(author, micros, text, visibility);
    match store.create(&new, None).await.expect("stored") {
        Created::New(thought) => thought,
        other => panic!("{other:?}"),
    }
}

/// Every tag with its count, through pages of two.
async fn listed(store: &Store, viewer: Option<Uuid>, author: Option<&str>) -> Vec<(String, i64)> {
    let (mut all, mut behind) = (Vec::new(), None);
    loop {
        let request = TagPageRequest { size: 2, behind };
        let page = store.tags(viewer, author, &request).await.expect("read");
        all.extend(
            page.tags
                .into_iter()
                .map(|tag| (tag.tag, tag.thought_count)),
        );
        behind = page.next;
        if behind.is_none() {
            return all;
        }
    }
}

fn counts(expected: &[(&str, i64)]) -> Vec<(String, i64)> {
    let owned = |&(tag, count): &(&str, i64)| (tag.to_owned(), count);
    expected.iter().map(owned).collect()
}

async fn found(store: &Store, viewer: Option<Uuid>, typed: &str) -> Vec<String> {
    let query = SearchQuery::parse(typed).expect("a query");
    let request = PageRequest {
        size: 50,
        before: None,
    };
    let page = store.search(viewer, &query, request).await.expect("found");
    page.thoughts
        .into_iter()
        .map(|thought| thought.text)
        .collect()
}

/// As a release from before there were tags does it.
async fn older_release_writes(store: &Store, thought: &Thought) {
    let stored: Result<(), database::Error> = database::write!(store.database, |conn| {
        sqlx::query(INSERT)
            .bind(thought.position)
            .bind(thought.moved_by())
            .bind(thought.id)
            .bind(thought.author.id)
            .bind(&thought.author.username)
            .bind(&thought.text)
            .bind(fold(&thought.text))
            .bind(number(thought.visibility))
            .bind(thought.update_time.as_micros())
            .execute(&mut *conn)
            .await?;
        Ok(())
    });
    stored.expect("stored");
}

#[tokio::test]
async fn tags_are_counted_over_what_the_caller_may_see() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        write(&store, BRUCE, 1, "#one #Two", Public).await;
        write(&store, BRUCE, 2, "#two #two ＃TWO", Public).await;
        write(&store, BRUCE, 3, "#two #secret", Private).await;
        write(&store, STEPHEN, 4, "#two #three #京都", Public).await;
        write(&store, STEPHEN, 5, "#three C# #1", Private).await;
        // Counted now, in part, or not yet, it is the same.
        for limit in [0, 1, 3, 100] {
            store.count_tags(limit).await.expect("counted");
            let everyones = [("two", 3), ("one", 1), ("three", 1), ("京都", 1)];
            assert_eq!(listed(&store, None, None).await, counts(&everyones));
            let bruces = [
                ("two", 4),
                ("one", 1),
                ("secret", 1),
                ("three", 1),
                ("京都", 1),
            ];
            assert_eq!(listed(&store, Some(BRUCE), None).await, counts(&bruces));
            let stephens = [("two", 3), ("three", 2), ("one", 1), ("京都", 1)];
            assert_eq!(listed(&store, Some(STEPHEN), None).await, counts(&stephens));
            assert_eq!(
                listed(&store, None, Some("bruce")).await,
                counts(&[("two", 2), ("one", 1)])
            );
            let own = [("two", 3), ("one", 1), ("secret", 1)];
            assert_eq!(
                listed(&store, Some(BRUCE), Some("bruce")).await,
                counts(&own)
            );
            assert_eq!(listed(&store, None, Some("nobody")).await, counts(&[]));
        }
        assert_eq!(store.count_tags(100).await.expect("counted"), 0);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn who_has_only_private_thoughts_sees_their_tags() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        write(&store, BRUCE, 1, "#secret", Private).await;
        let own = listed(&store, Some(BRUCE), Some("bruce")).await;
        assert_eq!(own, counts(&[("secret", 1)]));
        assert_eq!(listed(&store, None, Some("bruce")).await, counts(&[]));
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_deleted_takes_its_tags_along() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        let gone = write(&store, BRUCE, 1, "#one #two", Public).await;
        write(&store, BRUCE, 2, "#two", Public).await;
        store.count_tags(100).await.expect("counted");
        store.delete(gone.id, BRUCE, NOW).await.expect("deleted");
        for _ in 0..2 {
            assert_eq!(listed(&store, None, None).await, counts(&[("two", 1)]));
            assert_eq!(found(&store, None, "#two").await, ["#two"]);
            assert_eq!(found(&store, None, "#one").await, [""; 0]);
            store.count_tags(100).await.expect("counted");
        }
        let rows: (i64,) = database::read!(store.database, |conn| {
            sqlx::query_as("SELECT count(*) FROM tag_counts")
                .fetch_one(&mut *conn)
                .await
        })
        .expect("counted");
        assert_eq!(rows.0, 2, "what nobody uses any more is not kept");
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn the_trash_has_no_tags_and_gives_them_back() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        let thought = write(&store, BRUCE, 1, "#one #two", Public).await;
        let moved = store.move_to_trash(thought.id, BRUCE, Reach::Own, NOW);
        assert!(moved.await.expect("moved"));
        assert_eq!(listed(&store, None, None).await, counts(&[]));
        assert_eq!(found(&store, None, "#one").await, [""; 0]);
        let back = store.take_from_trash(thought.id, BRUCE, NOW).await;
        assert!(back.expect("taken").is_some());
        let both = counts(&[("one", 1), ("two", 1)]);
        assert_eq!(listed(&store, None, None).await, both);
        assert_eq!(found(&store, None, "#one").await, ["#one #two"]);
        store.count_tags(100).await.expect("counted");
        assert_eq!(listed(&store, None, None).await, both);
        assert_eq!(store.tag_untagged(1).await.expect("none"), 0);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_change_of_text_or_visibility_changes_the_tags() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        let thought = write(&store, BRUCE, 1, "#one #two", Public).await;
        let text = ThoughtText::parse("#two #three", MaxLength::default()).expect("a text");
        for (change, everyones, own) in [
            (
                Change {
                    text: Some(text),
                    visibility: None,
                },
                vec![("three", 1), ("two", 1)],
                vec![("three", 1), ("two", 1)],
            ),
            (
                Change {
                    text: None,
                    visibility: Some(Private),
                },
                vec![],
                vec![("three", 1), ("two", 1)],
            ),
        ] {
            let changed = store.update(thought.id, BRUCE, &change, None, NOW).await;
            assert!(matches!(changed, Ok(Some(Updated::Done(_)))), "{changed:?}");
            for _ in 0..2 {
                assert_eq!(listed(&store, None, None).await, counts(&everyones));
                assert_eq!(listed(&store, Some(BRUCE), None).await, counts(&own));
                store.count_tags(100).await.expect("counted");
            }
            assert_eq!(found(&store, None, "#two").await.len(), everyones.len() / 2);
            assert_eq!(found(&store, Some(BRUCE), "#three").await, ["#two #three"]);
            assert_eq!(found(&store, Some(BRUCE), "#one").await, [""; 0]);
        }
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_purged_author_leaves_no_tags() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        write(&store, BRUCE, 1, "#one #two", Public).await;
        write(&store, BRUCE, 2, "#one", Private).await;
        write(&store, STEPHEN, 3, "#one", Public).await;
        store.count_tags(2).await.expect("counted");
        store.purge_author(BRUCE, NOW).await.expect("purged");
        for _ in 0..2 {
            assert_eq!(
                listed(&store, Some(BRUCE), None).await,
                counts(&[("one", 1)])
            );
            assert_eq!(listed(&store, None, Some("bruce")).await, counts(&[]));
            store.count_tags(100).await.expect("counted");
        }
        for table in ["thought_tags", "tag_counts", "tag_changes"] {
            let sql = format!("SELECT count(*) FROM {table} WHERE author_id = $1");
            let rows: (i64,) = database::read!(store.database, |conn| {
                sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()))
                    .bind(BRUCE)
                    .fetch_one(&mut *conn)
                    .await
            })
            .expect("counted");
            assert_eq!(rows.0, 0, "{table}");
        }
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn what_another_release_writes_gets_its_tags_soon() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        for n in 0..7 {
            let text = format!("＃old #n{n}");
            older_release_writes(&store, &thought(BRUCE, n, &text, Public)).await;
        }
        older_release_writes(&store, &thought(BRUCE, 10, "no tag", Public)).await;
        write(&store, BRUCE, 11, "#new", Public).await;
        assert_eq!(found(&store, None, "#old").await.len(), 0);
        let (one, two) = tokio::join!(store.tag_untagged(5), store.tag_untagged(5));
        one.and(two).expect("tagged");
        while store.tag_untagged(5).await.expect("tagged") > 0 {}
        assert_eq!(found(&store, None, "#old").await.len(), 7);
        let all = listed(&store, None, None).await;
        assert_eq!(all.len(), 9);
        assert_eq!(all[0], ("old".to_owned(), 7));
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn writers_of_one_tag_and_those_who_count_get_along() {
    on_each_engine(async |fresh| {
        let (store, other) = (opened(fresh).await, opened(fresh).await);
        let calls: Vec<_> = (0..40)
            .map(|n| {
                let store = if n % 2 == 0 {
                    store.clone()
                } else {
                    other.clone()
                };
                tokio::spawn(async move {
                    let text = ["#a #b #c", "#c #b #a"][n as usize / 2 % 2];
                    let kept =
                        write(&store, [BRUCE, STEPHEN][n as usize % 2], n, text, Public).await;
                    store.count_tags(7).await.expect("counted");
                    if n % 4 == 0 {
                        store
                            .delete(kept.id, kept.author.id, NOW)
                            .await
                            .expect("deleted");
                    }
                })
            })
            .collect();
        for call in calls {
            call.await.expect("no panic");
        }
        let expected = counts(&[("a", 30), ("b", 30), ("c", 30)]);
        assert_eq!(listed(&store, None, None).await, expected);
        while store.count_tags(7).await.expect("counted") > 0 {}
        assert_eq!(listed(&store, None, None).await, expected);
        assert_eq!(listed(&store, None, Some("stephen")).await.len(), 3);
        store.close().await;
        other.close().await;
    })
    .await;
}

#[tokio::test]
async fn counts_are_those_of_a_model() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        let mut model: BTreeMap<String, i64> = BTreeMap::new();
        let mut kept = Vec::new();
        for n in 0..60_i64 {
            let text: String = (1..=4)
                .filter(|k| n % k == 0)
                .map(|k| format!("#t{} ", n % (3 * k)))
                .collect();
            kept.push(write(&store, BRUCE, n, &format!("x {text}"), Public).await);
            if n % 5 == 4 {
                let gone = kept.swap_remove(usize::try_from(n * 7).expect("small") % kept.len());
                store.delete(gone.id, BRUCE, NOW).await.expect("deleted");
            }
            if n % 9 == 0 {
                store.count_tags(4).await.expect("counted");
            }
        }
        for tag in kept.iter().flat_map(|thought| tags(&thought.text)) {
            *model.entry(tag.as_str().to_owned()).or_default() += 1;
        }
        let mut expected: Vec<(String, i64)> = model.into_iter().collect();
        expected.sort_by_key(|(tag, count)| (-count, tag.clone()));
        assert_eq!(listed(&store, None, None).await, expected);
        store.close().await;
    })
    .await;
}
