//! thoughts-backend.
#![allow(missing_docs, unreachable_pub)]
pub mod fold;
pub mod matches;
pub mod query;
pub mod thought;
