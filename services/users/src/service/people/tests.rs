//! What administrators do, on a clock that the tests move; and what is logged of it.

use std::{sync::Arc, time::Duration};

use database::testing::{Fresh, on_each_engine};

use super::*;
use crate::{
    invitation::{DEFAULT_LIFETIME, RESET_LIFETIME},
    secret::Secret,
    service::tests::{Log, accounts, adds, caller, listen, signs_in},
};

const INSTANT: Duration = Duration::from_micros(1);

/// Accounts of which ada is the administrator, and her as a caller.
async fn with_ada(fresh: &Fresh) -> (Accounts, Caller) {
    let accounts = accounts(fresh).await;
    adds(&accounts, "ada", Role::Admin).await;
    let ada = signs_in(&accounts, "ada", "correct horse").await.unwrap();
    (accounts, caller(&ada))
}

async fn comes(accounts: &Accounts, code: &Secret, name: &str) -> Result<User, Error> {
    let admission = accounts.admit_invited(&code.expose()).await?;
    let (name, password) = (name.parse().unwrap(), "correct horse".parse().unwrap());
    accounts.create_user(admission, name, password, None).await
}

async fn resets(accounts: &Accounts, code: &Secret) -> Result<(), Error> {
    let new = "battery staple".parse().unwrap();
    accounts.reset_by_code(&code.expose(), new).await
}

