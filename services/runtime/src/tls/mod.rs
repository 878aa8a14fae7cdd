//! TLS between services: each has a certificate of one authority, and says whom it serves.
//!
//! With a certificate a gRPC server speaks TLS alone. With an authority besides, it asks callers
//! for theirs and serves those whose names are on its list; and it trusts that authority when it
//! calls others by `https`, to whom it shows its own certificate. A caller's certificate says which
//! program calls; whose behalf it calls on is still said by the user's token.
//!
//! Certificates in files may be renewed while the program runs: files are looked at again when a
//! connection is made. No connection is resumed from an earlier one, so each shows
//! its certificates.

mod client;
mod renewal;
mod server;

use std::{fmt, fs, path::PathBuf, str::FromStr};

use clap::{Args, ValueHint};
use rustls_pki_types::{CertificateDer, DnsName, PrivateKeyDer, pem::PemObject as _};
use tokio_rustls::rustls::RootCertStore;
use webpki::EndEntityCert;

use crate::lifecycle::StartError;

pub use self::{
    client::ClientTls,
    server::{Certified, ServerTls},
};

/// Certificates of this program, and of those it deals with.
#[derive(Args, Clone, Debug, Default)]
pub struct TlsConfig {
    /// This program's certificate, with its chain: PEM, or the path of a file. A backend then serves
    /// gRPC with TLS alone; backends at https are shown it
    #[arg(long, env = "TLS_CERT", value_hint = ValueHint::FilePath, requires = "tls_key")]
    pub tls_cert: Option<Pem>,
    /// The certificate's private key: PEM, or the path of a file
    #[arg(
        long,
        env = "TLS_KEY",
        value_hint = ValueHint::FilePath,
        hide_env_values = true,
        requires = "tls_cert"
    )]
    pub tls_key: Option<Pem>,
    /// The authority of the services' certificates: PEM, or the path of a file. Callers of a backend
    /// need a certificate of it, and backends at https are expected to have one
    #[arg(long, env = "TLS_CLIENT_CA", value_hint = ValueHint::FilePath)]
    pub tls_client_ca: Option<Pem>,
    /// The callers that a backend serves: DNS names or URIs in their certificates, with commas
    /// between them. The gateway, which no service calls, accepts it and needs none
    #[arg(
        long,
        env = "TLS_ALLOWED_NAMES",
        value_delimiter = ',',
        requires = "tls_client_ca"
    )]
    pub tls_allowed_names: Vec<AllowedName>,
}

impl TlsConfig {
    /// What a server needs, if it is to speak TLS.
    ///
    /// # Errors
    ///
    /// What is given is no certificate, no key, they do not belong together, or it does not say
    /// whom to serve.
    pub fn server(&self) -> Result<Option<ServerTls>, StartError> {
        let missing = |variable, why| StartError::new(format!("{variable} is not set: {why}"));
        match (&self.tls_cert, &self.tls_client_ca) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(missing(
                "TLS_CERT",
                "TLS_CLIENT_CA asks callers for certificates, which takes a certificate here",
            )),
            (Some(_), Some(_)) if self.tls_allowed_names.is_empty() => Err(missing(
                "TLS_ALLOWED_NAMES",
                "with TLS_CLIENT_CA it has to say which callers are served",
            )),
            (Some(_), _) => ServerTls::new(self).map(Some),
        }
    }

    /// What a caller needs for backends at `https`; `None` without an authority.
    ///
    /// # Errors
    ///
    /// What is given is no certificate or no key, or they do not belong together.
    pub fn client(&self) -> Result<Option<ClientTls>, StartError> {
        match &self.tls_client_ca {
            None => Ok(None),
            Some(_) => ClientTls::new(self).map(Some),
        }
    }

    /// The texts of all of it as they are now.
    fn read(&self) -> Result<Texts, StartError> {
        let read = |variable, pem: &Option<Pem>| {
            let text = pem.as_ref().map(Pem::text).transpose();
            text.map_err(|error| StartError::new(format!("{variable}: {error}")))
        };
        Ok(Texts {
            cert: read("TLS_CERT", &self.tls_cert)?,
            key: read("TLS_KEY", &self.tls_key)?,
            authority: read("TLS_CLIENT_CA", &self.tls_client_ca)?,
        })
    }
}

/// A text in PEM, or the file that has it. `Debug` leaves a text out, since it may be a key.
#[derive(Clone, PartialEq, Eq)]
pub enum Pem {
    /// The text itself.
    Text(String),
    /// The file, which may be replaced while the program runs.
    File(PathBuf),
}

const BEGIN: &str = "-----BEGIN";

impl Pem {
    fn text(&self) -> Result<String, String> {
        let expected = "expected PEM, or the path of a file with it";
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::File(path) => match fs::read_to_string(path) {
                Ok(text) if text.contains(BEGIN) => Ok(text),
                Ok(_) => Err(expected.to_owned()),
                Err(error) => Err(format!("{expected}: {error}")),
            },
        }
    }
}

impl FromStr for Pem {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, String> {
        let pem = if value.contains(BEGIN) {
            Self::Text(value.to_owned())
        } else {
            Self::File(value.into())
        };
        pem.text().map(|_| pem)
    }
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Pem(…)"),
            Self::File(path) => write!(f, "Pem({})", path.display()),
        }
    }
}

/// A name by which a caller is known: a DNS name, or a URI such as `spiffe://cluster/gateway`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedName(String);

impl AllowedName {
    /// Whether a certificate has this name.
    fn is_in(&self, certificate: &EndEntityCert<'_>) -> bool {
        let mut dns = certificate.valid_dns_names();
        dns.any(|name| name.eq_ignore_ascii_case(&self.0))
            || certificate.valid_uri_names().any(|uri| uri == self.0)
    }
}

impl FromStr for AllowedName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let uri = text.contains("://") && text.parse::<http::Uri>().is_ok();
        if uri || DnsName::try_from(text).is_ok() {
            Ok(Self(text.to_owned()))
        } else {
            Err("expected DNS names or URIs, with commas between them")
        }
    }
}

/// What the settings hold at a moment.
#[derive(Clone, PartialEq, Eq)]
struct Texts {
    cert: Option<String>,
    key: Option<String>,
    authority: Option<String>,
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

impl Texts {
    /// The own certificate with its chain, and its key.
    fn identity(&self) -> Result<Option<Identity>, StartError> {
        let (Some(cert), Some(key)) = (&self.cert, &self.key) else {
            return Ok(None);
        };
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| {
            StartError::new(format!("TLS_KEY: expected a private key: {error}"))
        })?;
        Ok(Some((certificates("TLS_CERT", cert)?, key)))
    }

    /// Whom to believe.
    fn authorities(&self) -> Result<Option<RootCertStore>, StartError> {
        let Some(authority) = &self.authority else {
            return Ok(None);
        };
        let mut roots = RootCertStore::empty();
        for certificate in certificates("TLS_CLIENT_CA", authority)? {
            roots
                .add(certificate)
                .map_err(|error| StartError::new(format!("TLS_CLIENT_CA: {error}")))?;
        }
        Ok(Some(roots))
    }
}

fn certificates(variable: &str, pem: &str) -> Result<Vec<CertificateDer<'static>>, StartError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match read {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        _ => Err(StartError::new(format!(
            "{variable}: expected certificates in PEM"
        ))),
    }
}

/// A certificate and a key that rustls does not take.
fn unfit(error: impl fmt::Display) -> StartError {
    StartError::new(format!("TLS_CERT and TLS_KEY: {error}"))
}
