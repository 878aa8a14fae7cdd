//! From the command line to the end: what stops the start says so in one line, and what is told to
//! end ends.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use tokio::time::Instant;

use crate::support::{PATIENCE, Program, System, binary, client, free_port};

const MYTHOUGHTS: &str = env!("CARGO_BIN_EXE_mythoughts");

/// What looks like a certificate; nobody gets as far as to look at it.
const AUTHORITY: &str = "-----BEGIN CERTIFICATE-----";

#[test]
fn a_wrong_setting_is_named_with_what_was_expected() {
    for (program, variable, value, parts) in [
        (
            "mythoughts",
            "GATEWAY_LISTEN_ADDR",
            "here",
            &["\"here\"", "expected"][..],
        ),
        (
            "mythoughts",
            "DEMO",
            "perhaps",
            &["\"perhaps\"", "expected"],
        ),
        (
            "mythoughts",
            "LOG_FORMAT",
            "xml",
            &["\"xml\"", "text", "json"],
        ),
        (
            "mythoughts",
            "RUST_LOG",
            "a=b=c",
            &["\"a=b=c\"", "expected"],
        ),
        (
            "thoughts-backend",
            "LISTEN_ADDR",
            "8000",
            &["\"8000\"", "expected"],
        ),
        (
            "thoughts-backend",
            "MAX_THOUGHT_LENGTH",
            "-1",
            &["\"-1\"", "expected"],
        ),
        (
            "thoughts-backend",
            "DATABASE_READ_URL",
            "sqlite://thoughts.db",
            &["expected postgres://"],
        ),
        (
            "thoughts-backend",
            "DATABASE_READ_URL",
            "postgres://me@db-ro/thoughts",
            &[
                "\"postgres://db-ro:5432/thoughts\"",
                "DATABASE_URL is SQLite",
            ],
        ),
        (
            "thoughts-backend",
            "REFLECTION",
            "maybe",
            &["\"maybe\"", "expected"],
        ),
        (
            "users-backend",
            "SIGN_UP",
            "ajar",
            &["\"ajar\"", "open", "closed"],
        ),
        (
            "gateway",
            "THOUGHTS_BACKEND_URL",
            "nowhere",
            &["\"nowhere\"", "expected", "http"],
        ),
        (
            "gateway",
            "PUBLIC_URL",
            "thoughts",
            &["\"thoughts\"", "expected", "http"],
        ),
        (
            "gateway",
            "USER_BACKEND_URL",
            "https://users:8001",
            &["\"https://users:8001/\"", "TLS_CLIENT_CA"],
        ),
        (
            "users-backend",
            "TLS_CERT",
            "/nowhere.pem",
            &["\"/nowhere.pem\"", "expected PEM", "No such file"],
        ),
        (
            "thoughts-backend",
            "TLS_CLIENT_CA",
            AUTHORITY,
            &["TLS_CERT is not set"],
        ),
        (
            "gateway",
            "TRUSTED_PROXIES",
            "10.0.0.0/33",
            &["\"10.0.0.0/33\"", "expected IP addresses or ranges"],
        ),
        (
            "gateway",
            "TLS_ALLOWED_NAMES",
            "a b",
            &["\"a b\"", "expected DNS names"],
        ),
    ] {
        let mut settings = harmless(program);
        settings.retain(|(name, _)| *name != variable);
        settings.push((variable, value.to_owned()));
        let line = refusal(program, &settings);
        assert!(
            line.contains(variable),
            "{program} does not name {variable}: {line}"
        );
        for part in parts {
            assert!(
                line.contains(part),
                "{program}, {variable}={value}: no {part} in: {line}"
            );
        }
    }
}

#[test]
fn a_secret_is_never_shown_however_wrong() {
    let secret = "hunter2-and-then-some";
    for (program, variable, value) in [
        ("users-backend", "TOKENS_SIGNING_KEY", secret.to_owned()),
        ("users-backend", "KEY_ENCRYPTION_SECRET", secret.to_owned()),
        ("gateway", "TLS_KEY", secret.to_owned()),
        (
            "users-backend",
            "DATABASE_URL",
            format!("postgres:://u:{secret}@h/d"),
        ),
        (
            "thoughts-backend",
            "DATABASE_URL",
            format!("postgres://u:{secret}@[::/d"),
        ),
        (
            "thoughts-backend",
            "DATABASE_READ_URL",
            format!("postgres://u:{secret}@one,two/d"),
        ),
        ("mythoughts", "ADMIN_PASSWORD", secret[..7].to_owned()),
    ] {
        let mut settings = harmless(program);
        settings.retain(|(name, _)| *name != variable);
        settings.push((variable, value));
        if variable == "ADMIN_PASSWORD" {
            settings.push(("ADMIN_USERNAME", "ada".to_owned()));
        }
        let line = refusal(program, &settings);
        assert!(
            line.contains(variable),
            "{program} does not name {variable}: {line}"
        );
        assert!(
            !line.contains("hunter2"),
            "{program} shows a secret: {line}"
        );
    }
}

