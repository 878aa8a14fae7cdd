//! Where a call comes from.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::Response,
};
use http::Extensions;

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

/// Whether what a caller says about whom it calls for is believed.
pub(super) fn is_believed(
    trusted: &TrustedProxies,
    peer: Option<IpAddr>,
    extensions: &Extensions,
) -> bool {
    extensions.get::<Certified>().is_some() || peer.is_some_and(|peer| trusted.contain(peer))
}

fn find(trusted: &TrustedProxies, request: &Request) -> Option<IpAddr> {
    let ConnectInfo(peer) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
    let told = request.headers().get(CLIENT_ADDRESS);
    let told = told.filter(|_| is_believed(trusted, Some(peer.ip()), request.extensions()));
    let told = told.and_then(|value| value.to_str().ok()?.parse().ok());
    Some(told.unwrap_or(peer.ip()).to_canonical())
}
