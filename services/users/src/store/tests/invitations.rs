//! Invitations and reset codes in the database.

use std::time::Duration;

use database::testing::on_each_engine;

use super::*;
use crate::{
    invitation::{NewInvitation, NewReset},
    secret::Secret,
    user::Outcome,
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// The administrator ada, in a session.
async fn with_ada(fresh: &Fresh) -> (Store, Actor) {
    let (store, ada) = (store(fresh).await, account("ada", Role::Admin, 1));
    store.add(&ada).await.unwrap();
    let ada = acting(&store, &ada).await;
    (store, ada)
}

/// An invitation of ada's, made now and good for an hour.
async fn invite(store: &Store, ada: Actor) -> (NewInvitation, Secret) {
    let code = Secret::generate().unwrap();
    let new = NewInvitation {
        id: Clock::system().new_id(),
        digest: code.digest(),
        role: Role::Member,
        inviter: ada,
        create_time: NOW,
        expire_time: NOW + HOUR,
    };
    let added = store.add_invitation(&new).await.unwrap();
    assert!(matches!(added, Outcome::Done(_)));
    (new, code)
}

/// A code of an administrator's by which somebody's password is set.
async fn lets_reset(store: &Store, maker: Actor, user_id: Uuid) -> Secret {
    let code = Secret::generate().unwrap();
    let new = NewReset {
        user_id,
        digest: code.digest(),
        maker,
        create_time: NOW,
        expire_time: NOW + HOUR,
    };
    assert_eq!(store.add_reset(&new).await.unwrap(), Outcome::Done(()));
    code
}

#[tokio::test]
async fn an_invitation_is_used_once_whatever_the_replica() {
    on_each_engine(async |fresh| {
        let (one, ada) = with_ada(fresh).await;
        let other = store(fresh).await;
        let (_, code) = invite(&one, ada).await;
        let uses = (0..10).map(|n| {
            let store = if n % 2 == 0 { &one } else { &other }.clone();
            let (account, code) = (member(&format!("user{n}"), n + 10), code.digest());
            tokio::spawn(async move { store.add_invited(&account, code, NOW).await.unwrap() })
        });
        let mut made = 0;
        for used in uses.collect::<Vec<_>>() {
            match used.await.unwrap() {
                Some(Added::Account(_)) => made += 1,
                refused => assert_eq!(refused, None),
            }
        }
        assert_eq!(made, 1);
        assert_eq!(one.users_before(None, 20).await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn an_invitation_outlives_a_refused_name_and_gives_its_own_role_alone() {
    on_each_engine(async |fresh| {
        let (store, ada) = with_ada(fresh).await;
        let (_, code) = invite(&store, ada).await;
        let code = code.digest();
        let taken = store.add_invited(&member("ada", 5), code, NOW).await;
        assert_eq!(taken.unwrap(), Some(Added::UsernameTaken));
        let higher = account("eve", Role::Admin, 5);
        let higher = store.add_invited(&higher, code, NOW).await;
        assert_eq!(higher.unwrap(), None);
        let late = store.add_invited(&member("eve", 5), code, NOW + HOUR).await;
        assert_eq!(late.unwrap(), None);
        assert_eq!(
            store.invited_as(code, NOW).await.unwrap(),
            Some(Role::Member)
        );
        assert_eq!(store.invited_as(code, NOW + HOUR).await.unwrap(), None);
        let made = store.add_invited(&member("eve", 5), code, NOW).await;
        assert!(matches!(made.unwrap(), Some(Added::Account(_))));
        assert_eq!(store.invited_as(code, NOW).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn invitations_are_listed_newest_first_and_forgotten_when_over() {
    on_each_engine(async |fresh| {
        let (store, ada) = with_ada(fresh).await;
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.insert(0, invite(&store, ada).await.0.id);
        }
        let list = async |before, now| {
            let found = store.invitations_before(before, 10, now).await;
            found.unwrap()
        };
        let all = list(None, NOW).await;
        assert_eq!(all.iter().map(|it| it.id).collect::<Vec<_>>(), ids);
        assert!(all.iter().all(|it| it.inviter.as_str() == "ada"));
        // Made in the same microsecond, they are kept apart.
        let next = list(Some(all[1].create_time), NOW).await;
        assert_eq!(next, all[2..]);
        assert!(list(None, NOW + HOUR).await.is_empty());
        let remove = async |id, now| store.remove_invitation(id, ada, now).await.unwrap();
        assert_eq!(remove(ids[0], NOW).await, Outcome::Done(true));
        assert_eq!(remove(ids[0], NOW).await, Outcome::Done(false));
        assert_eq!(remove(ids[1], NOW + HOUR).await, Outcome::Done(false));

        lets_reset(&store, ada, ada.user_id).await;
        assert_eq!(store.forget_invitations(NOW).await.unwrap(), 0);
        assert_eq!(store.forget_invitations(NOW + HOUR).await.unwrap(), 3);
        assert!(list(None, NOW).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_reset_code_is_somebody_s() {
    on_each_engine(async |fresh| {
        let (store, ada) = with_ada(fresh).await;
        let bruce = member("bruce", 2);
        store.add(&bruce).await.unwrap();
        let code = lets_reset(&store, ada, bruce.user.id).await;
        let owner = store.reset_of(code.digest(), NOW).await.unwrap();
        assert_eq!(owner, Some(bruce.user.id));
        let nobody_s = NewReset {
            user_id: Uuid::nil(),
            digest: Secret::generate().unwrap().digest(),
            maker: ada,
            create_time: NOW,
            expire_time: NOW + HOUR,
        };
        let made = store.add_reset(&nobody_s).await.unwrap();
        assert_eq!(made, Outcome::NotFound);
    })
    .await;
}

#[tokio::test]
async fn a_reset_code_is_used_once_within_its_time_and_replaced_by_a_newer_one() {
    on_each_engine(async |fresh| {
        let (one, ada) = with_ada(fresh).await;
        let other = store(fresh).await;
        let id = ada.user_id;
        let older = lets_reset(&one, ada, id).await;
        let code = lets_reset(&one, ada, id).await;
        let (older, code) = (older.digest(), code.digest());
        assert_eq!(one.reset_of(older, NOW).await.unwrap(), None);
        assert_eq!(one.reset_of(code, NOW + HOUR).await.unwrap(), None);
        assert!(!one.use_reset(id, older, "a", NOW).await.unwrap());
        assert!(!one.use_reset(id, code, "a", NOW + HOUR).await.unwrap());
        assert!(!one.use_reset(Uuid::nil(), code, "a", NOW).await.unwrap());
        let (here, there) = tokio::join!(
            one.use_reset(id, code, "here", NOW),
            other.use_reset(id, code, "there", NOW),
        );
        let (here, there) = (here.unwrap(), there.unwrap());
        assert!(here ^ there);
        let found = one.credentials_by_id(id).await.unwrap().unwrap();
        assert_eq!(found.password_hash, if here { "here" } else { "there" });
    })
    .await;
}

#[tokio::test]
async fn s05_a_dump_of_the_database_holds_no_code() {
    on_each_engine(async |fresh| {
        let (store, ada) = with_ada(fresh).await;
        let invited = invite(&store, ada).await.1;
        let reset = lets_reset(&store, ada, ada.user_id).await;
        let stored: Vec<(Vec<u8>,)> = read!(store.database, |conn| {
            sqlx::query_as(
                "SELECT digest FROM invitations UNION ALL SELECT digest FROM password_resets",
            )
            .fetch_all(&mut *conn)
            .await
        })
        .unwrap();
        for (stored, code) in stored.iter().zip([invited, reset]) {
            assert_eq!(stored.0, code.digest().as_bytes());
            assert_ne!(stored.0, code.as_bytes());
        }
        assert_eq!(stored.len(), 2);
    })
    .await;
}
