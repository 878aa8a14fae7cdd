//! A server and the channel to it, over real sockets.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod calls;
mod support;
mod tls;
