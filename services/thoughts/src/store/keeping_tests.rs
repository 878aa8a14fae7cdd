//! Changing, the trash and revisions, on each engine.

use std::time::Duration;

use database::testing::on_each_engine;
use runtime::clock::Timestamp;

use super::{
    tests::{BRUCE, STEPHEN, opened, page, private, public, stored, texts},
    *,
};
use crate::{
    etag::Etag,
    query::SearchQuery,
    thought::{Change, MaxLength, ThoughtText, Visibility},
    trash::{KEPT_FOR, Reach, TrashList},
};

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn text(text: &str) -> Change {
    Change {
        text: Some(ThoughtText::parse(text, MaxLength::default()).expect("a text")),
        visibility: None,
    }
}

fn visibility(visibility: Visibility) -> Change {
    Change {
        text: None,
        visibility: Some(visibility),
    }
}

async fn changed(store: &Store, thought: &Thought, change: &Change, now: i64) -> Thought {
    let etag = Some(Etag::of(thought));
    let updated = store
        .update(thought.id, thought.author.id, change, etag, at(now))
        .await;
    match updated.expect("an answer") {
        Some(Updated::Done(thought)) => thought,
        other => panic!("{other:?}"),
    }
}

async fn trashes(store: &Store, thought: &Thought, now: i64) -> bool {
    store
        .move_to_trash(thought.id, thought.author.id, Reach::Own, at(now))
        .await
        .expect("an answer")
}

async fn found(store: &Store, viewer: Option<Uuid>, query: &str) -> Vec<String> {
    let query = SearchQuery::parse(query).expect("a query");
    let page = store.search(viewer, &query, page(9, None)).await;
    texts(&page.expect("read"))
        .into_iter()
        .map(str::to_owned)
        .collect()
}

/// Nothing is in SQLite's index but what is in the table.
async fn index_agrees(store: &Store) {
    if let Database::Sqlite { readers, .. } = &store.database {
        let positions = async |sql: &'static str| -> Vec<i64> {
            let rows = sqlx::query_scalar(sql).fetch_all(&**readers).await;
            rows.expect("positions")
        };
        assert_eq!(
            positions("SELECT rowid FROM thoughts_pieces ORDER BY rowid").await,
            positions("SELECT position FROM thoughts ORDER BY position").await
        );
    }
}

/// The number of rows of a table.
async fn count(store: &Store, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    database::read!(store.database, |conn| {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql.as_str()))
            .fetch_one(&mut *conn)
            .await
    })
    .expect("a number")
}

