//! The gateway as a browser sees it, over backends that a test can make answer anything.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that meets what it does not expect has failed"
)]

mod accounts;
mod admin;
mod data;
mod failures;
mod feeds;
mod headers;
mod invitations;
mod keeping;
mod limits;
mod live;
mod logs;
mod pages;
mod safety;
mod sessions;
mod settings;
mod signup;
mod support;
mod tags;
mod tokens;
mod weight;
