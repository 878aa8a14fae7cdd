//! Sessions over time, on a clock that the tests move.

use std::time::Duration;

use database::testing::{Fresh, on_each_engine};
use runtime::auth::Role;

use super::*;
use crate::{
    hashing::PasswordHasher,
    service::tests::{accounts, signs_in},
    session::{GRACE, IDLE_LIFETIME, LIFETIME, REUSE_TOLD},
    throttle::Wait,
};

const PASSWORD: &str = "correct horse";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The accounts of a database, with bruce among them.
async fn with_bruce(fresh: &Fresh) -> Accounts {
    let accounts = accounts(fresh).await;
    add(&accounts, "bruce").await;
    accounts
}

async fn add(accounts: &Accounts, name: &str) {
    let password: Password = PASSWORD.parse().unwrap();
    let account = accounts.account(name.parse().unwrap(), password, Role::Member);
    accounts.store.add(&account.await.unwrap()).await.unwrap();
}

async fn bruce(accounts: &Accounts) -> Session {
    signs_in(accounts, "bruce", PASSWORD).await.unwrap()
}

/// Who a session's access token names.
fn caller(session: &Session, id: Uuid) -> Caller {
    Caller {
        user_id: session.user.id,
        username: session.user.username.to_string(),
        role: session.user.role,
        session_id: Some(id),
        personal_token: None,
        expires: session.token.expire_time,
    }
}

fn token(session: &Session) -> &RefreshToken {
    session.refresh_token.as_ref().unwrap()
}

fn as_caller(session: &Session) -> Caller {
    caller(session, token(session).session_id())
}

async fn listed(accounts: &Accounts, session: &Session) -> Vec<SessionInfo> {
    accounts.sessions(&as_caller(session)).await.unwrap().0
}

#[tokio::test]
async fn s07_each_renewal_brings_the_next_token() {
    on_each_engine(async |fresh| {
        let accounts = with_bruce(fresh).await;
        let mut session = bruce(&accounts).await;
        let id = token(&session).session_id();
        for _ in 0..3 {
            accounts.clock.advance(Duration::from_secs(300));
            let next = accounts.refresh(token(&session)).await.unwrap();
            assert_ne!(token(&next), token(&session));
            assert_eq!(token(&next).session_id(), id);
            assert_eq!(next.user, session.user);
            let now = accounts.clock.now();
            assert_eq!(next.token.expire_time, now + Duration::from_secs(300));
            assert_eq!(next.expire_time, now + IDLE_LIFETIME);
            session = next;
        }
        let sessions = listed(&accounts, &session).await;
        assert_eq!(sessions.len(), 1);
        assert_eq!(sessions[0].last_use_time, accounts.clock.now());
        assert_eq!(sessions[0].expire_time, session.expire_time);
        assert_eq!(sessions[0].user_agent.as_str(), "test");
    })
    .await;
}

#[tokio::test]
async fn s07_a_token_used_again_within_ten_seconds_has_the_same_successor() {
    on_each_engine(async |fresh| {
        let accounts = with_bruce(fresh).await;
        let session = bruce(&accounts).await;
        let first = accounts.refresh(token(&session)).await.unwrap();
        accounts.clock.advance(GRACE - Duration::from_micros(1));
        let again = accounts.refresh(token(&session)).await.unwrap();
        assert_eq!(token(&again), token(&first));
        assert_eq!(again.expire_time, first.expire_time);
        // The successor is good whoever has used it meanwhile.
        let next = accounts.refresh(token(&again)).await.unwrap();
        let same = accounts.refresh(token(&first)).await.unwrap();
        assert_eq!(token(&next), token(&same));
    })
    .await;
}

