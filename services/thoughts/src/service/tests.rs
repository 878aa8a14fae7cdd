//! Use cases, by a clock that tests move.

use std::{future::pending, time::Duration};

use database::testing::{Fresh, on_each_engine};
use runtime::{
    auth::{Caller, Role},
    clock::{Clock, Timestamp},
};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Thoughts;
use crate::{
    error::Error,
    page::PageRequest,
    store::Store,
    thought::{Change, MaxLength, Thought, ThoughtText, Visibility},
    trash::TrashList,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// The service on a fresh database, by a clock that stands still.
pub(super) async fn thoughts(fresh: &Fresh) -> Thoughts {
    let store = Store::open(fresh.url(), pending()).await;
    Thoughts {
        store: store.expect("the test database"),
        clock: Clock::manual(Timestamp::from_seconds(1_700_000_000)),
        max_length: MaxLength::default(),
    }
}

pub(super) fn caller(username: &str, role: Role) -> Caller {
    // The same name is the same person in every test.
    let id = username
        .bytes()
        .fold(0, |id, byte| id * 256 + u128::from(byte));
    Caller {
        user_id: Uuid::from_u128(id),
        username: username.to_owned(),
        role,
        session_id: None,
        personal_token: None,
        expires: Timestamp::from_seconds(i64::MAX / 1_000_000),
    }
}

pub(super) fn text(text: &str) -> ThoughtText {
    ThoughtText::parse(text, MaxLength::default()).expect("a text")
}

pub(super) fn first_page(size: usize) -> PageRequest {
    PageRequest { size, before: None }
}

fn member(username: &str) -> Caller {
    caller(username, Role::Member)
}

impl Thoughts {
    async fn writes(&self, author: &Caller, words: &str) -> Thought {
        let text = text(words);
        let created = self.create(author, &text, Visibility::Public, None);
        created.await.expect("written")
    }

    async fn edits(&self, author: &Caller, id: Uuid, words: &str) -> Result<Thought, Error> {
        let change = Change {
            text: Some(text(words)),
            visibility: None,
        };
        self.update(author, id, &change, None).await
    }

    async fn trash_of(&self, caller: &Caller) -> Vec<Thought> {
        let list = self.list_trash(Some(caller), None, TrashList::Alone, first_page(9));
        list.await.expect("read").thoughts
    }
}

#[tokio::test]
async fn a_deleted_thought_is_there_for_thirty_days() {
    on_each_engine(async |fresh| {
        let thoughts = thoughts(fresh).await;
        let bruce = member("bruce");
        let lucky = thoughts.writes(&bruce, "lucky").await;
        let lucky = thoughts
            .edits(&bruce, lucky.id, "lucky still")
            .await
            .expect("changed");
        let unlucky = thoughts.writes(&bruce, "unlucky").await;
        thoughts
            .edits(&bruce, unlucky.id, "unlucky still")
            .await
            .expect("changed");
        for id in [lucky.id, unlucky.id] {
            thoughts.delete(&bruce, id).await.expect("deleted");
        }
        thoughts.clock.advance(29 * DAY + 23 * HOUR);
        thoughts
            .store
            .empty_trash(thoughts.clock.now())
            .await
            .expect("emptied");
        assert_eq!(thoughts.trash_of(&bruce).await.len(), 2);
        let back = thoughts.undelete(&bruce, lucky.id).await.expect("back");
        assert_eq!(back, lucky);

        thoughts.clock.advance(HOUR);
        // Nobody has emptied it yet.
        let gone = unlucky.id;
        assert!(thoughts.trash_of(&bruce).await.is_empty());
        assert!(matches!(
            thoughts.get(Some(&bruce), gone).await,
            Err(Error::NotFound)
        ));
        assert!(matches!(
            thoughts.undelete(&bruce, gone).await,
            Err(Error::NotFound)
        ));
        assert!(matches!(
            thoughts.delete_permanently(&bruce, gone).await,
            Err(Error::NotFound)
        ));
        let revisions = thoughts.revisions(&bruce, gone, first_page(9)).await;
        assert!(matches!(revisions, Err(Error::NotFound)));

        thoughts
            .store
            .empty_trash(thoughts.clock.now())
            .await
            .expect("emptied");
        let left = thoughts
            .store
            .revisions(gone, first_page(9))
            .await
            .expect("read");
        assert!(left.revisions.is_empty());
        let kept = thoughts
            .revisions(&bruce, lucky.id, first_page(9))
            .await
            .expect("read");
        assert_eq!(kept.revisions.len(), 1);
        // From its next deletion on it is there for thirty days again.
        thoughts.delete(&bruce, lucky.id).await.expect("deleted");
        let lying = thoughts
            .trash_of(&bruce)
            .await
            .remove(0)
            .trashed
            .expect("in the trash");
        assert_eq!(lying.delete_time, thoughts.clock.now());
        assert_eq!(lying.expire_time, thoughts.clock.now() + 30 * DAY);
        thoughts.store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_running_service_empties_the_trash_by_itself_and_ends_when_told() {
    let fresh = Fresh::sqlite();
    let thoughts = thoughts(&fresh).await;
    let bruce = member("bruce");
    let gone = thoughts.writes(&bruce, "one").await.id;
    thoughts.edits(&bruce, gone, "two").await.expect("changed");
    thoughts.delete(&bruce, gone).await.expect("deleted");
    let shutdown = CancellationToken::new();
    let kept = tokio::spawn({
        let (thoughts, shutdown) = (thoughts.clone(), shutdown.clone());
        async move { thoughts.keep_up(Duration::from_millis(5), shutdown).await }
    });
    let revisions = async || {
        let page = thoughts.store.revisions(gone, first_page(9)).await;
        page.expect("read").revisions.len()
    };
    assert_eq!(revisions().await, 1);
    thoughts.clock.advance(30 * DAY);
    let emptied = async {
        while revisions().await > 0 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(10), emptied)
        .await
        .expect("emptied");
    shutdown.cancel();
    let ended = timeout(Duration::from_secs(10), kept).await;
    ended.expect("in time").expect("no panic");
}

#[tokio::test]
async fn who_is_not_signed_in_has_no_trash() {
    let fresh = Fresh::sqlite();
    let thoughts = thoughts(&fresh).await;
    let bruce = member("bruce");
    let gone = thoughts.writes(&bruce, "gone").await.id;
    let kept = thoughts.writes(&bruce, "kept").await;
    thoughts.delete(&bruce, gone).await.expect("deleted");
    for (list, seen) in [(TrashList::Beside, vec![kept]), (TrashList::Alone, vec![])] {
        let page = thoughts.list_trash(None, None, list, first_page(9)).await;
        assert_eq!(page.expect("read").thoughts, seen);
    }
    assert!(matches!(
        thoughts.get(None, gone).await,
        Err(Error::NotFound)
    ));
}
