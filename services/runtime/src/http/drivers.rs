//! hyper with its guards set, for what a peer speaks.

use std::time::Duration;

use hyper_util::{
    rt::{TokioExecutor, TokioTimer},
    server::conn::auto,
};
use tokio::net::TcpStream;

use super::HEAD_TIMEOUT;

/// How often a silent HTTP/2 peer is pinged, and how long it may take to answer: a connection
/// whose other end is gone is noticed within the sum.
const PING_INTERVAL: Duration = Duration::from_secs(10);
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// How many bytes of one request, and of all of a connection, a peer may send that have not been read.
///
/// h2 gives up a connection of which more small frames wait than fit into half of the latter, each
/// counted as 256 bytes: a stream of small messages, which some clients send in a frame each, must
/// reach the end of its own window before that.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;

/// Streams that one HTTP/2 connection may have open at once.
const MAX_STREAMS: u32 = 200;

/// Resets that a peer may provoke before its connection is closed (the "MadeYouReset" attack).
const MAX_PROVOKED_RESETS: usize = 64;

/// The largest header list, in bytes.
const MAX_HEADER_LIST: u32 = 16 * 1024;

/// What a client of HTTP/2 begins with (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What is spoken on a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// HTTP/2 alone, as gRPC needs it.
    Grpc,
    /// HTTP/1.1 and HTTP/2.
    Web,
}

/// What drives one connection.
pub(super) type Driver = auto::Builder<TokioExecutor>;

/// What drives the connections of a listener.
pub(super) struct Drivers {
    any: Driver,
    /// For peers that are known to speak it; `None` where nobody may.
    http1: Option<Driver>,
}

impl Drivers {
    pub(super) fn new(protocol: Protocol) -> Self {
        let any = guarded();
        match protocol {
            Protocol::Grpc => Self {
                any: any.http2_only(),
                http1: None,
            },
            Protocol::Web => Self {
                http1: Some(any.clone().http1_only()),
                any,
            },
        }
    }

    /// For whatever the listener takes.
    pub(super) fn any(&self) -> &Driver {
        &self.any
    }

    /// Waits for the first bytes of a peer, and leaves them there. Where they are not those of
    /// HTTP/2, hyper is told: when it has to find that out itself it reads them apart from the rest,
    /// which doubles its buffer, for as long as the connection lasts.
    pub(super) async fn driver_for(&self, stream: &TcpStream) -> &Driver {
        let Some(http1) = &self.http1 else {
            return &self.any;
        };
        let mut first = [0; PREFACE.len()];
        match stream.peek(&mut first).await {
            Ok(seen) if !PREFACE.starts_with(&first[..seen]) => http1,
            // It may be HTTP/2, or has only just begun, or has gone.
            _ => &self.any,
        }
    }
}

fn guarded() -> Driver {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(64 * 1024);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(MAX_STREAMS)
        .max_local_error_reset_streams(MAX_PROVOKED_RESETS)
        .max_header_list_size(MAX_HEADER_LIST);
    builder
}
