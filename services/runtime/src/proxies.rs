//! Where a request comes from, when others pass it on.
//!
//! Anybody can write into a header whose request he passes on. So what a header says is believed
//! only of those who are known to say the truth, and a peer's own address counts otherwise.

use std::{net::IpAddr, str::FromStr, sync::Arc};

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The addresses of those who are believed about whom they pass on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// Programs on this machine.
    pub fn loopback() -> Self {
        Self(Arc::new([
            IpNet::new_assert([127, 0, 0, 0].into(), 8),
            IpAddr::from(std::net::Ipv6Addr::LOCALHOST).into(),
        ]))
    }

    /// These and one more.
    #[must_use]
    pub fn and(self, address: IpAddr) -> Self {
        let one = IpNet::from(address.to_canonical());
        Self(self.0.iter().copied().chain([one]).collect())
    }

    /// Whether an address is one of theirs.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client of a request that came from `peer`. Each proxy has added the address that it was
    /// called from at the end of `X-Forwarded-For`; so the client is the last one there that is no
    /// proxy, and what stands before it is anybody's to write. An entry that is no address ends the
    /// way back: then it is the proxy that passed this on.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        // Several lines are one list (RFC 9110, 5.3).
        let lines = headers.get_all(FORWARDED_FOR).iter().rev();
        let mut entries = lines.flat_map(|line| line.as_bytes().rsplit(|&byte| byte == b','));
        while self.contain(client) {
            match entries.next().map(address) {
                Some(Some(address)) => client = address,
                Some(None) | None => break,
            }
        }
        client
    }
}

/// An address as proxies write it: some add the port.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim();
    let bare = text.parse::<IpAddr>().ok();
    let with_port = || Some(text.parse::<std::net::SocketAddr>().ok()?.ip());
    Some(bare.or_else(with_port)?.to_canonical())
}

impl FromStr for TrustedProxies {
    type Err = &'static str;

    /// Reads addresses and ranges with commas between them; nothing is nobody.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split(',').map(str::trim);
        let parts = parts.filter(|part| !part.is_empty() || text.contains(','));
        let networks = parts.map(network).collect::<Option<_>>();
        networks.map(Self).ok_or(
            "expected IP addresses or ranges such as 10.0.0.0/8 or fd00::/8, with commas between \
             them",
        )
    }
}

fn network(text: &str) -> Option<IpNet> {
    let network = match text.parse::<IpAddr>() {
        Ok(address) => address.into(),
        Err(_) => text.parse::<IpNet>().ok()?,
    };
    // ::ffff:10.0.0.0/104 is 10.0.0.0/8; addresses are compared in that form.
    match (network, network.addr().to_canonical()) {
        (IpNet::V6(mapped), IpAddr::V4(address)) => {
            let prefix = mapped.prefix_len().checked_sub(96)?;
            IpNet::new(address.into(), prefix).ok()
        }
        _ => Some(network),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(trusted: &str, peer: &str, lines: &[&str]) -> String {
        let trusted: TrustedProxies = trusted.parse().unwrap();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        trusted.client(peer.parse().unwrap(), &headers).to_string()
    }

    const PROXIES: &str = "10.0.0.0/8, 192.0.2.1, fd00::/8";

    #[test]
    fn s18_the_client_is_the_last_address_that_is_no_proxy() {
        for (peer, lines, expected) in [
            ("203.0.113.9", &["198.51.100.1"][..], "203.0.113.9"),
            ("10.1.2.3", &[], "10.1.2.3"),
            ("10.1.2.3", &["198.51.100.1"], "198.51.100.1"),
            // What the client made up stands before what the proxies added.
            ("10.1.2.3", &["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            (
                "10.1.2.3",
                &["1.1.1.1,198.51.100.1,10.9.9.9"],
                "198.51.100.1",
            ),
            (
                "10.1.2.3",
                &["1.1.1.1", "198.51.100.1", "192.0.2.1"],
                "198.51.100.1",
            ),
            ("192.0.2.2", &["198.51.100.1"], "192.0.2.2"),
            // All the way through proxies: the first of them.
            ("10.1.2.3", &["10.0.0.1, 10.0.0.2"], "10.0.0.1"),
            ("::ffff:10.1.2.3", &["::ffff:198.51.100.1"], "198.51.100.1"),
            ("10.1.2.3", &["2001:db8::1, fd00::7"], "2001:db8::1"),
            ("10.1.2.3", &["198.51.100.1:4711"], "198.51.100.1"),
            ("10.1.2.3", &["[2001:db8::1]:4711"], "2001:db8::1"),
        ] {
            assert_eq!(client(PROXIES, peer, lines), expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn s18_an_entry_that_is_no_address_ends_the_way_back() {
        for garbage in [
            "unknown",
            "",
            "1.2.3",
            "_hidden",
            "10.0.0.0/8",
            "\u{7f}é",
            "a:b",
        ] {
            let line = format!("198.51.100.1, {garbage}, 10.9.9.9");
            let Ok(line) = axum::http::HeaderValue::from_bytes(line.as_bytes()) else {
                continue;
            };
            let trusted: TrustedProxies = PROXIES.parse().unwrap();
            let headers = HeaderMap::from_iter([(FORWARDED_FOR, line)]);
            let client = trusted.client([10, 1, 2, 3].into(), &headers);
            assert_eq!(client.to_string(), "10.9.9.9", "{garbage:?}");
        }
    }

    #[test]
    fn ranges_are_read_and_others_refused() {
        assert_eq!("".parse(), Ok(TrustedProxies::default()));
        let loopback = "127.0.0.0/8,::1".parse();
        assert_eq!(loopback, Ok(TrustedProxies::loopback()));
        let mapped: TrustedProxies = "::ffff:10.0.0.0/104".parse().unwrap();
        assert!(mapped.contain([10, 255, 0, 1].into()));
        assert!(!mapped.contain([11, 0, 0, 1].into()));
        for wrong in [
            "10.0.0.0/33",
            "10.0.0",
            "proxy",
            "10.0.0.1,",
            ",",
            "::ffff:1.2.3.4/8",
        ] {
            assert!(wrong.parse::<TrustedProxies>().is_err(), "{wrong}");
        }
    }
}
