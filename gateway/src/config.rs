//! The gateway's settings.

use std::{net::SocketAddr, str::FromStr};

use clap::Parser;
use http::Uri;
use runtime::{
    auth::FixedKeys, config::address, grpc::client::BackendUrl, proxies::TrustedProxies,
    telemetry::TelemetryConfig, tls::TlsConfig,
};

/// Pages for browsers.
#[derive(Clone, Debug, Parser)]
#[command(name = "gateway", version)]
pub struct Config {
    /// Where pages are served
    #[arg(long, env = "LISTEN_ADDR", value_parser = address, default_value = "0.0.0.0:8002")]
    pub listen_addr: SocketAddr,
    /// Where /metrics, /healthz and /readyz are served
    #[arg(long, env = "OPS_ADDR", value_parser = address, default_value = "0.0.0.0:9002")]
    pub ops_addr: SocketAddr,
    /// The thoughts backend; a host with several addresses is balanced over all of them
    #[arg(
        long,
        env = "THOUGHTS_BACKEND_URL",
        default_value = "http://127.0.0.1:8000"
    )]
    pub thoughts_backend_url: BackendUrl,
    /// The users backend; a host with several addresses is balanced over all of them
    #[arg(
        long,
        env = "USER_BACKEND_URL",
        default_value = "http://127.0.0.1:8001"
    )]
    pub user_backend_url: BackendUrl,
    /// Public keys in PEM, accepted beside those of the users backend
    #[arg(long, env = "TOKENS_PUBLIC_KEY")]
    pub tokens_public_key: Option<FixedKeys>,
    /// What the browser sees, such as <https://thoughts.example.org>
    ///
    /// Forms from this origin are accepted, links to hand to somebody begin with it, and https makes
    /// cookies secure. Without it the Host header stands in for it, whatever that says.
    #[arg(long, env = "PUBLIC_URL")]
    pub public_url: Option<PublicUrl>,
    /// The proxies in front, whose X-Forwarded-For is believed: addresses or ranges, with commas
    /// between them
    #[arg(long, env = "TRUSTED_PROXIES", default_value = "")]
    pub trusted_proxies: TrustedProxies,
    /// Certificates.
    #[command(flatten)]
    pub tls: TlsConfig,
    /// Logs
    #[command(flatten)]
    pub telemetry: TelemetryConfig,
}

impl AsRef<TelemetryConfig> for Config {
    fn as_ref(&self) -> &TelemetryConfig {
        &self.telemetry
    }
}

/// The address that browsers know the site by: a scheme, a host, perhaps a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    secure: bool,
}

impl PublicUrl {
    /// The origin exactly as browsers write it in their `Origin` header.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether browsers come by https.
    pub fn is_secure(&self) -> bool {
        self.secure
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "expected http://HOST or https://HOST, perhaps with :PORT".to_owned();
        let uri: Uri = text.parse().map_err(|_| expected())?;
        let authority = uri
            .authority()
            .map(http::uri::Authority::as_str)
            .unwrap_or_default();
        let bare =
            matches!(uri.path(), "" | "/") && uri.query().is_none() && !authority.contains('@');
        let host = uri.host().unwrap_or_default().to_ascii_lowercase();
        let (scheme, default_port) = match uri.scheme_str() {
            Some("http") => ("http", 80),
            Some("https") => ("https", 443),
            _ => return Err(expected()),
        };
        let has_port = authority
            .rsplit_once(']')
            .map_or(authority, |(_, rest)| rest)
            .contains(':');
        let port = uri.port_u16();
        if !bare || host.is_empty() || text.contains('#') || (has_port && port.is_none()) {
            return Err(expected());
        }
        // Browsers leave a scheme's own port out.
        let port = port.filter(|port| *port != default_port);
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        Ok(Self {
            origin: format!("{scheme}://{host}{port}"),
            secure: scheme == "https",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_written_as_browsers_write_them() {
        for (url, origin) in [
            (
                "https://Thoughts.Example.org",
                "https://thoughts.example.org",
            ),
            (
                "https://thoughts.example.org:443/",
                "https://thoughts.example.org",
            ),
            ("http://localhost:8002", "http://localhost:8002"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            assert_eq!(url.parse::<PublicUrl>().unwrap().origin(), origin);
        }
    }

    #[test]
    fn anything_more_than_an_origin_is_refused() {
        for url in [
            "",
            "localhost:8002",
            "thoughts.example.org",
            "ftp://x",
            "https://",
            "https://x/path",
            "https://x?y",
            "https://a:b@x",
            "https://x:port",
            "https://x:99999",
            "https://x/#y",
        ] {
            assert!(url.parse::<PublicUrl>().is_err(), "{url}");
        }
    }
}
