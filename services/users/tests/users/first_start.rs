//! What a new database is given: the set-up code, the first administrator, the examples.

use api::users::v1::Role;
use database::testing::{Fresh, on_each_engine};
use runtime::clock::Timestamp;
use tokio_util::sync::CancellationToken;
use tonic::Code;
use users_backend::Config;

use crate::support::{Backend, PASSWORD, bad_field, because, config, config_with_ada, refusal};

async fn setup_code(fresh: &Fresh) -> Option<String> {
    let shutdown = CancellationToken::new();
    let backend = users_backend::Backend::open(config(fresh), &shutdown)
        .await
        .unwrap();
    backend.setup_code().await.unwrap()
}

#[tokio::test]
async fn the_set_up_code_makes_the_first_administrator_once() {
    on_each_engine(async |fresh| {
        let backend = Backend::start(config(fresh)).await;
        let nobody = backend.nobody().await;
        assert!(nobody.sign_up_state().await.unwrap().administrator_missing);
        let code = setup_code(fresh).await.unwrap();
        assert_eq!(
            setup_code(fresh).await.as_ref(),
            Some(&code),
            "one for the database"
        );

        let wrong = because(Code::PermissionDenied, "WRONG_SETUP_CODE");
        assert_eq!(
            refusal(nobody.signs_up_with_code("eve", "guess").await),
            wrong
        );
        assert_eq!(
            refusal(nobody.signs_up_with_code("eve", &code.to_uppercase()).await),
            wrong
        );
        assert_eq!(
            bad_field(nobody.signs_up_with_code("e v e", &code).await),
            "username"
        );
        let as_member = nobody
            .creates("eve", PASSWORD, Role::Member, Some(&code))
            .await;
        assert_eq!(bad_field(as_member), "role");

        let ada = nobody.signs_up_with_code("ada", &code).await.unwrap();
        assert_eq!(ada.role(), Role::Admin);
        assert!(!nobody.sign_up_state().await.unwrap().administrator_missing);
        let over = because(Code::FailedPrecondition, "ADMINISTRATOR_EXISTS");
        assert_eq!(refusal(nobody.signs_up_with_code("eve", &code).await), over);
        assert_eq!(
            refusal(nobody.signs_up_with_code("eve", "guess").await),
            over
        );
        assert_eq!(setup_code(fresh).await, None);
        let ada = backend.sign_in("ada", PASSWORD).await;
        ada.adds("bruce", Role::Member).await.unwrap();
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_old_token_does_not_keep_anybody_from_using_the_code() {
    let fresh = Fresh::sqlite();
    let backend = Backend::start(config(&fresh)).await;
    let code = setup_code(&fresh).await.unwrap();
    let nobody = backend.nobody().await.with_token("of.another.installation");
    assert!(nobody.signs_up_with_code("ada", &code).await.is_ok());
}

#[tokio::test]
async fn a_configured_code_stands_in_for_the_database_s_own() {
    let fresh = Fresh::sqlite();
    let own = setup_code(&fresh).await.unwrap();
    let configured = Config {
        setup_code: Some("open sesame".parse().unwrap()),
        ..config(&fresh)
    };
    let shutdown = CancellationToken::new();
    let told = users_backend::Backend::open(configured.clone(), &shutdown)
        .await
        .unwrap();
    assert_eq!(
        told.setup_code().await.unwrap().as_deref(),
        Some("open sesame")
    );
    let backend = Backend::start(configured).await;
    let nobody = backend.nobody().await;
    let refused = nobody.signs_up_with_code("ada", &own).await;
    assert_eq!(refusal(refused).0, Code::PermissionDenied);
    let ada = nobody
        .signs_up_with_code("ada", "open sesame")
        .await
        .unwrap();
    assert_eq!(ada.role(), Role::Admin);
    assert_eq!(told.setup_code().await.unwrap(), None);
}

#[tokio::test]
async fn a_configured_administrator_is_made_while_there_is_none() {
    on_each_engine(async |fresh| {
        let (backend, ada) = Backend::start_with_ada(fresh).await;
        assert_eq!(ada.me().await.unwrap().role(), Role::Admin);
        assert!(!ada.sign_up_state().await.unwrap().administrator_missing);
        backend.stop().await.unwrap();

        // Later starts change nothing: neither another name nor another password.
        let later = Config {
            admin_username: Some("grace".parse().unwrap()),
            ..config_with_ada(fresh)
        };
        let backend = Backend::start(later).await;
        let ada = backend.sign_in("ada", PASSWORD).await;
        assert_eq!(ada.lists(0, "").await.unwrap().users.len(), 1);
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_administrator_s_name_that_a_member_has_stops_the_start() {
    on_each_engine(async |fresh| {
        let taken = Config {
            demo: true,
            admin_username: Some("bruce".parse().unwrap()),
            ..config_with_ada(fresh)
        };
        let refused = Backend::start(taken).await.end().await.unwrap_err();
        let line = "ADMIN_USERNAME: \"bruce\": expected a name that no member has yet";
        assert_eq!(refused.to_string(), line);
    })
    .await;
}

#[tokio::test]
async fn s03_an_administrator_s_password_is_not_the_name() {
    let fresh = Fresh::sqlite();
    let same = Config {
        admin_username: Some("bruce-wayne".parse().unwrap()),
        admin_password: Some("bruce-wayne".parse().unwrap()),
        ..config(&fresh)
    };
    let refused = Backend::start(same).await.end().await.unwrap_err();
    let line = "ADMIN_PASSWORD: must not be the username";
    assert_eq!(refused.to_string(), line);
}

#[tokio::test]
async fn the_examples_are_loaded_into_an_empty_database_only() {
    on_each_engine(async |fresh| {
        let demo = Config {
            demo: true,
            ..config_with_ada(fresh)
        };
        let backend = Backend::start(demo.clone()).await;
        let bruce = backend.sign_in("bruce", "bruce").await.me().await.unwrap();
        assert_eq!(bruce.id, "00f7de00-0501-7000-8000-000000000001");
        assert_eq!(bruce.role(), Role::Member);
        let made = Timestamp::from(bruce.create_time.unwrap());
        assert_eq!(
            made,
            Timestamp::from_seconds(-242_092_800),
            "1962-05-01T00:00:00Z"
        );
        let stephen = backend
            .sign_in("stephen", "stephen")
            .await
            .me()
            .await
            .unwrap();
        assert_eq!(stephen.id, "00f7de00-0601-7000-8000-000000000002");
        let made = Timestamp::from(stephen.create_time.unwrap());
        assert_eq!(
            made,
            Timestamp::from_seconds(-207_878_400),
            "1963-06-01T00:00:00Z"
        );
        let ada = backend.sign_in("ada", PASSWORD).await;
        assert_eq!(ada.lists(0, "").await.unwrap().users.len(), 3);
        backend.stop().await.unwrap();
    })
    .await;

    on_each_engine(async |fresh| {
        let (backend, _) = Backend::start_with_ada(fresh).await;
        backend.stop().await.unwrap();
        let backend = Backend::start(Config {
            demo: true,
            ..config(fresh)
        })
        .await;
        let refused = backend.nobody().await.login("bruce", "bruce").await;
        assert_eq!(refusal(refused).0, Code::Unauthenticated);
        backend.stop().await.unwrap();
    })
    .await;
}
