//! Compiles `proto/` into the typed clients and servers of this package.
//!
//! protox parses the files in Rust, so no `protoc` has to be installed. The descriptor set that
//! the code is made from is embedded as well: servers answer reflection with the same bytes.

use std::{env, fs, path::PathBuf};

use prost::Message as _;

const FILES: [&str; 2] = [
    "mythoughts/thoughts/v1/thoughts.proto",
    "mythoughts/users/v1/users.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto/mythoughts");
    let descriptors = protox::compile(FILES, ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