#[tokio::test]
async fn s07_a_token_used_again_late_ends_the_session_and_its_owner_is_told() {
    on_each_engine(async |fresh| {
        let accounts = with_bruce(fresh).await;
        let (stolen, other) = (bruce(&accounts).await, bruce(&accounts).await);
        let owners = accounts.refresh(token(&stolen)).await.unwrap();
        accounts.clock.advance(GRACE);
        let thief = accounts.refresh(token(&stolen)).await;
        assert!(matches!(thief, Err(Error::RefreshTokenReused)));
        let reused = accounts.clock.now();
        for token in [token(&owners), token(&stolen)] {
            let over = accounts.refresh(token).await;
            assert!(matches!(over, Err(Error::SessionOver)), "{over:?}");
        }
        let over = accounts.sessions(&as_caller(&owners)).await;
        assert!(matches!(over, Err(Error::SessionOver)));

        let mut other = other;
        let id = token(&stolen).session_id();
        let told = |sessions: Vec<SessionInfo>| {
            let ended = sessions.into_iter().find(|session| session.id == id);
            ended.and_then(|session| session.reuse_time)
        };
        assert_eq!(told(listed(&accounts, &other).await), Some(reused));
        for days in [15, 15] {
            accounts
                .clock
                .advance(DAY * days - Duration::from_micros(1));
            accounts.forget().await.unwrap();
            other = accounts.refresh(token(&other)).await.unwrap();
            assert_eq!(told(listed(&accounts, &other).await), Some(reused));
        }
        accounts.clock.advance(Duration::from_micros(2));
        assert_eq!(accounts.clock.now(), reused + REUSE_TOLD);
        assert_eq!(listed(&accounts, &other).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn s07_a_guessed_secret_ends_nothing() {
    on_each_engine(async |fresh| {
        let accounts = with_bruce(fresh).await;
        let session = bruce(&accounts).await;
        let id = token(&session).session_id();
        let guesses = [
            RefreshToken::first(id).unwrap(),
            token(&session).successor(&Nonce::generate().unwrap()),
            RefreshToken::first(Uuid::nil()).unwrap(),
        ];
        for guess in &guesses {
            let refused = accounts.refresh(guess).await;
            assert!(matches!(refused, Err(Error::SessionOver)));
            accounts.logout(guess).await.unwrap();
        }
        accounts.refresh(token(&session)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_idle_session_ends_after_30_days_and_any_after_180() {
    on_each_engine(async |fresh| {
        let accounts = with_bruce(fresh).await;
        let mut session = bruce(&accounts).await;
        let (start, idle) = (accounts.clock.now(), bruce(&accounts).await);
        let moment = Duration::from_micros(1);
        accounts.clock.advance(IDLE_LIFETIME - moment);
        session = accounts.refresh(token(&session)).await.unwrap();
        accounts.clock.advance(moment);
        let over = accounts.refresh(token(&idle)).await;
        assert!(matches!(over, Err(Error::SessionOver)));
        while session.expire_time < start + LIFETIME {
            accounts.clock.advance(DAY * 29);
            session = accounts.refresh(token(&session)).await.unwrap();
        }
        assert_eq!(session.expire_time, start + LIFETIME);
        assert_eq!(listed(&accounts, &session).await.len(), 1);
        accounts.clock.advance(DAY * 4);
        session = accounts.refresh(token(&session)).await.unwrap();
        assert_eq!(session.expire_time, start + LIFETIME);
        while accounts.clock.now() < start + LIFETIME {
            accounts.clock.advance(DAY);
        }
        let over = accounts.refresh(token(&session)).await;
        assert!(matches!(over, Err(Error::SessionOver)));

        let again = bruce(&accounts).await;
        accounts.forget().await.unwrap();
        assert_eq!(listed(&accounts, &again).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn s06_logging_out_ends_the_session_and_no_other() {
    on_each_engine(async |fresh| {
        let accounts = with_bruce(fresh).await;
        let (session, other) = (bruce(&accounts).await, bruce(&accounts).await);
        accounts.logout(token(&session)).await.unwrap();
        let over = accounts.refresh(token(&session)).await;
        assert!(matches!(over, Err(Error::SessionOver)));
        accounts.logout(token(&session)).await.unwrap();
        let other = accounts.refresh(token(&other)).await.unwrap();
        assert_eq!(listed(&accounts, &other).await.len(), 1);
        // The access token lives on for minutes, but does nothing to the account.
        let caller = as_caller(&session);
        assert!(accounts.current_user(&caller).await.is_ok());
        let id = token(&other).session_id();
        let refused = accounts.revoke_session(&caller, id).await;
        assert!(matches!(refused, Err(Error::SessionOver)));
    })
    .await;
}

#[tokio::test]
async fn s06_a_new_password_ends_the_other_sessions() {
    on_each_engine(async |fresh| {
        let accounts = with_bruce(fresh).await;
        let (here, there) = (bruce(&accounts).await, bruce(&accounts).await);
        let changes = async |current: &str| {
            let new = "battery staple".parse().unwrap();
            let current = current.parse().unwrap();
            accounts
                .change_password(&as_caller(&here), current, new, &Client::default())
                .await
        };
        let wrong = changes("wrong horse").await;
        assert!(matches!(wrong, Err(Error::WrongPassword)));
        assert_eq!(listed(&accounts, &here).await.len(), 2);

        let changed = changes(PASSWORD).await.unwrap();
        assert_eq!(changed.refresh_token, None);
        assert_eq!(changed.expire_time, here.expire_time);
        let over = accounts.refresh(token(&there)).await;
        assert!(matches!(over, Err(Error::SessionOver)));
        let here = accounts.refresh(token(&here)).await.unwrap();
        assert_eq!(listed(&accounts, &here).await.len(), 1);
        let old = signs_in(&accounts, "bruce", PASSWORD).await;
        assert!(matches!(old, Err(Error::WrongCredentials)));
        assert!(signs_in(&accounts, "bruce", "battery staple").await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn s06_sessions_are_ended_by_their_owner_alone() {
    on_each_engine(async |fresh| {
        let accounts = with_bruce(fresh).await;
        add(&accounts, "stephen").await;
        let (here, there) = (bruce(&accounts).await, bruce(&accounts).await);
        let stephen = signs_in(&accounts, "stephen", PASSWORD).await.unwrap();
        let id = token(&there).session_id();
        let refused = accounts.revoke_session(&as_caller(&stephen), id).await;
        assert!(matches!(refused, Err(Error::SessionNotFound)));
        accounts
            .revoke_session(&as_caller(&here), id)
            .await
            .unwrap();
        let over = accounts.refresh(token(&there)).await;
        assert!(matches!(over, Err(Error::SessionOver)));
        let again = accounts.revoke_session(&as_caller(&here), id).await;
        assert!(matches!(again, Err(Error::SessionNotFound)));
        assert_eq!(listed(&accounts, &stephen).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_token_that_was_not_got_by_signing_in_does_nothing_to_the_account() {
    let fresh = Fresh::sqlite();
    let accounts = with_bruce(&fresh).await;
    let session = bruce(&accounts).await;
    let script = Caller {
        session_id: None,
        ..as_caller(&session)
    };
    let passwords = (PASSWORD.parse().unwrap(), "battery staple".parse().unwrap());
    let refusals = [
        accounts.sessions(&script).await.map(drop),
        accounts.revoke_session(&script, Uuid::nil()).await,
        accounts
            .change_password(&script, passwords.0, passwords.1, &Client::default())
            .await
            .map(drop),
    ];
    for refused in refusals {
        assert!(matches!(refused, Err(Error::SessionRequired)));
    }
}

/// What somebody at an address who tries a password is told: how long to wait, or how it went.
async fn tries(
    accounts: &Accounts,
    name: &str,
    password: &str,
    address: &str,
) -> Result<Session, Error> {
    let client = Client {
        address: address.parse().ok(),
        ..Client::default()
    };
    let name = name.parse().ok();
    accounts
        .login(name, password.parse().unwrap(), &client)
        .await
}

#[tokio::test]
async fn s04_after_ten_failures_one_try_in_twenty_seconds_is_looked_at() {
    on_each_engine(async |fresh| {
        // Another replica, started later, knows of it.
        let one = with_bruce(fresh).await;
        let other = Accounts {
            clock: one.clock.clone(),
            ..accounts(fresh).await
        };
        for name in ["bruce", "nobody", "no such name!"] {
            for n in 0..10 {
                let replica = if n % 2 == 0 { &one } else { &other };
                let wrong = tries(replica, name, "wrong horse", "192.0.2.7").await;
                assert!(matches!(wrong, Err(Error::WrongCredentials)), "{name} {n}");
            }
            for replica in [&one, &other] {
                let refused = tries(replica, name, PASSWORD, "192.0.2.7").await;
                let Err(Error::Throttled(Wait(wait))) = refused else {
                    panic!("{name}: {refused:?}");
                };
                assert_eq!(wait, Duration::from_secs(20), "{name}");
            }
        }
        // From elsewhere, and with another name, it goes on.
        assert!(tries(&one, "bruce", PASSWORD, "192.0.2.8").await.is_ok());
        one.clock.advance(Duration::from_secs(20));
        let session = tries(&other, "bruce", PASSWORD, "192.0.2.7").await;
        assert!(session.is_ok(), "{session:?}");
    })
    .await;
}

#[tokio::test]
async fn s04_a_good_sign_in_costs_nothing() {
    on_each_engine(async |fresh| {
        let accounts = with_bruce(fresh).await;
        for _ in 0..12 {
            tries(&accounts, "bruce", PASSWORD, "192.0.2.7")
                .await
                .unwrap();
        }
        let wrong = tries(&accounts, "bruce", "wrong horse", "192.0.2.7").await;
        assert!(matches!(wrong, Err(Error::WrongCredentials)));
        accounts.clock.advance(DAY * 91);
        accounts.forget().await.unwrap();
        assert_eq!(accounts.store.limits().await, 0);
    })
    .await;
}

#[tokio::test]
async fn s04_failures_from_many_addresses_hold_up_strangers_and_not_the_owner() {
    on_each_engine(async |fresh| {
        let accounts = with_bruce(fresh).await;
        tries(&accounts, "bruce", PASSWORD, "192.0.2.7")
            .await
            .unwrap();
        let bruce: Username = "bruce".parse().unwrap();
        // The store alone: fifty hashes would only take time.
        let count = async |last: u8| {
            let address = format!("198.51.100.{last}").parse().ok();
            let buckets = Buckets::new(Some(&bruce), address);
            let now = accounts.clock.now();
            accounts.store.count_sign_in(&buckets, now).await.unwrap()
        };
        for n in 0..50 {
            count(n).await.unwrap();
        }
        count(50).await.unwrap_err();
        let stranger = tries(&accounts, "bruce", PASSWORD, "203.0.113.1").await;
        assert!(matches!(stranger, Err(Error::Throttled(_))));
        let owner = tries(&accounts, "bruce", PASSWORD, "192.0.2.7").await;
        assert!(owner.is_ok());
        accounts.clock.advance(Duration::from_secs(30));
        let later = tries(&accounts, "bruce", PASSWORD, "203.0.113.1").await;
        assert!(later.is_ok());
    })
    .await;
}

#[tokio::test]
async fn s04_many_good_sign_ins_at_once_hold_nobody_up() {
    on_each_engine(async |fresh| {
        let mut accounts = with_bruce(fresh).await;
        accounts.hasher = PasswordHasher::with_limits(1, 20);
        let tries = (0..20).map(|_| {
            let accounts = accounts.clone();
            tokio::spawn(async move { tries(&accounts, "bruce", PASSWORD, "192.0.2.7").await })
        });
        for tried in tries.collect::<Vec<_>>() {
            tried.await.unwrap().unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn s04_of_many_tries_at_once_no_more_come_through_than_may() {
    on_each_engine(async |fresh| {
        let (one, other) = (accounts(fresh).await, accounts(fresh).await);
        let now = one.clock.now();
        let tries = (0..30).map(|n| {
            let store = if n % 2 == 0 { &one } else { &other }.store.clone();
            tokio::spawn(async move {
                let buckets = Buckets::new("bruce".parse().ok().as_ref(), None);
                store.count_sign_in(&buckets, now).await.unwrap()
            })
        });
        let mut through = 0;
        for tried in tries.collect::<Vec<_>>() {
            through += u32::from(tried.await.unwrap().is_ok());
        }
        assert_eq!(through, 10);
    })
    .await;
}

#[tokio::test]
async fn s04_guessing_the_current_password_is_throttled_alike() {
    let fresh = Fresh::sqlite();
    let accounts = with_bruce(&fresh).await;
    let session = bruce(&accounts).await;
    let mut refusals = Vec::new();
    for _ in 0..11 {
        let new = "battery staple".parse().unwrap();
        let guess = "wrong horse".parse().unwrap();
        let (caller, client) = (as_caller(&session), Client::default());
        let refused = accounts.change_password(&caller, guess, new, &client);
        refusals.push(refused.await.unwrap_err());
    }
    assert!(matches!(refusals[9], Error::WrongPassword));
    assert!(matches!(refusals[10], Error::Throttled(_)));
}

#[tokio::test]
async fn the_role_is_the_one_of_the_moment() {
    on_each_engine(async |fresh| {
        let accounts = with_bruce(fresh).await;
        let session = bruce(&accounts).await;
        assert_eq!(session.user.role, Role::Member);
        accounts.store.set_role("bruce", Role::Admin).await;
        let session = accounts.refresh(token(&session)).await.unwrap();
        assert_eq!(session.user.role, Role::Admin);
    })
    .await;
}

#[tokio::test]
async fn a_database_that_is_away_signs_nobody_out() {
    let fresh = Fresh::sqlite();
    let accounts = with_bruce(&fresh).await;
    let session = bruce(&accounts).await;
    accounts.store.close().await;
    let away = accounts.refresh(token(&session)).await;
    assert!(matches!(away, Err(Error::DatabaseAway(_))));
    let away = accounts.logout(token(&session)).await;
    assert!(matches!(away, Err(Error::DatabaseAway(_))));
    let caller = as_caller(&session);
    let away = accounts.sessions(&caller).await;
    assert!(matches!(away, Err(Error::DatabaseAway(_))));
}
