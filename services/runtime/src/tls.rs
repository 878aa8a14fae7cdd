//! TLS between services: each has a certificate of one authority, and says whom it serves.
//!
//! With a certificate a gRPC server speaks TLS alone. With an authority besides, it asks callers
//! for theirs and serves those whose names are on its list; and it trusts that authority when it
//! calls others by `https`. A caller's certificate says which program calls; whose behalf it calls
//! on is still said by the user's token.

use std::{fmt, fs, io::BufReader, str::FromStr, sync::Arc};

use clap::Args;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{RootCertStore, ServerConfig, server::WebPkiClientVerifier},
    server::TlsStream,
};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};
use webpki::EndEntityCert;

use crate::lifecycle::StartError;

/// Certificates of this program, and of those it deals with.
#[derive(Args, Clone, Debug, Default)]
pub struct TlsConfig {
    /// This program's certificate, with its chain: PEM, or the path of a file. gRPC is then served
    /// with TLS
    #[arg(long, env = "TLS_CERT", requires = "tls_key")]
    pub tls_cert: Option<Pem>,
    /// The certificate's private key: PEM, or the path of a file
    #[arg(long, env = "TLS_KEY", hide_env_values = true, requires = "tls_cert")]
    pub tls_key: Option<Pem>,
    /// The authority of the services' certificates: PEM, or the path of a file. Callers then need a
    /// certificate of it, and services called by https are expected to have one
    #[arg(long, env = "TLS_CLIENT_CA", requires = "tls_cert")]
    pub tls_client_ca: Option<Pem>,
    /// The names in certificates (DNS) of the callers that are served, with commas between them
    #[arg(
        long,
        env = "TLS_ALLOWED_NAMES",
        value_delimiter = ',',
        requires = "tls_client_ca"
    )]
    pub tls_allowed_names: Vec<String>,
}

/// A text in PEM. `Debug` leaves it out, since it may be a key.
#[derive(Clone, PartialEq, Eq)]
pub struct Pem(String);

impl FromStr for Pem {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, String> {
        let text = if value.starts_with("-----BEGIN") {
            Ok(value.to_owned())
        } else {
            fs::read_to_string(value)
        };
        match text {
            Ok(text) if text.contains("-----BEGIN") => Ok(Self(text)),
            Ok(_) => Err("expected PEM, or the path of a file with it".to_owned()),
            Err(error) => Err(format!(
                "expected PEM, or the path of a file with it: {error}"
            )),
        }
    }
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pem(…)")
    }
}

impl TlsConfig {
    /// What a server needs, if it is to speak TLS.
    ///
    /// # Errors
    ///
    /// What is given is no certificate, no key, or they do not belong together.
    pub fn server(&self) -> Result<Option<ServerTls>, StartError> {
        let (Some(cert), Some(key)) = (&self.tls_cert, &self.tls_key) else {
            return Ok(None);
        };
        let chain = certificates("TLS_CERT", cert)?;
        let key = PrivateKeyDer::from_pem_slice(key.0.as_bytes()).map_err(|error| {
            StartError::new(format!("TLS_KEY: expected a private key: {error}"))
        })?;
        let builder = match &self.tls_client_ca {
            None => ServerConfig::builder().with_no_client_auth(),
            Some(authority) => {
                let verifier = WebPkiClientVerifier::builder(Arc::new(roots(authority)?));
                let refused = |error| StartError::new(format!("TLS_CLIENT_CA: {error}"));
                ServerConfig::builder()
                    .with_client_cert_verifier(verifier.build().map_err(refused)?)
            }
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .map_err(|error| StartError::new(format!("TLS_CERT and TLS_KEY: {error}")))?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        let names = self
            .tls_client_ca
            .is_some()
            .then(|| self.tls_allowed_names.clone());
        Ok(Some(ServerTls {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            allowed_names: names.map(Arc::new),
        }))
    }

    /// What a caller needs for backends at `https`; `None` without an authority.
    ///
    /// # Errors
    ///
    /// What is given is no certificate or no key.
    pub fn client(&self) -> Result<Option<ClientTls>, StartError> {
        let Some(authority) = &self.tls_client_ca else {
            return Ok(None);
        };
        let mut config = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&authority.0));
        if let (Some(cert), Some(key)) = (&self.tls_cert, &self.tls_key) {
            config = config.identity(Identity::from_pem(&cert.0, &key.0));
        }
        // Tried here, so that a mistake is found at the start and not with the first call.
        Endpoint::from_static("https://localhost")
            .tls_config(config.clone())
            .map_err(|error| {
                StartError::new(format!("TLS_CERT, TLS_KEY, TLS_CLIENT_CA: {error}"))
            })?;
        Ok(Some(ClientTls(config)))
    }
}

/// TLS as a server speaks it.
#[derive(Clone)]
pub struct ServerTls {
    acceptor: TlsAcceptor,
    /// Whom to serve; `None` means anybody, certificate or not.
    allowed_names: Option<Arc<Vec<String>>>,
}

/// TLS as a caller speaks it.
#[derive(Clone, Debug)]
pub struct ClientTls(pub(crate) ClientTlsConfig);

impl ServerTls {
    /// Shakes hands; `None` for a peer that cannot, or whose name is not on the list.
    pub(crate) async fn accept(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        let peer = stream.peer_addr().ok();
        let stream = match self.acceptor.accept(stream).await {
            Ok(stream) => stream,
            Err(error) => {
                tracing::debug!(?peer, %error, "no TLS with a peer");
                return None;
            }
        };
        if self.serves(&stream) {
            return Some(stream);
        }
        tracing::warn!(?peer, "a certificate without an allowed name was refused");
        None
    }

    fn serves(&self, stream: &TlsStream<TcpStream>) -> bool {
        let Some(allowed) = &self.allowed_names else {
            return true;
        };
        let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let leaf = chain
            .first()
            .and_then(|leaf| EndEntityCert::try_from(leaf).ok());
        leaf.is_some_and(|leaf| {
            leaf.valid_dns_names()
                .any(|name| allowed.iter().any(|allowed| allowed == name))
        })
    }
}

fn certificates(variable: &str, pem: &Pem) -> Result<Vec<CertificateDer<'static>>, StartError> {
    let read: Result<Vec<_>, _> =
        CertificateDer::pem_reader_iter(BufReader::new(pem.0.as_bytes())).collect();
    match read {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        _ => Err(StartError::new(format!(
            "{variable}: expected certificates in PEM"
        ))),
    }
}

fn roots(authority: &Pem) -> Result<RootCertStore, StartError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("TLS_CLIENT_CA", authority)? {
        roots
            .add(certificate)
            .map_err(|error| StartError::new(format!("TLS_CLIENT_CA: {error}")))?;
    }
    Ok(roots)
}
