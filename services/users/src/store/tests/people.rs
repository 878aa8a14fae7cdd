//! Roles, disabling, deletion and what is left to do of it, in the database.

use std::time::Duration;

use database::testing::on_each_engine;

use super::*;
use crate::{
    client::UserAgent,
    refresh_token::RefreshToken,
    session::NewSession,
    user::{Outcome, UserChange},
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const DISABLE: UserChange = UserChange {
    role: None,
    disabled: Some(true),
};

/// Two administrators, and bruce.
async fn with_three(fresh: &Fresh) -> (Store, [Credentials; 3]) {
    let store = store(fresh).await;
    let accounts = [
        account("ada", Role::Admin, 1),
        account("grace", Role::Admin, 2),
        member("bruce", 3),
    ];
    for account in &accounts {
        store.add(account).await.unwrap();
    }
    (store, accounts)
}

fn session(account: &Credentials) -> NewSession {
    let token = RefreshToken::first(Clock::system().new_id()).unwrap();
    NewSession {
        id: token.session_id(),
        user_id: account.user.id,
        user_agent: UserAgent::new("curl/8"),
        digest: token.digest(),
        create_time: NOW,
    }
}

#[tokio::test]
async fn a_sign_in_and_disabling_at_once_leave_no_session() {
    on_each_engine(async |fresh| {
        let (one, [ada, _, bruce]) = with_three(fresh).await;
        let (other, ada) = (store(fresh).await, acting(&one, &ada).await);
        let id = bruce.user.id;
        for _ in 0..10 {
            let session = session(&bruce);
            let (disabled, _begun) = tokio::join!(
                one.update_user(id, DISABLE, ada, NOW),
                other.open_session(&session, &bruce.password_hash, None),
            );
            assert!(matches!(disabled.unwrap(), Outcome::Done(_)));
            assert!(one.sessions_of(id, NOW).await.unwrap().is_empty());
            let late = other.open_session(&session, &bruce.password_hash, None);
            assert!(!late.await.unwrap());
            let enable = UserChange {
                disabled: Some(false),
                ..DISABLE
            };
            one.update_user(id, enable, ada, NOW).await.unwrap();
        }
        let session = session(&bruce);
        let begun = other.open_session(&session, &bruce.password_hash, None);
        assert!(begun.await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn of_many_who_take_administrators_away_one_finds_the_last() {
    on_each_engine(async |fresh| {
        let (one, [ada, grace, _]) = with_three(fresh).await;
        let other = store(fresh).await;
        let (ada, grace) = (acting(&one, &ada).await, acting(&one, &grace).await);
        let attempts = (0..12).map(|n| {
            let store = if n % 2 == 0 { &one } else { &other }.clone();
            // Each does it to herself: whoever the other one has stopped could do no harm.
            let by = if n % 4 < 2 { ada } else { grace };
            let id = by.user_id;
            tokio::spawn(async move {
                match n % 3 {
                    0 => drop(store.delete_user(id, by, NOW).await.unwrap()),
                    1 => drop(store.update_user(id, DISABLE, by, NOW).await.unwrap()),
                    _ => {
                        let role = Some(Role::Member);
                        let disabled = None;
                        let change = UserChange { role, disabled };
                        drop(store.update_user(id, change, by, NOW).await.unwrap());
                    }
                }
            })
        });
        for attempt in attempts.collect::<Vec<_>>() {
            attempt.await.unwrap();
        }
        let users = one.users_before(None, 10).await.unwrap();
        let left = users.iter().filter(|user| user.is_administrator());
        assert_eq!(left.count(), 1, "{users:?}");
    })
    .await;
}

#[tokio::test]
async fn a_deleted_account_leaves_its_name_and_what_is_to_be_done() {
    on_each_engine(async |fresh| {
        let (store, [ada, _, bruce]) = with_three(fresh).await;
        let ada = acting(&store, &ada).await;
        let begun = session(&bruce);
        let hash = &bruce.password_hash;
        assert!(store.open_session(&begun, hash, None).await.unwrap());
        let deleted = store.delete_user(bruce.user.id, ada, NOW).await.unwrap();
        assert_eq!(deleted, Outcome::Done(bruce.user.clone()));
        let again = store.delete_user(bruce.user.id, ada, NOW).await.unwrap();
        assert_eq!(again, Outcome::NotFound);
        let change = store.update_user(bruce.user.id, DISABLE, ada, NOW).await;
        assert_eq!(change.unwrap(), Outcome::NotFound);
        assert!(store.credentials(Some("bruce")).await.unwrap().is_none());
        let id = bruce.user.id;
        assert!(store.sessions_of(id, NOW).await.unwrap().is_empty());
        assert!(!store.open_session(&begun, hash, None).await.unwrap());
        assert_eq!(
            store.add(&member("bruce", 9)).await.unwrap(),
            Added::UsernameTaken
        );
        assert_eq!(store.pending_purges().await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_purge_is_one_replica_s_until_its_lease_is_over() {
    on_each_engine(async |fresh| {
        let (one, [_, _, bruce]) = with_three(fresh).await;
        let other = store(fresh).await;
        let himself = acting(&one, &bruce).await;
        assert_eq!(one.take_purge(NOW).await.unwrap(), None);
        one.delete_user(bruce.user.id, himself, NOW).await.unwrap();
        let (here, there) = tokio::join!(one.take_purge(NOW), other.take_purge(NOW));
        let taken = [here.unwrap(), there.unwrap()];
        assert_eq!(taken.iter().flatten().count(), 1, "{taken:?}");
        let first = taken.into_iter().flatten().next().unwrap();
        assert_eq!((first.user_id, first.attempt), (bruce.user.id, 1));

        // Its replica was killed: another one goes on.
        let over = NOW + first.lease();
        let just_before = over - Duration::from_micros(1);
        assert_eq!(other.take_purge(just_before).await.unwrap(), None);
        let second = other.take_purge(over).await.unwrap().unwrap();
        assert_eq!(second.attempt, 2);
        // What the first one says of it late does not count.
        one.postpone_purge(first, NOW).await.unwrap();
        assert_eq!(one.take_purge(over).await.unwrap(), None);
        let soon = over + Duration::from_secs(1);
        other.postpone_purge(second, soon).await.unwrap();
        assert_eq!(one.take_purge(over).await.unwrap(), None);
        let third = one.take_purge(soon).await.unwrap().unwrap();
        assert_eq!(third.attempt, 3);
        assert!(one.finish_purge(third.user_id).await.unwrap());
        assert!(!other.finish_purge(third.user_id).await.unwrap());
        assert_eq!(one.pending_purges().await.unwrap(), 0);
    })
    .await;
}
