//! The log of changes, on each engine.

use std::time::Duration;

use database::{Engine, testing::on_each_engine};
use runtime::clock::Timestamp;

use super::{
    tests::{BRUCE, STEPHEN, opened, private, public, stored},
    *,
};
use crate::{
    live::{Entry, Log, Mark, Side},
    thought::{Change, MaxLength, Thought, ThoughtText, Visibility},
    trash::Reach,
};

const NOW: Timestamp = Timestamp::from_micros(100);
const PATIENCE: Duration = Duration::from_mins(5);

impl Store {
    /// Stores a thought in a transaction that is held open for a while before it commits.
    pub(crate) async fn create_slowly(
        &self,
        thought: &Thought,
        held: Duration,
    ) -> Result<(), database::Error> {
        let engine = self.database.engine();
        let folded = &crate::fold::fold(&thought.text);
        change!(self, |conn| {
            let mut thought = thought.clone();
            while !insert!(conn, engine, &thought, folded) {
                thought.move_on_to(thought.position + 1);
            }
            tokio::time::sleep(held).await;
            Ok(())
        })
    }
}

/// The log once all that was committed before can be read: other tests' transactions on the same
/// server may hold it up.
async fn log(store: &Store) -> Log {
    let settled = async {
        loop {
            let log = store.change_log().await.expect("the log");
            if !store.has_changes_behind(&log).await.expect("an answer") {
                return log;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let settled = tokio::time::timeout(PATIENCE, settled).await;
    settled.expect("the end of other transactions")
}

async fn all(store: &Store) -> Vec<Entry> {
    let log = log(store).await;
    let entries = store.changes(log.trimmed, &log, 1_000).await;
    entries.expect("changes")
}

/// A side in a word or two.
fn side(side: Option<&Side>) -> String {
    match side {
        None => "-".to_owned(),
        Some(Side::Erased(visibility)) => format!("{visibility:?} erased"),
        Some(Side::Known(thought)) => format!("{:?} {}", thought.visibility, thought.text),
    }
}

async fn told(store: &Store) -> Vec<(String, String)> {
    let entries = all(store).await;
    let sides = entries
        .iter()
        .map(|entry| (side(entry.before.as_ref()), side(entry.after.as_ref())));
    sides.collect()
}

fn told_as(before: &str, after: &str) -> (String, String) {
    (before.to_owned(), after.to_owned())
}

fn to(text: &str, visibility: Visibility) -> Change {
    Change {
        text: Some(ThoughtText::parse(text, MaxLength::default()).expect("a text")),
        visibility: Some(visibility),
    }
}

#[tokio::test]
async fn whatever_becomes_of_a_thought_is_logged_with_what_it_was_and_is() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        // As an import leaves it whose time somebody else has.
        let imported = Thought {
            position: 9,
            ..public(BRUCE, 5, "one")
        };
        let thought = stored(&store, &imported).await;
        assert_eq!(thought, imported);
        let change = to("two", Visibility::Private);
        let updated = store.update(thought.id, BRUCE, &change, None, NOW).await;
        let Some(Updated::Done(updated)) = updated.expect("updated") else {
            panic!("updated")
        };
        let moved = store.move_to_trash(thought.id, BRUCE, Reach::Own, NOW);
        assert!(moved.await.expect("an answer"));
        let back = store.take_from_trash(thought.id, BRUCE, NOW).await;
        assert_eq!(back.expect("an answer"), Some(updated.clone()));
        assert!(
            store
                .delete(thought.id, BRUCE, NOW)
                .await
                .expect("an answer")
        );
        assert_eq!(
            told(&store).await,
            [
                told_as("-", "Public one"),
                told_as("Public one", "Private two"),
                told_as("Private two", "-"),
                told_as("-", "Private two"),
                told_as("Private two", "-"),
            ]
        );
        let entries = all(&store).await;
        assert_eq!(entries[0].after, Some(Side::Known(thought.clone())));
        assert_eq!(entries[3].after, Some(Side::Known(updated.clone())));
        assert_eq!(entries[1].after, Some(Side::Known(updated)));
        assert!(
            entries
                .iter()
                .all(|e| e.id == thought.id && e.author == thought.author)
        );
        assert!(entries.is_sorted_by_key(|entry| entry.mark));
        // From any place on, as many as are asked for.
        let end = log(&store).await;
        let some = store.changes(entries[1].mark, &end, 2).await;
        assert_eq!(some.expect("changes"), entries[2..4]);
        let none = store.changes(entries[4].mark, &end, 2).await;
        assert!(none.expect("changes").is_empty());
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn an_author_who_is_gone_leaves_no_text_in_the_log() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        stored(&store, &public(STEPHEN, 1, "stays")).await;
        let thought = stored(&store, &public(BRUCE, 2, "one")).await;
        let hidden = stored(&store, &private(BRUCE, 3, "own")).await;
        let change = to("two", Visibility::Public);
        let updated = store.update(thought.id, BRUCE, &change, None, NOW).await;
        assert!(updated.expect("updated").is_some());
        let moved = store.move_to_trash(hidden.id, BRUCE, Reach::Own, NOW);
        assert!(moved.await.expect("an answer"));
        store.purge_author(BRUCE, NOW).await.expect("purged");
        assert_eq!(
            told(&store).await,
            [
                told_as("-", "Public stays"),
                told_as("-", "Public erased"),
                told_as("-", "Private erased"),
                told_as("Public erased", "Public erased"),
                told_as("Private erased", "-"),
                told_as("Public erased", "-"),
            ]
        );
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_old_is_trimmed_and_the_log_knows_up_to_where() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        for n in 0..1_100 {
            stored(&store, &public(BRUCE, n, "x")).await;
        }
        let entries = {
            let log = log(&store).await;
            let read = store.changes(Mark::default(), &log, 2_000).await;
            read.expect("changes")
        };
        assert_eq!(entries.len(), 1_100);
        let clock = runtime::clock::Clock::system();
        let hour = Duration::from_secs(3_600);
        store
            .trim_changes(clock.now() - hour)
            .await
            .expect("trimmed");
        assert_eq!(log(&store).await.trimmed, Mark::default());
        store
            .trim_changes(clock.now() + hour)
            .await
            .expect("trimmed");
        let trimmed = log(&store).await;
        assert_eq!(trimmed.trimmed, entries[1_099].mark);
        assert!(trimmed.end >= trimmed.trimmed);
        assert!(all(&store).await.is_empty());
        // The next one comes behind all that there ever was.
        stored(&store, &public(BRUCE, 5_000, "next")).await;
        let next = all(&store).await;
        assert_eq!(next.len(), 1);
        assert!(next[0].mark > trimmed.trimmed);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn what_commits_while_an_older_transaction_is_under_way_waits_for_it() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        let Database::Postgres(pool) = &store.database else {
            return store.close().await;
        };
        let mut older = pool.begin().await.expect("begun");
        sqlx::query(super::write::INSERT)
            .bind(1_i64)
            .bind(0_i64)
            .bind(Uuid::from_u128(1))
            .bind(BRUCE)
            .bind("bruce")
            .bind("older")
            .bind("older")
            .bind(1_i16)
            .bind(1_i64)
            .execute(&mut *older)
            .await
            .expect("inserted");
        stored(&store, &public(STEPHEN, 2, "newer")).await;
        let held = store.change_log().await.expect("the log");
        let read = store.changes(Mark::default(), &held, 9).await;
        assert_eq!(read.expect("changes"), []);
        assert!(store.has_changes_behind(&held).await.expect("an answer"));
        older.commit().await.expect("committed");
        assert_eq!(
            told(&store).await,
            [told_as("-", "Public older"), told_as("-", "Public newer")]
        );
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_log_that_came_with_a_dump_is_begun_anew() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        stored(&store, &public(BRUCE, 1, "x")).await;
        let before = log(&store).await;
        let again = opened(fresh).await;
        assert_eq!(log(&again).await.epoch, before.epoch);
        assert_eq!(all(&again).await.len(), 1);
        if store.database.engine() == Engine::Postgres {
            let done: Result<(), database::Error> = database::write!(store.database, |conn| {
                sqlx::query("UPDATE change_log SET home = 'elsewhere'")
                    .execute(&mut *conn)
                    .await?;
                Ok(())
            });
            done.expect("moved");
            let moved = opened(fresh).await;
            assert_ne!(log(&moved).await.epoch, before.epoch);
            assert!(all(&moved).await.is_empty());
            moved.close().await;
        }
        again.close().await;
        store.close().await;
    })
    .await;
}
