//! Where browsers find this site, for links that people send to each other.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts, uri::Authority},
};

use crate::app::App;

/// The scheme, host and port in front of a path: what `PUBLIC_URL` says, or else what the browser
/// itself says with its form (its `Origin`, if that is this host), or else the host by http.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin(String);

impl Origin {
    /// The whole address of one of our paths.
    pub(crate) fn address(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl FromRequestParts<App> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        if let Some(url) = &app.public_url {
            return Ok(Self(url.origin().to_owned()));
        }
        // Whoever names no host gets the path alone.
        Ok(Self(host(parts).map_or_else(String::new, |host| {
            let https = format!("https://{host}");
            let header = parts.headers.get(header::ORIGIN);
            match header.is_some_and(|origin| origin == https.as_str()) {
                true => https,
                false => format!("http://{host}"),
            }
        })))
    }
}

fn host(parts: &Parts) -> Option<String> {
    let header = parts.headers.get(header::HOST);
    let header = header.and_then(|host| host.to_str().ok());
    let host = header.or_else(|| parts.uri.authority().map(Authority::as_str))?;
    let host: Authority = host.parse().ok()?;
    (!host.as_str().contains('@')).then(|| host.to_string())
}
