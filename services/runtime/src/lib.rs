//! What every MyThoughts program shares, whatever it serves.
//!
//! - [`config`]: settings from flags and the environment, and what a wrong one says;
//! - [`telemetry`]: the logs, on standard error, and where traces go; [`trace`]: their spans;
//! - [`metrics`]: counts and times;
//! - [`lifecycle`]: from `main` to the last closed connection;
//! - [`clock`]: the time, injected;
//! - [`grpc`]: the stack around a gRPC service ([`grpc::server`]) and the balanced channel to one
//!   ([`grpc::client`]);
//! - [`http`]: the connections below both gRPC and pages;
//! - [`proxies`]: whom a request comes from, when others pass it on;
//! - [`ops`]: `/metrics`, `/healthz` and `/readyz`, on a port of their own;
//! - [`auth`]: tokens, checked (never made) here;
//! - [`tls`]: certificates between services;
//! - [`status`] and [`paging`]: errors and page tokens as they cross the wire.
//!
//! Nothing of the other crates is named here: no message of the contract, no table, no page.

pub mod auth;
pub mod clock;
pub mod config;
pub mod grpc;
pub mod http;
pub mod lifecycle;
pub mod metrics;
pub mod ops;
pub mod paging;
pub mod proxies;
pub mod status;
pub mod telemetry;
pub mod tls;
pub mod trace;
