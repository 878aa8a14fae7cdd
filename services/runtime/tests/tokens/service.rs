//! Service tokens, and that no kind of token passes for another.

use futures_util::FutureExt as _;
use jsonwebtoken::{EncodingKey, Header, encode};
use proptest::prelude::*;
use runtime::{
    auth::{
        AUDIENCE, ISSUER, PersonalTokenSource, SERVICE_TOKEN_TYPE, Service, THOUGHTS_BACKEND,
        TOKEN_TYPE, USERS_BACKEND, VerifyError, key_id,
    },
    clock::Timestamp,
    status,
};
use serde_json::{Value, json};
use std::sync::Arc;
use tonic::{Code, Status, metadata::MetadataMap};
use uuid::Uuid;

use crate::support::{Issuer, NOW, bearer, claims, service_claims};

fn refusal<T: std::fmt::Debug>(outcome: Result<T, Status>) -> (Code, String) {
    let refused = outcome.unwrap_err();
    (refused.code(), status::reason(&refused).unwrap())
}

fn because(code: Code, reason: &str) -> (Code, String) {
    (code, reason.to_owned())
}

/// Everything that a service token may be mistaken for, or made of by somebody who is no issuer.
fn mutated(issuer: &Issuer) -> Vec<(String, String)> {
    let mut corpus = Vec::new();
    let mut add = |what: String, header: &Header, claims: &Value| {
        corpus.push((what, issuer.sign(header, claims)));
    };
    let header = issuer.service_header();
    for (claim, value) in [
        ("iss", json!("somebody")),
        ("iss", json!([ISSUER])),
        ("aud", json!(AUDIENCE)),
        ("aud", json!(USERS_BACKEND)),
        ("aud", json!([THOUGHTS_BACKEND])),
        ("aud", json!([THOUGHTS_BACKEND, USERS_BACKEND])),
        ("aud", json!("")),
        ("sub", json!(null)),
        ("sub", json!([USERS_BACKEND])),
        ("exp", json!(NOW)),
        ("exp", json!("tomorrow")),
        ("exp", json!(-1)),
        ("nbf", json!(NOW + 6)),
        ("jti", json!("not a uuid")),
    ] {
        let mut altered = service_claims();
        altered[claim] = value.clone();
        add(format!("{claim} = {value}"), &header, &altered);
    }
    for claim in ["iss", "aud", "sub", "exp", "nbf", "iat", "jti"] {
        let mut altered = service_claims();
        altered.as_object_mut().unwrap().remove(claim);
        add(format!("without {claim}"), &header, &altered);
    }
    for typ in [Some(TOKEN_TYPE), Some("JWT"), Some(""), None] {
        let mut header = issuer.service_header();
        header.typ = typ.map(str::to_owned);
        add(format!("typ {typ:?}"), &header, &service_claims());
    }
    for kid in [None, Some("another"), Some("")] {
        let mut header = issuer.service_header();
        header.kid = kid.map(str::to_owned);
        add(format!("kid {kid:?}"), &header, &service_claims());
    }
    let mut critical = issuer.service_header();
    critical.crit = Some(vec!["exp".to_owned()]);
    add("crit".to_owned(), &critical, &service_claims());
    let (token, stranger) = (issuer.service_token(), Issuer::new());
    let mut confused = Header::new(jsonwebtoken::Algorithm::HS256);
    confused.typ = Some(SERVICE_TOKEN_TYPE.to_owned());
    confused.kid = Some(key_id(&issuer.public));
    let secret = EncodingKey::from_secret(&issuer.public);
    let symmetric = encode(&confused, &service_claims(), &secret).unwrap();
    corpus.extend([
        ("HS256".to_owned(), symmetric),
        ("a stranger's".to_owned(), stranger.service_token()),
        (
            "a stranger's with our kid".to_owned(),
            stranger.sign(&header, &service_claims()),
        ),
        ("cut".to_owned(), token[..token.len() - 1].to_owned()),
        (
            "unsigned".to_owned(),
            token.rsplit_once('.').unwrap().0.to_owned() + ".",
        ),
        ("twice".to_owned(), format!("{token}.{token}")),
        ("personal".to_owned(), format!("mt_{}", "A".repeat(43))),
        ("prefixed".to_owned(), format!("mt_{token}")),
        ("long".to_owned(), "a".repeat(1_000_000)),
        ("empty".to_owned(), String::new()),
    ]);
    corpus
}

