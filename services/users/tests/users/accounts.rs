//! `CreateUser`, `GetUser`, `GetCurrentUser`, `ListUsers`, `GetSignUpState`.

use api::users::v1::{CreateUserRequest, Role};
use database::testing::{Fresh, on_each_engine};
use runtime::clock::{Clock, Timestamp};
use tonic::Code;
use users_backend::{Config, SignUp};

use crate::support::{
    Backend, PASSWORD, Person, bad_field, because, config, config_with_ada, refusal,
};

#[tokio::test]
async fn an_administrator_adds_people() {
    on_each_engine(async |fresh| {
        let (backend, ada) = Backend::start_with_ada(fresh).await;
        let before = Clock::system().now();
        let bruce = ada.adds("Bruce", Role::Unspecified).await.unwrap();
        assert_eq!(
            (bruce.username.as_str(), bruce.role()),
            ("bruce", Role::Member)
        );
        assert_eq!(bruce.id.len(), 36);
        let made = Timestamp::from(bruce.create_time.unwrap());
        assert!((before..=Clock::system().now()).contains(&made));
        let grace = ada.adds("grace", Role::Admin).await.unwrap();
        assert_eq!(grace.role(), Role::Admin);

        // Who was added can do at once what the role allows.
        let grace = backend.sign_in("grace", PASSWORD).await;
        grace.adds("heidi", Role::Member).await.unwrap();
        let person = backend.sign_in("BRUCE", PASSWORD).await;
        assert_eq!(person.me().await.unwrap(), bruce);
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_name_is_taken_in_any_case() {
    on_each_engine(async |fresh| {
        let (backend, ada) = Backend::start_with_ada(fresh).await;
        ada.adds("bruce", Role::Member).await.unwrap();
        let taken = because(Code::AlreadyExists, "USERNAME_TAKEN");
        assert_eq!(refusal(ada.adds("bruce", Role::Member).await), taken);
        assert_eq!(refusal(ada.adds("BRUCE", Role::Admin).await), taken);
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn of_equal_names_at_once_one_is_added() {
    on_each_engine(async |fresh| {
        let (backend, ada) = Backend::start_with_ada(fresh).await;
        let calls = (0..10).map(|_| {
            let ada = ada.clone();
            tokio::spawn(async move { ada.adds("bruce", Role::Member).await })
        });
        let mut added = 0;
        for call in calls.collect::<Vec<_>>() {
            match call.await.unwrap() {
                Ok(_) => added += 1,
                refused => assert_eq!(refusal(refused).0, Code::AlreadyExists),
            }
        }
        assert_eq!(added, 1);
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn names_passwords_and_roles_against_the_rules_are_refused() {
    let fresh = Fresh::sqlite();
    let (_backend, ada) = Backend::start_with_ada(&fresh).await;
    let long = "a".repeat(51);
    for name in ["", "bruce banner", "bruce\0", "ß", &long] {
        assert_eq!(
            bad_field(ada.adds(name, Role::Member).await),
            "username",
            "{name:?}"
        );
    }
    let long = "a".repeat(257);
    let common = "Password1";
    for password in ["", "1234567", "密码密码", &long, common, "bruce-wayne"] {
        let refused = ada
            .creates("Bruce-Wayne", password, Role::Member, None)
            .await;
        assert_eq!(bad_field(refused), "password", "{password:?}");
    }
    let message = CreateUserRequest {
        username: "bruce".into(),
        password: PASSWORD.into(),
        role: 7,
        setup_code: None,
        invitation_code: None,
    };
    assert_eq!(bad_field(ada.sends(message).await), "role");
    assert_eq!(
        refusal(ada.looks_up("bruce-wayne").await),
        because(Code::NotFound, "USER_NOT_FOUND")
    );
}

#[tokio::test]
async fn where_sign_up_is_closed_only_administrators_add_people() {
    let fresh = Fresh::sqlite();
    let (backend, ada) = Backend::start_with_ada(&fresh).await;
    ada.adds("bruce", Role::Member).await.unwrap();
    let state = ada.sign_up_state().await.unwrap();
    assert!(!state.sign_up_open && !state.administrator_missing);
    let nobody = backend.nobody().await;
    let sign_in = because(Code::Unauthenticated, "SIGN_IN_REQUIRED");
    assert_eq!(refusal(nobody.signs_up("eve").await), sign_in);
    // Who may not do it learns nothing of the rules for it.
    assert_eq!(refusal(nobody.signs_up("").await), sign_in);
    let bruce = backend.sign_in("bruce", PASSWORD).await;
    let forbidden = because(Code::PermissionDenied, "NOT_ADMINISTRATOR");
    assert_eq!(refusal(bruce.signs_up("eve").await), forbidden);
    assert_eq!(refusal(bruce.signs_up("").await), forbidden);
}

#[tokio::test]
async fn where_sign_up_is_open_anyone_becomes_a_member_and_no_more() {
    on_each_engine(async |fresh| {
        let open = Config {
            sign_up: SignUp::Open,
            ..config_with_ada(fresh)
        };
        let backend = Backend::start(open).await;
        let nobody = backend.nobody().await;
        assert!(nobody.sign_up_state().await.unwrap().sign_up_open);
        let eve = nobody.signs_up("eve").await.unwrap();
        assert_eq!(eve.role(), Role::Member);
        assert!(nobody.adds("mallory", Role::Member).await.is_ok());
        let forbidden = because(Code::PermissionDenied, "NOT_ADMINISTRATOR");
        assert_eq!(refusal(nobody.adds("root", Role::Admin).await), forbidden);
        let eve = backend.sign_in("eve", PASSWORD).await;
        assert_eq!(refusal(eve.adds("root", Role::Admin).await), forbidden);
        assert!(eve.adds("trent", Role::Member).await.is_ok());
        let ada = backend.sign_in("ada", PASSWORD).await;
        assert!(ada.adds("grace", Role::Admin).await.is_ok());
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn who_is_signed_in_looks_people_up_by_name() {
    on_each_engine(async |fresh| {
        let (backend, ada) = Backend::start_with_ada(fresh).await;
        let bruce = ada.adds("bruce", Role::Member).await.unwrap();
        let stephen = ada.adds("stephen", Role::Member).await.unwrap();
        let person = backend.sign_in("bruce", PASSWORD).await;
        assert_eq!(person.looks_up("Stephen").await.unwrap(), stephen);
        assert_eq!(person.looks_up("bruce").await.unwrap(), bruce);
        assert_eq!(
            refusal(person.looks_up("eve").await),
            because(Code::NotFound, "USER_NOT_FOUND")
        );
        assert_eq!(bad_field(person.looks_up("no name").await), "username");
        assert_eq!(bad_field(person.looks_up("").await), "username");
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn administrators_page_through_everybody_newest_first() {
    on_each_engine(async |fresh| {
        let (backend, ada) = Backend::start_with_ada(fresh).await;
        for name in ["one", "two", "three", "four"] {
            ada.adds(name, Role::Member).await.unwrap();
        }
        let all = ["four", "three", "two", "one", "ada"];
        for size in [0, 1, 2, 4, 5, 100] {
            assert_eq!(everybody(&ada, size).await, all, "pages of {size}");
        }
        for size in [-1, 101] {
            assert_eq!(bad_field(ada.lists(size, "").await), "page_size");
        }
        assert_eq!(bad_field(ada.lists(0, "nonsense").await), "page_token");
        backend.stop().await.unwrap();
    })
    .await;
}

/// The names on every page of a size.
async fn everybody(person: &Person, size: i32) -> Vec<String> {
    let mut names = Vec::new();
    let mut token = String::new();
    loop {
        let page = person.lists(size, &token).await.unwrap();
        assert!(size == 0 || page.users.len() <= usize::try_from(size).unwrap());
        names.extend(page.users.into_iter().map(|user| user.username));
        token = page.next_page_token;
        if token.is_empty() {
            return names;
        }
    }
}

#[tokio::test]
async fn a_blank_set_up_code_is_none() {
    let fresh = Fresh::sqlite();
    let open = Config {
        sign_up: SignUp::Open,
        ..config(&fresh)
    };
    let backend = Backend::start(open).await;
    let nobody = backend.nobody().await;
    let eve = nobody.signs_up_with_code("eve", "").await.unwrap();
    assert_eq!(eve.role(), Role::Member);
}
