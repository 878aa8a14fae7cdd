//! A migration that is added has to be embedded, though no Rust file changes with it.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
