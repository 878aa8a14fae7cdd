//! `compose.yaml` holds to what the manifests do, where it can (bar K12).

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, process};

use clap::{Command, CommandFactory as _};
use serde_json::{Value, json};

use crate::{
    objects::{at, documents, list, root, text},
    programs::default_port,
};

/// From SIGTERM to the end, at most, in seconds (bar R12).
const DRAIN: u64 = 25;

const PROGRAMS: [&str; 3] = ["gateway", "thoughts-backend", "users-backend"];

#[test]
fn k12_every_container_is_closed() {
    for (name, service) in services() {
        assert_eq!(at(&service, "/read_only"), true, "{name}");
        assert_eq!(list(&service, "/cap_drop"), ["ALL"], "{name}");
        assert_eq!(list(&service, "/security_opt"), ["no-new-privileges:true"]);
        for field in ["cap_add", "privileged", "devices", "pid", "ipc"] {
            assert_eq!(service.get(field), None, "{name}: {field}");
        }
        // Ours have a user of their own; the one that makes secrets owns new volumes.
        let user = match name.as_str() {
            "secrets" => json!("0:0"),
            name if PROGRAMS.contains(&name) => Value::Null,
            _ => json!("999:999"),
        };
        assert_eq!(at(&service, "/user"), &user, "{name}");
    }
}

#[test]
fn k12_every_container_has_time_to_end() {
    for (name, service) in services() {
        let period = text(&service, "/stop_grace_period").trim_end_matches('s');
        let period: u64 = period.parse().expect("seconds");
        assert!(period >= DRAIN, "{name}: {period} s");
    }
}

#[test]
fn k12_each_waits_for_what_it_needs() {
    let dockerfile = fs::read_to_string(root().join("Dockerfile")).expect("Dockerfile");
    let services = services();
    for (name, service) in &services {
        let waits_for: BTreeMap<_, _> = at(service, "/depends_on")
            .as_object()
            .into_iter()
            .flatten()
            .map(|(other, how)| (other.as_str(), text(how, "/condition")))
            .collect();
        let (secrets, healthy) = ("service_completed_successfully", "service_healthy");
        let expected = match name.as_str() {
            "secrets" => vec![],
            "thoughts-backend" => vec![("thoughts-db", healthy)],
            "users-backend" => vec![("users-db", healthy)],
            "gateway" => vec![("thoughts-backend", healthy), ("users-backend", healthy)],
            _ => vec![("secrets", secrets)],
        };
        assert_eq!(waits_for, expected.into_iter().collect(), "{name}");
        for (other, condition) in waits_for {
            let check = format!("CMD [\"{other}\", \"health-check\"]");
            let has_check = services[other].get("healthcheck").is_some()
                || (PROGRAMS.contains(&other) && dockerfile.contains(&check));
            assert!(
                condition == secrets || has_check,
                "{other} has no health check"
            );
        }
    }
}

#[test]
fn k12_secrets_are_files_of_those_who_need_them() {
    for (name, service) in services() {
        let mounts: Vec<_> = list(&service, "/volumes")
            .iter()
            .map(Value::to_string)
            .collect();
        let has = |volume: &str| mounts.iter().any(|mount| mount.contains(volume));
        assert_eq!(
            has("thoughts-secrets:"),
            name.starts_with("thoughts-") || name == "secrets"
        );
        assert_eq!(
            has("users-secrets:"),
            name.starts_with("users-") || name == "secrets"
        );
        if name != "secrets" {
            let secrets = mounts.iter().filter(|mount| mount.contains("-secrets:"));
            assert!(
                secrets.into_iter().all(|mount| mount.ends_with(":ro\"")),
                "{name}"
            );
        }
        assert_eq!(has("thoughts-data:"), name == "thoughts-db");
        assert_eq!(has("users-data:"), name == "users-db");
        let environment = at(&service, "/environment").as_object();
        for (variable, value) in environment.into_iter().flatten() {
            let secret = ["PASSWORD", "SECRET", "_KEY"]
                .iter()
                .any(|it| variable.contains(it));
            let value = value.as_str().unwrap_or_default();
            assert!(
                !secret || value.starts_with("/run/secrets/"),
                "{name}: {variable}"
            );
        }
    }
}

