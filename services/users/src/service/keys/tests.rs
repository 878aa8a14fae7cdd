//! Keys that follow one another, on a clock that the tests move.

use std::{future::ready, time::Duration};

use database::testing::{Fresh, on_each_engine};
use futures_util::{FutureExt as _, future::join_all};
use jsonwebtoken::decode_header;
use runtime::auth::{FixedKeys, Role, Verifier, VerifyError};
use tokio::time;

use super::*;
use crate::service::tests::accounts;

const HOUR: Duration = Duration::from_secs(60 * 60);

fn bruce() -> User {
    User {
        id: Uuid::from_u128(1),
        username: "bruce".parse().unwrap(),
        role: Role::Member,
        create_time: Timestamp::from_seconds(0),
        disabled: false,
    }
}

/// The id of the key that an account's token is signed with now.
fn signer(accounts: &Accounts) -> String {
    let token = accounts.keys.issue(&bruce(), Uuid::nil(), &accounts.clock);
    decode_header(token.unwrap().text).unwrap().kid.unwrap()
}

#[tokio::test]
async fn s09_whoever_fetched_the_keys_lately_can_check_every_token_while_they_rotate() {
    on_each_engine(async |fresh| {
        let one = accounts(fresh).await;
        let other = Accounts {
            clock: one.clock.clone(),
            ..accounts(fresh).await
        };
        let mut signers = vec![signer(&one)];
        assert_eq!(signers[0], signer(&other), "replicas start with one key");
        // What somebody fetched from either replica some hours ago.
        let mut fetched = [one.key_set_json(), other.key_set_json()];
        let mut live_at_most = 0;
        for step in 0..300 {
            one.clock.advance(HOUR * 6);
            // The replicas look after the keys by turns: each is behind at times.
            let (ahead, behind) = if step % 2 == 0 {
                (&one, &other)
            } else {
                (&other, &one)
            };
            ahead.keep_keys().await.unwrap();
            for replica in [ahead, behind] {
                let id = signer(replica);
                for set in &fetched {
                    assert!(set.contains(&id), "{id} was published before it signs");
                }
                if !signers.contains(&id) {
                    signers.push(id);
                }
            }
            assert_eq!(signer(ahead), signer(behind));
            // Its tokens live on for five minutes.
            let last = signer(behind);
            one.clock.advance(crate::signing::TOKEN_LIFETIME);
            ahead.keep_keys().await.unwrap();
            assert!(ahead.key_set_json().contains(&last));
            fetched = [one.key_set_json(), other.key_set_json()];
            live_at_most = live_at_most.max(fetched[0].matches("\"kid\"").count());
        }
        assert_eq!(signers.len(), 3, "a new one each 30 days in 75");
        assert_eq!(live_at_most, 2);
        assert!(!one.key_set_json().contains(&signers[0]), "retired");
        assert_eq!(one.store.signing_keys().await.unwrap().len(), 1, "dropped");
    })
    .await;
}

/// Somebody who checks tokens with the keys that a replica publishes.
fn verifier(replica: &Accounts) -> Verifier {
    let (publisher, clock) = (replica.clone(), replica.clock.clone());
    let source = move || ready(Ok(publisher.key_set_json())).boxed();
    Verifier::new(clock, FixedKeys::default(), Arc::new(source))
}

#[tokio::test]
async fn s09_under_load_every_token_is_accepted_until_its_time_and_none_of_a_retired_key() {
    on_each_engine(async |fresh| {
        let one = accounts(fresh).await;
        let other = Accounts {
            clock: one.clock.clone(),
            ..accounts(fresh).await
        };
        let (_, first, _) = one.store.signing_keys().await.unwrap().remove(0);
        let first = SigningKey::from_pkcs8(&first).unwrap();
        let verifiers = [verifier(&one), verifier(&other)];
        let (mut checked, mut rotated_at) = (0_u32, None);
        for step in 0..24 * 32 {
            one.clock.advance(HOUR);
            // The minute after which whoever checks tokens asks for the keys again.
            time::pause();
            time::advance(Duration::from_secs(61)).await;
            time::resume();
            let replicas = [&one, &other];
            replicas[step % 2].keep_keys().await.unwrap();
            let tokens = replicas.map(|by| {
                let token = by.keys.issue(&bruce(), Uuid::nil(), &by.clock);
                token.unwrap().text
            });
            if signer(&one) != first.id() {
                rotated_at.get_or_insert(step);
            }
            // Fresh ones, and the same at the end of their time.
            for _ in 0..2 {
                let checks = (0..20).flat_map(|_| &verifiers).flat_map(|verifier| {
                    let checks = tokens.iter().map(|token| verifier.verify(token));
                    checks.collect::<Vec<_>>()
                });
                for outcome in join_all(checks).await {
                    outcome.unwrap();
                    checked += 1;
                }
                let nearly = crate::signing::TOKEN_LIFETIME - Duration::from_secs(1);
                one.clock.set(one.clock.now() + nearly);
                replicas[(step + 1) % 2].keep_keys().await.unwrap();
            }
        }
        assert!(
            rotated_at.is_some_and(|step| step > 24 * 25),
            "it took its month"
        );
        assert!(checked > 100_000);
        let late = first.issue(&bruce(), Uuid::nil(), &one.clock).unwrap().text;
        for verifier in verifiers {
            assert_eq!(verifier.verify(&late).await, Err(VerifyError::Rejected));
        }
    })
    .await;
}

