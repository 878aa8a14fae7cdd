//! README.md, ARCHITECTURE.md and docs/, and the names in them.

use std::{collections::BTreeSet, fs};

use crate::sources;

/// Every page of the documentation, with its path.
pub(crate) fn files() -> Vec<(String, String)> {
    let mut paths = vec!["README.md".to_owned(), "ARCHITECTURE.md".to_owned()];
    for entry in fs::read_dir(sources::root().join("docs"))
        .into_iter()
        .flatten()
    {
        let name = entry.expect("an entry of docs").file_name();
        let name = name.to_str().expect("plain names");
        if name.ends_with(".md") {
            paths.push(format!("docs/{name}"));
        }
    }
    paths
        .into_iter()
        .filter_map(|path| {
            let text = fs::read_to_string(sources::root().join(&path)).ok()?;
            Some((path, text))
        })
        .collect()
}

/// The words in capitals with an underscore: variables and codes.
pub(crate) fn capitals(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.contains('_') && word.starts_with(|c: char| c.is_ascii_uppercase()))
        .filter(|word| !word.contains(|c: char| c.is_ascii_lowercase()))
        // `THOUGHTS_…` stands for all that begin so.
        .filter(|word| !word.ends_with('_'))
        .map(str::to_owned)
        .collect()
}

/// What stands in backticks as `GET /…`.
pub(crate) fn routes(text: &str) -> BTreeSet<String> {
    text.split('`')
        .filter(|quoted| {
            quoted.split_once(' ').is_some_and(|(method, path)| {
                ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method) && path.starts_with('/')
            })
        })
        .map(str::to_owned)
        .collect()
}

/// A route with its parameters and query made alike: `GET /users/{}`.
pub(crate) fn pattern(route: &str) -> String {
    let path = route.split(['?', '#']).next().unwrap_or_default();
    path.split('/')
        .map(|part| if part.starts_with('{') { "{}" } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

#[test]
fn names_are_found_in_prose() {
    let text = "Set `LISTEN_ADDR=127.0.0.1:1`, see THOUGHTS_…; SIGTERM and a_b pass. `GET /a/{b}?c` \
                and `POST`";
    assert_eq!(capitals(text), ["LISTEN_ADDR".to_owned()].into());
    assert_eq!(routes(text), ["GET /a/{b}?c".to_owned()].into());
    assert_eq!(pattern("GET /a/{b}?c"), "GET /a/{}");
}
