//! The whole backend through its rpcs: a server on a free port, and real clients.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test whose helper fails has failed"
)]

mod finding;
mod keeping;
mod limits;
mod permissions;
mod personal_tokens;
mod porting;
mod reading;
mod replicas;
mod services;
mod support;
mod tokens;
mod users;
mod watching;
mod writing;
