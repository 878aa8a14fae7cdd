//! What is in the images, and what is not. `.ci/images` builds them, and runs these tests.

use std::{collections::BTreeMap, process::Command};

use crate::support::{
    docker::{Container, docker, inspected},
    eventually,
};

const IMAGES: [&str; 4] = ["thoughts-backend", "users-backend", "gateway", "mythoughts"];
const LABEL: &str = "org.opencontainers.image";

#[test]
#[ignore = "wants Docker and the images: .ci/images"]
fn p07_images_and_programs_are_small() {
    for name in IMAGES {
        let image = inspected(&image(name))["Size"].as_u64().unwrap();
        let program = files(name)[&format!("usr/local/bin/{name}")];
        assert!(program < 20_000_000, "the program {name}: {program} bytes");
        assert!(image < 30_000_000, "the image {name}: {image} bytes");
    }
}

/// No shell, no library, no list of packages: nothing but what is named here.
#[test]
#[ignore = "wants Docker and the images: .ci/images"]
fn s20_an_image_holds_one_program() {
    for name in IMAGES {
        let program = format!("usr/local/bin/{name}");
        let own = ["LICENSE", "etc/group", "etc/nsswitch.conf", "etc/passwd"];
        // What Docker puts into every container.
        let dockers = [
            ".dockerenv",
            "dev/console",
            "etc/hostname",
            "etc/hosts",
            "etc/mtab",
            "etc/resolv.conf",
        ];
        let mut expected = [&own[..], &dockers, &[program.as_str()]].concat();
        expected.sort_unstable();
        let files = files(name);
        assert_eq!(files.keys().collect::<Vec<_>>(), expected, "{name}");
    }
}

#[test]
#[ignore = "wants Docker and the images: .ci/images"]
fn images_say_what_they_are_and_run_as_nobody() {
    for name in IMAGES {
        let config = inspected(&image(name))["Config"].clone();
        assert_eq!(config["User"], "65532:65532", "{name}");
        assert_eq!(config["Entrypoint"][0], name);
        let label = |label: &str| config["Labels"][format!("{LABEL}.{label}")].clone();
        assert_eq!(label("title"), name);
        assert_eq!(label("version"), env!("CARGO_PKG_VERSION"));
        assert_eq!(label("licenses"), "MIT");
        for other in ["description", "revision", "vendor"] {
            assert!(
                label(other).as_str().is_some_and(|it| !it.is_empty()),
                "{name}: {other}"
            );
        }
    }
}

/// The fourth image, which compose.yaml leaves out: on a volume, allowed nothing.
#[tokio::test]
#[ignore = "wants Docker and the images: .ci/images"]
async fn the_whole_of_it_runs_from_one_image() {
    let container = Container::start(&[&image("mythoughts")]);
    eventually("it is healthy", async || {
        (container.health() == "running healthy").then_some(())
    })
    .await;
    let logs = docker(&["logs", container.id()]);
    assert!(logs.contains("/signup?"), "{logs}");
    docker(&["stop", "--time=30", container.id()]);
    assert_eq!(inspected(container.id())["State"]["ExitCode"], 0);
}

fn image(name: &str) -> String {
    format!("mythoughts/{name}:dev")
}

/// The files in an image, folders aside, and their sizes in bytes.
fn files(name: &str) -> BTreeMap<String, u64> {
    let container = Container::still(&[&image(name)]);
    let listed = Command::new("sh")
        .args(["-c", "docker export \"$0\" | tar -tv", container.id()])
        .output()
        .expect("a shell");
    let listed = String::from_utf8(listed.stdout).expect("text");
    let files = listed.lines().filter(|line| !line.starts_with('d'));
    files
        .map(|line| {
            let columns: Vec<_> = line.split_whitespace().collect();
            // -rwxr-xr-x 0/0 1234 2026-01-01 00:00 etc/passwd
            (columns[5].to_owned(), columns[2].parse().expect("a size"))
        })
        .collect()
}
