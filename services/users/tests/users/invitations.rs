//! Invitations, and codes by which a password is set.

use std::{collections::BTreeSet, time::Duration};

use api::users::v1::{CreateUserRequest, Role};
use database::testing::{Fresh, on_each_engine};
use prost_types::Timestamp as ProtoTimestamp;
use runtime::clock::{Clock, Timestamp};
use tonic::Code;

use crate::support::{Backend, PASSWORD, bad_field, because, refusal};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn who_is_invited_makes_one_account() {
    on_each_engine(async |fresh| {
        let (backend, ada) = Backend::start_with_ada(fresh).await;
        let nobody = backend.nobody().await;
        let invitation = ada.invites(Role::Unspecified).await.unwrap();
        assert_eq!(invitation.role(), Role::Member);
        assert_eq!(invitation.inviter, "ada");
        assert_eq!(invitation.code.len(), 43);
        let end = Timestamp::from(invitation.expire_time.unwrap());
        let made = Timestamp::from(invitation.create_time.unwrap());
        assert_eq!(end, made + 7 * DAY);

        assert!(nobody.is_invited_by(&invitation.code).await);
        // A refused name or password leaves it as good as it was.
        let refused = nobody.comes_by(&invitation.code, "no name").await;
        assert_eq!(bad_field(refused), "username");
        let taken = because(Code::AlreadyExists, "USERNAME_TAKEN");
        let refused = nobody.comes_by(&invitation.code, "ada").await;
        assert_eq!(refusal(refused), taken);
        let bruce = nobody.comes_by(&invitation.code, "bruce").await.unwrap();
        assert_eq!(bruce.role(), Role::Member);
        backend.sign_in("bruce", PASSWORD).await;

        let over = because(Code::PermissionDenied, "NOT_INVITED");
        let again = nobody.comes_by(&invitation.code, "stephen").await;
        assert_eq!(refusal(again), over);
        assert!(!nobody.is_invited_by(&invitation.code).await);
        for guess in ["guess", &"A".repeat(43), &invitation.id] {
            assert_eq!(refusal(nobody.comes_by(guess, "stephen").await), over);
            assert!(!nobody.is_invited_by(guess).await);
        }
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_invitation_says_the_role_and_stands_alone() {
    let fresh = Fresh::sqlite();
    let (backend, ada) = Backend::start_with_ada(&fresh).await;
    let nobody = backend.nobody().await;
    let code = ada.invites(Role::Admin).await.unwrap().code;
    let message = CreateUserRequest {
        username: "grace".into(),
        password: PASSWORD.into(),
        invitation_code: Some(code.clone()),
        ..CreateUserRequest::default()
    };
    for role in [Role::Member, Role::Admin] {
        let role = role.into();
        let with_role = CreateUserRequest {
            role,
            ..message.clone()
        };
        assert_eq!(bad_field(nobody.sends(with_role).await), "role");
    }
    let with_code = CreateUserRequest {
        setup_code: Some("guess".into()),
        ..message.clone()
    };
    assert_eq!(bad_field(nobody.sends(with_code).await), "setup_code");
    let grace = nobody.sends(message).await.unwrap();
    assert_eq!(grace.role(), Role::Admin);
    // A form sends an empty field for a code that was left out.
    let refused = nobody.comes_by("", "eve").await;
    assert_eq!(refusal(refused).0, Code::Unauthenticated);
}

#[tokio::test]
async fn invitations_end_within_30_days() {
    let fresh = Fresh::sqlite();
    let (_backend, ada) = Backend::start_with_ada(&fresh).await;
    let now = Clock::system().now();
    let too_far = now + 30 * DAY + Duration::from_secs(60);
    for end in [now - DAY, now, too_far] {
        let refused = ada.invites_until(Role::Member, Some(end.into())).await;
        assert_eq!(bad_field(refused), "expire_time", "{end:?}");
    }
    let nonsense = ProtoTimestamp {
        seconds: (now + DAY).as_seconds(),
        nanos: -1,
    };
    let refused = ada.invites_until(Role::Member, Some(nonsense)).await;
    assert_eq!(bad_field(refused), "expire_time");
    let end = Some((now + 29 * DAY).into());
    let made = ada.invites_until(Role::Member, end).await.unwrap();
    assert_eq!(made.expire_time, end);
}

#[tokio::test]
async fn administrators_page_through_invitations_and_take_them_back() {
    on_each_engine(async |fresh| {
        let (backend, ada) = Backend::start_with_ada(fresh).await;
        let nobody = backend.nobody().await;
        let mut made = Vec::new();
        for _ in 0..3 {
            made.insert(0, ada.invites(Role::Member).await.unwrap());
        }
        let codes: BTreeSet<_> = made.iter().map(|it| it.code.clone()).collect();
        assert_eq!(codes.len(), 3);
        let first = ada.invitations(2, "").await.unwrap();
        let rest = ada.invitations(2, &first.next_page_token).await.unwrap();
        assert!(rest.next_page_token.is_empty());
        let listed = [first.invitations, rest.invitations].concat();
        for (listed, made) in listed.iter().zip(&made) {
            assert_eq!(listed.id, made.id);
            assert!(listed.code.is_empty(), "it is shown once");
        }
        assert_eq!(listed.len(), 3);
        assert_eq!(bad_field(ada.invitations(-1, "").await), "page_size");
        let users = ada.lists(1, "").await.unwrap().next_page_token;
        assert!(users.is_empty());

        ada.uninvites(&made[1].id).await.unwrap();
        let gone = because(Code::NotFound, "INVITATION_NOT_FOUND");
        assert_eq!(refusal(ada.uninvites(&made[1].id).await), gone);
        assert_eq!(bad_field(ada.uninvites("one").await), "id");
        assert!(!nobody.is_invited_by(&made[1].code).await);
        let refused = nobody.comes_by(&made[1].code, "bruce").await;
        assert_eq!(refusal(refused).0, Code::PermissionDenied);
        assert_eq!(ada.invitations(0, "").await.unwrap().invitations.len(), 2);
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn nobody_comes_back_by_what_he_has_handed_out() {
    on_each_engine(async |fresh| {
        let (backend, ada) = Backend::start_with_ada(fresh).await;
        let nobody = backend.nobody().await;
        for (name, end) in [("one", 0), ("two", 1), ("three", 2)] {
            ada.adds(name, Role::Admin).await.unwrap();
            let person = backend.sign_in(name, PASSWORD).await;
            let invitation = person.invites(Role::Admin).await.unwrap().code;
            let reset = person.lets_reset("ada").await.unwrap().code;
            match end {
                0 => drop(ada.gives(name, Role::Member).await.unwrap()),
                1 => drop(ada.disables(name, true).await.unwrap()),
                _ => ada.deletes(name).await.unwrap(),
            }
            let refused = nobody.comes_by(&invitation, "mallory").await;
            assert_eq!(refusal(refused).0, Code::PermissionDenied);
            let refused = nobody.resets(&reset, "battery staple").await;
            assert_eq!(refusal(refused).0, Code::PermissionDenied);
        }
        assert!(ada.me().await.is_ok());
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn s06_a_password_is_set_by_a_code_once_and_every_session_ends() {
    on_each_engine(async |fresh| {
        let (backend, ada) = Backend::start_with_ada(fresh).await;
        ada.adds("bruce", Role::Member).await.unwrap();
        let nobody = backend.nobody().await;
        let session = nobody.login("bruce", PASSWORD).await.unwrap();
        let older = ada.lets_reset("bruce").await.unwrap();
        let before = Clock::system().now();
        let reset = ada.lets_reset("BRUCE").await.unwrap();
        assert_eq!(reset.username, "bruce");
        let end = Timestamp::from(reset.expire_time.unwrap());
        assert!((before + DAY..=Clock::system().now() + DAY).contains(&end));

        let denied = because(Code::PermissionDenied, "WRONG_RESET_CODE");
        for code in [older.code.as_str(), "guess", &"A".repeat(43)] {
            let refused = nobody.resets(code, "battery staple").await;
            assert_eq!(refusal(refused), denied);
        }
        // A refused password leaves the code as good as it was.
        for password in ["", "short", "Password1", &"a".repeat(257)] {
            let refused = nobody.resets(&reset.code, password).await;
            assert_eq!(bad_field(refused), "new_password", "{password:.10}");
        }
        assert_eq!(bad_field(nobody.resets("", "battery staple").await), "code");
        assert!(nobody.login("bruce", PASSWORD).await.is_ok());

        nobody.resets(&reset.code, "battery staple").await.unwrap();
        let refused = nobody.resets(&reset.code, "battery staple two").await;
        assert_eq!(refusal(refused), denied);
        let over = nobody.refreshes(&session.refresh_token).await;
        assert_eq!(refusal(over).0, Code::Unauthenticated);
        let old = nobody.login("bruce", PASSWORD).await;
        assert_eq!(refusal(old).0, Code::Unauthenticated);
        assert!(nobody.login("bruce", "battery staple").await.is_ok());
        let unknown = because(Code::NotFound, "USER_NOT_FOUND");
        assert_eq!(refusal(ada.lets_reset("eve").await), unknown);
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_reset_of_a_disabled_account_lets_nobody_in() {
    let fresh = Fresh::sqlite();
    let (backend, ada) = Backend::start_with_ada(&fresh).await;
    ada.adds("bruce-wayne", Role::Member).await.unwrap();
    ada.disables("bruce-wayne", true).await.unwrap();
    let nobody = backend.nobody().await;
    let code = ada.lets_reset("bruce-wayne").await.unwrap().code;
    let refused = nobody.resets(&code, "Bruce-Wayne").await;
    assert_eq!(bad_field(refused), "new_password");
    nobody.resets(&code, "battery staple").await.unwrap();
    let refused = nobody.login("bruce-wayne", "battery staple").await;
    let disabled = because(Code::PermissionDenied, "ACCOUNT_DISABLED");
    assert_eq!(refusal(refused), disabled);
    ada.disables("bruce-wayne", false).await.unwrap();
    backend.sign_in("bruce-wayne", "battery staple").await;
}

#[tokio::test]
async fn a_code_ends_when_its_owner_changes_the_password() {
    let fresh = Fresh::sqlite();
    let (backend, ada) = Backend::start_with_ada(&fresh).await;
    ada.adds("bruce", Role::Member).await.unwrap();
    let bruce = backend.sign_in("bruce", PASSWORD).await;
    let code = ada.lets_reset("bruce").await.unwrap().code;
    let changed = bruce.changes_password(PASSWORD, "battery staple").await;
    changed.unwrap();
    let refused = bruce.resets(&code, "another horse").await;
    assert_eq!(refusal(refused).0, Code::PermissionDenied);
}
