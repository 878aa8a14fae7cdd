//! Access tokens: whose they are, and from which keys.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::FutureExt as _;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use proptest::prelude::*;
use runtime::{
    auth::{FixedKeys, KeySource, Role, TOKEN_TYPE, Verifier, VerifyError, key_id},
    clock::Timestamp,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Issuer, NOW, claims, clock, no_source};

#[tokio::test]
async fn s08_a_token_of_ours_names_its_caller() {
    let issuer = Issuer::new();
    let caller = issuer.verifier().verify(&issuer.token()).await.unwrap();
    assert_eq!(caller.username, "bruce");
    assert_eq!(caller.role, Role::Member);
    assert_eq!((caller.session_id, caller.personal_token), (None, None));
    assert_eq!(caller.expires, Timestamp::from_seconds(NOW + 60));
}

#[tokio::test]
async fn a_token_may_name_the_session_it_belongs_to() {
    let issuer = Issuer::new();
    let session = Uuid::from_u128(7);
    let mut claims = claims();
    claims["sid"] = json!(session);
    let token = issuer.sign(&issuer.header(), &claims);
    let caller = issuer.verifier().verify(&token).await.unwrap();
    assert_eq!(caller.session_id, Some(session));
}

#[tokio::test]
async fn s08_wrong_or_missing_claims_are_refused() {
    let issuer = Issuer::new();
    let verifier = issuer.verifier();
    let wrong = [
        ("iss", json!("somebody")),
        ("aud", json!("mythoughts-purge")),
        ("aud", json!(["other"])),
        ("sub", json!("not a uuid")),
        ("exp", json!(NOW)),
        ("exp", json!("tomorrow")),
        ("exp", json!(-1)),
        ("nbf", json!(NOW + 6)),
        ("username", json!(null)),
        ("role", json!("root")),
        ("sid", json!("not a uuid")),
    ];
    for (claim, value) in wrong {
        let mut altered = claims();
        altered[claim] = value.clone();
        let token = issuer.sign(&issuer.header(), &altered);
        assert_eq!(
            verifier.verify(&token).await,
            Err(VerifyError::Rejected),
            "{claim} = {value}"
        );
    }
    for missing in ["iss", "aud", "sub", "exp", "nbf", "username", "role"] {
        let mut altered = claims();
        altered.as_object_mut().unwrap().remove(missing);
        let token = issuer.sign(&issuer.header(), &altered);
        assert_eq!(
            verifier.verify(&token).await,
            Err(VerifyError::Rejected),
            "without {missing}"
        );
    }
}

#[tokio::test]
async fn s08_wrong_headers_are_refused() {
    let issuer = Issuer::new();
    let verifier = issuer.verifier();
    let headers: [fn(&mut Header); 5] = [
        |header| header.typ = Some("JWT".to_owned()),
        |header| header.typ = None,
        |header| header.kid = None,
        |header| header.kid = Some("another".to_owned()),
        |header| header.crit = Some(vec!["exp".to_owned()]),
    ];
    for (index, alter) in headers.into_iter().enumerate() {
        let mut header = issuer.header();
        alter(&mut header);
        let token = issuer.sign(&header, &claims());
        assert_eq!(
            verifier.verify(&token).await,
            Err(VerifyError::Rejected),
            "header {index}"
        );
    }
}

#[tokio::test]
async fn s08_no_other_algorithm_is_accepted() {
    let issuer = Issuer::new();
    let verifier = issuer.verifier();
    // The public key as an HMAC secret, and no signature at all.
    for secret in [issuer.public.clone(), issuer.pem().into_bytes()] {
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TOKEN_TYPE.to_owned());
        header.kid = Some(key_id(&issuer.public));
        let token = encode(&header, &claims(), &EncodingKey::from_secret(&secret)).unwrap();
        assert_eq!(verifier.verify(&token).await, Err(VerifyError::Rejected));
    }
    let header = json!({"alg": "none", "typ": TOKEN_TYPE, "kid": key_id(&issuer.public)});
    let parts = [header, claims()].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let unsigned = format!("{}.{}.", parts[0], parts[1]);
    assert_eq!(verifier.verify(&unsigned).await, Err(VerifyError::Rejected));
}

#[tokio::test]
async fn s08_keys_that_a_token_brings_along_are_ignored() {
    let issuer = Issuer::new();
    let attacker = Issuer::new();
    let set: Value = serde_json::from_str(&attacker.key_set()).unwrap();
    let mut header = attacker.header();
    header.kid = Some(key_id(&issuer.public));
    header.jwk = Some(serde_json::from_value(set["keys"][0].clone()).unwrap());
    header.jku = Some("https://attacker.example/keys".to_owned());
    let token = attacker.sign(&header, &claims());
    assert_eq!(
        issuer.verifier().verify(&token).await,
        Err(VerifyError::Rejected)
    );
}

