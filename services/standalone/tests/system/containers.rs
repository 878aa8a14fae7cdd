//! What programs do for containers without a shell: secrets from files, and `health-check`.

use std::{fs, path::Path};

use serde_json::Value;

use crate::support::{PATIENCE, Program, binary, eventually, free_port};

const MYTHOUGHTS: &str = env!("CARGO_BIN_EXE_mythoughts");

#[tokio::test]
async fn a_secret_may_lie_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let database = format!("sqlite://{}", path("users.db").display());
    fs::write(path("database-url"), format!("{database}\n")).unwrap();
    fs::write(path("setup-code"), "correct horse battery staple\n").unwrap();
    let file = |name: &str| path(name).display().to_string();
    let settings = [
        ("DATABASE_URL_FILE", file("database-url")),
        ("SETUP_CODE_FILE", file("setup-code")),
    ];
    let users = binary("users-backend");
    let mut asked = Program::start(&users, &["setup-code"], &settings);
    assert!(asked.ends_within(PATIENCE).success(), "{}", asked.errors());
    assert_eq!(asked.output(), "correct horse battery staple\n");
}

#[test]
fn one_place_for_a_secret_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("setup-code");
    fs::write(&file, "correct horse battery staple").unwrap();
    let both = [
        ("SETUP_CODE_FILE", file.display().to_string()),
        ("SETUP_CODE", "another".to_owned()),
    ];
    let line = refusal(&both);
    assert_eq!(
        line,
        "mythoughts: SETUP_CODE_FILE is set, and so is SETUP_CODE: one of them is enough\n"
    );
    let missing = folder.path().join("nothing").display().to_string();
    let line = refusal(&[("SETUP_CODE_FILE", missing.clone())]);
    assert!(
        line.starts_with(&format!("mythoughts: SETUP_CODE_FILE: {missing:?}: ")),
        "{line}"
    );
}

/// An empty folder stands for a secret that somebody still has to make.
#[tokio::test]
async fn a_secret_that_is_still_to_be_made_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = tempfile::tempdir().unwrap();
    let file = secrets.path().join("setup-code");
    let address = || format!("127.0.0.1:{}", free_port());
    let database = folder.path().join("users.db").display().to_string();
    let settings = [
        ("LISTEN_ADDR", address()),
        ("OPS_ADDR", address()),
        ("DATABASE_URL", format!("sqlite://{database}")),
        ("SETUP_CODE_FILE", file.display().to_string()),
        ("LOG_FORMAT", "json".to_owned()),
    ];
    let users = binary("users-backend");
    let asks = |question: &str| {
        let mut program = Program::start(&users, &[question], &settings);
        (program.ends_within(PATIENCE).success(), program.output())
    };
    let running = Program::start(&users, &[], &settings);
    let said = eventually("it says what it waits for", async || {
        running.errors().lines().next().map(str::to_owned)
    })
    .await;
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["message"], "waiting for a file");
    assert_eq!(said["variable"], "SETUP_CODE_FILE");
    assert_eq!(said["path"], file.display().to_string());
    assert!(!asks("health-check").0);
    assert!(!asks("setup-code").0);

    let mut ended = Program::start(&users, &[], &settings);
    eventually("it waits, too", async || {
        (!ended.errors().is_empty()).then_some(())
    })
    .await;
    ended.signal("TERM");
    assert!(ended.ends_within(PATIENCE).success());

    fs::write(&file, "correct horse battery staple").unwrap();
    eventually("it is healthy", async || {
        asks("health-check").0.then_some(())
    })
    .await;
    assert_eq!(asks("setup-code").1, "correct horse battery staple\n");
    assert_eq!(running.errors().matches("waiting").count(), 1);
}

#[test]
fn a_file_that_is_set_to_nothing_is_not_set() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("users.db").display().to_string();
    let settings = [
        ("DATABASE_URL", format!("sqlite://{database}")),
        ("SETUP_CODE", "correct horse battery staple".to_owned()),
        ("SETUP_CODE_FILE", String::new()),
    ];
    let mut asked = Program::start(&binary("users-backend"), &["setup-code"], &settings);
    assert!(asked.ends_within(PATIENCE).success(), "{}", asked.errors());
}

#[tokio::test]
async fn a_health_check_says_whether_the_program_is_ready() {
    let folder = tempfile::tempdir().unwrap();
    let address = || format!("127.0.0.1:{}", free_port());
    let settings = [
        ("LISTEN_ADDR", address()),
        ("OPS_ADDR", address().replace("127.0.0.1", "0.0.0.0")),
        (
            "DATABASE_URL",
            format!("sqlite://{}", folder.path().join("thoughts.db").display()),
        ),
    ];
    let program = binary("thoughts-backend");
    let check = || {
        let mut check = Program::start(&program, &["health-check"], &settings);
        let healthy = check.ends_within(PATIENCE).success();
        (healthy, check.errors())
    };
    let (healthy, errors) = check();
    assert!(!healthy, "nobody is there");
    assert!(
        errors.starts_with("thoughts-backend: 127.0.0.1:"),
        "{errors}"
    );
    assert_eq!(errors.lines().count(), 1, "{errors}");

    let _running = Program::start(&program, &[], &settings);
    eventually("it is healthy", async || check().0.then_some(())).await;
}

#[tokio::test]
async fn a_program_that_waits_is_not_healthy() {
    let address = || format!("127.0.0.1:{}", free_port());
    let settings = [
        ("LISTEN_ADDR", address()),
        ("OPS_ADDR", address()),
        (
            "DATABASE_URL",
            format!("postgres://nobody@{}/nothing", address()),
        ),
    ];
    let program = binary("thoughts-backend");
    let _waiting = Program::start(&program, &[], &settings);
    eventually("it says that it is starting", async || {
        let mut check = Program::start(&program, &["health-check"], &settings);
        assert!(!check.ends_within(PATIENCE).success());
        check.errors().contains("starting").then_some(())
    })
    .await;
}

fn refusal(settings: &[(&str, String)]) -> String {
    let mut program = Program::start(Path::new(MYTHOUGHTS), &[], settings);
    assert!(!program.ends_within(PATIENCE).success());
    program.errors()
}
