//! What only the users backend may call: `PurgeAuthor` and `PutServiceToken`.

use api::{
    thoughts::v1::Visibility,
    users::v1::{Role, Scope},
};
use database::testing::{Fresh, on_each_engine};
use runtime::auth::{self, THOUGHTS_BACKEND, TOKEN_TYPE, USERS_BACKEND};
use tonic::Code;
use uuid::Uuid;

use crate::{
    support::{Key, System, bad_field, because, claims, refusal, texts, user_id},
    users::service_token,
};

#[tokio::test]
async fn a_purged_author_is_gone_and_writes_no_more() {
    on_each_engine(async |fresh| {
        let system = System::start(fresh).await;
        let (bruce, stephen) = (system.member("bruce"), system.member("stephen"));
        let request_id = Uuid::new_v4().to_string();
        let asked = Some(request_id.as_str());
        bruce.writes("bruce's platypus").await.expect("written");
        bruce
            .notes("bruce's secret platypus")
            .await
            .expect("written");
        let made = bruce.creates("once", Visibility::Public, asked);
        let made = made.await.expect("written");
        let theirs = stephen.writes("stephen's platypus").await.expect("written");

        let users = system.users_backend(&system.backend);
        for _ in 0..2 {
            users
                .purges(&user_id("bruce").to_string())
                .await
                .expect("purged");
            let gone = because(Code::Unauthenticated, "ACCOUNT_GONE");
            assert_eq!(refusal(bruce.writes("still here").await), gone);
            assert_eq!(refusal(bruce.notes("still here").await), gone);
            let again = bruce.creates("once", Visibility::Public, asked);
            assert_eq!(refusal(again.await), gone);
        }
        let missing = because(Code::NotFound, "THOUGHT_NOT_FOUND");
        assert_eq!(refusal(bruce.reads(&made.id).await), missing);
        for viewer in [&bruce, &stephen, &system.backend.nobody()] {
            let list = viewer.lists("").await.expect("read");
            assert_eq!(texts(&list.thoughts), ["stephen's platypus"]);
            let found = viewer.searches("platypus").await.expect("read");
            assert_eq!(texts(&found.thoughts), ["stephen's platypus"]);
        }
        stephen.deletes(&theirs.id).await.expect("deleted");
        system.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_purged_administrator_and_a_purged_authors_script_do_nothing_more() {
    on_each_engine(async |fresh| {
        let system = System::start(fresh).await;
        let users = system.users_backend(&system.backend);
        let token = service_token(&system.key, THOUGHTS_BACKEND, USERS_BACKEND, 900);
        users.hands_over(&token).await.expect("taken up");
        let known = &system.users.known;
        known.add("mt_adas", "ada", Role::Admin, Scope::ReadWrite);
        let script = system.backend.with_token("mt_adas");
        script.writes("by a script").await.expect("written");
        let rude = system
            .member("bruce")
            .writes("rude")
            .await
            .expect("written");

        users
            .purges(&user_id("ada").to_string())
            .await
            .expect("purged");
        let gone = because(Code::Unauthenticated, "ACCOUNT_GONE");
        assert_eq!(refusal(script.writes("again").await), gone);
        let ada = system.administrator("ada");
        assert_eq!(refusal(ada.writes("again").await), gone);
        assert_eq!(refusal(ada.deletes(&rude.id).await), gone);
        let left = system.backend.nobody().lists("").await.expect("read");
        assert_eq!(texts(&left.thoughts), ["rude"]);
        system.stop().await;
    })
    .await;
}

#[tokio::test]
async fn who_is_purged_has_to_be_said() {
    let fresh = Fresh::sqlite();
    let system = System::start(&fresh).await;
    let users = system.users_backend(&system.backend);
    for id in ["", "bruce", "0190163d8694739baea5966c26f8ad91"] {
        assert_eq!(bad_field(users.purges(id).await), "user_id");
    }
    system.stop().await;
}

#[tokio::test]
async fn only_the_users_backend_purges_and_hands_over_tokens() {
    let fresh = Fresh::sqlite();
    let system = System::start(&fresh).await;
    let service = |sub, aud, seconds| service_token(&system.key, sub, aud, seconds);
    let access = system.key.sign(&claims("bruce", auth::Role::Admin));
    let confused = system.key.sign_as(
        TOKEN_TYPE,
        &auth::ServiceClaims {
            iss: auth::ISSUER.to_owned(),
            aud: THOUGHTS_BACKEND.to_owned(),
            sub: USERS_BACKEND.to_owned(),
            exp: i64::MAX,
            nbf: 0,
            iat: 0,
            jti: Uuid::nil(),
        },
    );
    let invalid = because(Code::Unauthenticated, "INVALID_TOKEN");
    let good = service(THOUGHTS_BACKEND, USERS_BACKEND, 900);
    for (what, token, expected) in [
        (
            "a person's",
            access,
            because(Code::PermissionDenied, "SERVICE_TOKEN_REQUIRED"),
        ),
        (
            "another service's",
            service(THOUGHTS_BACKEND, THOUGHTS_BACKEND, 60),
            because(Code::PermissionDenied, "NOT_THE_USERS_BACKEND"),
        ),
        ("for another service", good.clone(), invalid.clone()),
        (
            "over",
            service(USERS_BACKEND, THOUGHTS_BACKEND, -1),
            invalid.clone(),
        ),
        ("of another type", confused, invalid.clone()),
        (
            "of another key",
            service_token(&Key::new(), USERS_BACKEND, THOUGHTS_BACKEND, 60),
            invalid,
        ),
    ] {
        let somebody = system.backend.with_token(token);
        let purged = somebody.purges(&user_id("bruce").to_string()).await;
        assert_eq!(refusal(purged), expected, "{what}");
        assert_eq!(
            refusal(somebody.hands_over(&good).await),
            expected,
            "{what}"
        );
    }
    let nobody = system.backend.nobody();
    let sign_in = because(Code::Unauthenticated, "SIGN_IN_REQUIRED");
    let purged = nobody.purges(&user_id("bruce").to_string()).await;
    assert_eq!(refusal(purged), sign_in);
    assert_eq!(refusal(nobody.hands_over(&good).await), sign_in);
    // Nothing has happened.
    system
        .member("bruce")
        .writes("still here")
        .await
        .expect("written");
    system.stop().await;
}

#[tokio::test]
async fn s08_only_a_service_token_for_the_users_backend_is_taken_up() {
    let fresh = Fresh::sqlite();
    let system = System::start(&fresh).await;
    let users = system.users_backend(&system.backend);
    let service = |sub, aud, seconds| service_token(&system.key, sub, aud, seconds);
    for (what, token) in [
        ("nothing", String::new()),
        ("garbage", "garbage".to_owned()),
        ("long", "a".repeat(100_000)),
        ("personal", "mt_bruces".to_owned()),
        (
            "a person's",
            system.key.sign(&claims("bruce", auth::Role::Admin)),
        ),
        ("its own", service(USERS_BACKEND, THOUGHTS_BACKEND, 900)),
        (
            "another service's",
            service(USERS_BACKEND, USERS_BACKEND, 900),
        ),
        ("over", service(THOUGHTS_BACKEND, USERS_BACKEND, -1)),
        (
            "of another key",
            service_token(&Key::new(), THOUGHTS_BACKEND, USERS_BACKEND, 900),
        ),
    ] {
        let refused = users.hands_over(&token).await;
        assert_eq!(bad_field(refused), "service_token", "{what}");
    }
    system.stop().await;
}
