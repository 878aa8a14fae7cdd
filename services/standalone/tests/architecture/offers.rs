//! What the code offers: rpcs, routes, programs and their variables.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Command, CommandFactory as _};
use prost::Message as _;
use prost_types::FileDescriptorSet;

use crate::sources::{
    self,
    Piece::{Other, Text, Word},
};

fn descriptors() -> FileDescriptorSet {
    FileDescriptorSet::decode(api::FILE_DESCRIPTOR_SET).expect("the descriptors of build.rs")
}

/// `ThoughtsService.GetThought` and so on.
pub(crate) fn rpcs() -> BTreeSet<String> {
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

/// `VISIBILITY_PUBLIC` and so on.
pub(crate) fn symbols() -> BTreeSet<String> {
    descriptors()
        .file
        .iter()
        .flat_map(|file| &file.enum_type)
        .flat_map(|kind| kind.value.iter().map(|value| value.name().to_owned()))
        .collect()
}

/// `GET /thoughts/{id}` and so on, the gateway's and those of the operations port.
pub(crate) fn routes() -> BTreeSet<String> {
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

/// Every program with its flags.
pub(crate) fn programs() -> [(&'static str, Command); 4] {
    [
        ("thoughts-backend", thoughts_backend::Config::command()),
        ("users-backend", users_backend::Config::command()),
        ("gateway", gateway::Config::command()),
        ("mythoughts", mythoughts::config::Config::command()),
    ]
}

/// The variables that a program reads.
pub(crate) fn variables(command: &Command) -> BTreeSet<String> {
    command
        .get_arguments()
        .filter_map(|argument| argument.get_env())
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

/// Every text in the code, tests left out: variables, reasons of errors.
pub(crate) fn texts() -> BTreeSet<String> {
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
