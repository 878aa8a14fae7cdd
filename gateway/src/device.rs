//! The browser at the other end: what it calls itself, and where it is.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderValue, header, request::Parts},
};
use runtime::grpc::{CLIENT_ADDRESS, CLIENT_USER_AGENT};
use tonic::metadata::MetadataMap;

use crate::app::App;

/// The most of a browser's own name that is passed on, in characters.
const MAX_USER_AGENT: usize = 200;

/// What the users backend is told of a browser where a session begins or goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Device {
    user_agent: String,
    address: Option<IpAddr>,
}

impl Device {
    /// Adds what is known to a call's metadata.
    pub(crate) fn introduce(&self, metadata: &mut MetadataMap) {
        // Printable ASCII is what metadata can carry.
        if let Ok(user_agent) = self.user_agent.parse()
            && !self.user_agent.is_empty()
        {
            metadata.insert(CLIENT_USER_AGENT, user_agent);
        }
        if let Some(Ok(address)) = self.address.map(|address| address.to_string().parse()) {
            metadata.insert(CLIENT_ADDRESS, address);
        }
    }
}

impl FromRequestParts<App> for Device {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let user_agent = parts.headers.get(header::USER_AGENT).map(printable);
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self {
            user_agent: user_agent.unwrap_or_default(),
            address: peer
                .map(|ConnectInfo(peer)| app.trusted_proxies.client(peer.ip(), &parts.headers)),
        })
    }
}

/// A header without what could do harm in a log or a terminal, and not too long.
fn printable(header: &HeaderValue) -> String {
    let printable = header
        .as_bytes()
        .iter()
        .filter(|byte| matches!(byte, b' '..=b'~'))
        .map(|&byte| char::from(byte));
    let cut: String = printable.take(MAX_USER_AGENT).collect();
    cut.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browsers_name_is_cut_to_what_metadata_can_carry() {
        for (sent, kept) in [
            (
                &b"Mozilla/5.0 (X11; Linux x86_64)"[..],
                "Mozilla/5.0 (X11; Linux x86_64)",
            ),
            (b"a\tb\xff\xc3\xa9c", "abc"),
            (b"  ", ""),
        ] {
            let header = HeaderValue::from_bytes(sent).unwrap();
            assert_eq!(printable(&header), kept);
        }
        let long = HeaderValue::from_str(&"a".repeat(1_000)).unwrap();
        assert_eq!(printable(&long).len(), MAX_USER_AGENT);
    }
}
