//! S8: a token is accepted only if every part of it is what we write (RFC 8725).

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod access;
mod personal;
mod service;
mod support;
