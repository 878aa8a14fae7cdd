//! The users backend as its callers see it: real clients, a real server, each database.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that meets what it does not expect has failed"
)]

mod access_tokens;
mod accounts;
mod deletion;
mod first_start;
mod invitations;
mod moving;
mod people;
mod permissions;
mod program;
mod replicas;
mod sessions;
mod sign_in;
mod support;
