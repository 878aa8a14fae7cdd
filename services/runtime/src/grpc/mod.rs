//! Around a gRPC service: [`server`] on its side of the wire, [`client`] on the other.

mod answer;
mod balance;
mod call;
mod caller;
pub(crate) mod calls;
pub mod client;
mod failure;
mod observe;
pub mod server;
mod timeout;

pub use self::caller::client_address;

/// The metadata that carries the id of the request that a person or program began with.
pub const REQUEST_ID: &str = "x-request-id";

/// The metadata in which the gateway passes on what the browser calls itself (its `User-Agent`),
/// where a session begins or goes on: printable ASCII, at most 200 characters.
pub const CLIENT_USER_AGENT: &str = "x-client-user-agent";

/// The metadata in which the gateway passes on the browser's address: an IPv4 or IPv6 address.
pub const CLIENT_ADDRESS: &str = "x-client-address";
