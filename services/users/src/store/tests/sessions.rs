//! Sessions in the database.

use std::time::Duration;

use database::testing::on_each_engine;

use super::{
    dump::{dump, hex},
    *,
};
use crate::{
    client::UserAgent,
    refresh_token::{Nonce, RefreshToken},
    session::{GRACE, NewSession, PasswordChange, Renewal},
};

pub(super) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// A session of an account, begun now, and its first refresh token.
pub(super) async fn begin(store: &Store, account: &Credentials) -> RefreshToken {
    let token = RefreshToken::first(Clock::system().new_id()).unwrap();
    let session = session(account, &token);
    let hash = &account.password_hash;
    assert!(store.open_session(&session, hash, None).await.unwrap());
    token
}

fn session(account: &Credentials, token: &RefreshToken) -> NewSession {
    NewSession {
        id: token.session_id(),
        user_id: account.user.id,
        user_agent: UserAgent::new("curl/8"),
        digest: token.digest(),
        create_time: NOW,
    }
}

pub(super) async fn with_bruce(fresh: &Fresh) -> (Store, Credentials) {
    let (store, bruce) = (store(fresh).await, member("bruce", 1));
    store.add(&bruce).await.unwrap();
    (store, bruce)
}

fn nonce() -> Nonce {
    Nonce::generate().unwrap()
}

#[tokio::test]
async fn a_session_begins_only_with_the_hash_that_was_checked() {
    on_each_engine(async |fresh| {
        let (store, bruce) = with_bruce(fresh).await;
        let token = RefreshToken::first(Clock::system().new_id()).unwrap();
        let session = session(&bruce, &token);
        let late = store.open_session(&session, "another hash", Some("worse"));
        assert!(!late.await.unwrap());
        assert!(
            store
                .sessions_of(bruce.user.id, NOW)
                .await
                .unwrap()
                .is_empty()
        );
        let in_time = store.open_session(&session, "hash of bruce", Some("better"));
        assert!(in_time.await.unwrap());
        let found = store.credentials(Some("bruce")).await.unwrap().unwrap();
        assert_eq!(found.password_hash, "better");
    })
    .await;
}

#[tokio::test]
async fn s07_of_many_uses_at_once_one_makes_the_successor_and_all_are_given_it() {
    on_each_engine(async |fresh| {
        let (one, bruce) = with_bruce(fresh).await;
        let other = store(fresh).await;
        let token = begin(&one, &bruce).await;
        let uses = (0..20).map(|n| {
            let store = if n % 2 == 0 { &one } else { &other }.clone();
            let token = token.clone();
            tokio::spawn(async move { store.renew_session(&token, &nonce(), NOW).await.unwrap() })
        });
        let mut successors = Vec::new();
        for renewal in uses.collect::<Vec<_>>() {
            match renewal.await.unwrap() {
                Renewal::Renewed { successor, .. } => successors.push(successor),
                refused => panic!("{refused:?}"),
            }
        }
        assert_eq!(successors.len(), 20);
        successors.dedup();
        let [successor] = successors.as_slice() else {
            panic!("{} successors", successors.len())
        };
        let next = one.renew_session(successor, &nonce(), NOW).await.unwrap();
        assert!(matches!(next, Renewal::Renewed { .. }));
    })
    .await;
}

#[tokio::test]
async fn a_change_of_password_and_a_sign_in_at_once_leave_no_session_of_the_old_one() {
    on_each_engine(async |fresh| {
        let (one, bruce) = with_bruce(fresh).await;
        let other = store(fresh).await;
        let kept = begin(&one, &bruce).await.session_id();
        let (id, old) = (bruce.user.id, bruce.password_hash.clone());
        let token = RefreshToken::first(Clock::system().new_id()).unwrap();
        let session = session(&bruce, &token);
        let (changed, _begun) = tokio::join!(
            one.change_password(id, kept, &old, "new", NOW),
            other.open_session(&session, &old, None),
        );
        assert!(matches!(changed.unwrap(), PasswordChange::Changed { .. }));
        let left = one.sessions_of(id, NOW).await.unwrap();
        assert_eq!(left.len(), 1, "{left:?}");
        assert_eq!(left[0].id, kept);
        let again = one.change_password(id, kept, &old, "newer", NOW);
        assert_eq!(again.await.unwrap(), PasswordChange::HashReplaced);
        let over = one.change_password(id, token.session_id(), "new", "newer", NOW);
        assert_eq!(over.await.unwrap(), PasswordChange::SessionOver);
    })
    .await;
}

#[tokio::test]
async fn s05_a_dump_of_the_database_holds_no_token() {
    on_each_engine(async |fresh| {
        let (store, bruce) = with_bruce(fresh).await;
        let first = begin(&store, &bruce).await;
        let mut tokens = vec![first];
        for round in 0..3 {
            let now = NOW + Duration::from_secs(round);
            let (last, nonce) = (&tokens[tokens.len() - 1], nonce());
            match store.renew_session(last, &nonce, now).await.unwrap() {
                Renewal::Renewed { successor, .. } => tokens.push(successor),
                refused => panic!("{refused:?}"),
            }
        }
        let dump = dump(&store).await;
        assert!(
            dump.contains(&hex(tokens[3].digest().as_bytes())),
            "{dump}: the search below would find what is there"
        );
        for token in tokens {
            let text = token.expose();
            let secret = URL_SAFE_NO_PAD.decode(&text[3..]).unwrap();
            assert!(!dump.contains(&text));
            assert!(!dump.contains(&hex(text.as_bytes())));
            assert!(!dump.contains(&hex(&secret[16..])));
        }
        assert!(GRACE > Duration::from_secs(3));
    })
    .await;
}