#[tokio::test]
async fn a_changed_thought_is_found_by_what_it_says_now() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        let first = stored(&store, &public(BRUCE, 5, "a platypus in 京都")).await;
        stored(&store, &public(STEPHEN, 6, "another platypus")).await;
        let second = changed(&store, &first, &text("a WOMBAT in 東京"), 10).await;
        assert_eq!(
            (second.id, second.create_time),
            (first.id, first.create_time)
        );
        assert_eq!(
            (second.text.as_str(), second.update_time),
            ("a WOMBAT in 東京", at(10))
        );
        assert_eq!(
            store.get(first.id, None).await.expect("read"),
            Some(second.clone())
        );
        for (query, expected) in [
            ("platypus", vec!["another platypus"]),
            ("都", vec![]),
            ("wombat 東", vec![second.text.as_str()]),
            ("in", vec![second.text.as_str()]),
        ] {
            assert_eq!(found(&store, None, query).await, expected, "{query}");
        }
        // Who may see it follows, in every list and in the index.
        let hidden = changed(&store, &second, &visibility(Visibility::Private), 11).await;
        assert_eq!(hidden.text, second.text);
        for (viewer, sees) in [(None, false), (Some(STEPHEN), false), (Some(BRUCE), true)] {
            assert_eq!(!found(&store, viewer, "wombat").await.is_empty(), sees);
            let listed = store.list(viewer, Some("bruce"), page(9, None)).await;
            assert_eq!(!listed.expect("read").thoughts.is_empty(), sees);
        }
        let shown = changed(&store, &hidden, &visibility(Visibility::Public), 12).await;
        assert_eq!(found(&store, None, "wombat").await, [shown.text]);
        index_agrees(&store).await;
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn each_change_keeps_what_was_before_and_moves_the_etag_on() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        let mut thought = stored(&store, &public(BRUCE, 5, "one")).await;
        let mut etags = vec![Etag::of(&thought)];
        // By a clock that stands still, goes back, and goes on.
        for (change, now) in [
            (text("two"), 5),
            (visibility(Visibility::Private), -9),
            (text("one"), 20),
        ] {
            thought = changed(&store, &thought, &change, now).await;
            etags.push(Etag::of(&thought));
        }
        for (n, etag) in etags.iter().enumerate() {
            assert!(!etags[..n].contains(etag), "{etags:?}");
        }
        // What changes nothing is none.
        let same = changed(&store, &thought, &text("one"), 30).await;
        assert_eq!(same, thought);

        let all = store
            .revisions(thought.id, page(9, None))
            .await
            .expect("read");
        let told: Vec<_> = all
            .revisions
            .iter()
            .map(|r| (r.text.as_str(), r.visibility, r.create_time, r.end_time))
            .collect();
        assert_eq!(
            told,
            [
                ("two", Visibility::Private, at(7), at(20)),
                ("two", Visibility::Public, at(6), at(7)),
                ("one", Visibility::Public, at(5), at(6)),
            ]
        );
        assert_eq!(all.next, None);
        let mut walked = Vec::new();
        let mut before = None;
        loop {
            let part = store
                .revisions(thought.id, page(1, before))
                .await
                .expect("read");
            walked.extend(part.revisions);
            before = part.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(walked, all.revisions);
        let other = stored(&store, &public(BRUCE, 50, "other")).await;
        let none = store
            .revisions(other.id, page(9, None))
            .await
            .expect("read");
        assert!(none.revisions.is_empty());
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_stale_etag_changes_nothing_unless_it_is_so_already() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        let first = stored(&store, &public(BRUCE, 5, "one")).await;
        let second = changed(&store, &first, &text("two"), 6).await;
        let stale = Some(Etag::of(&first));
        let update = async |author, change: Change, etag| {
            let updated = store.update(first.id, author, &change, etag, at(7)).await;
            updated.expect("an answer")
        };
        assert_eq!(
            update(BRUCE, text("three"), stale).await,
            Some(Updated::Stale)
        );
        let again = update(BRUCE, text("two"), stale).await;
        assert_eq!(again, Some(Updated::Done(second.clone())));
        assert_eq!(update(STEPHEN, text("mine"), None).await, None);
        let missing = store
            .update(Uuid::nil(), BRUCE, &text("x"), None, at(7))
            .await;
        assert_eq!(missing.expect("an answer"), None);
        assert_eq!(store.get(first.id, None).await.expect("read"), Some(second));
        assert_eq!(count(&store, "thought_revisions").await, 1);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn of_changes_from_one_state_at_once_one_wins() {
    on_each_engine(async |fresh| {
        // Two replicas.
        let stores = [opened(fresh).await, opened(fresh).await];
        let mut thought = stored(&stores[0], &public(BRUCE, 5, "start")).await;
        for round in 0..10 {
            let calls: Vec<_> = (0..8)
                .map(|n| {
                    let (store, thought) = (stores[n % 2].clone(), thought.clone());
                    tokio::spawn(async move {
                        let change = text(&format!("round {round} by {n}"));
                        let etag = Some(Etag::of(&thought));
                        store
                            .update(thought.id, BRUCE, &change, etag, at(round))
                            .await
                    })
                })
                .collect();
            let mut won = Vec::new();
            for call in calls {
                match call.await.expect("no panic").expect("an answer") {
                    Some(Updated::Done(thought)) => won.push(thought),
                    Some(Updated::Stale) => {}
                    None => panic!("it is gone"),
                }
            }
            assert_eq!(won.len(), 1, "{won:?}");
            let now = stores[1].get(thought.id, None).await.expect("read");
            assert_eq!(now.as_ref(), won.first());
            thought = won.remove(0);
        }
        assert_eq!(count(&stores[0], "thought_revisions").await, 10);
        index_agrees(&stores[0]).await;
        for store in &stores {
            store.close().await;
        }
    })
    .await;
}

#[tokio::test]
async fn changes_without_an_etag_all_happen_one_after_the_other() {
    on_each_engine(async |fresh| {
        let stores = [opened(fresh).await, opened(fresh).await];
        let thought = stored(&stores[0], &public(BRUCE, 5, "start")).await;
        let calls: Vec<_> = (0..20)
            .map(|n| {
                let store = stores[n % 2].clone();
                let change = text(&format!("by {n}"));
                tokio::spawn(
                    async move { store.update(thought.id, BRUCE, &change, None, at(5)).await },
                )
            })
            .collect();
        for call in calls {
            let done = call.await.expect("no panic").expect("an answer");
            assert!(matches!(done, Some(Updated::Done(_))), "{done:?}");
        }
        let kept = stores[0].revisions(thought.id, page(99, None)).await;
        let kept = kept.expect("read").revisions;
        assert_eq!(kept.len(), 20);
        // Each begins where the one before it ends.
        assert!(
            kept.windows(2)
                .all(|two| two[1].end_time == two[0].create_time)
        );
        index_agrees(&stores[0]).await;
        for store in &stores {
            store.close().await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_in_the_trash_is_its_authors_alone() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        let open = stored(&store, &public(BRUCE, 1, "an open platypus")).await;
        let secret = stored(&store, &private(BRUCE, 2, "a secret platypus")).await;
        let kept = stored(&store, &public(BRUCE, 3, "a living platypus")).await;
        assert!(trashes(&store, &open, 10).await);
        assert!(trashes(&store, &secret, 11).await);
        assert!(!trashes(&store, &open, 12).await, "it is there already");
        index_agrees(&store).await;

        for viewer in [None, Some(BRUCE), Some(STEPHEN)] {
            for thought in [&open, &secret] {
                assert_eq!(store.get(thought.id, viewer).await.expect("read"), None);
            }
            assert_eq!(
                found(&store, viewer, "platypus").await,
                [kept.text.as_str()]
            );
            let listed = store.list(viewer, None, page(9, None)).await.expect("read");
            assert_eq!(texts(&listed), [kept.text.as_str()]);
        }
        let list = async |viewer, author, list, now| {
            let listed = store
                .list_trash(viewer, author, list, page(9, None), at(now))
                .await;
            let listed = listed.expect("read");
            texts(&listed)
                .into_iter()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let both = [secret.text.as_str(), open.text.as_str()];
        let all = [kept.text.as_str(), secret.text.as_str(), open.text.as_str()];
        let (beside, alone) = (TrashList::Beside, TrashList::Alone);
        for author in [None, Some("bruce")] {
            assert_eq!(list(BRUCE, author, alone, 12).await, both);
            assert_eq!(list(BRUCE, author, beside, 12).await, all);
            assert!(list(STEPHEN, author, alone, 12).await.is_empty());
            assert_eq!(
                list(STEPHEN, author, beside, 12).await,
                [kept.text.as_str()]
            );
        }
        assert!(list(BRUCE, Some("stephen"), alone, 12).await.is_empty());
        assert!(list(BRUCE, Some("stephen"), beside, 12).await.is_empty());
        // To the microsecond, whether or not anybody has emptied it.
        let end = 10 + i64::try_from(KEPT_FOR.as_micros()).expect("small");
        assert_eq!(list(BRUCE, None, alone, end - 1).await, both);
        assert_eq!(list(BRUCE, None, alone, end).await, [secret.text.as_str()]);
        let find = async |viewer, now| store.find(open.id, viewer, at(now)).await.expect("read");
        let lying = find(BRUCE, end - 1).await.expect("there");
        let trashed = lying.trashed.expect("in the trash");
        assert_eq!(trashed.delete_time, at(10));
        assert_eq!(trashed.expire_time, at(10) + KEPT_FOR);
        assert!(!trashed.removed);
        assert_eq!(
            Thought {
                trashed: None,
                ..lying
            },
            open
        );
        assert_eq!(find(BRUCE, end).await, None);
        assert_eq!(find(STEPHEN, 12).await, None);
        assert_eq!(
            store.find(kept.id, STEPHEN, at(12)).await.expect("read"),
            Some(kept.clone())
        );
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_thought_comes_back_as_it_was_to_where_it_was() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        let first = stored(&store, &private(BRUCE, 1, "one platypus")).await;
        let thought = changed(&store, &first, &text("two platypuses"), 2).await;
        assert!(trashes(&store, &thought, 10).await);
        // Its place is kept for it.
        let next = stored(&store, &public(STEPHEN, 1, "a wombat")).await;
        assert_eq!(next.create_time, at(2));
        assert_eq!(
            store
                .take_from_trash(thought.id, STEPHEN, at(11))
                .await
                .expect("an answer"),
            None
        );
        let back = store.take_from_trash(thought.id, BRUCE, at(11)).await;
        assert_eq!(back.expect("an answer"), Some(thought.clone()));
        assert_eq!(
            store.get(thought.id, Some(BRUCE)).await.expect("read"),
            Some(thought.clone())
        );
        assert_eq!(
            found(&store, Some(BRUCE), "platypus").await,
            [thought.text.as_str()]
        );
        assert!(found(&store, Some(STEPHEN), "platypus").await.is_empty());
        let kept = store
            .revisions(thought.id, page(9, None))
            .await
            .expect("read");
        assert_eq!(kept.revisions.len(), 1);
        let again = store.take_from_trash(thought.id, BRUCE, at(12)).await;
        assert_eq!(again.expect("an answer"), None);
        index_agrees(&store).await;
        store.close().await;
    })
    .await;
}

/// An older program does not know that the trash keeps places.
#[tokio::test]
async fn r16_a_thought_comes_back_beside_one_that_an_older_program_put_in_its_place() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        let thought = stored(&store, &public(BRUCE, 1, "mine")).await;
        assert!(trashes(&store, &thought, 10).await);
        let done: Result<(), database::Error> = database::write!(store.database, |conn| {
            sqlx::query(
                "INSERT INTO thoughts
                     (position, id, author_id, author, text, folded, visibility, update_time)
                 VALUES ($1, $2, $3, 'stephen', 'theirs', 'theirs', 1, $1)",
            )
            .bind(1_i64)
            .bind(Uuid::from_u128(77))
            .bind(STEPHEN)
            .execute(&mut *conn)
            .await?;
            Ok(())
        });
        done.expect("stored");
        let back = store.take_from_trash(thought.id, BRUCE, at(11)).await;
        let back = back.expect("an answer").expect("back");
        assert_eq!((back.create_time, back.update_time), (at(1), at(1)));
        assert_eq!(back.position, 2);
        // And the other way round: two in the trash that had the same place.
        let theirs = store
            .get(Uuid::from_u128(77), None)
            .await
            .expect("read")
            .expect("there");
        assert!(trashes(&store, &back, 12).await);
        assert!(trashes(&store, &theirs, 12).await);
        let done: Result<(), database::Error> = database::write!(store.database, |conn| {
            sqlx::query(
                "INSERT INTO thoughts
                     (position, id, author_id, author, text, folded, visibility, update_time)
                 VALUES ($1, $2, $3, 'bruce', 'third', 'third', 1, $1)",
            )
            .bind(1_i64)
            .bind(Uuid::from_u128(78))
            .bind(BRUCE)
            .execute(&mut *conn)
            .await?;
            Ok(())
        });
        done.expect("stored");
        let third = store
            .get(Uuid::from_u128(78), None)
            .await
            .expect("read")
            .expect("there");
        assert!(trashes(&store, &third, 13).await);
        let lying = store
            .list_trash(BRUCE, None, TrashList::Alone, page(9, None), at(14))
            .await;
        // Of one time, so the ids decide.
        assert_eq!(texts(&lying.expect("read")), ["mine", "third"]);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn what_an_administrator_removed_stays_in_the_trash() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        let admin = Uuid::from_u128(9);
        let rude = stored(&store, &public(BRUCE, 1, "rude")).await;
        let secret = stored(&store, &private(BRUCE, 2, "secret")).await;
        let own = stored(
            &store,
            &Thought {
                author: crate::thought::Author {
                    id: admin,
                    username: "ada".to_owned(),
                },
                ..public(BRUCE, 3, "own")
            },
        )
        .await;
        let remove = async |thought: &Thought, by, reach| {
            let moved = store.move_to_trash(thought.id, by, reach, at(10)).await;
            moved.expect("an answer")
        };
        assert!(!remove(&rude, STEPHEN, Reach::Own).await);
        assert!(!remove(&secret, admin, Reach::Public).await);
        assert!(remove(&rude, admin, Reach::Public).await);
        assert!(remove(&own, admin, Reach::Public).await);
        let lying = store
            .find(rude.id, BRUCE, at(11))
            .await
            .expect("read")
            .expect("there");
        assert!(lying.trashed.is_some_and(|trashed| trashed.removed));
        assert_eq!(
            store.find(rude.id, admin, at(11)).await.expect("read"),
            None
        );
        for author in [BRUCE, admin] {
            let back = store.take_from_trash(rude.id, author, at(11)).await;
            assert_eq!(back.expect("an answer"), None);
        }
        let back = store.take_from_trash(own.id, admin, at(11)).await;
        assert!(back.expect("an answer").is_some());
        // Its author may be rid of it.
        assert!(
            store
                .delete(rude.id, BRUCE, at(11))
                .await
                .expect("an answer")
        );
        index_agrees(&store).await;
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn deleting_for_ever_takes_the_revisions_along() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        let mut thoughts = Vec::new();
        for n in 0..3 {
            let thought = stored(&store, &public(BRUCE, n, "a platypus")).await;
            thoughts.push(changed(&store, &thought, &text("a wombat"), 10).await);
        }
        assert!(trashes(&store, &thoughts[0], 20).await);
        for (n, author, done) in [
            (0, STEPHEN, false),
            (1, STEPHEN, false),
            (0, BRUCE, true),
            (1, BRUCE, true),
            (0, BRUCE, false),
            (1, BRUCE, false),
        ] {
            let deleted = store.delete(thoughts[n].id, author, at(21)).await;
            assert_eq!(deleted.expect("an answer"), done, "{n} by {author}");
        }
        assert_eq!(count(&store, "thoughts").await, 1);
        assert_eq!(count(&store, "trash").await, 0);
        assert_eq!(count(&store, "thought_revisions").await, 1);
        assert_eq!(found(&store, None, "wombat").await, ["a wombat"]);
        index_agrees(&store).await;
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn the_trash_is_emptied_of_what_was_there_for_its_time() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        // More than one transaction deletes, several of them at the same time.
        for n in 0..720 {
            let thought = stored(&store, &public(BRUCE, n, &n.to_string())).await;
            let thought = if n % 100 == 0 {
                changed(&store, &thought, &text("changed"), 5_000).await
            } else {
                thought
            };
            assert!(trashes(&store, &thought, 10_000 + n / 3).await);
        }
        let kept = stored(&store, &public(BRUCE, 9_000, "kept")).await;
        changed(&store, &kept, &text("still"), 9_001).await;
        let end = at(10_000 + 199) + KEPT_FOR;
        let (one, two) = tokio::join!(store.empty_trash(end), store.empty_trash(end));
        one.and(two).expect("emptied");
        // 200 times three have gone, and six of the changed ones with them.
        assert_eq!(count(&store, "trash").await, 720 - 600);
        assert_eq!(count(&store, "thought_revisions").await, 2 + 1);
        store
            .empty_trash(end + Duration::from_secs(1))
            .await
            .expect("emptied");
        assert_eq!(count(&store, "trash").await, 0);
        assert_eq!(count(&store, "thought_revisions").await, 1);
        assert_eq!(count(&store, "thoughts").await, 1);
        store.close().await;
    })
    .await;
}

