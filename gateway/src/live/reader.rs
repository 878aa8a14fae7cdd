//! One reader of a list.

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use axum::body::Bytes;
use futures_util::{Stream, stream};
use prometheus_client::metrics::counter::Counter;
use runtime::metrics::Counted;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, interval_at},
};
use tokio_util::sync::CancellationToken;

use super::{Event, Usage};

/// How often a reader hears something, so that proxies on the way keep the line open.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(15);

/// What somebody who joins has missed.
#[derive(Debug)]
pub(super) enum Joined {
    With(Vec<Event>),
    /// Nobody here knows.
    Behind,
}

/// What one reader gets: first `missed`, then what comes.
#[derive(Debug)]
pub(crate) struct Reader {
    missed: VecDeque<Event>,
    /// What it has from elsewhere: not to be told again.
    known: Vec<Arc<str>>,
    events: Receiver<Event>,
    stopping: CancellationToken,
    dropped: Counter,
    _counted: Counted,
}

impl Reader {
    pub(super) fn new(
        missed: Vec<Event>,
        events: Receiver<Event>,
        stopping: CancellationToken,
        usage: &Usage,
    ) -> Self {
        Self {
            missed: missed.into(),
            known: Vec::new(),
            events,
            stopping,
            dropped: usage.dropped.clone(),
            _counted: Counted::new(&usage.readers),
        }
    }

    /// Goes on behind what was asked of the backend after the reader had joined: that reaches into
    /// what comes, and has the same ids.
    pub(super) fn after(self, missed: Vec<Event>) -> Self {
        Self {
            known: missed.iter().map(|event| Arc::clone(&event.id)).collect(),
            missed: missed.into(),
            ..self
        }
    }

    /// The body of an answer. It ends when the backend's stream does, when this server stops, and
    /// when the reader has fallen behind.
    pub(crate) fn into_stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
        let heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        stream::unfold((self, heartbeat), async |(mut reader, mut heartbeat)| {
            let bytes = match reader.missed.pop_front() {
                Some(event) => event.bytes,
                None => tokio::select! {
                    biased;
                    () = reader.stopping.cancelled() => return None,
                    event = next(&mut reader.events, &reader.known, &reader.dropped) => event?.bytes,
                    _ = heartbeat.tick() => Bytes::from_static(b":\n\n"),
                },
            };
            Some((Ok(bytes), (reader, heartbeat)))
        })
    }
}

/// The next event that is not known; `None` at the end.
async fn next(
    events: &mut Receiver<Event>,
    known: &[Arc<str>],
    dropped: &Counter,
) -> Option<Event> {
    loop {
        match events.recv().await {
            Ok(event) if known.contains(&event.id) => {}
            Ok(event) => return Some(event),
            Err(RecvError::Lagged(_)) => {
                dropped.inc();
                return None;
            }
            Err(RecvError::Closed) => return None,
        }
    }
}
