//! The `mythoughts` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    runtime::lifecycle::run(mythoughts::run)
}
