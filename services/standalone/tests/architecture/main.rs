//! The invariants of ARCHITECTURE.md.
//!
//! - [`crates`]: which crate may use which;
//! - [`layers`]: what is named where inside a crate;
//! - [`documentation`]: code and documentation tell of the same rpcs, routes, variables and metrics.
//! - [`monitoring`]: dashboard and alerts ask for metrics that there are.
//!
//! A failure says what to do about it. Where a rule has to give way, the rule here and the sentence
//! in ARCHITECTURE.md change together.
#![allow(
    clippy::expect_used,
    reason = "a rule that cannot be looked into is broken"
)]

mod crates;
mod documentation;
mod handbook;
mod layers;
mod monitoring;
mod offers;
mod sources;
#[path = "../support/tables.rs"]
mod tables;
