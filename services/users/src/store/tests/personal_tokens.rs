//! Personal access tokens in the database.

use std::time::Duration;

use database::{testing::on_each_engine, write};
use runtime::auth::Scope;

use super::{
    dump::{dump, hex},
    sessions::{NOW, begin, with_bruce},
    *,
};
use crate::personal_token::{Creation, MAX_TOKENS, NewPersonalToken, PersonalToken, TokenTime};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// A token of an account that is made now and ends in an hour.
fn new(account: &Credentials, token: &PersonalToken) -> NewPersonalToken {
    NewPersonalToken {
        id: Clock::system().new_id(),
        user_id: account.user.id,
        display_name: "back-up".parse().unwrap(),
        digest: token.digest(),
        scope: Scope::Read,
        create_time: NOW,
        expire_time: TokenTime::parse(NOW + HOUR, NOW).unwrap(),
    }
}

fn secret() -> PersonalToken {
    PersonalToken::generate().unwrap()
}

/// Makes a token, in a session of its own.
async fn make(store: &Store, account: &Credentials) -> (Uuid, PersonalToken) {
    let session_id = begin(store, account).await.session_id();
    let token = secret();
    let new = new(account, &token);
    let made = store.create_personal_token(&new, session_id).await;
    assert_eq!(made.unwrap(), Creation::Made);
    (new.id, token)
}

async fn is_known(store: &Store, token: &PersonalToken, now: Timestamp) -> bool {
    let found = store.presented(&token.digest(), now).await.unwrap();
    found.is_some()
}

