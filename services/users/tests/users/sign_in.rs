//! `Login`, the tokens it gives, and `GetKeySet`.

use api::users::v1::Role;
use database::testing::{Fresh, on_each_engine};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use runtime::{
    auth::{self, AUDIENCE, Claims, ISSUER, TOKEN_TYPE},
    clock::{Clock, Timestamp},
};
use tonic::Code;
use users_backend::{Config, signing::SigningKey};

use crate::support::{Backend, PASSWORD, bad_field, because, config, config_with_ada, refusal};

#[tokio::test]
async fn signing_in_gives_a_token_and_the_account() {
    on_each_engine(async |fresh| {
        let (backend, _) = Backend::start_with_ada(fresh).await;
        let nobody = backend.nobody().await;
        let session = nobody.login("Ada", PASSWORD).await.unwrap();
        let user = session.user.unwrap();
        assert_eq!((user.username.as_str(), user.role()), ("ada", Role::Admin));
        let person = nobody.with_token(&session.access_token);
        assert_eq!(person.me().await.unwrap(), user);
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn s08_a_token_says_what_rfc_9068_asks_for_and_is_checked_with_the_published_keys() {
    let fresh = Fresh::sqlite();
    let (backend, _) = Backend::start_with_ada(&fresh).await;
    let nobody = backend.nobody().await;
    let before = Clock::system().now().as_seconds();
    let session = nobody.login("ada", PASSWORD).await.unwrap();
    let after = Clock::system().now().as_seconds();

    let header = decode_header(&session.access_token).unwrap();
    assert_eq!(header.alg, Algorithm::EdDSA);
    assert_eq!(header.typ.as_deref(), Some(TOKEN_TYPE));
    let keys: JwkSet = serde_json::from_str(&nobody.key_set().await.unwrap()).unwrap();
    let key = keys.find(&header.kid.unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    let key = DecodingKey::from_jwk(key).unwrap();
    let claims = decode::<Claims>(&session.access_token, &key, &validation)
        .unwrap()
        .claims;

    let user = session.user.unwrap();
    assert_eq!(claims.sub.to_string(), user.id);
    assert_eq!(
        (claims.username.as_str(), claims.role),
        ("ada", auth::Role::Admin)
    );
    assert!((before..=after).contains(&claims.iat));
    assert_eq!(claims.nbf, claims.iat);
    assert_eq!(claims.exp, claims.iat + 5 * 60);
    let told = Timestamp::from(session.access_token_expire_time.unwrap());
    assert_eq!(told, Timestamp::from_seconds(claims.exp));
    let again = nobody.login("ada", PASSWORD).await.unwrap();
    assert_ne!(
        again.access_token, session.access_token,
        "each token has an id of its own"
    );
}

#[tokio::test]
async fn s02_an_unknown_name_and_a_wrong_password_get_the_same_answer() {
    on_each_engine(async |fresh| {
        let (backend, _) = Backend::start_with_ada(fresh).await;
        let nobody = backend.nobody().await;
        let wrong = nobody.login("ada", "wrong horse").await.unwrap_err();
        assert_eq!(
            refusal(Err::<(), _>(wrong.clone())),
            because(Code::Unauthenticated, "WRONG_CREDENTIALS")
        );
        for unknown in ["eve", "no such name!", "ada\0", "Ada Lovelace", "ÄDA"] {
            let refused = nobody.login(unknown, "wrong horse").await.unwrap_err();
            assert_eq!(refused.message(), wrong.message(), "{unknown:?}");
            assert_eq!(refused.code(), wrong.code());
            assert_eq!(refused.details(), wrong.details());
        }
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_is_missing_or_endless_is_refused_before_anything_is_hashed() {
    let fresh = Fresh::sqlite();
    let (backend, _) = Backend::start_with_ada(&fresh).await;
    let nobody = backend.nobody().await;
    let megabyte = "x".repeat(1 << 20);
    assert_eq!(bad_field(nobody.login("", PASSWORD).await), "username");
    assert_eq!(
        bad_field(nobody.login(&megabyte, PASSWORD).await),
        "username"
    );
    assert_eq!(bad_field(nobody.login("ada", "").await), "password");
    assert_eq!(bad_field(nobody.login("ada", &megabyte).await), "password");
    assert_eq!(
        bad_field(nobody.login("ada", &"é".repeat(257)).await),
        "password"
    );
}

#[tokio::test]
async fn any_characters_make_a_password_and_all_of_them_count() {
    on_each_engine(async |fresh| {
        let (backend, ada) = Backend::start_with_ada(fresh).await;
        let nobody = backend.nobody().await;
        let long = "🔑".repeat(255) + "a";
        for (name, password) in [
            ("nul", "a\0b\0c\0d\0"),
            ("space", "        "),
            ("long", &long),
        ] {
            ada.creates(name, password, Role::Member, None)
                .await
                .unwrap();
            assert!(nobody.login(name, password).await.is_ok(), "{name}");
            let mut other: Vec<char> = password.chars().collect();
            *other.last_mut().unwrap() = 'b';
            let other = String::from_iter(other);
            assert_eq!(
                refusal(nobody.login(name, &other).await).0,
                Code::Unauthenticated,
                "{name}"
            );
        }
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_configured_key_signs_and_is_the_only_one_published() {
    let fresh = Fresh::sqlite();
    let pkcs8 = SigningKey::generate_pkcs8().unwrap();
    let key = SigningKey::from_pkcs8(&pkcs8).unwrap();
    let config = Config {
        tokens_signing_key: Some(key.clone()),
        ..config_with_ada(&fresh)
    };
    let backend = Backend::start(config).await;
    let ada = backend.sign_in("ada", PASSWORD).await;
    let kid = decode_header(ada.token.as_ref().unwrap()).unwrap().kid;
    assert_eq!(kid.as_deref(), Some(key.id()));
    assert_eq!(ada.key_set().await.unwrap(), key.key_set_json());
    assert!(ada.me().await.is_ok());
}

#[tokio::test]
async fn the_key_of_the_database_outlives_the_process() {
    on_each_engine(async |fresh| {
        let (backend, ada) = Backend::start_with_ada(fresh).await;
        backend.stop().await.unwrap();
        let backend = Backend::start(config(fresh)).await;
        let ada = backend
            .nobody()
            .await
            .with_token(ada.token.as_ref().unwrap());
        assert_eq!(ada.me().await.unwrap().username, "ada");
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_token_is_worth_nothing_once_its_account_is_gone() {
    let (here, there) = (Fresh::sqlite(), Fresh::sqlite());
    let key = SigningKey::from_pkcs8(&SigningKey::generate_pkcs8().unwrap()).unwrap();
    let with_key = |config| Config {
        tokens_signing_key: Some(key.clone()),
        ..config
    };
    let backend = Backend::start(with_key(config_with_ada(&here))).await;
    let ada = backend.sign_in("ada", PASSWORD).await;
    // The same key on a database without the account.
    let other = Backend::start(with_key(config(&there))).await;
    let ghost = other.nobody().await.with_token(ada.token.as_ref().unwrap());
    let gone = because(Code::Unauthenticated, "ACCOUNT_GONE");
    assert_eq!(refusal(ghost.me().await), gone);
    assert_eq!(refusal(ghost.looks_up("ada").await), gone);
    assert_eq!(refusal(ghost.lists(0, "").await), gone);
    assert_eq!(refusal(ghost.signs_up("eve").await), gone);
}
