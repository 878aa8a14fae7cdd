//! What the tests of this crate share: a gRPC service (health, which every server has), and keys.
use std::{net::SocketAddr, time::Duration};

use runtime::{
    grpc::{client::Channel, server::GrpcServer},
    lifecycle::Listeners,
};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

/// A running server; it stops when it is told to or dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) ops: SocketAddr,
    pub(crate) shutdown: CancellationToken,
    pub(crate) task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(server: GrpcServer) -> Self {
        Self::start_at(server, "127.0.0.1:0".parse().unwrap()).await
    }

    pub(crate) async fn start_at(server: GrpcServer, address: SocketAddr) -> Self {
        let any = "127.0.0.1:0".parse().unwrap();
        let listeners = Listeners::bind(["LISTEN_ADDR", "OPS_ADDR"], address, any)
            .await
            .unwrap();
        let (address, ops) = (
            listeners.listen.local_addr().unwrap(),
            listeners.ops.local_addr().unwrap(),
        );
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        let task = tokio::spawn(async move { server.serve(listeners, stop).await.unwrap() });
        Self {
            address,
            ops,
            shutdown,
            task,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

pub(crate) fn channel(address: SocketAddr) -> Channel {
    Channel::new("test", format!("http://{address}").parse().unwrap())
}

/// Asks a server for its health, with this long to answer.
pub(crate) async fn check(channel: &Channel, timeout: Duration) -> Result<i32, tonic::Status> {
    let mut request = tonic::Request::new(HealthCheckRequest::default());
    request.set_timeout(timeout);
    let mut client = HealthClient::new(channel.clone());
    Ok(client.check(request).await?.into_inner().status)
}

/// An address that nobody listens on.
pub(crate) async fn refused() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
}
