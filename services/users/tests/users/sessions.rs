//! `RefreshSession`, `Logout`, `ChangePassword`, `ListSessions`, `RevokeSession`.

use std::time::Duration;

use api::users::v1::{Role, Session};
use database::testing::{Fresh, on_each_engine};
use runtime::{
    clock::Timestamp,
    grpc::{CLIENT_ADDRESS, CLIENT_USER_AGENT},
    status,
};
use tonic::Code;
use users_backend::Config;
use uuid::Uuid;

use crate::support::{Backend, PASSWORD, bad_field, because, config_with_ada, refusal};

fn over() -> (Code, String) {
    because(Code::Unauthenticated, "SESSION_OVER")
}

#[tokio::test]
async fn s07_a_session_goes_on_from_one_refresh_token_to_the_next() {
    on_each_engine(async |fresh| {
        let (backend, _) = Backend::start_with_ada(fresh).await;
        let nobody = backend.nobody().await;
        let mut session = nobody.login("ada", PASSWORD).await.unwrap();
        for _ in 0..3 {
            assert!(session.refresh_token.starts_with("mr_"));
            let next = nobody.refreshes(&session.refresh_token).await.unwrap();
            assert_ne!(next.refresh_token, session.refresh_token);
            assert_ne!(next.access_token, session.access_token);
            assert_eq!(next.user, session.user);
            let until = |session: &Session| {
                Timestamp::from(session.refresh_token_expire_time.unwrap()).as_seconds()
            };
            assert!(until(&next) >= until(&session));
            let ada = nobody.with_token(&next.access_token);
            assert_eq!(ada.me().await.unwrap().username, "ada");
            session = next;
        }
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn s07_a_token_used_on_two_replicas_at_once_has_one_successor() {
    on_each_engine(async |fresh| {
        let (one, other) = tokio::join!(
            Backend::start(config_with_ada(fresh)),
            Backend::start(config_with_ada(fresh))
        );
        let people = [one.nobody().await, other.nobody().await];
        let session = people[0].login("ada", PASSWORD).await.unwrap();
        let calls = (0..20).map(|n| {
            let (person, token) = (people[n % 2].clone(), session.refresh_token.clone());
            tokio::spawn(async move { person.refreshes(&token).await.unwrap().refresh_token })
        });
        let mut successors = Vec::new();
        for call in calls.collect::<Vec<_>>() {
            successors.push(call.await.unwrap());
        }
        successors.dedup();
        assert_eq!(successors.len(), 1, "nobody is signed out");
        let next = people[1].refreshes(&successors[0]).await.unwrap();
        // A token of one replica's session ends with it on the other.
        people[0].logs_out(&next.refresh_token).await.unwrap();
        assert_eq!(
            refusal(people[1].refreshes(&next.refresh_token).await),
            over()
        );
        one.stop().await.unwrap();
        other.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_refresh_token_is_needed_and_what_is_none_renews_nothing() {
    let fresh = Fresh::sqlite();
    let (backend, ada) = Backend::start_with_ada(&fresh).await;
    let nobody = backend.nobody().await;
    assert_eq!(bad_field(nobody.refreshes("").await), "refresh_token");
    assert_eq!(bad_field(nobody.logs_out("").await), "refresh_token");
    let access_token = ada.token.clone().unwrap();
    for none in ["mr_", "nonsense", &access_token, &"x".repeat(1 << 20)] {
        assert_eq!(refusal(nobody.refreshes(none).await), over());
        nobody.logs_out(none).await.unwrap();
    }
}

#[tokio::test]
async fn s06_logging_out_ends_the_session_at_once() {
    on_each_engine(async |fresh| {
        let (backend, _) = Backend::start_with_ada(fresh).await;
        let nobody = backend.nobody().await;
        let session = nobody.login("ada", PASSWORD).await.unwrap();
        nobody.logs_out(&session.refresh_token).await.unwrap();
        assert_eq!(
            refusal(nobody.refreshes(&session.refresh_token).await),
            over()
        );
        nobody.logs_out(&session.refresh_token).await.unwrap();
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn sessions_are_listed_with_their_programs_newest_first() {
    on_each_engine(async |fresh| {
        let (backend, _) = Backend::start_with_ada(fresh).await;
        let nobody = backend.nobody().await;
        let browser = nobody.with_metadata(CLIENT_USER_AGENT, &"Firefox".repeat(100));
        let session = browser.login("ada", PASSWORD).await.unwrap();
        let ada = nobody.with_token(&session.access_token);
        let sessions = ada.sessions().await.unwrap();
        assert_eq!(sessions.len(), 2, "{sessions:?}");
        let (newest, first) = (&sessions[0], &sessions[1]);
        assert!(newest.current && !first.current);
        assert_eq!(newest.user_agent, "Firefox".repeat(100)[..200]);
        assert!(first.user_agent.starts_with("tonic/"), "{first:?}");
        assert_eq!(newest.create_time, newest.last_use_time);
        assert_eq!(newest.expire_time, session.refresh_token_expire_time);
        assert_eq!(newest.reuse_time, None);

        ada.revokes(&first.id).await.unwrap();
        let left = ada.sessions().await.unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].id, newest.id);
        let gone = because(Code::NotFound, "SESSION_NOT_FOUND");
        assert_eq!(refusal(ada.revokes(&first.id).await), gone);
        let unknown = Uuid::nil().to_string();
        assert_eq!(refusal(ada.revokes(&unknown).await), gone);
        for wrong in ["", "7", "not-a-uuid"] {
            assert_eq!(bad_field(ada.revokes(wrong).await), "id");
        }
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn s06_a_new_password_ends_every_other_session() {
    on_each_engine(async |fresh| {
        let (backend, ada) = Backend::start_with_ada(fresh).await;
        ada.adds("bruce", Role::Member).await.unwrap();
        let nobody = backend.nobody().await;
        let here = nobody.login("bruce", PASSWORD).await.unwrap();
        let there = nobody.login("bruce", PASSWORD).await.unwrap();
        let bruce = nobody.with_token(&here.access_token);

        let wrong = bruce.changes_password("wrong horse", "battery staple");
        assert_eq!(
            refusal(wrong.await),
            because(Code::PermissionDenied, "WRONG_PASSWORD")
        );
        let empty = bruce.changes_password("", "battery staple").await;
        assert_eq!(bad_field(empty), "current_password");
        let short = bruce.changes_password(PASSWORD, "1234567").await;
        assert_eq!(bad_field(short), "new_password");
        let common = bruce.changes_password(PASSWORD, "password1").await;
        assert_eq!(bad_field(common), "new_password");

        let changed = bruce.changes_password(PASSWORD, "battery staple");
        let changed = changed.await.unwrap();
        assert_eq!(changed.refresh_token, "", "the caller's own is still good");
        let bruce = nobody.with_token(&changed.access_token);
        assert_eq!(bruce.me().await.unwrap().username, "bruce");
        assert_eq!(
            refusal(nobody.refreshes(&there.refresh_token).await),
            over()
        );
        nobody.refreshes(&here.refresh_token).await.unwrap();
        assert_eq!(bruce.sessions().await.unwrap().len(), 1);
        assert_eq!(ada.sessions().await.unwrap().len(), 1, "nobody else's");
        let old = nobody.login("bruce", PASSWORD).await;
        assert_eq!(refusal(old).0, Code::Unauthenticated);
        nobody.login("bruce", "battery staple").await.unwrap();
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn s04_who_fails_too_often_is_told_when_to_come_back() {
    on_each_engine(async |fresh| {
        let (one, _ada) = Backend::start_with_ada(fresh).await;
        let here = one.nobody().await;
        for _ in 0..10 {
            let wrong = here.login("ada", "wrong horse").await;
            assert_eq!(refusal(wrong).0, Code::Unauthenticated);
        }
        one.stop().await.unwrap();
        // A restart forgets nothing, and an address that the gateway tells of is another one.
        let backend = Backend::start(config_with_ada(fresh)).await;
        let here = backend.nobody().await;
        let refused = here.login("ada", PASSWORD).await.unwrap_err();
        let wait = status::retry_after(&refused).unwrap();
        assert!(wait <= Duration::from_secs(20), "{wait:?}");
        assert_eq!(
            refusal(Err::<(), _>(refused)),
            because(Code::ResourceExhausted, "SIGN_IN_THROTTLED")
        );
        let elsewhere = here.with_metadata(CLIENT_ADDRESS, "192.0.2.7");
        elsewhere.login("ada", PASSWORD).await.unwrap();
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn s18_an_address_that_is_told_by_somebody_who_is_not_trusted_changes_no_throttling() {
    on_each_engine(async |fresh| {
        let settings = Config {
            trusted_proxies: "192.0.2.1, fd00::/8".parse().unwrap(),
            ..config_with_ada(fresh)
        };
        let backend = Backend::start(settings).await;
        let nobody = backend.nobody().await;
        for number in 0..10 {
            let elsewhere = nobody.with_metadata(CLIENT_ADDRESS, &format!("198.51.100.{number}"));
            let wrong = elsewhere.login("ada", "wrong horse").await;
            assert_eq!(refusal(wrong).0, Code::Unauthenticated);
        }
        for told in ["198.51.100.77", "192.0.2.1", "127.0.0.1"] {
            let elsewhere = nobody.with_metadata(CLIENT_ADDRESS, told);
            assert_eq!(
                refusal(elsewhere.login("ada", PASSWORD).await),
                because(Code::ResourceExhausted, "SIGN_IN_THROTTLED"),
                "{told}"
            );
        }
        backend.stop().await.unwrap();
    })
    .await;
}