#[tokio::test]
async fn an_invitation_is_over_after_a_week() {
    on_each_engine(async |fresh| {
        let (accounts, ada) = with_ada(fresh).await;
        let invite = async || accounts.invite(&ada, Role::Member, None).await.unwrap().1;
        let (one, other) = (invite().await, invite().await);
        accounts.clock.advance(DEFAULT_LIFETIME - INSTANT);
        comes(&accounts, &one, "bruce").await.unwrap();
        let admitted = accounts.admit_invited(&other.expose()).await.unwrap();
        accounts.clock.advance(INSTANT);
        let late = comes(&accounts, &other, "stephen").await;
        assert!(matches!(late, Err(Error::NotInvited)));
        // Who was let in before is too late as well.
        let (name, password) = ("tony".parse().unwrap(), "correct horse".parse().unwrap());
        let late = accounts.create_user(admitted, name, password, None).await;
        assert!(matches!(late, Err(Error::NotInvited)));
        accounts.forget().await.unwrap();
        assert!(accounts.invitations(None, 10).await.unwrap().0.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_reset_code_is_over_after_a_day() {
    on_each_engine(async |fresh| {
        let (accounts, ada) = with_ada(fresh).await;
        let name = "ada".parse().unwrap();
        let (code, end) = accounts.create_reset(&ada, &name).await.unwrap();
        assert_eq!(end, accounts.clock.now() + RESET_LIFETIME);
        accounts.clock.advance(RESET_LIFETIME);
        let late = resets(&accounts, &code).await;
        assert!(matches!(late, Err(Error::WrongResetCode)));
        let (code, _) = accounts.create_reset(&ada, &name).await.unwrap();
        accounts.clock.advance(RESET_LIFETIME - INSTANT);
        resets(&accounts, &code).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn s06_who_was_let_add_somebody_adds_nobody_after_the_role_is_gone() {
    on_each_engine(async |fresh| {
        let (accounts, ada) = with_ada(fresh).await;
        let eve = async |admission| {
            let (name, password) = ("eve".parse().unwrap(), "correct horse".parse().unwrap());
            let role = Some(Role::Admin);
            accounts.create_user(admission, name, password, role).await
        };
        // A password takes its time to hash.
        let admitted = accounts.admit(Some(&ada)).await.unwrap();
        accounts.store.set_role("ada", Role::Member).await;
        let refused = eve(admitted).await;
        assert!(matches!(refused, Err(Error::NotAdministrator)));

        accounts.store.set_role("ada", Role::Admin).await;
        let admitted = accounts.admit(Some(&ada)).await.unwrap();
        let id = ada.session_id.unwrap();
        accounts.revoke_session(&ada, id).await.unwrap();
        let refused = eve(admitted).await;
        assert!(matches!(refused, Err(Error::SessionOver)));
        let name = "eve".parse().unwrap();
        let nobody = accounts.user(&name).await;
        assert!(matches!(nobody, Err(Error::UserNotFound)));
    })
    .await;
}

#[tokio::test]
async fn s04_a_disabled_account_s_password_does_not_count_as_a_failure_but_a_wrong_one_does() {
    let fresh = Fresh::sqlite();
    let (accounts, ada) = with_ada(&fresh).await;
    adds(&accounts, "bruce", Role::Member).await;
    let change = UserChange {
        role: None,
        disabled: Some(true),
    };
    let name = "bruce".parse().unwrap();
    accounts.update_user(&ada, &name, change).await.unwrap();
    for _ in 0..15 {
        let refused = signs_in(&accounts, "bruce", "correct horse").await;
        assert!(matches!(refused, Err(Error::AccountDisabled)));
    }
    let mut throttled = 0;
    for _ in 0..15 {
        match signs_in(&accounts, "bruce", "wrong horse").await {
            Err(Error::Throttled(_)) => throttled += 1,
            refused => assert!(matches!(refused, Err(Error::WrongCredentials))),
        }
    }
    assert!(throttled > 0);
}

#[tokio::test]
async fn s16_what_is_done_to_accounts_is_logged_and_codes_are_not() {
    let fresh = Fresh::sqlite();
    let (accounts, ada) = with_ada(&fresh).await;
    let log = Arc::new(Log::default());
    let _listening = listen(&log);

    let (invitation, code) = accounts.invite(&ada, Role::Member, None).await.unwrap();
    let bruce = comes(&accounts, &code, "bruce").await.unwrap();
    comes(&accounts, &code, "eve").await.unwrap_err();
    let revoked = accounts.revoke_invitation(&ada, invitation.id).await;
    assert!(matches!(revoked, Err(Error::InvitationNotFound)));
    let (second, _) = accounts.invite(&ada, Role::Admin, None).await.unwrap();
    accounts.revoke_invitation(&ada, second.id).await.unwrap();
    let change = |role, disabled| UserChange { role, disabled };
    for change in [
        change(Some(Role::Admin), None),
        change(Some(Role::Member), Some(true)),
        change(Some(Role::Member), Some(true)),
        change(None, Some(false)),
    ] {
        let name = &bruce.username;
        accounts.update_user(&ada, name, change).await.unwrap();
    }
    let name = &bruce.username;
    let (reset, _) = accounts.create_reset(&ada, name).await.unwrap();
    resets(&accounts, &reset).await.unwrap();
    resets(&accounts, &reset).await.unwrap_err();
    accounts.delete_user(&ada, name).await.unwrap();
    let own = "ada".parse().unwrap();
    accounts.delete_user(&ada, &own).await.unwrap_err();

    let id = bruce.id.to_string();
    let expected = [
        ["create_invitation", "success", "", ""],
        ["use_invitation", "success", "bruce", &id],
        ["create_user", "success", "bruce", &id],
        ["use_invitation", "refused", "", ""],
        ["create_invitation", "success", "", ""],
        ["revoke_invitation", "success", "", ""],
        ["change_role", "success", "bruce", &id],
        ["change_role", "success", "bruce", &id],
        ["disable_user", "success", "bruce", &id],
        ["enable_user", "success", "bruce", &id],
        ["create_password_reset", "success", "bruce", &id],
        ["use_password_reset", "success", "bruce", &id],
        ["use_password_reset", "refused", "", ""],
        ["delete_user", "success", "bruce", &id],
        ["last_administrator", "refused", "ada", ""],
    ];
    assert_eq!(log.audit(), expected);
    for secret in [
        code.expose(),
        reset.expose(),
        "horse".into(),
        "staple".into(),
    ] {
        assert!(!log.text().contains(&secret), "{secret:?} is in the log");
    }
}
