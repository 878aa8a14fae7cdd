//! Where a call comes from.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::Response,
};

use super::CLIENT_ADDRESS;
use crate::{proxies::TrustedProxies, tls::Certified};

/// The address in a request's extensions, as [`locate`] found it.
#[derive(Clone, Copy, Debug)]
struct ClientAddress(IpAddr);

/// Where a call comes from: the browser's address as the gateway tells it, or else the peer's own.
///
/// What is told is believed of peers that have shown a certificate, and of those that the server
/// trusts ([`super::server::GrpcServer::trusted_proxies`]).
pub fn client_address<T>(request: &tonic::Request<T>) -> Option<IpAddr> {
    let ClientAddress(address) = request.extensions().get()?;
    Some(*address)
}

pub(super) async fn locate(
    State(trusted): State<TrustedProxies>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(address) = find(&trusted, &request) {
        request.extensions_mut().insert(ClientAddress(address));
    }
    next.run(request).await
}

fn find(trusted: &TrustedProxies, request: &Request) -> Option<IpAddr> {
    let ConnectInfo(peer) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
    let certified = request.extensions().get::<Certified>().is_some();
    let told = request.headers().get(CLIENT_ADDRESS);
    let told = told.filter(|_| certified || trusted.contain(peer.ip()));
    let told = told.and_then(|value| value.to_str().ok()?.parse().ok());
    Some(told.unwrap_or(peer.ip()).to_canonical())
}
