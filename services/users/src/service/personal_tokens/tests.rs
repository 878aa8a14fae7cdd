//! Personal access tokens over time, on a clock that the tests move.

use std::time::Duration;

use database::{
    Database,
    testing::{Fresh, on_each_engine},
};
use runtime::auth::Role;
use tokio::time::{sleep, timeout};

use super::*;
use crate::{
    password::Password,
    personal_token::MAX_LIFETIME,
    service::tests::{accounts, signs_in},
};

const HOUR: Duration = Duration::from_secs(60 * 60);
const MINUTE: Duration = Duration::from_secs(60);

/// The accounts of a database, with bruce among them, who has just signed in.
async fn with_bruce(fresh: &Fresh) -> (Accounts, Caller) {
    let accounts = accounts(fresh).await;
    let password: Password = "correct horse".parse().unwrap();
    let bruce = accounts.account("bruce".parse().unwrap(), password, Role::Admin);
    accounts.store.add(&bruce.await.unwrap()).await.unwrap();
    let caller = bruce_signs_in(&accounts).await;
    (accounts, caller)
}

async fn bruce_signs_in(accounts: &Accounts) -> Caller {
    let session = signs_in(accounts, "bruce", "correct horse").await.unwrap();
    Caller {
        user_id: session.user.id,
        username: session.user.username.to_string(),
        role: session.user.role,
        session_id: session.refresh_token.map(|token| token.session_id()),
        personal_token: None,
        expires: session.token.expire_time,
    }
}

async fn makes(
    accounts: &Accounts,
    caller: &Caller,
    lifetime: Duration,
) -> Result<(PersonalTokenInfo, PersonalToken), Error> {
    let expire_time = accounts.clock.now() + lifetime;
    let name = "back-up".parse().unwrap();
    accounts
        .create_personal_token(caller, name, Scope::Read, expire_time)
        .await
}

/// The last use of bruce's one token, once it is another than `before`.
async fn used(accounts: &Accounts, caller: &Caller, before: Option<Timestamp>) -> Timestamp {
    let written = async {
        loop {
            let tokens = accounts.personal_tokens(caller).await.unwrap();
            match tokens[0].last_use_time {
                Some(time) if Some(time) != before => break time,
                _ => sleep(Duration::from_millis(2)).await,
            }
        }
    };
    timeout(Duration::from_secs(10), written).await.unwrap()
}

/// Waits until no use is still to be written.
async fn written(accounts: &Accounts) {
    let all = accounts.presentations.notes.acquire_many(NOTES as u32);
    drop(
        timeout(Duration::from_secs(10), all)
            .await
            .unwrap()
            .unwrap(),
    );
}

