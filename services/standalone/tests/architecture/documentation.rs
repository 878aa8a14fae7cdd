//! What the code offers and what the documentation tells of are the same.
//!
//! README.md has a table of the variables and one of the metrics, ARCHITECTURE.md the routes and the
//! rpcs; those are compared with the code, both ways. Everything else in the documentation may name
//! a part of it, but nothing that there is not. Metrics are compared in `tests/system`, which has
//! programs to ask for them.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Command, CommandFactory as _};
use prost::Message as _;
use prost_types::FileDescriptorSet;

use crate::{
    handbook,
    sources::{
        self,
        Piece::{Other, Path, Text, Word},
    },
    tables,
};

/// Names in capitals that are not the programs': of other programs, of tests, of the protocol.
const FOREIGN: [&str; 28] = [
    "ABORTED",
    "ALREADY_EXISTS",
    "AXE_CORE",
    "CARGO_TARGET_DIR",
    "CI_CACHE",
    "DEADLINE_EXCEEDED",
    "FAILED_PRECONDITION",
    "GRPCURL",
    "INTERNAL",
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "NOT_SERVING",
    "NO_ERROR",
    "OUT_OF_RANGE",
    "PERMISSION_DENIED",
    "POSTGRES_DB",
    "POSTGRES_PASSWORD",
    "POSTGRES_USER",
    "REQUIRE_AXE_CORE",
    "REQUIRE_CHROMIUM",
    "REQUIRE_GRPCURL",
    "REQUIRE_POSTGRES",
    "RESOURCE_EXHAUSTED",
    "RPC_REQUEST_RESPONSE_UNIQUE",
    "RPC_RESPONSE_STANDARD_NAME",
    "TEST_POSTGRES_URLS",
    "UPPER_SNAKE",
    "BEGIN_IMMEDIATE",
];

/// Read by the PostgreSQL driver, so no flag of a program has it.
const OF_THE_DRIVER: &str = "PGPASSWORD";

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
             the reference show",
            source.path
        );
    }
}

#[test]
fn the_documentation_names_nothing_that_there_is_not() {
    let (texts, routes) = (texts_of_code(), routes());
    let symbols: BTreeSet<String> = descriptors().file.iter().flat_map(enum_values).collect();
    for (file, text) in handbook::files() {
        for word in handbook::capitals(&text) {
            let known = FOREIGN.contains(&word.as_str())
                || word == OF_THE_DRIVER
                || symbols.contains(&word)
                || texts.contains(&word);
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

fn descriptors() -> FileDescriptorSet {
    FileDescriptorSet::decode(api::FILE_DESCRIPTOR_SET).expect("the descriptors of build.rs")
}

/// `ThoughtsService.GetThought` and so on.
fn rpcs() -> BTreeSet<String> {
    descriptors()
        .file
        .iter()
        .filter(|file| file.package().starts_with("mythoughts."))
        .flat_map(|file| &file.service)
        .flat_map(|service| {
            service
                .method
                .iter()
                .map(|method| format!("{}.{}", service.name(), method.name()))
        })
        .collect()
}

fn enum_values(file: &prost_types::FileDescriptorProto) -> Vec<String> {
    file.enum_type
        .iter()
        .flat_map(|kind| kind.value.iter().map(|value| value.name().to_owned()))
        .collect()
}

/// `GET /thoughts/{id}` and so on, the gateway's and those of the operations port.
fn routes() -> BTreeSet<String> {
    let constants = constants("gateway/src");
    let mut found = BTreeSet::new();
    for folder in ["gateway/src", "services/runtime/src"] {
        for source in sources::under(folder) {
            found.extend(routes_of(&source, &constants));
        }
    }
    found
}

/// The texts of constants by their names: the addresses in paths.rs.
fn constants(folder: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for source in sources::under(folder) {
        for window in source.pieces().windows(8) {
            if let [
                Word(keyword),
                Word(name),
                Other(':'),
                Other('&'),
                Word(kind),
                Other('='),
                Text(text),
                ..,
            ] = window
                && keyword == "const"
                && kind == "str"
            {
                found.insert(name.clone(), text.clone());
            }
        }
    }
    found
}

/// The calls `.route(PATH, get(…).post(…))` of a file.
fn routes_of(source: &sources::Source, constants: &BTreeMap<String, String>) -> Vec<String> {
    let pieces = source.pieces();
    let mut found = Vec::new();
    for at in 0..pieces.len() {
        let call =
            pieces[at] == Word("route".to_owned()) && pieces.get(at + 1) == Some(&Other('('));
        if !call || at == 0 || pieces[at - 1] != Other('.') {
            continue;
        }
        let arguments = arguments(&pieces[at + 2..]);
        let comma = arguments
            .iter()
            .position(|piece| piece == &Other(','))
            .unwrap_or(arguments.len());
        let path = match arguments[..comma].last() {
            Some(Text(path)) => path.clone(),
            Some(Word(name)) => constants
                .get(name)
                .unwrap_or_else(|| panic!("{}: the route {name} is no constant text", source.path))
                .clone(),
            _ => panic!(
                "{}: a route whose path is neither a text nor a constant",
                source.path
            ),
        };
        for pair in arguments[comma..].windows(2) {
            if let [Word(method), Other('(')] = pair
                && ["get", "post", "put", "patch", "delete"].contains(&method.as_str())
            {
                found.push(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    found
}

/// What stands before the bracket that closes the call.
fn arguments(pieces: &[sources::Piece]) -> &[sources::Piece] {
    let mut depth = 0;
    for (at, piece) in pieces.iter().enumerate() {
        match piece {
            Other('(') => depth += 1,
            Other(')') if depth == 0 => return &pieces[..at],
            Other(')') => depth -= 1,
            _ => {}
        }
    }
    pieces
}

fn programs() -> [(&'static str, Command); 4] {
    [
        ("thoughts-backend", thoughts_backend::Config::command()),
        ("users-backend", users_backend::Config::command()),
        ("gateway", gateway::Config::command()),
        ("mythoughts", mythoughts::config::Config::command()),
    ]
}

fn variables(command: &Command) -> BTreeSet<String> {
    command
        .get_arguments()
        .filter_map(|argument| argument.get_env())
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

/// Every text in the code, tests left out: variables, reasons of errors.
fn texts_of_code() -> BTreeSet<String> {
    sources::all()
        .into_iter()
        .filter(|source| source.path.contains("/src/"))
        .flat_map(|source| source.pieces())
        .filter_map(|piece| match piece {
            Text(text) => Some(text),
            _ => None,
        })
        .collect()
}
