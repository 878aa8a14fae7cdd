//! Deletions on a clock that the tests move, and a thoughts backend that fails when they say.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use database::testing::{Fresh, on_each_engine};
use futures_util::{FutureExt as _, future::pending};
use runtime::auth::Role;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::*;
use crate::{
    service::tests::{accounts, actor, adds, caller, signs_in},
    user::Outcome,
};

/// What comes of the attempts, in turn, and then always what comes of the last; and what was tried.
#[derive(Clone, Default)]
struct Thoughts {
    outcomes: Arc<Mutex<VecDeque<bool>>>,
    attempts: Arc<Mutex<Vec<Purge>>>,
    pending: Arc<AtomicI64>,
}

impl Thoughts {
    fn that(outcomes: &[bool]) -> Self {
        let thoughts = Self::default();
        thoughts.outcomes.lock().unwrap().extend(outcomes);
        thoughts
    }

    fn beside(&self, accounts: &Accounts) -> Purging {
        let (thoughts, told) = (self.clone(), Arc::clone(&self.pending));
        Purging {
            accounts: accounts.clone(),
            purge_author: Arc::new(move |purge| thoughts.answer(purge)),
            pending: Arc::new(move |count| told.store(count, Ordering::SeqCst)),
        }
    }

    fn answer(
        &self,
        purge: Purge,
    ) -> BoxFuture<'static, Result<(), Box<dyn StdError + Send + Sync>>> {
        self.attempts.lock().unwrap().push(purge);
        let mut outcomes = self.outcomes.lock().unwrap();
        let good = match outcomes.len() {
            0 => return pending().boxed(),
            1 => outcomes[0],
            _ => outcomes.pop_front().unwrap(),
        };
        async move {
            match good {
                true => Ok(()),
                false => Err(io::Error::other("down").into()),
            }
        }
        .boxed()
    }

    fn attempts(&self) -> Vec<u32> {
        let attempts = self.attempts.lock().unwrap();
        attempts.iter().map(|purge| purge.attempt).collect()
    }

    fn pending(&self) -> i64 {
        self.pending.load(Ordering::SeqCst)
    }
}

/// Accounts of which one has been deleted.
async fn with_one_gone(fresh: &Fresh) -> (Accounts, Uuid) {
    let accounts = accounts(fresh).await;
    let id = comes_and_goes(&accounts, "bruce").await;
    (accounts, id)
}

/// An account that was deleted by its owner, by whatever replica. Its id.
async fn comes_and_goes(accounts: &Accounts, name: &str) -> Uuid {
    let id = adds(accounts, name, Role::Member).await.id;
    let owner = actor(&signs_in(accounts, name, "correct horse").await.unwrap());
    let now = accounts.clock.now();
    let deleted = accounts.store.delete_user(id, owner, now).await.unwrap();
    assert!(matches!(deleted, Outcome::Done(_)));
    id
}

async fn until(what: impl Fn() -> bool) {
    let wait = async {
        while !what() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(10), wait).await.unwrap();
}

#[tokio::test]
async fn what_fails_is_tried_again_after_growing_pauses() {
    on_each_engine(async |fresh| {
        let (accounts, _) = with_one_gone(fresh).await;
        let thoughts = Thoughts::that(&[false, false, false, true]);
        let purging = thoughts.beside(&accounts);
        let never = CancellationToken::new();
        for (attempt, pause) in [(1, 1), (2, 2), (3, 4)] {
            purging.complete(&never).await.unwrap();
            // Not due: nobody is asked.
            let pause = Duration::from_secs(pause);
            accounts.clock.advance(pause - Duration::from_micros(1));
            purging.complete(&never).await.unwrap();
            assert_eq!(thoughts.attempts().len(), attempt);
            assert_eq!(thoughts.pending(), 1);
            accounts.clock.advance(Duration::from_micros(1));
        }
        purging.complete(&never).await.unwrap();
        assert_eq!(thoughts.attempts(), [1, 2, 3, 4]);
        assert_eq!(thoughts.pending(), 0);
        purging.complete(&never).await.unwrap();
        assert_eq!(thoughts.attempts().len(), 4);
    })
    .await;
}

#[tokio::test]
async fn one_that_keeps_failing_does_not_hold_the_others_up() {
    let fresh = Fresh::sqlite();
    let (accounts, bad) = with_one_gone(&fresh).await;
    let thoughts = Thoughts::that(&[false, true]);
    let purging = thoughts.beside(&accounts);
    let never = CancellationToken::new();
    purging.complete(&never).await.unwrap();
    let stephen = comes_and_goes(&accounts, "stephen").await;
    purging.complete(&never).await.unwrap();
    let asked: Vec<_> = thoughts
        .attempts
        .lock()
        .unwrap()
        .iter()
        .map(|purge| purge.user_id)
        .collect();
    assert_eq!(asked, [bad, stephen]);
    assert_eq!(thoughts.pending(), 1);
}

#[tokio::test]
async fn a_deletion_here_is_completed_at_once_and_a_stop_leaves_it_to_others() {
    let fresh = Fresh::sqlite();
    let (accounts, _) = with_one_gone(&fresh).await;
    // One that never answers.
    let silent = Thoughts::default();
    let shutdown = CancellationToken::new();
    let hour = Duration::from_secs(60 * 60);
    let stopped = tokio::spawn(silent.beside(&accounts).run(hour, shutdown.clone()));
    until(|| silent.attempts() == [1]).await;
    shutdown.cancel();
    timeout(Duration::from_secs(10), stopped)
        .await
        .unwrap()
        .unwrap();

    // The clock stands still: the one before has not kept its lease.
    let thoughts = Thoughts::that(&[true]);
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(thoughts.beside(&accounts).run(hour, shutdown.clone()));
    until(|| thoughts.attempts() == [2]).await;
    adds(&accounts, "stephen", Role::Member).await;
    let session = signs_in(&accounts, "stephen", "correct horse");
    let session = session.await.unwrap();
    let caller = caller(&session);
    let name = "stephen".parse().unwrap();
    accounts.delete_user(&caller, &name).await.unwrap();
    until(|| thoughts.attempts() == [2, 1]).await;
    shutdown.cancel();
    timeout(Duration::from_secs(10), running)
        .await
        .unwrap()
        .unwrap();
}
