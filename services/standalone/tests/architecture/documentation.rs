//! What the code offers and what the documentation tells of are the same.
//!
//! README.md has a table of the variables, docs/observability.md one of the metrics, ARCHITECTURE.md the
//! routes and the rpcs; those are compared with the code, both ways. Everything else in the documentation may name
//! a part of it, but nothing that there is not. Metrics are compared in `tests/system`, which has
//! programs to ask for them.

use std::collections::BTreeSet;

use crate::{
    handbook,
    offers::{programs, routes, rpcs, symbols, texts, variables},
    sources::{
        self,
        Piece::{Path, Word},
    },
    tables,
};

/// Names in capitals that are not the programs': of other programs, of tests, of the protocol.
const FOREIGN: [&str; 29] = [
    "ABORTED",
    "ALREADY_EXISTS",
    "AXE_CORE",
    "CARGO_TARGET_DIR",
    "CI_CACHE",
    "DEADLINE_EXCEEDED",
    "FAILED_PRECONDITION",
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "NOT_SERVING",
    "OTEL_BSP_SCHEDULE_DELAY",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_TIMEOUT",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SERVICE_NAME",
    "OUT_OF_RANGE",
    "PERMISSION_DENIED",
    "POSTGRES_DB",
    "POSTGRES_PASSWORD",
    "POSTGRES_USER",
    "REQUIRE_AXE_CORE",
    "REQUIRE_CHROMIUM",
    "REQUIRE_GRPCURL",
    "REQUIRE_KUSTOMIZE",
    "REQUIRE_POSTGRES",
    "RESOURCE_EXHAUSTED",
    "RUST_IMAGE",
    "SCHED_IDLE",
    "TEST_POSTGRES_URLS",
];

#[test]
fn every_rpc_is_documented() {
    // A paragraph for each service: its name, then those of its rpcs.
    let section = tables::section("ARCHITECTURE.md", "Remote procedures");
    let documented = section
        .split("\n\n")
        .map(tables::names)
        .filter(|names| {
            names
                .first()
                .is_some_and(|name| name.starts_with("mythoughts."))
        })
        .flat_map(|names| {
            let service = names[0].rsplit('.').next().unwrap_or_default().to_owned();
            names
                .into_iter()
                .skip(1)
                .map(move |rpc| format!("{service}.{rpc}"))
        })
        .collect();
    assert_same(
        "rpc",
        &rpcs(),
        "ARCHITECTURE.md, Remote procedures",
        &documented,
    );
}

#[test]
fn every_route_is_documented() {
    let documented = tables::rows(&tables::section("ARCHITECTURE.md", "Routes"))
        .iter()
        .flat_map(|row| tables::names(&row[0]))
        .collect();
    assert_same("route", &routes(), "ARCHITECTURE.md, Routes", &documented);
}

#[test]
fn every_variable_is_documented_with_its_programs() {
    let mut documented = BTreeSet::new();
    for row in tables::rows(&tables::section("README.md", "Configuration")) {
        for program in programs_called(&row[1]) {
            documented.extend(
                tables::names(&row[0])
                    .iter()
                    .map(|name| format!("{name} of {program}")),
            );
        }
    }
    let found = programs()
        .iter()
        .flat_map(|(program, command)| {
            variables(command)
                .into_iter()
                .map(move |name| format!("{name} of {program}"))
        })
        .collect();
    assert_same("variable", &found, "README.md, Configuration", &documented);
}

#[test]
fn every_variable_has_a_flag_of_the_same_name() {
    for (program, command) in programs() {
        for argument in command.get_arguments() {
            let Some(variable) = argument.get_env().map(|name| name.to_string_lossy()) else {
                let built_in = ["help", "version"].contains(&argument.get_id().as_str());
                assert!(
                    built_in,
                    "{program}: {} has no variable: give it one",
                    argument.get_id()
                );
                continue;
            };
            let flag = variable.to_lowercase().replace('_', "-");
            assert_eq!(
                argument.get_long(),
                Some(flag.as_str()),
                "{program}: the flag of {variable} is named otherwise"
            );
            assert!(
                argument.get_help().is_some(),
                "{program}: {variable} has no help: write a comment at its field"
            );
        }
    }
}

#[test]
fn settings_are_read_by_the_configuration_only() {
    for source in sources::all() {
        let own_tests = source.path.contains("/tests/") || source.path.contains("/testing/");
        if own_tests || source.path.ends_with("build.rs") {
            continue;
        }
        let pieces = source.pieces();
        let reads = pieces.windows(2).any(|pair| {
            pair[0] == Path && matches!(&pair[1], Word(word) if ["var", "var_os", "vars"].contains(&word.as_str()))
        });
        assert!(
            !reads,
            "{} reads the environment: make it a field of the program's Config, which --help and \
             README.md show",
            source.path
        );
    }
}

#[test]
fn the_documentation_names_nothing_that_there_is_not() {
    let (texts, symbols, routes) = (texts(), symbols(), routes());
    for (file, text) in handbook::files() {
        for word in handbook::capitals(&text) {
            let known = FOREIGN.contains(&word.as_str())
                || symbols.contains(&word)
                || texts.contains(word.strip_suffix("_FILE").unwrap_or(&word));
            assert!(
                known,
                "{file} names {word}, which no program knows: correct it, or add it to FOREIGN \
                 here if it belongs to somebody else"
            );
        }
        for route in handbook::routes(&text) {
            let pattern = handbook::pattern(&route);
            let known = routes
                .iter()
                .any(|route| handbook::pattern(route) == pattern);
            assert!(known, "{file} names {route}, which is no route: correct it");
        }
    }
}

fn assert_same(what: &str, code: &BTreeSet<String>, place: &str, documented: &BTreeSet<String>) {
    assert!(
        !code.is_empty(),
        "no {what} found in the code: has the layout changed?"
    );
    let missing: Vec<_> = code.difference(documented).collect();
    let stale: Vec<_> = documented.difference(code).collect();
    assert!(
        missing.is_empty(),
        "{place}: the {what} {missing:?} is missing"
    );
    assert!(
        stale.is_empty(),
        "{place}: {stale:?} is no {what} (any more)"
    );
}

/// The programs that the table's second column speaks of.
fn programs_called(cell: &str) -> Vec<&'static str> {
    let all = ["gateway", "mythoughts", "thoughts-backend", "users-backend"];
    let is_called = |program: &str, name: &str| match name.trim() {
        "all" => true,
        "the others" => program != "mythoughts",
        "backends" => program.ends_with("-backend"),
        name => name == program,
    };
    let called: Vec<_> = all
        .into_iter()
        .filter(|program| cell.split(',').any(|name| is_called(program, name)))
        .collect();
    assert!(
        !called.is_empty(),
        "README.md, Configuration: {cell:?} is no program"
    );
    called
}
