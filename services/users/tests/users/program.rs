//! The program itself: `users-backend setup-code` and `reset-password`, and what wrong settings get.

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};

use api::users::v1::Role;
use database::testing::{Fresh, on_each_engine};
use tonic::Code;
use users_backend::Config;

use crate::support::{Backend, PASSWORD, config, config_with_ada, refusal};

pub(crate) async fn run(fresh: &Fresh, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_users-backend"));
    command
        .args(arguments)
        .env("DATABASE_URL", fresh.url_text());
    for (name, value) in variables {
        command.env(name, value);
    }
    tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn setup_code_prints_the_code_and_nothing_else() {
    on_each_engine(async |fresh| {
        let printed = run(fresh, &["setup-code"], &[]).await;
        assert!(printed.status.success(), "{}", text(&printed.stderr));
        let code = text(&printed.stdout).strip_suffix('\n').unwrap();
        assert_eq!(code.len(), 32, "{code:?}");
        assert!(!text(&printed.stderr).contains(code), "never logged");
        let again = run(fresh, &["setup-code"], &[]).await;
        assert_eq!(again.stdout, printed.stdout);

        let backend = Backend::start(config(fresh)).await;
        backend
            .nobody()
            .await
            .signs_up_with_code("ada", code)
            .await
            .unwrap();
        let late = run(fresh, &["setup-code"], &[]).await;
        assert_eq!(late.status.code(), Some(1));
        assert_eq!(text(&late.stdout), "");
        let last = text(&late.stderr).lines().last();
        assert_eq!(
            last,
            Some("users-backend: there is an administrator already")
        );
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn setup_code_makes_no_account() {
    let fresh = Fresh::sqlite();
    let settings = [
        ("ADMIN_USERNAME", "ada"),
        ("ADMIN_PASSWORD", "correct horse"),
        ("DEMO", "true"),
    ];
    assert!(
        run(&fresh, &["setup-code"], &settings)
            .await
            .status
            .success()
    );
    let backend = Backend::start(config(&fresh)).await;
    assert!(
        backend
            .nobody()
            .await
            .sign_up_state()
            .await
            .unwrap()
            .administrator_missing
    );
}

#[tokio::test]
async fn a_wrong_setting_stops_the_start_with_one_line() {
    let fresh = Fresh::sqlite();
    let cases = [
        (
            "DEMO",
            "maybe",
            "DEMO: \"maybe\": expected true or false (or on or off)",
        ),
        (
            "SIGN_UP",
            "maybe",
            "SIGN_UP: \"maybe\": expected open or closed",
        ),
        (
            "LISTEN_ADDR",
            "here",
            "LISTEN_ADDR: \"here\": expected an IP address and a port, such as 127.0.0.1:8000",
        ),
        (
            "DATABASE_URL",
            "mysql://x:secret@y/z",
            "DATABASE_URL: expected sqlite://PATH or postgres://USER@HOST:PORT/DB",
        ),
        (
            "ADMIN_PASSWORD",
            "secret",
            "ADMIN_PASSWORD: must be at least 8 characters long",
        ),
        (
            "ADMIN_PASSWORD",
            "password",
            "ADMIN_PASSWORD: is one of the most common passwords: choose another",
        ),
        (
            "TOKENS_SIGNING_KEY",
            "secret",
            "TOKENS_SIGNING_KEY: expected an Ed25519 private key as PKCS#8 in PEM (-----BEGIN PRIVATE KEY-----)",
        ),
    ];
    for (name, value, line) in cases {
        let refused = run(&fresh, &[], &[(name, value)]).await;
        assert_eq!(refused.status.code(), Some(1), "{name}");
        assert_eq!(text(&refused.stderr), format!("users-backend: {line}\n"));
        assert_eq!(text(&refused.stdout), "");
    }
}

#[tokio::test]
async fn reset_password_lets_a_locked_out_administrator_in_and_everybody_else_out() {
    on_each_engine(async |fresh| {
        let backend = Backend::start(config_with_ada(fresh)).await;
        let nobody = backend.nobody().await;
        let before = nobody.login("ada", PASSWORD).await.unwrap();
        let printed = run(fresh, &["reset-password", "Ada"], &[]).await;
        assert!(printed.status.success(), "{}", text(&printed.stderr));
        let password = text(&printed.stdout).strip_suffix('\n').unwrap();
        assert_eq!(password.len(), 20, "{password:?}");
        assert!(!text(&printed.stderr).contains(password), "never logged");

        let over = nobody.refreshes(&before.refresh_token).await;
        assert_eq!(refusal(over).0, Code::Unauthenticated);
        let old = nobody.login("ada", PASSWORD).await;
        assert_eq!(refusal(old).0, Code::Unauthenticated);
        nobody.login("ada", password).await.unwrap();
        backend.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn reset_password_takes_a_password_from_standard_input_by_the_rules() {
    let fresh = Fresh::sqlite();
    let backend = Backend::start(config_with_ada(&fresh)).await;
    let nobody = backend.nobody().await;
    nobody.login("ada", PASSWORD).await.unwrap();
    let arguments = ["reset-password", "ada", "--stdin"];
    for (input, refusal) in [
        ("", "the new password must not be empty"),
        (
            "short\n",
            "the new password must be at least 8 characters long",
        ),
        (
            "Password1\n",
            "the new password is one of the most common passwords: choose another",
        ),
    ] {
        let refused = run_with_input(&fresh, &arguments, input).await;
        assert_eq!(refused.status.code(), Some(1));
        let last = text(&refused.stderr).lines().last();
        assert_eq!(last, Some(format!("users-backend: {refusal}").as_str()));
    }
    let done = run_with_input(&fresh, &arguments, "battery staple\r\n").await;
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert_eq!(text(&done.stdout), "");
    nobody.login("ada", "battery staple").await.unwrap();
    let unknown = run(&fresh, &["reset-password", "eve"], &[]).await;
    let last = text(&unknown.stderr).lines().last();
    assert_eq!(last, Some("users-backend: there is no user eve"));
    let nobody = run(&fresh, &["reset-password"], &[]).await;
    assert_eq!(nobody.status.code(), Some(1));
    assert_eq!(
        text(&nobody.stderr),
        "users-backend: <USERNAME> is missing; usage: users-backend --database-url <DATABASE_URL> \
         reset-password <USERNAME>\n"
    );
}

#[tokio::test]
async fn reset_password_says_that_a_disabled_account_stays_disabled() {
    on_each_engine(async |fresh| {
        let (backend, ada) = Backend::start_with_ada(fresh).await;
        ada.adds("bruce", Role::Member).await.unwrap();
        ada.disables("bruce", true).await.unwrap();
        let printed = run(fresh, &["reset-password", "bruce"], &[]).await;
        let given = "battery staple\n";
        let read = run_with_input(fresh, &["reset-password", "bruce", "--stdin"], given).await;
        for done in [&printed, &read] {
            assert!(done.status.success(), "{}", text(&done.stderr));
            let last = text(&done.stderr).lines().last();
            let told = "users-backend: bruce has the new password, but the account is disabled: \
                        nobody can sign in to it until an administrator enables it";
            assert_eq!(last, Some(told));
        }
        assert_eq!(text(&printed.stdout).trim_end().len(), 20);
        let refused = backend
            .nobody()
            .await
            .login("bruce", given.trim_end())
            .await;
        assert_eq!(refusal(refused).0, Code::PermissionDenied);
        ada.disables("bruce", false).await.unwrap();
        backend.sign_in("bruce", given.trim_end()).await;
        backend.stop().await.unwrap();
    })
    .await;
}

async fn run_with_input(fresh: &Fresh, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_users-backend"));
    command
        .args(arguments)
        .env("DATABASE_URL", fresh.url_text())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let input = input.to_owned();
    let running = move || {
        let mut child = command.spawn()?;
        // Dropped when it is written: the end of the input.
        child.stdin.take().unwrap().write_all(input.as_bytes())?;
        child.wait_with_output()
    };
    tokio::task::spawn_blocking(running).await.unwrap().unwrap()
}

#[tokio::test]
async fn encrypted_keys_stop_the_start_without_their_secret_and_no_other_command() {
    on_each_engine(async |fresh| {
        let with_secret = Config {
            key_encryption_secret: Some("thirty-two characters and a few more".parse().unwrap()),
            ..config_with_ada(fresh)
        };
        let backend = Backend::start(with_secret.clone()).await;
        backend.sign_in("ada", PASSWORD).await;
        backend.stop().await.unwrap();
        let line = Backend::start(config(fresh)).await.end().await.unwrap_err();
        assert_eq!(
            line.to_string(),
            "KEY_ENCRYPTION_SECRET is not set: the signing keys in the database are encrypted \
             with it"
        );
        let other = Config {
            key_encryption_secret: Some("another one of thirty-two characters".parse().unwrap()),
            ..config(fresh)
        };
        let line = Backend::start(other).await.end().await.unwrap_err();
        assert!(
            line.to_string().starts_with("KEY_ENCRYPTION_SECRET: "),
            "{line}"
        );

        let reset = run(fresh, &["reset-password", "ada"], &[]).await;
        assert!(reset.status.success(), "{}", text(&reset.stderr));
        let backend = Backend::start(with_secret).await;
        let password = text(&reset.stdout).trim_end();
        backend.sign_in("ada", password).await.me().await.unwrap();
        backend.stop().await.unwrap();
        let late = run(fresh, &["setup-code"], &[]).await;
        let last = text(&late.stderr).lines().last();
        assert_eq!(
            last,
            Some("users-backend: there is an administrator already")
        );
    })
    .await;
}