#[tokio::test]
async fn a_token_speaks_for_its_owner_until_it_expires() {
    on_each_engine(async |fresh| {
        let (accounts, bruce) = with_bruce(fresh).await;
        let (info, token) = makes(&accounts, &bruce, HOUR).await.unwrap();
        let text = token.expose();
        accounts.clock.advance(HOUR - Duration::from_micros(1));
        let presented = accounts.present(&text).await.unwrap();
        assert_eq!(presented.user.id, bruce.user_id);
        assert_eq!((presented.id, presented.scope), (info.id, Scope::Read));
        assert_eq!(presented.expire_time, info.expire_time);
        assert_eq!(accounts.personal_tokens(&bruce).await.unwrap().len(), 1);
        accounts.clock.advance(Duration::from_micros(1));
        let over = accounts.present(&text).await;
        assert!(matches!(over, Err(Error::UnknownPersonalToken)));
        assert!(accounts.personal_tokens(&bruce).await.unwrap().is_empty());
        accounts.forget().await.unwrap();
        let now = accounts.clock.now();
        assert_eq!(accounts.store.forget_personal_tokens(now).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn the_last_use_is_written_once_a_minute() {
    on_each_engine(async |fresh| {
        let (accounts, bruce) = with_bruce(fresh).await;
        let (_, token) = makes(&accounts, &bruce, HOUR).await.unwrap();
        let text = token.expose();
        let first = accounts.clock.now();
        for _ in 0..5 {
            accounts.present(&text).await.unwrap();
        }
        assert_eq!(used(&accounts, &bruce, None).await, first);
        accounts.clock.advance(MINUTE - Duration::from_micros(1));
        accounts.present(&text).await.unwrap();
        written(&accounts).await;
        let listed = accounts.personal_tokens(&bruce).await.unwrap();
        assert_eq!(listed[0].last_use_time, Some(first));
        accounts.clock.advance(Duration::from_micros(1));
        accounts.present(&text).await.unwrap();
        let next = used(&accounts, &bruce, Some(first)).await;
        assert_eq!(next, first + MINUTE);
    })
    .await;
}

#[tokio::test]
async fn a_database_that_cannot_be_written_hinders_no_reading() {
    let fresh = Fresh::sqlite();
    let (accounts, bruce) = with_bruce(&fresh).await;
    let (_, token) = makes(&accounts, &bruce, HOUR).await.unwrap();
    let text = token.expose();
    let Database::Sqlite { writer, .. } = fresh.open(&crate::store::migrations()).await else {
        unreachable!("it is on SQLite")
    };
    let holding = writer.begin_with("BEGIN IMMEDIATE").await.unwrap();
    // More than may wait to be written.
    for _ in 0..NOTES * 2 {
        let presented = accounts.present(&text);
        let presented = timeout(Duration::from_secs(1), presented).await;
        assert_eq!(presented.unwrap().unwrap().last_use_time, None);
    }
    holding.rollback().await.unwrap();
    written(&accounts).await;
    accounts.present(&text).await.unwrap();
    used(&accounts, &bruce, None).await;
}

#[tokio::test]
async fn unknown_tokens_are_throttled_and_known_ones_never() {
    on_each_engine(async |fresh| {
        let (accounts, bruce) = with_bruce(fresh).await;
        let (_, token) = makes(&accounts, &bruce, HOUR).await.unwrap();
        let guess = || PersonalToken::generate().unwrap().expose();
        for _ in 0..100 {
            let guessed = accounts.present(&guess()).await;
            assert!(matches!(guessed, Err(Error::UnknownPersonalToken)));
        }
        for wrong in [guess(), String::new(), "mt_nonsense".to_owned()] {
            match accounts.present(&wrong).await {
                Err(Error::TooManyUnknownTokens(wait)) => {
                    assert_eq!(wait.0, Duration::from_millis(100));
                }
                other => panic!("{other:?}"),
            }
        }
        accounts.present(&token.expose()).await.unwrap();
        accounts.clock.advance(Duration::from_millis(100));
        let guessed = accounts.present(&guess()).await;
        assert!(matches!(guessed, Err(Error::UnknownPersonalToken)));
    })
    .await;
}

#[tokio::test]
async fn a_token_takes_a_session_that_goes_on_and_an_end_within_a_year() {
    on_each_engine(async |fresh| {
        let (accounts, bruce) = with_bruce(fresh).await;
        let by_token = Caller {
            session_id: None,
            personal_token: Some(Scope::ReadWrite),
            ..bruce.clone()
        };
        let refused = makes(&accounts, &by_token, HOUR).await;
        assert!(matches!(refused, Err(Error::SessionRequired)));
        let refused = accounts.personal_tokens(&by_token).await;
        assert!(matches!(refused, Err(Error::SessionRequired)));
        let refused = accounts.revoke_personal_token(&by_token, Uuid::nil());
        assert!(matches!(refused.await, Err(Error::SessionRequired)));

        for wrong in [Duration::ZERO, MAX_LIFETIME + Duration::from_micros(1)] {
            let refused = makes(&accounts, &bruce, wrong).await;
            assert!(matches!(refused, Err(Error::TokenTimeRefused(_))));
        }
        let (info, _) = makes(&accounts, &bruce, MAX_LIFETIME).await.unwrap();

        let elsewhere = bruce_signs_in(&accounts).await;
        let id = bruce.session_id.unwrap();
        accounts.revoke_session(&elsewhere, id).await.unwrap();
        let over = makes(&accounts, &bruce, HOUR).await;
        assert!(matches!(over, Err(Error::SessionOver)));
        let over = accounts.personal_tokens(&bruce).await;
        assert!(matches!(over, Err(Error::SessionOver)));
        let over = accounts.revoke_personal_token(&bruce, info.id).await;
        assert!(matches!(over, Err(Error::SessionOver)));
        let listed = accounts.personal_tokens(&elsewhere).await.unwrap();
        assert_eq!(listed, [info], "tokens do not hang on a session");
    })
    .await;
}
