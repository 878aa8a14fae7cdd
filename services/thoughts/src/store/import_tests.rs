//! What an import leaves alone, whatever happens meanwhile.

use std::{collections::HashSet, time::Duration};

use database::testing::{Fresh, each_engine, on_each_engine};
use runtime::clock::Timestamp;
use tokio::time::sleep;

use super::{
    list_tests::draft,
    tests::{BRUCE, STEPHEN, opened, page, public, stored},
    *,
};
use crate::{
    porting::{Draft, Outcome, Record},
    revision::Revision,
    thought::{MaxLength, Visibility},
};

const NOW: Timestamp = Timestamp::from_seconds(1_000);

fn record(author: Uuid, draft: Draft) -> Record {
    let author = public(author, 0, "").author;
    Record::new(author, draft, NOW, MaxLength::default()).expect("a record")
}

/// With what it was before.
fn revised(id: Uuid, text: &str, before: &str) -> Draft {
    Draft {
        id: Some(id),
        revisions: vec![Revision {
            text: before.to_owned(),
            visibility: Visibility::Public,
            create_time: Timestamp::from_micros(1),
            end_time: Timestamp::from_micros(2),
        }],
        ..draft(1, text.to_owned())
    }
}

async fn texts_before(store: &Store, id: Uuid) -> Vec<String> {
    let revisions = store.revisions(id, page(9, None)).await.expect("read");
    let revisions = revisions.revisions.into_iter();
    revisions.map(|revision| revision.text).collect()
}

#[tokio::test]
async fn what_is_written_amid_very_many_of_one_time_comes_after_them() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        for part in 0..4 {
            let many = (0..500).map(|n| record(STEPHEN, draft(7, format!("{part} {n}"))));
            let many: Vec<_> = many.collect();
            let outcomes = store.import(STEPHEN, &many, NOW).await;
            assert_eq!(
                outcomes.expect("an answer"),
                Some(vec![Outcome::Imported; 500])
            );
        }
        for (at, time) in [(7, 2_007), (1_000, 2_008), (6, 6), (6, 2_009)] {
            let written = stored(&store, &public(BRUCE, at, "mine")).await;
            assert_eq!(written.create_time.as_micros(), time);
            assert_eq!(
                (written.update_time, written.position),
                (written.create_time, time)
            );
        }
        store.close().await;
    })
    .await;
}

/// As a program might leave behind that held nothing while it imported.
#[tokio::test]
async fn revisions_of_nobody_do_not_become_those_of_what_is_imported() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        let id = Uuid::from_u128(7);
        let left: Result<(), database::Error> = database::write!(store.database, |conn| {
            for time in [1_i64, 5] {
                sqlx::query(
                    "INSERT INTO thought_revisions
                         (thought_id, create_time, end_time, author_id, text, visibility)
                     VALUES ($1, $2, 9, $3, 'I confess', 1)",
                )
                .bind(id)
                .bind(time)
                .bind(STEPHEN)
                .execute(&mut *conn)
                .await?;
            }
            Ok(())
        });
        left.expect("stored");
        let mine = record(BRUCE, revised(id, "mine", "mine before"));
        let outcomes = store.import(BRUCE, &[mine], NOW).await;
        assert_eq!(outcomes.expect("an answer"), Some(vec![Outcome::Imported]));
        assert_eq!(texts_before(&store, id).await, ["mine before"]);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_imported_again_is_held_until_its_revisions_are_in() {
    for fresh in each_engine().await {
        let store = opened(&fresh).await;
        let Database::Postgres(pool) = &store.database else {
            // SQLite has one writer.
            continue;
        };
        let mine = stored(&store, &public(BRUCE, 1, "mine")).await;
        let mut other = pool.begin().await.expect("a connection");
        // Nothing gets in here for a while.
        let wait = "LOCK TABLE thought_revisions IN EXCLUSIVE MODE";
        sqlx::query(wait).execute(&mut *other).await.expect("done");
        let again = record(BRUCE, revised(mine.id, "mine", "mine before"));
        let importing = {
            let store = store.clone();
            tokio::spawn(async move { store.import(BRUCE, &[again], NOW).await })
        };
        let waits = "SELECT EXISTS (
            SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'thought_revisions'::regclass
        )";
        loop {
            let waits = sqlx::query_scalar(waits).fetch_one(&mut *other).await;
            if waits.expect("read") {
                break;
            }
            sleep(Duration::from_millis(5)).await;
        }
        let mut third = pool.begin().await.expect("a connection");
        let take = sqlx::query("SELECT 1 FROM thoughts WHERE id = $1 FOR UPDATE NOWAIT");
        let taken = take.bind(mine.id).execute(&mut *third).await;
        let refused = taken.expect_err("it is held").to_string();
        assert!(refused.contains("could not obtain lock"), "{refused}");
        third.rollback().await.expect("done");
        other.rollback().await.expect("done");
        let outcomes = importing.await.expect("no panic").expect("an answer");
        assert_eq!(outcomes, Some(vec![Outcome::Unchanged]));
        assert_eq!(texts_before(&store, mine.id).await, ["mine before"]);
        store.close().await;
    }
}

/// Otherwise somebody might import thoughts with the ids that another's would have, to see which are
/// taken.
#[tokio::test]
async fn the_id_of_a_thought_that_came_without_one_cannot_be_worked_out() {
    let mut ids = HashSet::new();
    for fresh in [Fresh::sqlite(), Fresh::sqlite()] {
        let store = opened(&fresh).await;
        // The second came with an id that is taken.
        let theirs = Thought {
            id: Uuid::from_u128(9),
            ..public(STEPHEN, 5, "theirs")
        };
        stored(&store, &theirs).await;
        let taken = Draft {
            id: Some(theirs.id),
            ..draft(2, "mine too".to_owned())
        };
        let drafts = [draft(1, "mine".to_owned()), taken];
        let records = drafts.map(|draft| record(BRUCE, draft));
        for outcome in [Outcome::Imported, Outcome::Unchanged] {
            let outcomes = store.import(BRUCE, &records, NOW).await;
            assert_eq!(outcomes.expect("an answer"), Some(vec![outcome; 2]));
        }
        let all = store.list(None, Some("bruce"), page(9, None)).await;
        ids.extend(all.expect("read").thoughts.iter().map(|thought| thought.id));
        store.close().await;
    }
    assert_eq!(ids.len(), 4);
}
