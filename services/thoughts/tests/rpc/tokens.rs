//! Tokens that hold, and tokens that do not.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use database::testing::Fresh;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use runtime::auth::{Claims, Role};
use tonic::Code;

use crate::support::{Backend, Key, because, claims, config, refusal, texts};

fn unsigned(header: &str, claims: &Claims) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let claims = serde_json::to_string(claims).unwrap();
    format!("{}.{}.", part(header), part(&claims))
}

#[tokio::test]
async fn s08_tokens_that_do_not_hold_are_refused_everywhere() {
    let fresh = Fresh::sqlite();
    let backend = Backend::start(&fresh).await;
    let good = claims("bruce", Role::Member);
    let token = backend.key.sign(&good);
    let written = backend
        .with_token(token.clone())
        .writes("I am")
        .await
        .unwrap();

    let sign = |claims: Claims| backend.key.sign(&claims);
    let symmetric = EncodingKey::from_secret(backend.key.public_pem().as_bytes());
    let confused = Header {
        alg: Algorithm::HS256,
        ..backend.key.header()
    };
    let middle = token.len() / 2;
    let flipped = if &token[middle..=middle] == "A" {
        "B"
    } else {
        "A"
    };
    let bad = [
        (
            "expired",
            sign(Claims {
                exp: good.iat - 1,
                ..good.clone()
            }),
        ),
        (
            "early",
            sign(Claims {
                nbf: good.iat + 60,
                ..good.clone()
            }),
        ),
        (
            "for others",
            sign(Claims {
                aud: "others".into(),
                ..good.clone()
            }),
        ),
        (
            "by others",
            sign(Claims {
                iss: "others".into(),
                ..good.clone()
            }),
        ),
        ("another key", Key::new().sign(&good)),
        (
            "HS256",
            jsonwebtoken::encode(&confused, &good, &symmetric).unwrap(),
        ),
        ("none", unsigned(r#"{"alg":"none","typ":"at+jwt"}"#, &good)),
        (
            "altered",
            format!("{}{flipped}{}", &token[..middle], &token[middle + 1..]),
        ),
        ("cut", token[..token.len() - 1].to_owned()),
        ("no token", "x".to_owned()),
        ("empty", String::new()),
        ("long", "a".repeat(10_000)),
    ];
    let invalid = because(Code::Unauthenticated, "INVALID_TOKEN");
    for (what, token) in bad {
        let somebody = backend.with_token(token);
        let refusals = [
            refusal(somebody.writes("x").await),
            refusal(somebody.reads(&written.id).await),
            refusal(somebody.deletes(&written.id).await),
            refusal(somebody.lists("").await),
            refusal(somebody.searches("").await),
        ];
        for refused in refusals {
            assert_eq!(refused, invalid, "{what}");
        }
    }
    assert_eq!(backend.nobody().lists("").await.unwrap().thoughts.len(), 1);
}

#[tokio::test]
async fn r15_without_keys_and_users_backend_everyone_still_reads() {
    let fresh = Fresh::sqlite();
    let backend = Backend::start(&fresh).await;
    backend.member("bruce").writes("still here").await.unwrap();
    backend.stop().await;

    let backend = Backend::start_as_is(config(&fresh), Key::new().into()).await;
    let bruce = backend.member("bruce");
    let no_keys = because(Code::Unavailable, "KEYS_UNAVAILABLE");
    assert_eq!(refusal(bruce.writes("x").await), no_keys);
    assert_eq!(refusal(bruce.lists("").await), no_keys);
    let seen = backend.nobody().lists("").await.unwrap();
    assert_eq!(texts(&seen.thoughts), ["still here"]);
    backend.stop().await;
}
