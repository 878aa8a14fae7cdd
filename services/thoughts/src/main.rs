//! The `thoughts-backend` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    runtime::lifecycle::run(thoughts_backend::run)
}