#[test]
fn k12_secrets_are_made_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    for part in ["thoughts", "users"] {
        fs::create_dir(path(part)).expect("ours");
    }
    let script = text(&services()["secrets"], "/command/0").replace("$$", "$");
    let script = script.replace("/secrets", &folder.path().display().to_string());
    let files = || {
        let made = process::Command::new("sh").args(["-euc", &script]).output();
        let made = made.expect("a shell");
        assert!(made.status.success() && made.stdout.is_empty(), "{made:?}");
        let names = [
            "thoughts/password",
            "users/password",
            "users/key-encryption-secret",
        ];
        names.map(|name| {
            let mode = fs::metadata(path(name)).expect("made").permissions().mode();
            assert_eq!(mode & 0o777, 0o444, "{name}");
            fs::read_to_string(path(name)).expect("text")
        })
    };
    let first = files();
    let [thoughts, users, key] = &first;
    assert_eq!([thoughts, users, key].map(String::len), [64; 3]);
    assert!(thoughts != users && users != key && thoughts != key);
    assert_eq!(files(), first, "the second time changes nothing");
}

#[test]
fn a_backend_and_its_database_know_the_same() {
    let services = services();
    for part in ["thoughts", "users"] {
        let database = at(&services[&format!("{part}-db")], "/environment");
        let backend = at(&services[&format!("{part}-backend")], "/environment");
        let (user, name) = (&database["POSTGRES_USER"], &database["POSTGRES_DB"]);
        let url = format!("postgres://{part}@{part}-db:5432/{part}");
        assert_eq!(backend["DATABASE_URL"], url);
        assert_eq!([user, name], [part, part]);
        let file = "/run/secrets/password";
        assert_eq!(backend["PGPASSWORD_FILE"], file);
        assert_eq!(database["POSTGRES_PASSWORD_FILE"], file);
    }
}

#[test]
fn every_variable_is_one_that_the_program_takes() {
    for (program, command) in programs() {
        let service = &services()[program];
        let environment = at(service, "/environment").as_object().expect("variables");
        let mut arguments = vec![program.to_owned()];
        for (variable, value) in environment {
            let value = value.as_str().expect("text");
            // `${NAME:-default}`: nobody has set it.
            let default = value.split_once(":-").map(|it| it.1.trim_end_matches('}'));
            let value = default.unwrap_or(value);
            let setting = variable.strip_suffix("_FILE").unwrap_or(variable);
            let flag = setting.to_lowercase().replace('_', "-");
            arguments.push(match setting {
                "DEMO" if value == "false" => continue,
                "KEY_ENCRYPTION_SECRET" => format!("--{flag}={}", "0".repeat(64)),
                _ => format!("--{flag}={value}"),
            });
        }
        if let Err(error) = command.try_get_matches_from(&arguments) {
            panic!("{program} does not start: {error}");
        }
    }
}

/// Loopback alone: what is published on every address passes the machine's firewall by.
#[test]
fn ports_are_those_of_the_programs_and_for_this_machine() {
    let services = services();
    for (name, service) in &services {
        let published: Vec<_> = list(service, "/ports")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let command = programs().into_iter().find(|(program, _)| program == name);
        let expected = command.map(|(_, command)| default_port(&command, "LISTEN_ADDR"));
        let expected: Vec<_> = expected
            .map(|it| format!("127.0.0.1:{it}:{it}"))
            .into_iter()
            .collect();
        assert_eq!(published, expected, "{name}");
    }
}

#[test]
fn a_database_speaks_with_its_backend_alone() {
    let services = services();
    let on = |network: &str| -> Vec<_> {
        let on_it = |service: &Value| list(service, "/networks").contains(&network.into());
        let names = services.iter().filter(|(_, service)| on_it(service));
        names.map(|(name, _)| name.as_str()).collect()
    };
    assert_eq!(on("services"), PROGRAMS);
    assert_eq!(on("thoughts-database"), ["thoughts-backend", "thoughts-db"]);
    assert_eq!(on("users-database"), ["users-backend", "users-db"]);
    assert_eq!(text(&services["secrets"], "/network_mode"), "none");
    let networks = at(&compose(), "/networks").clone();
    assert_eq!(at(&networks, "/thoughts-database/internal"), true);
    assert_eq!(at(&networks, "/users-database/internal"), true);
}

fn compose() -> Value {
    let text = fs::read_to_string(root().join("compose.yaml")).expect("compose.yaml");
    documents(&text).remove(0)
}

fn services() -> BTreeMap<String, Value> {
    let compose = compose();
    let services = at(&compose, "/services").as_object().expect("services");
    services.clone().into_iter().collect()
}

fn programs() -> [(&'static str, Command); 3] {
    [
        ("gateway", gateway::Config::command()),
        ("thoughts-backend", thoughts_backend::Config::command()),
        ("users-backend", users_backend::Config::command()),
    ]
}