#[test]
fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (program, variable) in [
        ("mythoughts", "USERS_LISTEN_ADDR"),
        ("mythoughts", "GATEWAY_OPS_ADDR"),
        ("thoughts-backend", "LISTEN_ADDR"),
        ("users-backend", "OPS_ADDR"),
        ("gateway", "LISTEN_ADDR"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = harmless(program);
        settings.retain(|(name, _)| *name != variable && *name != "DATA_DIR");
        settings.push((variable, address.clone()));
        settings.push(("DATA_DIR", folder.path().join("data").display().to_string()));
        if program.ends_with("-backend") {
            settings.retain(|(name, _)| *name != "DATABASE_URL");
            settings.push((
                "DATABASE_URL",
                format!("sqlite://{}/a.db", folder.path().display()),
            ));
        }
        let line = refusal(program, &settings);
        assert!(
            line.contains(variable) && line.contains(&address),
            "{program}: {line}"
        );
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "in the way").unwrap();
    let data = file.join("data").display().to_string();
    let mut settings = harmless("mythoughts");
    settings.retain(|(name, _)| *name != "DATA_DIR");
    settings.push(("DATA_DIR", data.clone()));
    let line = refusal("mythoughts", &settings);
    assert!(line.contains("DATA_DIR") && line.contains(&data), "{line}");
}

#[tokio::test]
async fn a_second_program_on_the_same_folder_is_refused() {
    let system = System::start(&[]).await;
    let mut settings = harmless("mythoughts");
    settings.retain(|(name, _)| *name != "DATA_DIR");
    settings.push(("DATA_DIR", system.data().display().to_string()));
    let line = refusal("mythoughts", &settings);
    assert!(line.contains("DATA_DIR"), "{line}");
    let answer = client().get(system.page("/login")).send().await.unwrap();
    assert_eq!(answer.status(), 200, "the first one goes on");
}

#[tokio::test]
async fn the_folder_is_for_its_owner_alone() {
    let system = System::start(&[]).await;
    let mode = fs::metadata(system.data()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "{mode:o}");
}

#[tokio::test]
async fn ctrl_c_and_sigterm_end_it_cleanly_within_seconds() {
    for signal in ["INT", "TERM"] {
        let mut system = System::with_examples().await;
        // A connection that is kept open must not hold up the end.
        let idle = client();
        idle.get(system.page("/login")).send().await.unwrap();
        let start = Instant::now();
        system.program.signal(signal);
        let status = system.program.ends_within(PATIENCE);
        assert!(status.success(), "SIG{signal}: {status}");
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "SIG{signal}: {:?}",
            start.elapsed()
        );
    }
}

#[tokio::test]
async fn a_restart_keeps_thoughts_and_sessions() {
    let mut system = System::with_examples().await;
    let bruce = client();
    let form = [("username", "bruce"), ("password", "bruce")];
    let answer = bruce
        .post(system.page("/login"))
        .form(&form)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 303);
    let form = [("text", "It will still be here")];
    let answer = bruce
        .post(system.page("/thoughts"))
        .form(&form)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 303);

    system.restart().await;

    let own = bruce.get(system.page("/")).send().await.unwrap();
    assert_eq!(own.status(), 200, "still signed in");
    assert!(own.text().await.unwrap().contains("It will still be here"));
}

#[tokio::test]
async fn it_says_where_it_listens_and_what_to_open() {
    let system = System::with_examples().await;
    let output = system.program.output();
    for address in [&system.thoughts, &system.users, &system.page("/")] {
        assert!(
            output.contains(address.trim_end_matches('/')),
            "no {address} in:\n{output}"
        );
    }
    assert!(
        !output.contains('\u{1b}'),
        "no colours where nobody looks:\n{output}"
    );
}

/// Settings with which a program starts, on ports of its own.
fn harmless(program: &str) -> Vec<(&'static str, String)> {
    let variables: &[_] = if program == "mythoughts" {
        &[
            "THOUGHTS_LISTEN_ADDR",
            "USERS_LISTEN_ADDR",
            "GATEWAY_LISTEN_ADDR",
            "THOUGHTS_OPS_ADDR",
            "USERS_OPS_ADDR",
            "GATEWAY_OPS_ADDR",
        ]
    } else {
        &["LISTEN_ADDR", "OPS_ADDR"]
    };
    let address = |variable: &&'static str| (*variable, format!("127.0.0.1:{}", free_port()));
    let mut settings: Vec<_> = variables.iter().map(address).collect();
    // Where it cannot be made: a program that takes a wrong setting stops here at the latest.
    settings.push(("DATA_DIR", "/dev/null/data".to_owned()));
    settings.push(("DATABASE_URL", "sqlite:///dev/null/database.db".to_owned()));
    settings
}

/// The line that a program ends with when it cannot start.
fn refusal(program: &str, settings: &[(&str, String)]) -> String {
    let path = if program == "mythoughts" {
        Path::new(MYTHOUGHTS).to_owned()
    } else {
        binary(program)
    };
    let mut settings = settings.to_vec();
    // Whatever it logs on the way is not what is asked for here.
    if !settings.iter().any(|(name, _)| *name == "RUST_LOG") {
        settings.push(("RUST_LOG", "off".to_owned()));
    }
    let mut running = Program::start(&path, &[], &settings);
    let status = running.ends_within(PATIENCE);
    assert!(
        !status.success(),
        "{program} ended as if all were well, with {settings:?}"
    );
    let errors = running.errors();
    assert_eq!(
        errors.lines().count(),
        1,
        "{program} takes not one line:\n{errors}"
    );
    assert!(errors.starts_with(&format!("{program}: ")), "{errors}");
    errors
}
