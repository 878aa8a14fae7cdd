//! compose.yaml in a real Docker (bar K12). `.ci/images` makes what it needs, and runs this.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    browser, grpcurl,
    support::{
        Addresses, Grpcurl, Scripts,
        docker::{Composition, docker},
    },
};

const PROGRAMS: [&str; 3] = ["gateway", "thoughts-backend", "users-backend"];
const SERVICES: [&str; 5] = [
    "gateway",
    "thoughts-backend",
    "thoughts-db",
    "users-backend",
    "users-db",
];

/// A person and a developer find everything; what they wrote outlives every container.
#[tokio::test]
#[ignore = "wants Docker and the images: .ci/images"]
async fn k12_the_tour_and_what_stays_of_it() {
    let composition = Composition::up(&[("DEMO", "true")]);
    let system = Addresses::of_the_tour();
    // It deletes what it writes; the browser's does not.
    grpcurl::tour(&system);
    browser::tour(Scripts::On, &system).await;
    let grpcurl = Grpcurl::find().expect("it took the tour");
    let kept = list_of_bruce(&grpcurl, &system);
    assert_eq!(kept[0]["text"], "Nobody else needs to know");

    composition.does(&["restart", "thoughts-backend", "users-db"]);
    composition.starts();
    assert_eq!(list_of_bruce(&grpcurl, &system), kept);

    let secrets = secrets(&composition);
    composition.does(&["down"]);
    composition.starts();
    assert_eq!(self::secrets(&composition), secrets, "made once");
    assert_eq!(list_of_bruce(&grpcurl, &system), kept);
}

#[tokio::test]
#[ignore = "wants Docker and the images: .ci/images"]
async fn k12_secrets_are_seen_by_nobody_else() {
    let composition = Composition::up(&[]);
    let logs = composition.does(&["logs", "--no-color"]);
    let secrets = secrets(&composition);
    for service in SERVICES {
        let told = composition.inspected(service).to_string();
        for (name, secret) in &secrets {
            assert_eq!(secret.len(), 64, "{name}");
            assert!(!told.contains(secret), "docker inspect {service}: {name}");
            assert!(!logs.contains(secret), "the logs: {name}");
        }
    }
    let mounts = &composition.inspected("gateway")["Mounts"];
    assert_eq!(mounts, &json!([]), "the gateway has no secret");
    let asked = ["exec", "-T", "users-backend", "users-backend", "setup-code"];
    assert!(composition.does(&asked).trim().len() >= 22);
    // A database is reached by its backend alone.
    let there = |from: &str, host: &str| {
        let host = format!("--host={host}");
        let asked = ["exec", "-T", from, "pg_isready", "--timeout=5", &host];
        composition.tries(&asked).status.success()
    };
    assert!(there("users-db", "users-db"));
    assert!(!there("thoughts-db", "users-db"));
}

#[tokio::test]
#[ignore = "wants Docker and the images: .ci/images"]
async fn k12_health_follows_the_database_and_everything_ends_in_time() {
    let composition = Composition::up(&[]);
    for service in SERVICES {
        assert_eq!(composition.health(service), "healthy", "{service}");
        let host = &composition.inspected(service)["HostConfig"];
        assert_eq!(host["ReadonlyRootfs"], true, "{service}");
        assert_eq!(host["CapDrop"], json!(["ALL"]), "{service}");
    }

    composition.does(&["stop", "thoughts-db"]);
    turns(&composition, "thoughts-backend", "unhealthy").await;
    assert_eq!(composition.health("gateway"), "healthy");
    let backend = composition.inspected("thoughts-backend");
    assert_eq!(backend["State"]["Status"], "running");
    composition.does(&["start", "thoughts-db"]);
    turns(&composition, "thoughts-backend", "healthy").await;
    let backend = composition.inspected("thoughts-backend");
    assert_eq!(backend["RestartCount"], 0, "it waited, alive");

    let start = Instant::now();
    composition.does(&["stop"]);
    assert!(
        start.elapsed() < Duration::from_secs(90),
        "one killed after another"
    );
    for service in SERVICES {
        let container = composition.inspected(service);
        assert_eq!(container["State"]["ExitCode"], 0, "{service} was killed");
        let given = container["Config"]["StopTimeout"].as_u64().unwrap();
        let needed = if PROGRAMS.contains(&service) { 30 } else { 60 };
        assert_eq!(given, needed, "{service}");
    }
}

/// Waits for what a health check finds, which asks every five seconds and believes the third.
async fn turns(composition: &Composition, service: &str, expected: &str) {
    let deadline = Instant::now() + Duration::from_secs(90);
    while composition.health(service) != expected {
        assert!(Instant::now() < deadline, "{service} is not {expected}");
        sleep(Duration::from_millis(200)).await;
    }
}

fn list_of_bruce(grpcurl: &Grpcurl, system: &Addresses) -> Value {
    let bruce = grpcurl.signs_in(system, "bruce");
    let rpc = format!("{}/ListThoughts", grpcurl::THOUGHTS);
    let request = json!({ "author": "bruce" });
    let list = grpcurl.calls(&system.thoughts, &rpc, Some(&bruce), &request);
    list.expect("bruce's list")["thoughts"].take()
}

/// The passwords and keys in the volumes, each with its place.
fn secrets(composition: &Composition) -> [(&'static str, String); 3] {
    let image = composition.inspected("users-db")["Config"]["Image"].clone();
    [
        "thoughts-secrets/password",
        "users-secrets/password",
        "users-secrets/key-encryption-secret",
    ]
    .map(|place| {
        let (volume, file) = place.split_once('/').expect("a volume");
        let volume = format!("--volume=mythoughts_{volume}:/secrets:ro");
        let file = format!("/secrets/{file}");
        let image = image.as_str().expect("a name");
        let options = ["run", "--rm", "--network=none", "--entrypoint=cat"];
        (
            place,
            docker(&[&options[..], &[&volume, image, &file]].concat()),
        )
    })
}
