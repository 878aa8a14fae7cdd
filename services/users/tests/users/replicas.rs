//! Two replicas on one database.

use api::users::v1::{Role, User};
use database::testing::{Fresh, on_each_engine};
use tokio_util::sync::CancellationToken;
use tonic::Code;
use users_backend::Config;

use crate::support::{Backend, PASSWORD, Person, because, config, config_with_ada, refusal};

async fn two(config: Config) -> [Backend; 2] {
    let (one, other) = tokio::join!(Backend::start(config.clone()), Backend::start(config));
    [one, other]
}

async fn stop(backends: [Backend; 2]) {
    for backend in backends {
        backend.stop().await.unwrap();
    }
}

async fn setup_code(fresh: &Fresh) -> String {
    let shutdown = CancellationToken::new();
    let backend = users_backend::Backend::open(config(fresh), &shutdown)
        .await
        .unwrap();
    backend.setup_code().await.unwrap().unwrap()
}

#[tokio::test]
async fn a_token_of_one_is_accepted_by_the_other() {
    on_each_engine(async |fresh| {
        let backends = two(config_with_ada(fresh)).await;
        for (one, other) in [(0, 1), (1, 0)] {
            let ada = backends[one].sign_in("ada", PASSWORD).await;
            let there = backends[other]
                .nobody()
                .await
                .with_token(ada.token.as_ref().unwrap());
            assert_eq!(there.me().await.unwrap().username, "ada");
            assert_eq!(there.key_set().await.unwrap(), ada.key_set().await.unwrap());
        }
        stop(backends).await;
    })
    .await;
}

#[tokio::test]
async fn of_many_sign_ups_with_the_code_one_becomes_the_administrator() {
    on_each_engine(async |fresh| {
        let backends = two(config(fresh)).await;
        let code = setup_code(fresh).await;
        let people = [backends[0].nobody().await, backends[1].nobody().await];
        let calls = (0..6).map(|n| {
            let (person, code) = (people[n % 2].clone(), code.clone());
            tokio::spawn(
                async move { person.signs_up_with_code(&format!("admin{n}"), &code).await },
            )
        });
        let mut made = Vec::new();
        for call in calls.collect::<Vec<_>>() {
            match call.await.unwrap() {
                Ok(user) => made.push(user.username),
                refused => assert_eq!(refusal(refused).0, Code::FailedPrecondition),
            }
        }
        assert_eq!(made.len(), 1, "{made:?}");
        let admin = backends[1].sign_in(&made[0], PASSWORD).await;
        assert_eq!(admin.lists(0, "").await.unwrap().users.len(), 1);
        stop(backends).await;
    })
    .await;
}

#[tokio::test]
async fn started_at_once_they_load_the_examples_and_the_administrator_once() {
    on_each_engine(async |fresh| {
        let backends = two(Config {
            demo: true,
            ..config_with_ada(fresh)
        })
        .await;
        let ada = backends[0].sign_in("ada", PASSWORD).await;
        let there = backends[1]
            .nobody()
            .await
            .with_token(ada.token.as_ref().unwrap());
        let users = there.lists(0, "").await.unwrap().users;
        let names: Vec<_> = users.iter().map(|user| user.username.as_str()).collect();
        assert_eq!(names, ["ada", "stephen", "bruce"]);
        stop(backends).await;
    })
    .await;
}

/// The administrator ada at each of two replicas.
async fn ada_at(backends: &[Backend; 2]) -> [Person; 2] {
    let ada = backends[0].sign_in("ada", PASSWORD).await;
    let there = backends[1].nobody().await;
    let there = there.with_token(ada.token.as_ref().unwrap());
    [ada, there]
}

#[tokio::test]
async fn an_invitation_used_at_both_at_once_makes_one_account() {
    on_each_engine(async |fresh| {
        let backends = two(config_with_ada(fresh)).await;
        let people = ada_at(&backends).await;
        let code = people[0].invites(Role::Member).await.unwrap().code;
        let calls = (0..6).map(|n| {
            let (person, code) = (people[n % 2].clone(), code.clone());
            tokio::spawn(async move { person.comes_by(&code, &format!("user{n}")).await })
        });
        let mut made = 0;
        for call in calls.collect::<Vec<_>>() {
            match call.await.unwrap() {
                Ok(_) => made += 1,
                refused => assert_eq!(refusal(refused).0, Code::PermissionDenied),
            }
        }
        assert_eq!(made, 1);
        assert_eq!(people[1].lists(0, "").await.unwrap().users.len(), 2);
        stop(backends).await;
    })
    .await;
}

#[tokio::test]
async fn a_password_is_set_once_though_the_code_is_used_at_both() {
    on_each_engine(async |fresh| {
        let backends = two(config_with_ada(fresh)).await;
        let people = ada_at(&backends).await;
        people[0].adds("bruce", Role::Member).await.unwrap();
        let code = people[0].lets_reset("bruce").await.unwrap().code;
        let (one, other) = tokio::join!(
            people[0].resets(&code, "battery staple"),
            people[1].resets(&code, "another horse"),
        );
        assert!(one.is_ok() ^ other.is_ok(), "{one:?} {other:?}");
        let (good, bad) = if one.is_ok() {
            ("battery staple", "another horse")
        } else {
            ("another horse", "battery staple")
        };
        assert!(people[0].login("bruce", good).await.is_ok());
        assert!(people[1].login("bruce", bad).await.is_err());
        stop(backends).await;
    })
    .await;
}

#[tokio::test]
async fn the_last_two_administrators_do_not_go_at_once() {
    on_each_engine(async |fresh| {
        let backends = two(config_with_ada(fresh)).await;
        let [ada, _] = ada_at(&backends).await;
        for round in 0..6 {
            let name = format!("grace{round}");
            ada.adds(&name, Role::Admin).await.unwrap();
            let grace = backends[1].sign_in(&name, PASSWORD).await;
            // Each takes the other away, or herself.
            let (one, other) = match round % 3 {
                0 => tokio::join!(
                    ada.gives("ada", Role::Member),
                    grace.gives(&name, Role::Member)
                ),
                1 => tokio::join!(ada.disables("ada", true), grace.gives(&name, Role::Member)),
                _ => tokio::join!(ada.disables("ada", true), grace.disables(&name, true)),
            };
            assert!(one.is_ok() ^ other.is_ok(), "{one:?} {other:?}");
            let ada_stays = one.is_err();
            let refused = refusal(if ada_stays { one } else { other });
            let last = because(Code::FailedPrecondition, "LAST_ADMINISTRATOR");
            assert_eq!(refused, last);
            if !ada_stays {
                let user = User {
                    username: "ada".into(),
                    role: Role::Admin.into(),
                    ..User::default()
                };
                grace.updates(user, &["role", "disabled"]).await.unwrap();
                break;
            }
        }
        stop(backends).await;
    })
    .await;
}
