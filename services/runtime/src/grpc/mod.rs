//! Around a gRPC service: [`server`] on its side of the wire, [`client`] on the other.

mod balance;
pub mod client;
mod failure;
mod observe;
pub mod server;
mod timeout;

/// The metadata that carries the id of the request that a person or program began with.
pub const REQUEST_ID: &str = "x-request-id";
