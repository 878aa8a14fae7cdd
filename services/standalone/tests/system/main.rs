//! The whole system, started as its users start it and driven from the outside.
//!
//! - [`grpcurl`]: a developer's tour with the real grpcurl;
//! - [`browser`]: a person's tour with the real Chromium;
//! - [`keeping`]: changes, clashes, the trash and the way back, in the same;
//! - [`in_place`]: changes where a thought stands, in the same;
//! - [`live`]: pages that stay current, in the same;
//! - [`writing`]: drafts, keys, and lists that go on by themselves, in the same;
//! - [`data`]: import and export by the settings page;
//! - [`administration`]: what administrators do for others, and people for themselves;
//! - [`tokens`]: personal access tokens, made in a browser and used by a program;
//! - [`accessible`]: every page under axe-core, narrow and wide, light and dark;
//! - [`starting`]: settings that are wrong, ports that are taken, folders that are locked, and the end;
//! - [`processes`]: separate processes on PostgreSQL, some of which fail;
//! - [`deletion`]: the end of an account, though its processes end before it does;
//! - [`personal_tokens`]: what scripts may do with theirs;
//! - [`tls`]: separate processes that speak TLS with each other;
//! - [`containers`]: secrets from files, and health checks without a shell;
//! - [`images`], [`compose`]: the images, alone and as compose.yaml wires them, in a real Docker;
//! - [`elsewhere`]: the tour in a system that runs already;
//! - [`runbook`]: the commands of docs/runbook.md;
//! - [`seeing`]: the lines and the trace of one request;
//! - [`metrics`]: what /metrics says is what README.md says.
//!
//! A test that needs a program which this machine does not have says that it was left out;
//! `REQUIRE_GRPCURL=1`, `REQUIRE_CHROMIUM=1`, `REQUIRE_AXE_CORE=1` and `REQUIRE_POSTGRES=1` make
//! that a failure, as .ci/run does.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot be set up has failed, and says so"
)]

mod accessible;
mod administration;
mod browser;
mod compose;
mod containers;
mod data;
mod deletion;
mod elsewhere;
mod grpcurl;
mod images;
mod in_place;
mod keeping;
mod live;
mod metrics;
mod personal_tokens;
mod processes;
mod runbook;
#[path = "../support/runbook.rs"]
mod runbook_text;
mod seeing;
mod starting;
mod support;
#[path = "../support/tables.rs"]
mod tables;
mod tls;
mod tokens;
mod writing;
