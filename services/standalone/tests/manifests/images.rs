//! One name for each image: in the Dockerfile, in compose.yaml and in every overlay.

use std::{collections::BTreeSet, fs};

use crate::objects::{Object, at, documents, list, overlays, root, text, workloads};

/// The programs that run on a cluster.
const PROGRAMS: [&str; 3] = ["gateway", "thoughts-backend", "users-backend"];

#[test]
fn k10_every_image_has_a_fixed_tag() {
    let compose = compose_images();
    let rendered = overlays().into_iter().flat_map(|(overlay, objects)| {
        let images = workloads(&objects).map(image).collect::<Vec<_>>();
        images
            .into_iter()
            .map(move |image| (overlay.clone(), image))
    });
    let compose = compose
        .into_iter()
        .map(|image| ("compose.yaml".to_owned(), image));
    for (place, image) in rendered.chain(compose) {
        let tag = image.rsplit('/').next().and_then(|it| it.split_once(':'));
        let tag = tag
            .unwrap_or_else(|| panic!("{place}: {image} has no tag"))
            .1;
        assert!(!tag.contains("latest"), "{place}: {image}");
        // A major version moves on: 18 is another image tomorrow.
        assert!(!tag.chars().all(|c| c.is_ascii_digit()), "{place}: {image}");
    }
}

#[test]
fn each_image_has_one_name_everywhere() {
    let targets = targets();
    let compose = compose_images();
    for program in PROGRAMS {
        assert!(
            targets.contains(program),
            "the Dockerfile has no target {program}"
        );
        let name = format!("mythoughts/{program}:dev");
        assert!(compose.contains(&name), "compose.yaml builds no {name}");
    }
    assert!(
        targets.contains("mythoughts"),
        "the Dockerfile has no target mythoughts"
    );
    let version = env!("CARGO_PKG_VERSION");
    for (overlay, objects) in overlays() {
        let tag = if overlay == "production" {
            version
        } else {
            "dev"
        };
        let ours = PROGRAMS.map(|program| format!("mythoughts/{program}:{tag}"));
        let used: BTreeSet<_> = workloads(&objects)
            .map(image)
            .filter(|image| !image.starts_with("postgres:"))
            .collect();
        assert_eq!(used, BTreeSet::from(ours), "{overlay}");
        for workload in workloads(&objects) {
            let database = image(workload);
            if database.starts_with("postgres:") {
                assert!(
                    compose.contains(&database),
                    "compose.yaml has no {database}"
                );
            } else if tag == "dev" {
                let policy = text(workload.container(), "/imagePullPolicy");
                assert_eq!(policy, "Never", "{overlay}: {}", workload.name());
            }
        }
    }
}

#[test]
fn k12_each_image_watches_its_own_program() {
    let dockerfile = fs::read_to_string(root().join("Dockerfile")).expect("Dockerfile");
    for stage in dockerfile.split("\nFROM base AS ").skip(1) {
        let program = stage.lines().next().unwrap_or_default();
        for line in [
            format!("ENTRYPOINT [\"{program}\"]"),
            format!("COPY --from=build /programs/{program} /usr/local/bin/"),
        ] {
            assert!(stage.lines().any(|it| it == line), "{program}: {line}");
        }
        let check = format!(" CMD [\"{program}\", \"health-check\"]");
        let checks = |line: &str| line.starts_with("HEALTHCHECK ") && line.ends_with(&check);
        assert!(stage.lines().any(checks), "{program} is not watched");
    }
}

#[test]
fn the_dockerfile_says_the_versions_of_the_workspace() {
    let dockerfile = fs::read_to_string(root().join("Dockerfile")).expect("Dockerfile");
    let has = |start: &str| dockerfile.lines().any(|line| line.starts_with(start));
    assert!(has(concat!("ARG VERSION=", env!("CARGO_PKG_VERSION"))));
    assert!(has(concat!(
        "ARG RUST_IMAGE=rust:",
        env!("CARGO_PKG_RUST_VERSION"),
        "."
    )));
}

/// The last stage of each image has no shell to be root with, and no name of a user to look up.
#[test]
fn s20_images_are_without_root() {
    let dockerfile = fs::read_to_string(root().join("Dockerfile")).expect("Dockerfile");
    let last = dockerfile
        .split("FROM scratch")
        .nth(1)
        .expect("from scratch");
    assert!(
        last.lines().any(|line| line == "USER 65532:65532"),
        "{last}"
    );
    for (overlay, objects) in overlays() {
        for workload in workloads(&objects) {
            if !image(workload).starts_with("postgres:") {
                let user = at(workload.pod(), "/securityContext/runAsUser");
                assert_eq!(user, 65532, "{overlay}: {}", workload.name());
            }
        }
    }
}

fn image(workload: &Object) -> String {
    text(workload.container(), "/image").to_owned()
}

/// The names of the Dockerfile's stages.
fn targets() -> BTreeSet<String> {
    let dockerfile = fs::read_to_string(root().join("Dockerfile")).expect("Dockerfile");
    let stages = dockerfile.lines().filter(|line| line.starts_with("FROM "));
    stages
        .filter_map(|line| Some(line.split_once(" AS ")?.1.trim().to_owned()))
        .collect()
}

fn compose_images() -> BTreeSet<String> {
    let compose = fs::read_to_string(root().join("compose.yaml")).expect("compose.yaml");
    let compose = &documents(&compose)[0];
    let services = at(compose, "/services").as_object().expect("services");
    services
        .values()
        .map(|service| {
            assert_eq!(list(service, "/profiles").len(), 0);
            text(service, "/image").to_owned()
        })
        .collect()
}