#[tokio::test]
async fn a_token_ends_when_its_time_is_over() {
    let issuer = Issuer::new();
    let clock = clock();
    let verifier = Verifier::new(clock.clone(), issuer.pem().parse().unwrap(), no_source());
    let token = issuer.token();
    clock.advance(Duration::from_secs(59));
    assert!(verifier.verify(&token).await.is_ok());
    clock.advance(Duration::from_secs(1));
    assert_eq!(verifier.verify(&token).await, Err(VerifyError::Rejected));
}

#[tokio::test]
async fn keys_are_fetched_once_and_kept_while_their_source_is_away() {
    let issuer = Issuer::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let (count, set) = (Arc::clone(&asked), issuer.key_set());
    let source: KeySource = Arc::new(move || {
        let first = count.fetch_add(1, Ordering::SeqCst) == 0;
        let set = set.clone();
        async move {
            first
                .then_some(set)
                .ok_or_else(|| tonic::Status::unavailable("away"))
        }
        .boxed()
    });
    let verifier = Verifier::new(clock(), FixedKeys::default(), source);
    for _ in 0..3 {
        assert!(verifier.verify(&issuer.token()).await.is_ok());
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    // A token of a key that nobody knows is refused, though the source is away by now.
    let stranger = Issuer::new().token();
    assert_eq!(verifier.verify(&stranger).await, Err(VerifyError::Rejected));
}

#[tokio::test]
async fn without_any_key_a_token_is_neither_accepted_nor_refused() {
    let verifier = Verifier::new(clock(), FixedKeys::default(), no_source());
    let token = Issuer::new().token();
    assert_eq!(
        verifier.verify(&token).await,
        Err(VerifyError::KeysUnavailable)
    );
}

#[test]
fn several_configured_keys_are_accepted_and_other_pems_refused() {
    let (old, new) = (Issuer::new(), Issuer::new());
    let both: FixedKeys = format!("{}\n{}", old.pem(), new.pem()).parse().unwrap();
    let shown = format!("{both:?}");
    assert!(shown.contains(&key_id(&old.public)) && shown.contains(&key_id(&new.public)));
    for wrong in [
        "",
        "key",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    ] {
        assert!(wrong.parse::<FixedKeys>().is_err(), "{wrong:?}");
    }
}

#[test]
fn a_key_id_is_the_thumbprint_of_rfc_8037() {
    let public = URL_SAFE_NO_PAD
        .decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
        .unwrap();
    assert_eq!(
        key_id(&public),
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn s08_an_altered_token_is_refused(position: prop::sample::Index, byte in 0x20_u8..0x7f) {
        let issuer = Issuer::new();
        let token = issuer.token();
        let mut altered = token.clone().into_bytes();
        let index = position.index(altered.len());
        altered[index] = byte;
        let altered = String::from_utf8(altered).unwrap();
        prop_assume!(altered != token);
        let verdict = issuer.verifier().verify(&altered).now_or_never().unwrap();
        prop_assert_eq!(verdict, Err(VerifyError::Rejected));
    }
}

#[tokio::test]
async fn a_remembered_token_is_refused_once_its_key_is_gone_or_its_time_over() {
    let (first, second) = (Issuer::new(), Issuer::new());
    let sets = [first.key_set(), second.key_set()];
    let asked = Arc::new(AtomicUsize::new(0));
    let source: KeySource = Arc::new(move || {
        let set = sets[asked.fetch_add(1, Ordering::SeqCst).min(1)].clone();
        async move { Ok(set) }.boxed()
    });
    tokio::time::pause();
    let clock = clock();
    let verifier = Verifier::new(clock.clone(), FixedKeys::default(), source);
    let token = first.token();
    assert!(verifier.verify(&token).await.is_ok());
    // The key set is asked for again when it is a minute old, and has another key by then.
    tokio::time::advance(Duration::from_secs(61)).await;
    assert!(verifier.verify(&token).await.is_ok());
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(verifier.verify(&token).await, Err(VerifyError::Rejected));

    let token = second.token();
    assert!(verifier.verify(&token).await.is_ok());
    clock.advance(Duration::from_secs(60));
    assert_eq!(verifier.verify(&token).await, Err(VerifyError::Rejected));
}
