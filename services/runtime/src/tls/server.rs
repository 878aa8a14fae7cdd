//! TLS as a server speaks it.

use std::{io, net::SocketAddr, sync::Arc};

use rustls_pki_types::{CertificateDer, UnixTime};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig,
        SignatureScheme,
        client::danger::HandshakeSignatureValid,
        server::{
            NoServerSessionStorage, WebPkiClientVerifier,
            danger::{ClientCertVerified, ClientCertVerifier},
        },
    },
    server::TlsStream,
};
use tracing::Instrument as _;
use webpki::EndEntityCert;

use super::{AllowedName, Texts, TlsConfig, renewal::Renewed, unfit};
use crate::lifecycle::StartError;

/// TLS as a server speaks it.
#[derive(Clone)]
pub struct ServerTls {
    config: Arc<Renewed<ServerConfig>>,
    asks_callers: bool,
}

/// Among a request's extensions: it came over a connection whose peer has shown a certificate with
/// an allowed name.
#[derive(Clone, Copy, Debug)]
pub struct Certified;

impl ServerTls {
    pub(super) fn new(settings: &TlsConfig) -> Result<Self, StartError> {
        let names: Arc<[_]> = settings.tls_allowed_names.clone().into();
        let config = Renewed::new(settings, move |texts| server_config(texts, &names))?;
        Ok(Self {
            config: Arc::new(config),
            asks_callers: settings.tls_client_ca.is_some(),
        })
    }

    /// Shakes hands; `None` for a peer that cannot, or that is not to be served.
    pub(crate) async fn accept(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
    ) -> Option<TlsStream<TcpStream>> {
        let acceptor = TlsAcceptor::from(self.config.get().await);
        let span = tracing::info_span!("tls", %peer);
        match acceptor.accept(stream).instrument(span.clone()).await {
            Ok(stream) => Some(stream),
            Err(error) => {
                span.in_scope(|| report(&error));
                None
            }
        }
    }

    /// What a request over such a connection can be sure of.
    pub(crate) fn certified(&self) -> Option<Certified> {
        self.asks_callers.then_some(Certified)
    }
}

/// Says why a peer was refused. Who connects and goes, as a port scanner or a load balancer's probe
/// does, is no news; who is not on the list has been told of there.
fn report(error: &io::Error) {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref());
    match tls {
        None => tracing::debug!(%error, "no TLS with a peer"),
        Some(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)) => {}
        Some(error) => tracing::warn!(%error, "a peer was refused"),
    }
}

fn server_config(texts: &Texts, names: &Arc<[AllowedName]>) -> Result<ServerConfig, StartError> {
    let builder = match texts.authorities()? {
        None => ServerConfig::builder().with_no_client_auth(),
        Some(roots) => {
            let issued = WebPkiClientVerifier::builder(Arc::new(roots)).build();
            let verifier = ListedCallers {
                issued: issued
                    .map_err(|error| StartError::new(format!("TLS_CLIENT_CA: {error}")))?,
                names: Arc::clone(names),
            };
            ServerConfig::builder().with_client_cert_verifier(Arc::new(verifier))
        }
    };
    let (chain, key) = texts.identity()?.ok_or_else(|| unfit("expected both"))?;
    let mut config = builder.with_single_cert(chain, key).map_err(unfit)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    // Whoever resumes shows no certificate, not even one that has ended since.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// Lets those in whose certificate is the authority's, and has a name that is on the list.
#[derive(Debug)]
struct ListedCallers {
    issued: Arc<dyn ClientCertVerifier>,
    names: Arc<[AllowedName]>,
}

impl ClientCertVerifier for ListedCallers {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.issued.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let issued = self
            .issued
            .verify_client_cert(certificate, intermediates, now)?;
        let caller = EndEntityCert::try_from(certificate)
            .map_err(|_| Error::from(CertificateError::BadEncoding))?;
        if self.names.iter().any(|name| name.is_in(&caller)) {
            return Ok(issued);
        }
        let names: Vec<_> = caller
            .valid_dns_names()
            .chain(caller.valid_uri_names())
            .collect();
        tracing::warn!(
            ?names,
            "a peer was refused: none of its names is in TLS_ALLOWED_NAMES"
        );
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.issued
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.issued
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.issued.supported_verify_schemes()
    }
}
