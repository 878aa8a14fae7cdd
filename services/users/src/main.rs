//! The `users-backend` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    runtime::lifecycle::run(users_backend::run)
}
