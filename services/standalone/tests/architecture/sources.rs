//! The project's own source files, read as tokens: comments and texts say nothing about what a
//! file uses.

use std::{
    fs,
    path::{Path, PathBuf},
    str::FromStr as _,
};

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// One Rust file.
pub(crate) struct Source {
    /// From the project's root, with slashes: `services/users/src/store.rs`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A piece of Rust, as far as the rules here look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// An identifier or keyword.
    Word(String),
    /// `::`
    Path,
    /// A text, without its quotes.
    Text(String),
    /// Anything else, brackets included.
    Other(char),
}

/// The folder with the workspace's Cargo.toml.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("standalone lies two folders deep")
}

/// Every Rust file of the services and the gateway.
pub(crate) fn all() -> Vec<Source> {
    let mut found = Vec::new();
    for folder in ["services", "gateway"] {
        collect(&root().join(folder), &mut found);
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The files under one folder, such as `services/users/src`.
pub(crate) fn under(folder: &str) -> Vec<Source> {
    let found: Vec<_> = all()
        .into_iter()
        .filter(|source| source.path.starts_with(&format!("{folder}/")))
        .collect();
    assert!(
        !found.is_empty(),
        "no Rust file under {folder}: has the layout changed?"
    );
    found
}

fn collect(folder: &Path, found: &mut Vec<Source>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a folder's entry").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let relative = path.strip_prefix(root()).expect("under the root");
            found.push(Source {
                path: relative.to_str().expect("plain names").to_owned(),
                text: fs::read_to_string(&path).expect("a readable file"),
            });
        }
    }
}

impl Source {
    /// What the file is made of, without comments and without modules for tests.
    pub(crate) fn pieces(&self) -> Vec<Piece> {
        let tokens = TokenStream::from_str(&self.text)
            .unwrap_or_else(|error| panic!("{} is no Rust: {error}", self.path));
        let mut pieces = Vec::new();
        flatten(tokens, &mut pieces);
        pieces
    }

    /// Whether the file names this crate: `name::…`, `use name`, `extern crate name`.
    pub(crate) fn names_crate(&self, name: &str) -> bool {
        let pieces = self.pieces();
        let piece = |at: usize| pieces.get(at);
        (0..pieces.len()).any(|at| {
            let before = at.checked_sub(1).and_then(piece);
            let keyword = |word: &str| matches!(before, Some(Piece::Word(found)) if found == word);
            let starts_path = piece(at + 1) == Some(&Piece::Path) && !follows_a_name(&pieces, at);
            pieces[at] == Piece::Word(name.to_owned())
                && (starts_path || keyword("use") || keyword("crate"))
        })
    }

    /// Whether the file has this identifier anywhere in its code.
    pub(crate) fn has_word(&self, word: &str) -> bool {
        self.pieces().contains(&Piece::Word(word.to_owned()))
    }
}

/// Whether the piece at `at` goes on a path that something else begins: `other::name`.
fn follows_a_name(pieces: &[Piece], at: usize) -> bool {
    at >= 2 && pieces[at - 1] == Piece::Path && matches!(pieces[at - 2], Piece::Word(_))
}

fn flatten(tokens: TokenStream, pieces: &mut Vec<Piece>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                let for_tests = matches!(
                    tokens.peek(),
                    Some(TokenTree::Group(group)) if group.stream().to_string().replace(' ', "") == "cfg(test)"
                );
                if for_tests {
                    skip_item(&mut tokens);
                }
            }
            TokenTree::Punct(punct) => {
                let double = punct.as_char() == ':'
                    && punct.spacing() == Spacing::Joint
                    && matches!(tokens.peek(), Some(TokenTree::Punct(next)) if next.as_char() == ':');
                if double {
                    tokens.next();
                    pieces.push(Piece::Path);
                } else {
                    pieces.push(Piece::Other(punct.as_char()));
                }
            }
            TokenTree::Ident(ident) => pieces.push(Piece::Word(ident.to_string())),
            TokenTree::Literal(literal) => {
                pieces.push(Piece::Text(
                    literal.to_string().trim_matches('"').to_owned(),
                ));
            }
            TokenTree::Group(group) => {
                let (open, close) = brackets(group.delimiter());
                pieces.push(Piece::Other(open));
                flatten(group.stream(), pieces);
                pieces.push(Piece::Other(close));
            }
        }
    }
}

/// Passes over what an attribute stands at: up to its body or its semicolon.
fn skip_item(tokens: &mut impl Iterator<Item = TokenTree>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return,
            TokenTree::Punct(punct) if punct.as_char() == ';' => return,
            _ => {}
        }
    }
}

fn brackets(delimiter: Delimiter) -> (char, char) {
    match delimiter {
        Delimiter::Parenthesis => ('(', ')'),
        Delimiter::Brace => ('{', '}'),
        Delimiter::Bracket => ('[', ']'),
        Delimiter::None => (' ', ' '),
    }
}

#[test]
fn a_crate_is_named_by_code_only() {
    let source = |text: &str| Source {
        path: "example.rs".to_owned(),
        text: text.to_owned(),
    };
    for text in [
        "use tonic::Status;",
        "use {std::fmt, tonic::Code};",
        "fn f() -> ::tonic::Status {}",
        "use tonic as t;",
        "#[derive(tonic::Made)] struct S;",
    ] {
        assert!(source(text).names_crate("tonic"), "{text}");
    }
    for text in [
        "// tonic::Status\n/// tonic::Status\nfn f() {}",
        "const A: &str = \"tonic::Status\";",
        "use runtime::tonic::Status;",
        "fn tonic(tonic: u8) {}",
        "#[cfg(test)] mod tests { use tonic::Status; }",
    ] {
        assert!(!source(text).names_crate("tonic"), "{text}");
    }
}