#[tokio::test]
async fn a_service_token_names_its_service_for_one_audience() {
    let issuer = Issuer::new();
    let verifier = issuer.verifier();
    let token = issuer.service_token();
    let service = Service {
        name: USERS_BACKEND.to_owned(),
    };
    assert_eq!(
        verifier.verify_service(&token, THOUGHTS_BACKEND).await,
        Ok((service.clone(), Timestamp::from_seconds(NOW + 60)))
    );
    let named = verifier.service(&bearer(&token), THOUGHTS_BACKEND).await;
    assert_eq!(named.unwrap(), service);
    let elsewhere = verifier.service(&bearer(&token), USERS_BACKEND).await;
    assert_eq!(
        refusal(elsewhere),
        because(Code::Unauthenticated, "INVALID_TOKEN")
    );
}

#[tokio::test]
async fn s08_service_tokens_that_are_not_as_we_write_them_are_refused() {
    let issuer = Issuer::new();
    let verifier = issuer.verifier();
    for (what, token) in mutated(&issuer) {
        assert_eq!(
            verifier.verify_service(&token, THOUGHTS_BACKEND).await,
            Err(VerifyError::Rejected),
            "{what}"
        );
        // Nor is any of them somebody's who has signed in.
        assert_eq!(
            verifier.verify(&token).await,
            Err(VerifyError::Rejected),
            "{what}"
        );
    }
}

#[tokio::test]
async fn s08_a_service_token_is_nobodys_and_an_access_token_no_services() {
    let issuer = Issuer::new();
    let verifier = issuer.verifier();
    // All that the two kinds have in common, under either type and for every audience.
    let mut both = claims();
    for claims in [claims(), service_claims()] {
        both.as_object_mut()
            .unwrap()
            .extend(claims.as_object().unwrap().clone());
    }
    both["sub"] = json!(Uuid::nil());
    for (header, audience, person, service) in [
        (issuer.header(), AUDIENCE, true, false),
        (issuer.header(), THOUGHTS_BACKEND, false, false),
        (issuer.service_header(), AUDIENCE, false, false),
        (issuer.service_header(), THOUGHTS_BACKEND, false, true),
    ] {
        both["aud"] = json!(audience);
        let token = issuer.sign(&header, &both);
        let what = format!("{:?} for {audience}", header.typ);
        assert_eq!(verifier.verify(&token).await.is_ok(), person, "{what}");
        let checked = verifier.verify_service(&token, THOUGHTS_BACKEND).await;
        assert_eq!(checked.is_ok(), service, "{what}");
    }
    let service = verifier.caller(&bearer(&issuer.service_token())).await;
    assert_eq!(
        refusal(service),
        because(Code::Unauthenticated, "INVALID_TOKEN")
    );
}

#[tokio::test]
async fn who_is_no_service_is_told_so_and_nobody_to_come_with_a_token() {
    let issuer = Issuer::new();
    let source: PersonalTokenSource = Arc::new(|token| {
        let known = (token == "mt_bruces").then(crate::personal::bruces);
        async { Ok(known) }.boxed()
    });
    let verifier = issuer.verifier().with_personal_tokens(source);
    let asks =
        async |metadata: MetadataMap| refusal(verifier.service(&metadata, THOUGHTS_BACKEND).await);
    let no_service = because(Code::PermissionDenied, "SERVICE_TOKEN_REQUIRED");
    assert_eq!(asks(bearer(&issuer.token())).await, no_service);
    assert_eq!(asks(bearer("mt_bruces")).await, no_service);
    let invalid = because(Code::Unauthenticated, "INVALID_TOKEN");
    assert_eq!(asks(bearer("mt_nobodys")).await, invalid);
    assert_eq!(asks(bearer("garbage")).await, invalid);
    let nothing = because(Code::Unauthenticated, "SIGN_IN_REQUIRED");
    assert_eq!(asks(MetadataMap::new()).await, nothing);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn s08_an_altered_service_token_is_refused(position: prop::sample::Index, byte in 0x20_u8..0x7f) {
        let issuer = Issuer::new();
        let token = issuer.service_token();
        let mut altered = token.clone().into_bytes();
        let index = position.index(altered.len());
        altered[index] = byte;
        let altered = String::from_utf8(altered).unwrap();
        prop_assume!(altered != token);
        let verifier = issuer.verifier();
        let verdict = verifier.verify_service(&altered, THOUGHTS_BACKEND).now_or_never().unwrap();
        prop_assert_eq!(verdict, Err(VerifyError::Rejected));
    }
}
