//! A database waits for its password as the programs do, by a script of the StatefulSet.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};

use crate::objects::{at, of_kind, overlays, text};

#[test]
fn a_database_waits_for_its_password_and_says_so() {
    for (overlay, objects) in overlays() {
        for database in of_kind(&objects, "StatefulSet") {
            let whose = format!("{overlay}: {}", database.name());
            let command = at(database.container(), "/command");
            assert_eq!(command, &serde_json::json!(["sh", "-euc"]), "{whose}");
            let script = text(database.container(), "/args/0");
            let folder = tempfile::tempdir().expect("a temporary folder");
            image_in(folder.path());
            let secret = folder.path().join("password");

            let mut ended = start(script, folder.path());
            let said = line(&mut ended);
            let waits = format!("waiting for the Secret {}", database.name());
            assert!(said.starts_with(&waits), "{whose}: {said}");
            let pid = ended.id().to_string();
            let told = Command::new("kill").args(["-INT", &pid]).status();
            assert!(told.expect("kill").success());
            assert!(ended.wait().expect("ours").success(), "{whose}");

            let mut waiting = start(script, folder.path());
            assert_eq!(line(&mut waiting), said, "{whose}");
            fs::write(&secret, "a password").expect("ours");
            let begun = waiting.wait_with_output().expect("ours");
            let begun = String::from_utf8(begun.stdout).expect("text");
            assert!(begun.starts_with("postgres -c "), "{whose}: {begun}");
        }
    }
}

/// A folder with what the image has: here it says how it was called.
fn image_in(folder: &Path) {
    let program = folder.join("docker-entrypoint.sh");
    fs::write(&program, "#!/bin/sh\necho \"$@\"\n").expect("ours");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("ours");
}

fn start(script: &str, folder: &Path) -> Child {
    let path = format!("{}:/usr/bin:/bin", folder.display());
    // Whoever starts the tests in the background has the signal ignored, and a shell cannot undo it.
    Command::new("env")
        .args(["--default-signal=INT", "sh", "-euc", script])
        .env("PATH", path)
        .env("POSTGRES_PASSWORD_FILE", folder.join("password"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a shell")
}

fn line(child: &mut Child) -> String {
    let mut line = String::new();
    let errors = child.stderr.as_mut().expect("piped");
    BufReader::new(errors).read_line(&mut line).expect("text");
    line
}
