//! `DeleteUser`: the account here, and what it has written with the thoughts backend.

use api::users::v1::{Role, User};
use database::testing::{Fresh, on_each_engine};
use tonic::Code;
use users_backend::Config;

use crate::support::{Backend, PASSWORD, Person, Thoughts, because, config_with_ada, refusal};

/// The settings of a backend that calls these thoughts.
fn beside(thoughts: &Thoughts, fresh: &Fresh) -> Config {
    Config {
        thoughts_backend_url: thoughts.url(),
        ..config_with_ada(fresh)
    }
}

/// Adds members.
async fn add(ada: &Person, names: &[&str]) -> Vec<User> {
    let mut users = Vec::new();
    for name in names {
        users.push(ada.adds(name, Role::Member).await.unwrap());
    }
    users
}

#[tokio::test]
async fn s06_people_delete_their_own_account_and_nobody_has_the_name_again() {
    on_each_engine(async |fresh| {
        let mut thoughts = Thoughts::down().await;
        let backend = Backend::start(beside(&thoughts, fresh)).await;
        let ada = backend.sign_in("ada", PASSWORD).await;
        thoughts.start(&ada).await;
        let bruce = &add(&ada, &["bruce", "stephen"]).await[0];
        let person = backend.nobody().await;
        let session = person.login("bruce", PASSWORD).await.unwrap();
        let person = person.with_token(&session.access_token);
        let code = ada.lets_reset("bruce").await.unwrap().code;

        // Whether somebody else exists is not told.
        let forbidden = because(Code::PermissionDenied, "NOT_ADMINISTRATOR");
        for name in ["stephen", "eve", "ada"] {
            assert_eq!(refusal(person.deletes(name).await), forbidden);
        }
        person.deletes("Bruce").await.unwrap();
        thoughts.has_purged(&[&bruce.id]).await;

        let gone = because(Code::Unauthenticated, "ACCOUNT_GONE");
        assert_eq!(refusal(person.me().await), gone);
        assert_eq!(refusal(person.deletes("bruce").await), gone);
        let over = person.refreshes(&session.refresh_token).await;
        assert_eq!(refusal(over).0, Code::Unauthenticated);
        let unknown = because(Code::Unauthenticated, "WRONG_CREDENTIALS");
        assert_eq!(refusal(person.login("bruce", PASSWORD).await), unknown);
        let denied = person.resets(&code, "battery staple").await;
        assert_eq!(refusal(denied).0, Code::PermissionDenied);
        let unknown = because(Code::NotFound, "USER_NOT_FOUND");
        assert_eq!(refusal(ada.looks_up("bruce").await), unknown);
        assert_eq!(refusal(ada.deletes("bruce").await), unknown);

        let taken = because(Code::AlreadyExists, "USERNAME_TAKEN");
        assert_eq!(refusal(ada.adds("BRUCE", Role::Member).await), taken);
        let code = ada.invites(Role::Member).await.unwrap().code;
        assert_eq!(refusal(person.comes_by(&code, "bruce").await), taken);
        assert!(person.comes_by(&code, "bruce2").await.is_ok());
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn deleting_takes_a_session_that_goes_on() {
    let fresh = Fresh::sqlite();
    let (backend, ada) = Backend::start_with_ada(&fresh).await;
    add(&ada, &["bruce"]).await;
    let person = backend.nobody().await;
    let session = person.login("bruce", PASSWORD).await.unwrap();
    person.logs_out(&session.refresh_token).await.unwrap();
    let person = person.with_token(&session.access_token);
    assert!(person.me().await.is_ok(), "the token lives for minutes");
    let over = because(Code::Unauthenticated, "SESSION_OVER");
    assert_eq!(refusal(person.deletes("bruce").await), over);
}

#[tokio::test]
async fn a_deletion_is_completed_when_the_thoughts_backend_is_back() {
    on_each_engine(async |fresh| {
        let mut thoughts = Thoughts::down().await;
        let backend = Backend::start(beside(&thoughts, fresh)).await;
        let ada = backend.sign_in("ada", PASSWORD).await;
        let users = add(&ada, &["bruce", "stephen", "tony"]).await;
        for name in ["bruce", "stephen", "tony"] {
            ada.deletes(name).await.unwrap();
        }
        thoughts.start(&ada).await;
        let ids: Vec<_> = users.iter().map(|user| user.id.as_str()).collect();
        thoughts.has_purged(&ids).await;
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_deletion_goes_on_after_a_restart() {
    on_each_engine(async |fresh| {
        let mut thoughts = Thoughts::down().await;
        let config = beside(&thoughts, fresh);
        let backend = Backend::start(config.clone()).await;
        let ada = backend.sign_in("ada", PASSWORD).await;
        let bruce = &add(&ada, &["bruce"]).await[0];
        ada.deletes("bruce").await.unwrap();
        backend.stop().await.unwrap();

        let backend = Backend::start(config).await;
        let ada = backend.sign_in("ada", PASSWORD).await;
        assert!(thoughts.purged().is_empty());
        thoughts.start(&ada).await;
        thoughts.has_purged(&[&bruce.id]).await;
        let taken = because(Code::AlreadyExists, "USERNAME_TAKEN");
        assert_eq!(refusal(ada.adds("bruce", Role::Member).await), taken);
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn two_replicas_complete_each_deletion_once() {
    on_each_engine(async |fresh| {
        let mut thoughts = Thoughts::down().await;
        let config = beside(&thoughts, fresh);
        let (one, other) = tokio::join!(Backend::start(config.clone()), Backend::start(config));
        let ada = one.sign_in("ada", PASSWORD).await;
        let there = other.nobody().await;
        let there = there.with_token(ada.token.as_ref().unwrap());
        thoughts.start(&ada).await;
        let names = ["bruce", "stephen", "tony", "peter", "natasha", "clint"];
        let users = add(&ada, &names).await;
        // Each is deleted at both at once.
        for name in names {
            let (here, there) = tokio::join!(ada.deletes(name), there.deletes(name));
            assert!(here.is_ok() ^ there.is_ok(), "{here:?} {there:?}");
            let refused = refusal(if here.is_ok() { there } else { here });
            assert_eq!(refused, because(Code::NotFound, "USER_NOT_FOUND"));
        }
        let ids: Vec<_> = users.iter().map(|user| user.id.as_str()).collect();
        thoughts.has_purged(&ids).await;
        // One more, after which nothing else can be under way.
        let last = &add(&ada, &["last"]).await[0];
        ada.deletes("last").await.unwrap();
        thoughts.has_purged(&[&last.id]).await;
        assert_eq!(thoughts.purged().len(), users.len() + 1);
        one.stop().await.unwrap();
        other.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_deleted_example_does_not_come_back() {
    let fresh = Fresh::sqlite();
    let demo = Config {
        demo: true,
        ..crate::support::config(&fresh)
    };
    let backend = Backend::start(demo.clone()).await;
    for name in ["bruce", "stephen"] {
        let person = backend.sign_in(name, name).await;
        person.deletes(name).await.unwrap();
    }
    backend.stop().await.unwrap();
    let backend = Backend::start(demo).await;
    let nobody = backend.nobody().await;
    let unknown = because(Code::Unauthenticated, "WRONG_CREDENTIALS");
    assert_eq!(refusal(nobody.login("bruce", "bruce").await), unknown);
}
