//! Around a gRPC service: [`server`] on its side of the wire, [`client`] on the other.

mod balance;
pub mod client;
mod failure;
mod observe;
pub mod server;
mod timeout;

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;

/// The metadata that carries the id of the request that a person or program began with.
pub const REQUEST_ID: &str = "x-request-id";

/// The metadata in which the gateway passes on what the browser calls itself (its `User-Agent`),
/// where a session begins or goes on: printable ASCII, at most 200 characters.
pub const CLIENT_USER_AGENT: &str = "x-client-user-agent";

/// The metadata in which the gateway passes on the browser's address: an IPv4 or IPv6 address.
pub const CLIENT_ADDRESS: &str = "x-client-address";

/// Where a call comes from: the browser's address as the gateway tells it, or else the peer's own.
///
/// What is told is believed, whoever tells it: a caller who reaches a service past the gateway can
/// say anything. So nothing may be granted by it.
pub fn client_address<T>(request: &tonic::Request<T>) -> Option<IpAddr> {
    let told = request.metadata().get(CLIENT_ADDRESS);
    if let Some(address) = told.and_then(|value| value.to_str().ok()?.parse().ok()) {
        return Some(address);
    }
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.map(|ConnectInfo(address)| address.ip())
}
