//! The arrows between crates.

use std::collections::{BTreeSet, HashSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};

use crate::sources;

/// Each of our crates and those of ours that it uses.
const ARROWS: [(&str, &[&str]); 7] = [
    ("mythoughts-api", &[]),
    ("mythoughts-runtime", &[]),
    ("mythoughts-database", &[]),
    (
        "thoughts-backend",
        &[
            "mythoughts-api",
            "mythoughts-database",
            "mythoughts-runtime",
        ],
    ),
    (
        "users-backend",
        &[
            "mythoughts-api",
            "mythoughts-database",
            "mythoughts-runtime",
        ],
    ),
    ("gateway", &["mythoughts-api", "mythoughts-runtime"]),
    (
        "mythoughts",
        &[
            "gateway",
            "mythoughts-database",
            "mythoughts-runtime",
            "thoughts-backend",
            "users-backend",
        ],
    ),
];

#[test]
fn crates_use_each_other_along_the_arrows_only() {
    let metadata = metadata();
    let allowed: BTreeSet<(String, String)> = ARROWS
        .iter()
        .flat_map(|(from, to)| to.iter().map(|to| ((*from).to_owned(), (*to).to_owned())))
        .collect();
    let ours: HashSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    for package in metadata.workspace_packages() {
        assert!(
            ours.contains(package.name.as_str()),
            "{} is a new crate: say in ARCHITECTURE.md what it is for, and here what it may use",
            package.name
        );
    }
    let found: BTreeSet<(String, String)> = metadata
        .workspace_packages()
        .into_iter()
        .flat_map(|package| own_dependencies(package, &ours))
        .collect();
    let too_many: Vec<_> = found.difference(&allowed).collect();
    assert!(
        too_many.is_empty(),
        "not an arrow of the house: {too_many:?}. Take the dependency out of the first one's \
         Cargo.toml, and move what is needed to a crate that both may use"
    );
}

#[test]
fn nothing_uses_the_standalone_program() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        let users = package
            .dependencies
            .iter()
            .any(|used| used.name == "mythoughts");
        assert!(
            !users,
            "{} uses mythoughts, the all-in-one program, which only puts the others together: \
             move what is needed down into the crate that it belongs to",
            package.name
        );
    }
}

#[test]
fn the_gateway_opens_no_database() {
    refuse_in_tree(
        "gateway",
        &["sqlx", "sqlx-core", "libsqlite3-sys", "mythoughts-database"],
    );
}

#[test]
fn the_runtime_has_neither_storage_nor_pages() {
    refuse_in_tree(
        "mythoughts-runtime",
        &["sqlx", "sqlx-core", "libsqlite3-sys", "maud"],
    );
}

#[test]
fn the_contract_and_the_pool_stay_small() {
    refuse_in_tree("mythoughts-api", &["sqlx", "clap", "maud"]);
    refuse_in_tree("mythoughts-database", &["tonic", "axum", "maud"]);
}

#[test]
fn pages_are_made_in_the_gateway_alone() {
    for name in ["thoughts-backend", "users-backend"] {
        refuse_in_tree(name, &["maud"]);
    }
}

#[test]
fn the_programs_begin_in_a_main_of_less_than_twenty_lines() {
    let mains: Vec<_> = sources::all()
        .into_iter()
        .filter(|source| source.path.ends_with("src/main.rs"))
        .collect();
    assert!(
        !mains.is_empty(),
        "no src/main.rs found: has the layout changed?"
    );
    for main in mains {
        let lines = main.text.lines().count();
        assert!(
            lines < 20,
            "{} has {lines} lines: main parses the configuration and calls serve; the rest \
             belongs to the library, where tests reach it",
            main.path
        );
    }
}

#[test]
fn the_top_level_is_as_the_readme_shows_it() {
    const FIXED: [&str; 14] = [
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "Cargo.lock",
        "Cargo.toml",
        "Dockerfile",
        "LICENSE",
        "README.md",
        "build.rs",
        "compose.yaml",
        "docs",
        "gateway",
        "k8s",
        "proto",
        "services",
    ];
    // What building and running leave behind, and .gitignore names.
    const MADE: [&str; 2] = ["target", "mythoughts-data"];
    for entry in std::fs::read_dir(sources::root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let known = FIXED.contains(&name.as_str()) || MADE.contains(&name.as_str());
        assert!(
            known || name.starts_with('.'),
            "{name} is new at the top level: settings of tools are dotted files, everything else \
             belongs into one of {FIXED:?}"
        );
    }
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(sources::root().join("Cargo.toml"))
        .other_options(vec!["--offline".to_owned(), "--locked".to_owned()])
        .exec()
        .expect("cargo metadata")
}

/// The arrows from a crate to others of ours, those of its tests left out: they may build a whole.
fn own_dependencies<'a>(
    package: &'a Package,
    ours: &'a HashSet<&str>,
) -> impl Iterator<Item = (String, String)> + 'a {
    package
        .dependencies
        .iter()
        .filter(|used| used.kind != DependencyKind::Development)
        .filter(|used| ours.contains(used.name.as_str()))
        .map(|used| (package.name.to_string(), used.name.clone()))
}

/// Fails if building `name` builds one of `refused` too.
fn refuse_in_tree(name: &str, refused: &[&str]) {
    let metadata = metadata();
    let tree = tree(&metadata, name);
    for crate_name in refused {
        assert!(
            !tree.contains(*crate_name),
            "{name} must do without {crate_name}, but builds it: `cargo tree -p {name} -e \
             no-dev -i {crate_name}` shows by which way; take that dependency out"
        );
    }
}

/// The names of all crates that the crate `name` is built with.
fn tree(metadata: &Metadata, name: &str) -> HashSet<String> {
    let start = metadata
        .workspace_packages()
        .into_iter()
        .find(|package| package.name == name)
        .unwrap_or_else(|| panic!("no crate {name} in the workspace"));
    let nodes = &metadata.resolve.as_ref().expect("a resolved graph").nodes;
    let mut seen: HashSet<&PackageId> = HashSet::new();
    let mut queue = vec![&start.id];
    while let Some(id) = queue.pop() {
        if !seen.insert(id) {
            continue;
        }
        let node = nodes.iter().find(|node| &node.id == id).expect("its node");
        queue.extend(
            node.deps
                .iter()
                .filter(|dep| {
                    dep.dep_kinds
                        .iter()
                        .any(|kind| kind.kind != DependencyKind::Development)
                })
                .map(|dep| &dep.pkg),
        );
    }
    seen.into_iter()
        .map(|id| metadata[id].name.to_string())
        .collect()
}
