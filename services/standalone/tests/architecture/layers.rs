//! What is named where inside a crate: in a service the way is `grpc.rs` → `service.rs` →
//! `store.rs` → domain files.

use crate::sources::{self, Source};

const SERVICES: [&str; 2] = ["services/thoughts", "services/users"];

/// A service's border to the network, and where the service is put together.
const BORDER: [&str; 4] = ["grpc.rs", "grpc/", "server.rs", "lib.rs"];

/// What is done for somebody, and what is done to an empty database.
const USE_CASES: [&str; 3] = ["service.rs", "service/", "first_run.rs"];

/// The one place of a service with SQL.
const STORE: [&str; 2] = ["store.rs", "store/"];

#[test]
fn a_service_names_tonic_and_the_contract_at_its_border_only() {
    for service in SERVICES {
        for source in others(service, &BORDER) {
            for name in ["tonic", "tonic_types", "api", "prost_types"] {
                assert!(
                    !source.names_crate(name),
                    "{} names {name}, the language of the network. Speak in domain types here, and \
                     translate in {service}/src/grpc.rs",
                    source.path
                );
            }
        }
    }
}

#[test]
fn a_service_has_sql_in_its_store_only() {
    for service in SERVICES {
        for source in others(service, &STORE) {
            assert!(
                !source.names_crate("sqlx"),
                "{} names sqlx. Give {service}/src/store.rs a function that speaks in domain types",
                source.path
            );
        }
    }
}

#[test]
fn the_store_and_the_domain_do_not_know_who_calls() {
    for service in SERVICES {
        for source in others(service, &BORDER) {
            for module in ["grpc", "server"] {
                assert!(
                    !names_module(&source, module),
                    "{} names crate::{module}: calls go from grpc.rs through service.rs to \
                     store.rs and the domain, never back",
                    source.path
                );
            }
        }
        for source in others(service, &[&BORDER[..], &USE_CASES[..]].concat()) {
            assert!(
                !names_module(&source, "service"),
                "{} names crate::service, which is above it: move what both need into a domain file",
                source.path
            );
        }
    }
}

#[test]
fn html_is_written_in_the_gateway_only() {
    for source in outside("gateway") {
        assert!(
            !source.names_crate("maud"),
            "{} names maud: pages are made in gateway/",
            source.path
        );
    }
}

#[test]
fn the_pure_parts_of_the_pages_call_nobody() {
    for source in sources::under("gateway/src/ui") {
        for name in ["axum", "api", "tonic"] {
            assert!(
                !source.names_crate(name),
                "{} names {name}: what is in ui/ turns plain values into HTML; handlers and calls \
                 belong to the page's own file",
                source.path
            );
        }
    }
}

#[test]
fn only_the_users_backend_can_sign() {
    for source in outside("services/users") {
        for name in [
            "EncodingKey",
            "Ed25519KeyPair",
            "EcdsaKeyPair",
            "RsaKeyPair",
        ] {
            assert!(
                !source.has_word(name),
                "{} names {name}: tokens are signed in services/users alone, everybody else has \
                 the public keys",
                source.path
            );
        }
    }
    let signs = sources::under("services/users/src")
        .iter()
        .any(|source| source.has_word("EncodingKey") || source.has_word("Ed25519KeyPair"));
    assert!(
        signs,
        "services/users signs by other means than this rule knows: name them in it"
    );
}

/// The files of a service's `src` that are none of `places`.
fn others(service: &str, places: &[&str]) -> Vec<Source> {
    let src = format!("{service}/src/");
    let files = sources::under(&format!("{service}/src"));
    let (within, others): (Vec<_>, Vec<_>) = files.into_iter().partition(|source| {
        let name = source.path.trim_start_matches(&src);
        places
            .iter()
            .any(|place| name == *place || (place.ends_with('/') && name.starts_with(place)))
    });
    assert!(
        !within.is_empty(),
        "{service}/src has none of {places:?}: has the layout changed?"
    );
    others
}

/// The sources of all crates, tests left out, but for those under one folder.
fn outside(folder: &str) -> Vec<Source> {
    sources::all()
        .into_iter()
        .filter(|source| source.path.contains("/src/"))
        .filter(|source| !source.path.starts_with(&format!("{folder}/")))
        .collect()
}

/// Whether the file names a module of its own crate: `crate::name` or `use crate::{name, …}`.
fn names_module(source: &Source, name: &str) -> bool {
    use crate::sources::Piece::{Other, Path, Word};
    let pieces = source.pieces();
    let word = |at: usize, text: &str| pieces.get(at) == Some(&Word(text.to_owned()));
    (0..pieces.len())
        .filter(|at| word(*at, "crate") && pieces.get(at + 1) == Some(&Path))
        .any(|at| {
            if pieces.get(at + 2) != Some(&Other('{')) {
                return word(at + 2, name);
            }
            let mut depth = 0;
            for at in at + 2..pieces.len() {
                match &pieces[at] {
                    Other('{') => depth += 1,
                    Other('}') => depth -= 1,
                    Word(text) if depth == 1 && text == name && pieces[at - 1] != Path => {
                        return true;
                    }
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
            }
            false
        })
}
