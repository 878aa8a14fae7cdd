//! The program itself: `users-backend setup-code`, and what wrong settings get.

use std::process::{Command, Output};

use database::testing::{Fresh, on_each_engine};

use crate::support::{Backend, config};

async fn run(fresh: &Fresh, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
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

fn text(bytes: &[u8]) -> &str {
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
        ("DEMO", "maybe", "DEMO: \"maybe\": expected on or off"),
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