#[tokio::test]
async fn a_token_is_found_by_its_digest_until_it_ends() {
    on_each_engine(async |fresh| {
        let (store, bruce) = with_bruce(fresh).await;
        let session_id = begin(&store, &bruce).await.session_id();
        let token = secret();
        let new = NewPersonalToken {
            scope: Scope::ReadWrite,
            ..new(&bruce, &token)
        };
        let made = store.create_personal_token(&new, session_id).await;
        assert_eq!(made.unwrap(), Creation::Made);

        let (end, moment) = (NOW + HOUR, Duration::from_micros(1));
        let found = store.presented(&token.digest(), end - moment).await;
        let found = found.unwrap().unwrap();
        assert_eq!((found.id, &found.user), (new.id, &bruce.user));
        assert_eq!((found.scope, found.expire_time), (Scope::ReadWrite, end));
        assert_eq!(found.last_use_time, None);
        assert!(!is_known(&store, &token, end).await);
        assert!(!is_known(&store, &secret(), NOW).await);

        let listed = store.personal_tokens_of(bruce.user.id, NOW).await.unwrap();
        assert_eq!(listed, [new.clone().into()]);
        let late = store.personal_tokens_of(bruce.user.id, end).await.unwrap();
        assert!(late.is_empty());
        assert_eq!(store.forget_personal_tokens(end - moment).await.unwrap(), 0);
        assert_eq!(store.forget_personal_tokens(end).await.unwrap(), 1);
        assert_eq!(store.forget_personal_tokens(end).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_token_is_made_only_in_a_session_of_its_owner_that_goes_on() {
    on_each_engine(async |fresh| {
        let (store, bruce) = with_bruce(fresh).await;
        let eve = member("eve", 2);
        store.add(&eve).await.unwrap();
        let (of_eve, of_bruce) = (begin(&store, &eve).await, begin(&store, &bruce).await);
        let over = Creation::SessionOver;
        let make = async |session_id, now| {
            let new = NewPersonalToken {
                create_time: now,
                ..new(&bruce, &secret())
            };
            let made = store.create_personal_token(&new, session_id).await;
            made.unwrap()
        };
        assert_eq!(make(of_eve.session_id(), NOW).await, over);
        assert_eq!(make(Uuid::nil(), NOW).await, over);
        let late = NOW + crate::session::IDLE_LIFETIME;
        assert_eq!(make(of_bruce.session_id(), late).await, over);
        store.close_session_of(&of_bruce).await.unwrap();
        assert_eq!(make(of_bruce.session_id(), NOW).await, over);
        let none = store.personal_tokens_of(bruce.user.id, NOW).await.unwrap();
        assert!(none.is_empty());
    })
    .await;
}

#[tokio::test]
async fn of_many_made_at_once_on_two_replicas_fifty_are() {
    on_each_engine(async |fresh| {
        let (one, bruce) = with_bruce(fresh).await;
        let other = store(fresh).await;
        let session_id = begin(&one, &bruce).await.session_id();
        // One that is over takes no place.
        let over = NewPersonalToken {
            create_time: NOW - HOUR,
            expire_time: TokenTime::parse(NOW, NOW - HOUR).unwrap(),
            ..new(&bruce, &secret())
        };
        let made = one.create_personal_token(&over, session_id).await;
        assert_eq!(made.unwrap(), Creation::Made);
        let calls = (0..60).map(|n| {
            let store = if n % 2 == 0 { &one } else { &other }.clone();
            let new = new(&bruce, &secret());
            tokio::spawn(async move {
                let made = store.create_personal_token(&new, session_id).await;
                made.unwrap()
            })
        });
        let mut made = 0;
        for call in calls.collect::<Vec<_>>() {
            match call.await.unwrap() {
                Creation::Made => made += 1,
                refused => assert_eq!(refused, Creation::TooMany),
            }
        }
        assert_eq!(made, MAX_TOKENS);
        let listed = one.personal_tokens_of(bruce.user.id, NOW).await.unwrap();
        assert_eq!(listed.len(), 50);
        let revoked = one.revoke_personal_token(bruce.user.id, listed[0].id, NOW);
        assert!(revoked.await.unwrap());
        make(&other, &bruce).await;
    })
    .await;
}

#[tokio::test]
async fn s06_tokens_end_by_revocation_a_new_password_and_with_the_account() {
    on_each_engine(async |fresh| {
        let (store, bruce) = with_bruce(fresh).await;
        let eve = member("eve", 2);
        store.add(&eve).await.unwrap();
        let (of_eve, token_of_eve) = make(&store, &eve).await;
        let (id, token) = make(&store, &bruce).await;
        let user_id = bruce.user.id;
        let others = store.revoke_personal_token(user_id, of_eve, NOW);
        assert!(!others.await.unwrap(), "somebody else's");
        let late = store.revoke_personal_token(user_id, id, NOW + HOUR);
        assert!(!late.await.unwrap(), "expired");
        assert!(store.revoke_personal_token(user_id, id, NOW).await.unwrap());
        assert!(!store.revoke_personal_token(user_id, id, NOW).await.unwrap());
        assert!(!is_known(&store, &token, NOW).await);

        let (_, token) = make(&store, &bruce).await;
        let kept = begin(&store, &bruce).await.session_id();
        let changed = store.change_password(user_id, kept, "hash of bruce", "new", NOW);
        changed.await.unwrap();
        assert!(!is_known(&store, &token, NOW).await);
        let left = store.sessions_of(user_id, NOW).await.unwrap();
        assert_eq!(left.len(), 1, "the session that it was changed in");

        let bruce = Credentials {
            password_hash: "new".to_owned(),
            ..bruce
        };
        let (_, token) = make(&store, &bruce).await;
        assert!(store.reset_password(user_id, "newer").await.unwrap());
        assert!(!is_known(&store, &token, NOW).await);
        assert!(store.sessions_of(user_id, NOW).await.unwrap().is_empty());

        assert!(is_known(&store, &token_of_eve, NOW).await);
        let deleted = write!(store.database, |conn| {
            sqlx::query("DELETE FROM users WHERE id = $1")
                .bind(eve.user.id)
                .execute(&mut *conn)
                .await
                .map(drop)
        });
        deleted.unwrap();
        assert!(!is_known(&store, &token_of_eve, NOW).await);
    })
    .await;
}

#[tokio::test]
async fn s06_a_token_made_while_the_password_changes_ends_or_never_begins() {
    on_each_engine(async |fresh| {
        let (one, bruce) = with_bruce(fresh).await;
        let other = store(fresh).await;
        for round in 0..10 {
            let hash = |round| format!("hash {round}");
            one.reset_password(bruce.user.id, &hash(round))
                .await
                .unwrap();
            let account = Credentials {
                password_hash: hash(round),
                ..bruce.clone()
            };
            let session_id = begin(&one, &account).await.session_id();
            let new = new(&bruce, &secret());
            let (made, reset) = tokio::join!(
                one.create_personal_token(&new, session_id),
                other.reset_password(bruce.user.id, "reset"),
            );
            assert_ne!(made.unwrap(), Creation::TooMany);
            assert!(reset.unwrap());
            let left = one.personal_tokens_of(bruce.user.id, NOW).await.unwrap();
            assert!(left.is_empty(), "{left:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_use_is_noted_once_a_minute_by_whatever_replica() {
    on_each_engine(async |fresh| {
        let (one, bruce) = with_bruce(fresh).await;
        let other = store(fresh).await;
        let (id, token) = make(&one, &bruce).await;
        let noted = async |now| {
            let notes = (0..10).map(|n| {
                let store = if n % 2 == 0 { &one } else { &other }.clone();
                tokio::spawn(async move { store.note_use(id, now).await.unwrap() })
            });
            let mut noted = 0;
            for note in notes.collect::<Vec<_>>() {
                noted += usize::from(note.await.unwrap());
            }
            noted
        };
        let minute = Duration::from_secs(60);
        let moment = Duration::from_micros(1);
        assert_eq!(noted(NOW).await, 1);
        assert_eq!(noted(NOW + minute - moment).await, 0);
        assert_eq!(noted(NOW + minute).await, 1);
        assert_eq!(noted(NOW).await, 0, "never put back");
        let found = one.presented(&token.digest(), NOW).await.unwrap().unwrap();
        assert_eq!(found.last_use_time, Some(NOW + minute));
        assert!(!one.note_use(Uuid::nil(), NOW).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn s05_a_dump_of_the_database_holds_no_personal_token() {
    on_each_engine(async |fresh| {
        let (store, bruce) = with_bruce(fresh).await;
        let (id, token) = make(&store, &bruce).await;
        store.note_use(id, NOW).await.unwrap();
        let dump = dump(&store).await;
        let digest = hex(token.digest().as_bytes());
        assert!(dump.contains(&digest), "the search finds what is there");
        let text = token.expose();
        let secret = URL_SAFE_NO_PAD.decode(&text[3..]).unwrap();
        for form in [&text[3..], &hex(text.as_bytes()), &hex(&secret)] {
            assert!(!dump.contains(form), "{form}");
        }
    })
    .await;
}