#[tokio::test]
async fn s09_replicas_that_make_the_next_key_at_once_end_with_the_same() {
    on_each_engine(async |fresh| {
        let one = accounts(fresh).await;
        let other = Accounts {
            clock: one.clock.clone(),
            ..accounts(fresh).await
        };
        one.clock.advance(HOUR * 24 * 29);
        let (first, second) = tokio::join!(one.keep_keys(), other.keep_keys());
        first.unwrap();
        second.unwrap();
        assert_eq!(one.key_set_json(), other.key_set_json());
        assert_eq!(one.key_set_json().matches("\"kid\"").count(), 2);
        one.clock.advance(HOUR * 24);
        assert_eq!(signer(&one), signer(&other));
    })
    .await;
}

#[tokio::test]
async fn a_configured_key_does_not_rotate() {
    let fresh = Fresh::sqlite();
    let accounts = accounts(&fresh).await;
    let key = SigningKey::from_pkcs8(&SigningKey::generate_pkcs8().unwrap()).unwrap();
    let keys = Keys::open(
        &accounts.store,
        &accounts.clock,
        Source::Configured(key.clone()),
    );
    let accounts = Accounts {
        keys: keys.await.unwrap(),
        ..accounts.clone()
    };
    for _ in 0..3 {
        accounts.clock.advance(HOUR * 24 * 100);
        accounts.keep_keys().await.unwrap();
        assert_eq!(signer(&accounts), key.id());
        assert_eq!(accounts.key_set_json(), key.key_set_json());
    }
}

/// A replica with a secret, on the clock of another.
async fn replica(one: &Accounts, secret: Option<&str>) -> Result<Accounts, Error> {
    let source = Source::Database(secret.map(|secret| secret.parse().unwrap()));
    Ok(Accounts {
        keys: Keys::open(&one.store, &one.clock, source).await?,
        ..one.clone()
    })
}

const SECRET: &str = "thirty-two characters and a few more";
const OTHER: &str = "another one of thirty-two characters";

#[tokio::test]
async fn keys_that_lie_open_are_encrypted_once_there_is_a_secret() {
    on_each_engine(async |fresh| {
        let open = accounts(fresh).await;
        let plain = open.store.signing_keys().await.unwrap()[0].1.clone();
        let (one, other) = tokio::join!(replica(&open, Some(SECRET)), replica(&open, Some(SECRET)));
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_eq!(signer(&one), signer(&open), "it is the same key");
        assert_eq!(signer(&one), signer(&other));

        // The next key is encrypted from the beginning.
        one.clock.advance(HOUR * 24 * 29);
        one.keep_keys().await.unwrap();
        other.keep_keys().await.unwrap();
        assert_eq!(one.key_set_json(), other.key_set_json());
        let rows = one.store.signing_keys().await.unwrap();
        assert_eq!(rows.len(), 2);
        for (generation, stored, _) in rows {
            let encryption = SECRET.parse().unwrap();
            let pkcs8 = pkcs8(Some(&encryption), generation, &stored).unwrap();
            assert_eq!(generation == 1, pkcs8 == plain);
            // The seed is the end of PKCS#8 (RFC 8410, 7); any part of it would be too much.
            for part in pkcs8[16..].windows(8) {
                assert!(!stored.windows(8).any(|stored| stored == part));
            }
        }

        // A replica that has not been told the secret yet goes on with the keys it knows.
        assert!(matches!(open.keep_keys().await, Err(Error::KeysEncrypted)));
        assert!(one.key_set_json().contains(&signer(&open)));
    })
    .await;
}

#[tokio::test]
async fn encrypted_keys_take_their_secret_or_are_deleted() {
    on_each_engine(async |fresh| {
        let one = replica(&accounts(fresh).await, Some(SECRET)).await.unwrap();
        let missing = replica(&one, None).await.unwrap_err().to_string();
        assert!(
            missing.starts_with("KEY_ENCRYPTION_SECRET is not set: "),
            "{missing}"
        );
        let wrong = replica(&one, Some(OTHER)).await.unwrap_err().to_string();
        assert!(
            wrong.starts_with("KEY_ENCRYPTION_SECRET: expected the secret that"),
            "{wrong}"
        );
        one.store.drop_signing_keys(i64::MAX).await.unwrap();
        let anew = replica(&one, Some(OTHER)).await.unwrap();
        assert_ne!(signer(&anew), signer(&one));
        replica(&anew, Some(SECRET)).await.unwrap_err();
    })
    .await;
}

#[tokio::test]
async fn without_its_database_a_replica_goes_on_with_the_keys_it_knows() {
    let fresh = Fresh::sqlite();
    let accounts = accounts(&fresh).await;
    accounts.clock.advance(HOUR * 24 * 29);
    accounts.keep_keys().await.unwrap();
    let before = signer(&accounts);
    accounts.store.close().await;
    accounts.clock.advance(HOUR * 24);
    assert!(matches!(
        accounts.keep_keys().await,
        Err(Error::DatabaseAway(_))
    ));
    assert_ne!(signer(&accounts), before, "the next one's time has come");
}