/// Whatever meets whatever, a thought is in one place, found there and nowhere else.
#[tokio::test]
async fn a_thought_is_in_one_place_whoever_moves_it_at_once() {
    on_each_engine(async |fresh| {
        let stores = [opened(fresh).await, opened(fresh).await];
        for round in 0..15 {
            let thought = stored(&stores[0], &public(BRUCE, round * 100, "a platypus")).await;
            let calls: Vec<_> = (0..12_usize)
                .map(|n| {
                    let (store, id) = (stores[n % 2].clone(), thought.id);
                    let now = at(10_000 + i64::try_from(n).expect("small"));
                    tokio::spawn(async move {
                        match n / 2 % 3 {
                            0 => drop(store.move_to_trash(id, BRUCE, Reach::Own, now).await?),
                            1 => drop(store.take_from_trash(id, BRUCE, now).await?),
                            _ => {
                                let change = text(&format!("a wombat {n}"));
                                drop(store.update(id, BRUCE, &change, None, now).await?);
                            }
                        }
                        Ok::<_, database::Error>(())
                    })
                })
                .collect();
            for call in calls {
                call.await.expect("no panic").expect("an answer");
            }
            let live = stores[0].get(thought.id, None).await.expect("read");
            let anywhere = stores[1].find(thought.id, BRUCE, at(10_100)).await;
            let anywhere = anywhere.expect("read").expect("somewhere");
            assert_eq!(live.is_none(), anywhere.trashed.is_some());
            assert_eq!(anywhere.create_time, thought.create_time);
            let places = count(&stores[0], "thoughts").await + count(&stores[0], "trash").await;
            assert_eq!(places, 1);
            let expected: Vec<_> = live.into_iter().map(|thought| thought.text).collect();
            assert_eq!(found(&stores[0], None, "a").await, expected);
            index_agrees(&stores[0]).await;
            assert!(
                stores[1]
                    .delete(thought.id, BRUCE, at(10_200))
                    .await
                    .expect("an answer")
            );
        }
        assert_eq!(count(&stores[0], "thought_revisions").await, 0);
        for store in &stores {
            store.close().await;
        }
    })
    .await;
}
