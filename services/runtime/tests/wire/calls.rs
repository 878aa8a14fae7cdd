//! A server and the channel to it, over real sockets.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use crate::support::{Server, channel, check, refused};
use runtime::{
    grpc::server::GrpcServer,
    lifecycle::{Listeners, StartError},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;
use tonic::Code;

const LONG: Duration = Duration::from_secs(5);
const SERVING: i32 = 1;

fn server() -> GrpcServer {
    GrpcServer::new("test")
}

#[tokio::test]
async fn a_call_goes_through() {
    let server = Server::start(server()).await;
    assert_eq!(
        check(&channel(server.address), LONG).await.unwrap(),
        SERVING
    );
}

#[tokio::test]
async fn r09_a_refused_connection_is_unavailable_at_once() {
    let began = Instant::now();
    let error = check(&channel(refused().await), LONG).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(
        error.message().contains("the test backend is out of reach"),
        "{error}"
    );
    assert!(began.elapsed() < LONG);
}

#[tokio::test]
async fn r09_a_black_hole_ends_at_the_deadline() {
    // Accepts connections and never says a word.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let channel = channel(listener.local_addr().unwrap());
    let began = Instant::now();
    let error = check(&channel, Duration::from_millis(300))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded, "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn r09_a_name_without_addresses_is_unavailable() {
    let channel =
        runtime::grpc::client::Channel::new("test", "http://nobody.invalid:1".parse().unwrap());
    let error = check(&channel, LONG).await.unwrap_err();
    assert!(
        matches!(error.code(), Code::Unavailable | Code::DeadlineExceeded),
        "{error:?}"
    );
}

#[tokio::test]
async fn r01_calls_go_on_over_restarts() {
    let first = Server::start(server()).await;
    let address = first.address;
    let channel = channel(address);
    for _ in 0..5 {
        check(&channel, LONG).await.unwrap();
    }
    // The same address is served anew: the channel's old connection is told to go away.
    first.shutdown.cancel();
    let listening = std::time::Instant::now();
    let second = loop {
        if TcpListener::bind(address).await.is_ok() {
            break Server::start_at(server(), address).await;
        }
        assert!(listening.elapsed() < LONG, "the address is not given back");
        tokio::task::yield_now().await;
    };
    for _ in 0..5 {
        check(&channel, LONG).await.unwrap();
    }
    drop(second);
}

#[tokio::test]
async fn health_turns_away_and_the_server_ends_though_a_peer_stays_silent() {
    let mut server = Server::start(server()).await;
    let _silent = TcpStream::connect(server.address).await.unwrap();
    let channel = channel(server.address);
    check(&channel, LONG).await.unwrap();
    server.shutdown.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(5), &mut server.task).await;
    assert!(ended.is_ok(), "the server is still there after 5 seconds");
}

#[tokio::test]
async fn r13_a_silent_connection_is_closed() {
    let server = Server::start(server()).await;
    let closed = async |port| {
        let mut silent = TcpStream::connect(port).await.unwrap();
        silent.write_all(b"P").await.unwrap();
        let mut rest = Vec::new();
        let end = silent.read_to_end(&mut rest);
        let closed = tokio::time::timeout(Duration::from_secs(15), end).await;
        assert!(closed.is_ok(), "{port} is still open after 15 seconds");
    };
    tokio::join!(closed(server.address), closed(server.ops));
}

/// A port for browsers finds out what is spoken by the first bytes, however they come.
#[tokio::test]
async fn both_protocols_of_a_web_port_may_begin_in_pieces() {
    let server = Server::start(server()).await;
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let http2 = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &settings[..]].concat();
    let get = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n".to_vec();
    let put = b"PUT /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n".to_vec();
    let answers = [
        (get, &b"HTTP/1.1 200"[..]),
        (put, b"HTTP/1.1 405"),
        // A frame of settings begins with its length; the fourth byte is its kind.
        (http2, b"\0\0"),
    ];
    for (request, answer) in answers {
        for first in [0, 1, 2, 10, 23, 24] {
            let mut stream = TcpStream::connect(server.ops).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let (first, rest) = request.split_at(first);
            stream.write_all(first).await.unwrap();
            // The server runs in this thread, too: it may look at what has come.
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            stream.write_all(rest).await.unwrap();
            let mut begin = [0; 12];
            let read = tokio::time::timeout(LONG, stream.read_exact(&mut begin)).await;
            read.unwrap().unwrap();
            assert!(begin.starts_with(answer), "{first:?}, {rest:?}: {begin:?}");
            assert!(begin[0] != 0 || begin[3] == 4, "{begin:?}");
        }
    }
}

#[tokio::test]
async fn a_service_that_is_not_ready_says_so_and_lives() {
    let never = || async { Err("the database is away".to_owned()) };
    let server = Server::start(server().ready_check(never)).await;
    assert!(get(server.ops, "/readyz").await.starts_with("HTTP/1.1 503"));
    assert!(
        get(server.ops, "/healthz")
            .await
            .starts_with("HTTP/1.1 200")
    );
    let metrics = get(server.ops, "/metrics").await;
    assert!(metrics.contains("mythoughts_build_info"));
}

#[tokio::test]
async fn r15_a_service_that_waits_for_its_database_is_alive_and_can_be_stopped() {
    let any = "127.0.0.1:0".parse().unwrap();
    let listeners = Listeners::bind(["LISTEN_ADDR", "OPS_ADDR"], any, any)
        .await
        .unwrap();
    let ops = listeners.ops.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let (waiting, ended) = (shutdown.clone(), shutdown.clone());
    let task = tokio::spawn(server().serve_when_open(listeners, ended, async move |_| {
        waiting.cancelled().await;
        Err(StartError::new("stopped while waiting"))
    }));
    assert!(get(ops, "/healthz").await.starts_with("HTTP/1.1 200"));
    assert!(get(ops, "/readyz").await.starts_with("HTTP/1.1 503"));
    shutdown.cancel();
    let ended = tokio::time::timeout(LONG, task).await.unwrap().unwrap();
    assert_eq!(ended, Ok(()), "being stopped is no error");
}

#[tokio::test]
async fn a_deadline_that_is_none_is_named() {
    let server = Server::start(server()).await;
    let endpoint =
        tonic::transport::Endpoint::from_shared(format!("http://{}", server.address)).unwrap();
    let mut client =
        tonic_health::pb::health_client::HealthClient::new(endpoint.connect().await.unwrap());
    let mut request = tonic::Request::new(tonic_health::pb::HealthCheckRequest::default());
    request
        .metadata_mut()
        .insert("grpc-timeout", "soon".parse().unwrap());
    let error = client.check(request).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
}

async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
