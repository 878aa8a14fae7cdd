//! `CreateAccessToken`, `ListAccessTokens`, `RevokeAccessToken`, `VerifyAccessToken`.

use std::time::Duration;

use api::users::v1::{AccessToken, CreateAccessTokenRequest, Role, Scope};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use database::testing::{Fresh, on_each_engine};
use prost_types::Timestamp as ProtoTimestamp;
use runtime::{
    clock::{Clock, Timestamp},
    status,
};
use tokio::time::{sleep, timeout};
use tonic::{Code, Status};
use users_backend::{
    Config, SignUp,
    signing::{ServicePass, SigningKey},
};
use uuid::Uuid;

use crate::support::{
    Backend, PASSWORD, Thoughts, bad_field, because, config_with_ada, refusal, service_token,
};

/// A token that nobody has.
fn unknown() -> String {
    format!("mt_{}", "A".repeat(43))
}

fn invalid() -> (Code, String) {
    because(Code::Unauthenticated, "INVALID_TOKEN")
}

fn not_found() -> (Code, String) {
    because(Code::NotFound, "ACCESS_TOKEN_NOT_FOUND")
}

fn seconds(time: Option<ProtoTimestamp>) -> i64 {
    time.unwrap().seconds
}

#[tokio::test]
async fn a_token_is_shown_once_and_listed_newest_first() {
    on_each_engine(async |fresh| {
        let (backend, ada) = Backend::start_with_ada(fresh).await;
        assert_eq!(ada.tokens().await.unwrap(), []);
        let first = ada.makes_token(" 备份 ☕ ", Scope::Read).await.unwrap();
        assert_eq!(first.display_name, "备份 ☕");
        assert_eq!(first.scope(), Scope::Read);
        assert!(first.access_token.starts_with("mt_"));
        assert_eq!(first.access_token.len(), 46);
        assert_eq!(first.last_use_time, None);
        let lifetime = seconds(first.expire_time) - seconds(first.create_time);
        assert!((3_590..=3_600).contains(&lifetime), "{lifetime}");
        let second = ada.makes_token("write", Scope::ReadWrite).await.unwrap();
        let hidden = |token: &AccessToken| AccessToken {
            access_token: String::new(),
            ..token.clone()
        };
        let listed = ada.tokens().await.unwrap();
        assert_eq!(listed, [hidden(&second), hidden(&first)]);

        ada.revokes_token(&first.id).await.unwrap();
        assert_eq!(ada.tokens().await.unwrap(), [hidden(&second)]);
        assert_eq!(refusal(ada.revokes_token(&first.id).await), not_found());
        for wrong in ["", "7", "not-a-uuid"] {
            assert_eq!(bad_field(ada.revokes_token(wrong).await), "id");
        }
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_is_no_token_to_make_is_refused_by_its_field() {
    let fresh = Fresh::sqlite();
    let (_backend, ada) = Backend::start_with_ada(&fresh).await;
    let now = Clock::system().now();
    let good = CreateAccessTokenRequest {
        display_name: "good".into(),
        expire_time: Some((now + Duration::from_secs(60)).into()),
        scope: Scope::Read.into(),
    };
    let refused = async |change: &dyn Fn(&mut CreateAccessTokenRequest)| {
        let mut message = good.clone();
        change(&mut message);
        bad_field(ada.asks_for_token(message).await)
    };
    for name in [
        "",
        "  ",
        "a\u{7}b",
        "a\nb",
        "a\u{202e}gpj.exe",
        "a\u{2067}",
        "\u{200b}\u{2060}",
        &"x".repeat(101),
        &"x".repeat(1 << 20),
    ] {
        let field = refused(&|message| message.display_name = name.into()).await;
        assert_eq!(field, "display_name", "{name:.20?}");
    }
    for scope in [0, 3, -1, i32::MAX] {
        let field = refused(&|message| message.scope = scope).await;
        assert_eq!(field, "scope", "{scope}");
    }
    let (second, year) = (
        Duration::from_secs(1),
        Duration::from_secs(366 * 24 * 3_600),
    );
    let wire = |seconds, nanos| Some(ProtoTimestamp { seconds, nanos });
    let soon = (now + second * 60).as_seconds();
    for time in [
        None,
        Some((now - second).into()),
        // The service's clock has moved on since.
        Some((now + year + second * 60).into()),
        wire(0, 0),
        wire(-1, 0),
        // The year 9999, and beyond every year.
        wire(253_402_300_799, 999_999_999),
        wire(253_402_300_800, 0),
        wire(i64::MAX, 999_999_999),
        wire(i64::MIN, 0),
        wire(soon, -1),
        wire(soon, 1_000_000_000),
        wire(soon, i32::MIN),
    ] {
        let field = refused(&|message| message.expire_time = time).await;
        assert_eq!(field, "expire_time", "{time:?}");
    }
    assert_eq!(ada.tokens().await.unwrap(), []);
    ada.asks_for_token(good.clone()).await.unwrap();
}

#[tokio::test]
async fn nobody_has_more_than_fifty() {
    let fresh = Fresh::sqlite();
    let (_backend, ada) = Backend::start_with_ada(&fresh).await;
    for n in 0..50 {
        let name = format!("token {n}");
        ada.makes_token(&name, Scope::Read).await.unwrap();
    }
    let refused = ada.makes_token("one more", Scope::Read).await;
    let too_many = because(Code::FailedPrecondition, "TOO_MANY_ACCESS_TOKENS");
    assert_eq!(refusal(refused), too_many);
    let tokens = ada.tokens().await.unwrap();
    assert_eq!(tokens.len(), 50);
    ada.revokes_token(&tokens[49].id).await.unwrap();
    ada.makes_token("one more", Scope::Read).await.unwrap();
}

#[tokio::test]
async fn a_script_may_look_at_accounts_and_do_nothing_to_them() {
    on_each_engine(async |fresh| {
        // Anybody may sign up here, and still no script does.
        let backend = Backend::start(Config {
            sign_up: SignUp::Open,
            ..config_with_ada(fresh)
        })
        .await;
        let ada = backend.sign_in("ada", PASSWORD).await;
        let (token, _) = ada.script(Scope::Read).await;
        for scope in [Scope::Read, Scope::ReadWrite] {
            let (_, script) = ada.script(scope).await;
            assert_eq!(script.me().await.unwrap().username, "ada");
            assert_eq!(script.looks_up("ada").await.unwrap().username, "ada");
            let denied = |result: Result<(), Status>| {
                assert_eq!(
                    refusal(result),
                    because(Code::PermissionDenied, "PERSONAL_TOKEN")
                );
            };
            denied(script.makes_token("mine", Scope::Read).await.map(drop));
            denied(script.tokens().await.map(drop));
            denied(script.revokes_token(&token.id).await);
            denied(script.adds("eve", Role::Admin).await.map(drop));
            denied(script.signs_up("eve").await.map(drop));
            denied(script.lists(0, "").await.map(drop));
            denied(script.sessions().await.map(drop));
            denied(script.revokes(&Uuid::nil().to_string()).await);
            let changed = script.changes_password(PASSWORD, "battery staple");
            denied(changed.await.map(drop));
        }
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn tokens_of_others_cannot_be_told_from_none() {
    let fresh = Fresh::sqlite();
    let (backend, ada) = Backend::start_with_ada(&fresh).await;
    ada.adds("eve", Role::Member).await.unwrap();
    let eve = backend.sign_in("eve", PASSWORD).await;
    let (token, script) = ada.script(Scope::Read).await;
    let others = eve.revokes_token(&token.id).await.unwrap_err();
    let none = Uuid::nil().to_string();
    let none = eve.revokes_token(&none).await.unwrap_err();
    assert_eq!(others.message(), none.message());
    assert_eq!(others.details(), none.details());
    assert_eq!(refusal(Err::<(), _>(others)), not_found());
    assert_eq!(eve.tokens().await.unwrap(), []);
    script.me().await.unwrap();
}

#[tokio::test]
async fn services_are_told_whose_a_token_is() {
    on_each_engine(async |fresh| {
        let (backend, ada, service) = Backend::start_with_service(fresh).await;
        ada.adds("bruce", Role::Member).await.unwrap();
        let bruce = backend.sign_in("bruce", PASSWORD).await;
        let (token, script) = bruce.script(Scope::ReadWrite).await;
        let text = &token.access_token;
        let verified = service.verifies(text).await.unwrap();
        assert_eq!(verified.scope(), Scope::ReadWrite);
        assert_eq!(verified.expire_time, token.expire_time);
        assert_eq!(verified.user.unwrap(), bruce.me().await.unwrap());

        assert_eq!(bad_field(service.verifies("").await), "access_token");
        let access_token = bruce.token.clone().unwrap();
        let garbage = "x".repeat(1 << 20);
        for wrong in [&unknown(), &text[..45], &text[3..], &access_token, &garbage] {
            assert_eq!(refusal(service.verifies(wrong).await), not_found());
        }
        let denied = because(Code::PermissionDenied, "SERVICE_TOKEN_REQUIRED");
        for person in [&bruce, &ada, &script] {
            assert_eq!(refusal(person.verifies(text).await), denied);
        }
        let nobody = backend.nobody().await;
        assert_eq!(
            refusal(nobody.verifies(text).await).0,
            Code::Unauthenticated
        );
        // A service is no person.
        assert_eq!(refusal(service.me().await), invalid());
        assert_eq!(refusal(service.tokens().await), invalid());

        bruce.revokes_token(&token.id).await.unwrap();
        assert_eq!(refusal(service.verifies(text).await), not_found());
        assert_eq!(refusal(script.me().await), invalid());
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_service_token_for_another_service_is_none_here() {
    let fresh = Fresh::sqlite();
    let key = SigningKey::from_pkcs8(&SigningKey::generate_pkcs8().unwrap()).unwrap();
    let elsewhere = service_token(&key, ServicePass::ToThoughts);
    let stranger = SigningKey::from_pkcs8(&SigningKey::generate_pkcs8().unwrap()).unwrap();
    let forged = service_token(&stranger, ServicePass::FromThoughts);
    let backend = Backend::start(Config {
        tokens_signing_key: Some(key),
        ..config_with_ada(&fresh)
    })
    .await;
    let nobody = backend.nobody().await;
    for token in [elsewhere, forged] {
        let service = nobody.with_token(&token);
        assert_eq!(refusal(service.verifies(&unknown()).await), invalid());
    }
}

#[tokio::test]
async fn unknown_tokens_are_throttled_and_known_ones_never() {
    on_each_engine(async |fresh| {
        let (backend, ada, service) = Backend::start_with_service(fresh).await;
        let (token, script) = ada.script(Scope::Read).await;
        let guesser = ada.with_token(&unknown());
        let throttled = async {
            loop {
                let refused = service.verifies(&unknown()).await.unwrap_err();
                if refused.code() == Code::ResourceExhausted {
                    break refused;
                }
                assert_eq!(refused.code(), Code::NotFound);
            }
        };
        let refused = timeout(Duration::from_secs(60), throttled).await.unwrap();
        let wait = status::retry_after(&refused).unwrap();
        assert!(wait <= Duration::from_millis(100), "{wait:?}");
        assert_eq!(
            refusal(Err::<(), _>(refused)),
            because(Code::ResourceExhausted, "UNKNOWN_TOKENS_THROTTLED")
        );
        service.verifies(&token.access_token).await.unwrap();
        script.me().await.unwrap();
        // Guessing here rather than there is no way around it.
        let refused = timeout(Duration::from_secs(60), async {
            while refusal(guesser.me().await).0 != Code::ResourceExhausted {}
        });
        refused.await.unwrap();
        ada.me().await.unwrap();
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn each_use_is_noted() {
    on_each_engine(async |fresh| {
        let (backend, ada, service) = Backend::start_with_service(fresh).await;
        let (here, script) = ada.script(Scope::Read).await;
        let (there, _) = ada.script(Scope::Read).await;
        let (unused, _) = ada.script(Scope::Read).await;
        script.me().await.unwrap();
        service.verifies(&there.access_token).await.unwrap();
        let used = async {
            loop {
                let tokens = ada.tokens().await.unwrap();
                let last_use = |made: &AccessToken| {
                    let token = tokens.iter().find(|it| it.id == made.id);
                    token.unwrap().last_use_time
                };
                if let (Some(one), Some(other)) = (last_use(&here), last_use(&there)) {
                    assert_eq!(last_use(&unused), None);
                    break [one, other];
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        let times = timeout(Duration::from_secs(10), used).await.unwrap();
        let now = Clock::system().now();
        for time in times.map(Timestamp::from) {
            assert!(time <= now && now < time + Duration::from_secs(60));
        }
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn s06_revoked_on_one_replica_a_token_is_refused_at_once_on_the_other() {
    on_each_engine(async |fresh| {
        let (one, other) = tokio::join!(
            Backend::start(config_with_ada(fresh)),
            Backend::start(config_with_ada(fresh))
        );
        let ada = one.sign_in("ada", PASSWORD).await;
        let (token, here) = ada.script(Scope::Read).await;
        let there = other.nobody().await.with_token(&token.access_token);
        for _ in 0..3 {
            here.me().await.unwrap();
            there.me().await.unwrap();
        }
        ada.revokes_token(&token.id).await.unwrap();
        assert_eq!(refusal(there.me().await), invalid());
        assert_eq!(refusal(here.me().await), invalid());
        one.stop().await.unwrap();
        other.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn s06_a_new_password_ends_every_token_of_the_account() {
    on_each_engine(async |fresh| {
        let (backend, ada) = Backend::start_with_ada(fresh).await;
        ada.adds("bruce", Role::Member).await.unwrap();
        let bruce = backend.sign_in("bruce", PASSWORD).await;
        let (_, of_ada) = ada.script(Scope::Read).await;
        let (_, of_bruce) = bruce.script(Scope::Read).await;
        of_bruce.me().await.unwrap();
        let changed = bruce.changes_password(PASSWORD, "battery staple");
        let session = changed.await.unwrap();
        assert_eq!(refusal(of_bruce.me().await), invalid());
        let bruce = bruce.with_token(&session.access_token);
        assert_eq!(bruce.tokens().await.unwrap(), []);
        of_ada.me().await.unwrap();
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn s06_disabling_a_reset_and_deletion_end_every_token_of_the_account() {
    on_each_engine(async |fresh| {
        let (backend, ada, service) = Backend::start_with_service(fresh).await;
        ada.adds("bruce", Role::Member).await.unwrap();
        let (_, of_ada) = ada.script(Scope::Read).await;
        let bruce = backend.sign_in("bruce", PASSWORD).await;
        let ended = async |token: &AccessToken| {
            let text = &token.access_token;
            let script = bruce.with_token(text);
            assert_eq!(refusal(script.me().await), invalid());
            assert_eq!(refusal(service.verifies(text).await), not_found());
        };

        let (token, script) = bruce.script(Scope::Read).await;
        script.me().await.unwrap();
        ada.disables("bruce", true).await.unwrap();
        ended(&token).await;
        ada.disables("bruce", false).await.unwrap();
        ended(&token).await;

        let bruce = backend.sign_in("bruce", PASSWORD).await;
        let (token, script) = bruce.script(Scope::Read).await;
        let reset = ada.lets_reset("bruce").await.unwrap();
        script.me().await.unwrap();
        bruce.resets(&reset.code, "battery staple").await.unwrap();
        ended(&token).await;

        let bruce = backend.sign_in("bruce", "battery staple").await;
        let (token, script) = bruce.script(Scope::Read).await;
        script.me().await.unwrap();
        ada.deletes("bruce").await.unwrap();
        ended(&token).await;
        of_ada.me().await.unwrap();
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_session_that_is_over_makes_no_token_for_its_last_minutes() {
    on_each_engine(async |fresh| {
        let (backend, _) = Backend::start_with_ada(fresh).await;
        let nobody = backend.nobody().await;
        let session = nobody.login("ada", PASSWORD).await.unwrap();
        let ada = nobody.with_token(&session.access_token);
        let (token, script) = ada.script(Scope::Read).await;
        nobody.logs_out(&session.refresh_token).await.unwrap();
        let over = because(Code::Unauthenticated, "SESSION_OVER");
        let made = ada.makes_token("late", Scope::Read).await;
        assert_eq!(refusal(made), over);
        assert_eq!(refusal(ada.tokens().await), over);
        assert_eq!(refusal(ada.revokes_token(&token.id).await), over);
        script.me().await.unwrap();
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_thoughts_backend_is_handed_its_token_as_soon_as_it_is_there() {
    on_each_engine(async |fresh| {
        let mut thoughts = Thoughts::down().await;
        let backend = Backend::start(Config {
            thoughts_backend_url: thoughts.url(),
            ..config_with_ada(fresh)
        })
        .await;
        let ada = backend.sign_in("ada", PASSWORD).await;
        thoughts.start(&backend.nobody().await).await;
        let token = thoughts.service_token().await;
        let service = ada.with_token(&token);
        let (made, _) = ada.script(Scope::Read).await;
        service.verifies(&made.access_token).await.unwrap();
        // It does not last for ever, and says so.
        let claims = token.split('.').nth(1).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(claims).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        let lifetime = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert_eq!(lifetime, 15 * 60);
        backend.stop().await.unwrap();
    })
    .await;
}
