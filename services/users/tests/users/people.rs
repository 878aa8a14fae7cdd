//! `UpdateUser`: roles and disabling.

use api::users::v1::{Role, UpdateUserRequest, User};
use database::testing::{Fresh, on_each_engine};
use runtime::status;
use tonic::{Code, Status};

use crate::support::{Backend, PASSWORD, Person, bad_field, because, refusal};

/// The administrator ada, and bruce with a session.
async fn start(fresh: &Fresh) -> (Backend, Person, Person) {
    let (backend, ada) = Backend::start_with_ada(fresh).await;
    ada.adds("bruce", Role::Member).await.unwrap();
    let bruce = backend.sign_in("bruce", PASSWORD).await;
    (backend, ada, bruce)
}

#[tokio::test]
async fn a_role_is_given_and_taken_away() {
    on_each_engine(async |fresh| {
        let (backend, ada, bruce) = start(fresh).await;
        let updated = ada.gives("Bruce", Role::Admin).await.unwrap();
        assert_eq!(updated.role(), Role::Admin);
        assert_eq!(bruce.me().await.unwrap(), updated);
        // What the account may do counts, and not what an older token says.
        bruce.adds("heidi", Role::Member).await.unwrap();
        ada.gives("bruce", Role::Member).await.unwrap();
        let forbidden = because(Code::PermissionDenied, "NOT_ADMINISTRATOR");
        assert_eq!(refusal(bruce.adds("eve", Role::Member).await), forbidden);
        assert_eq!(refusal(bruce.gives("bruce", Role::Admin).await), forbidden);
        let unknown = because(Code::NotFound, "USER_NOT_FOUND");
        assert_eq!(refusal(ada.gives("eve", Role::Admin).await), unknown);
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_is_to_change_has_to_be_named() {
    let fresh = Fresh::sqlite();
    let (_backend, ada, bruce) = start(&fresh).await;
    let user = User {
        username: "bruce".into(),
        role: Role::Admin.into(),
        disabled: true,
        ..User::default()
    };
    let masks: [&[&str]; 6] = [
        &[],
        &["*"],
        &["username"],
        &["role", "id"],
        &["user.role"],
        &["Role"],
    ];
    for mask in masks {
        let refused = ada.updates(user.clone(), mask).await;
        assert_eq!(bad_field(refused), "update_mask", "{mask:?}");
    }
    for (role, paths) in [(0, ["role", "disabled"]), (7, ["disabled", "role"])] {
        let user = User {
            role,
            ..user.clone()
        };
        assert_eq!(bad_field(ada.updates(user, &paths).await), "user.role");
    }
    let nameless = User::default();
    let refused = ada.updates(nameless, &["disabled"]).await;
    assert_eq!(bad_field(refused), "user.username");
    let nothing = UpdateUserRequest::default();
    assert_eq!(bad_field(ada.updates_by(nothing).await), "user");
    // Nothing of this has changed anything, and what is not named does not.
    assert_eq!(bruce.me().await.unwrap().role(), Role::Member);
    let updated = ada.updates(user.clone(), &["role", "role"]).await.unwrap();
    assert!(updated.role() == Role::Admin && !updated.disabled);
    let updated = ada.updates(user, &["disabled", "role"]).await.unwrap();
    assert!(updated.role() == Role::Admin && updated.disabled);
}

#[tokio::test]
async fn s06_disabling_ends_the_sessions_of_an_account_at_once() {
    on_each_engine(async |fresh| {
        let (backend, ada, bruce) = start(fresh).await;
        let session = bruce.login("bruce", PASSWORD).await.unwrap();
        assert!(ada.disables("bruce", true).await.unwrap().disabled);
        let over = because(Code::Unauthenticated, "SESSION_OVER");
        assert_eq!(refusal(bruce.refreshes(&session.refresh_token).await), over);
        assert_eq!(refusal(bruce.me().await), over);
        assert_eq!(refusal(bruce.looks_up("ada").await), over);
        assert_eq!(refusal(bruce.sessions().await), over);
        assert_eq!(refusal(bruce.deletes("bruce").await), over);
        let changed = bruce.changes_password(PASSWORD, "battery staple").await;
        assert_eq!(refusal(changed), over);

        // Who knows the password is told; who does not learns nothing.
        let nobody = backend.nobody().await;
        let disabled = because(Code::PermissionDenied, "ACCOUNT_DISABLED");
        assert_eq!(refusal(nobody.login("bruce", PASSWORD).await), disabled);
        let wrong = because(Code::Unauthenticated, "WRONG_CREDENTIALS");
        assert_eq!(refusal(nobody.login("bruce", "wrong horse").await), wrong);

        ada.disables("bruce", false).await.unwrap();
        assert_eq!(refusal(bruce.refreshes(&session.refresh_token).await), over);
        let again = backend.sign_in("bruce", PASSWORD).await;
        assert!(!again.me().await.unwrap().disabled);
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn who_is_disabled_is_told_to_administrators_only() {
    let fresh = Fresh::sqlite();
    let (_backend, ada, bruce) = start(&fresh).await;
    ada.adds("stephen", Role::Member).await.unwrap();
    ada.disables("stephen", true).await.unwrap();
    assert!(ada.looks_up("stephen").await.unwrap().disabled);
    let listed = ada.lists(0, "").await.unwrap().users;
    let disabled: Vec<_> = listed.iter().filter(|user| user.disabled).collect();
    assert_eq!(disabled.len(), 1);
    assert_eq!(disabled[0].username, "stephen");
    assert!(!bruce.looks_up("stephen").await.unwrap().disabled);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    on_each_engine(async |fresh| {
        let (backend, ada, _bruce) = start(fresh).await;
        let last = because(Code::FailedPrecondition, "LAST_ADMINISTRATOR");
        let refused = async |person: &Person, name: &str| {
            assert_eq!(refusal(person.gives(name, Role::Member).await), last);
            assert_eq!(refusal(person.disables(name, true).await), last);
            assert_eq!(refusal(person.deletes(name).await), last);
        };
        refused(&ada, "ada").await;
        // One who is disabled is none.
        ada.adds("grace", Role::Admin).await.unwrap();
        ada.disables("grace", true).await.unwrap();
        refused(&ada, "ada").await;
        assert_eq!(ada.me().await.unwrap().role(), Role::Admin);

        ada.disables("grace", false).await.unwrap();
        let grace = backend.sign_in("grace", PASSWORD).await;
        ada.disables("ada", true).await.unwrap();
        refused(&grace, "grace").await;
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn s06_an_administrator_s_ended_session_administers_nothing_and_leaves_no_way_back() {
    on_each_engine(async |fresh| {
        let (backend, ada) = Backend::start_with_ada(fresh).await;
        ada.adds("bruce", Role::Member).await.unwrap();
        // Somebody else has got in as ada, and hands out what would last.
        let thief = backend.sign_in("ada", PASSWORD).await;
        let administrator = thief.invites(Role::Admin).await.unwrap();
        let reset = thief.lets_reset("bruce").await.unwrap();
        ada.changes_password(PASSWORD, "another horse")
            .await
            .unwrap();

        let over = "SESSION_OVER";
        expect_reason(thief.gives("bruce", Role::Admin).await, over);
        expect_reason(thief.adds("heidi", Role::Admin).await, over);
        expect_reason(thief.invites(Role::Admin).await, over);
        expect_reason(thief.invitations(0, "").await, over);
        expect_reason(thief.uninvites(&administrator.id).await, over);
        expect_reason(thief.lets_reset("ada").await, over);
        expect_reason(thief.lists(0, "").await, over);
        expect_reason(thief.deletes("bruce").await, over);

        assert!(ada.invitations(0, "").await.unwrap().invitations.is_empty());
        let nobody = backend.nobody().await;
        let again = nobody.resets(&reset.code, "a third horse").await;
        assert_eq!(again.unwrap_err().code(), Code::PermissionDenied);
        backend.stop().await.unwrap();
    })
    .await;
}

fn expect_reason<T: std::fmt::Debug>(outcome: Result<T, Status>, reason: &str) {
    let status = outcome.unwrap_err();
    assert_eq!(
        status::reason(&status).as_deref(),
        Some(reason),
        "{status:?}"
    );
}
