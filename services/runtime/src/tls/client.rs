//! TLS as a caller speaks it.

use std::{
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::future::BoxFuture;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Instant,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, RootCertStore},
};
use tonic::transport::Uri;

use super::{Texts, TlsConfig, renewal::Renewed, unfit};
use crate::lifecycle::StartError;

/// While connections to an address keep failing, it is said once in this time.
const SAID_EVERY: Duration = Duration::from_secs(10);

/// TLS as a caller speaks it.
#[derive(Clone)]
pub struct ClientTls(Arc<Renewed<ClientConfig>>);

impl ClientTls {
    pub(super) fn new(settings: &TlsConfig) -> Result<Self, StartError> {
        Ok(Self(Arc::new(Renewed::new(settings, client_config)?)))
    }

    /// What makes connections to an address of the backend of that host.
    pub(crate) fn connector(&self, address: SocketAddr, host: &str) -> Connector {
        Connector {
            tls: self.clone(),
            address,
            host: host.to_owned(),
            said: Arc::default(),
        }
    }

    async fn connect(&self, address: SocketAddr, host: String) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(host).map_err(io::Error::other)?;
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let connector = TlsConnector::from(self.0.get().await);
        connector.connect(name, stream).await
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientTls")
    }
}

/// Connects to one address, as tonic asks for it; says why where that fails, because a caller only
/// learns that the backend is out of reach.
#[derive(Clone)]
pub(crate) struct Connector {
    tls: ClientTls,
    address: SocketAddr,
    host: String,
    said: Arc<Mutex<Option<Instant>>>,
}

impl tower::Service<Uri> for Connector {
    type Response = TokioIo<Watched>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let connected = connector
                .tls
                .connect(connector.address, connector.host.clone());
            let stream = connected
                .await
                .inspect_err(|error| connector.report(error))?;
            Ok(TokioIo::new(Watched { stream, connector }))
        })
    }
}

impl Connector {
    fn report(&self, error: &io::Error) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.is_none_or(|at| at.elapsed() >= SAID_EVERY) {
            *said = Some(Instant::now());
            let (backend, address) = (&self.host, self.address);
            tracing::warn!(backend, %address, %error, "no TLS with a backend");
        }
    }
}

/// A connection that says why it broke. By TLS 1.3 a server may refuse a caller's certificate after
/// the caller has seen the handshake end well (RFC 8446, 4.4.2.4), so it shows only here.
pub(crate) struct Watched {
    stream: TlsStream<TcpStream>,
    connector: Connector,
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        // TLS itself failed; a connection that merely breaks is the balancer's business.
        if let Err(error) = &read
            && error.kind() == io::ErrorKind::InvalidData
        {
            self.connector.report(error);
        }
        Poll::Ready(read)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

fn client_config(texts: &Texts) -> Result<ClientConfig, StartError> {
    let roots = texts.authorities()?.unwrap_or_else(RootCertStore::empty);
    let builder = ClientConfig::builder().with_root_certificates(roots);
    let mut config = match texts.identity()? {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(unfit)?,
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}
