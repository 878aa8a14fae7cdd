//! Lists that are followed: one stream from the backend for all who follow the same one.
//!
//! What comes from the backend is made into the bytes of an event once, and every reader is handed
//! the same bytes. A reader that falls behind is let go: a browser comes back by itself, with the
//! id of the last event, and goes on from there.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::body::Bytes;
use futures_util::{Stream, stream};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::{Instant, interval_at},
};
use tokio_util::sync::CancellationToken;

/// How often a reader hears something, so that proxies on the way keep the line open.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How many events a reader may be behind.
const KEPT: usize = 64;

/// How many events may have passed for a reader that comes back to join others who did.
const REPLAYED: usize = 64;

/// How many different lists are followed at once.
const MAX_LISTS: usize = 1_000;

/// Which list, as whom, and from where on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Followed {
    /// Whose private thoughts are in it.
    pub(crate) viewer: Option<String>,
    /// Whose thoughts; everyone's if it is empty.
    pub(crate) author: String,
    /// The words of a search, if there are any.
    pub(crate) search: String,
    /// The id of the last event that was heard.
    pub(crate) since: Option<String>,
}

/// The lists that are followed now. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Live {
    lists: Arc<Mutex<HashMap<Followed, Arc<List>>>>,
    stopping: CancellationToken,
}

/// What has been heard of a list, and is handed on.
#[derive(Debug)]
struct List {
    state: Mutex<Heard>,
}

#[derive(Debug)]
struct Heard {
    /// From the beginning on; `None` once that would be too much.
    history: Option<Vec<Bytes>>,
    /// `None` once the backend's stream has ended.
    events: Option<broadcast::Sender<Bytes>>,
}

/// Too many different lists are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

/// What one reader gets: first `missed`, then what comes.
#[derive(Debug)]
pub(crate) struct Reader {
    missed: std::vec::IntoIter<Bytes>,
    events: broadcast::Receiver<Bytes>,
    stopping: CancellationToken,
}

impl Live {
    /// Ends every stream, now and from now on.
    pub(crate) fn stop(&self) {
        self.stopping.cancel();
    }

    /// Joins those who follow this list already.
    pub(crate) fn join(&self, followed: &Followed) -> Option<Reader> {
        let list = Arc::clone(self.lists().get(followed)?);
        let heard = list.heard();
        let missed = match &followed.since {
            // It begins now.
            None => Vec::new(),
            Some(_) => heard.history.clone()?,
        };
        let events = heard.events.as_ref()?.subscribe();
        Some(self.reader(missed, events))
    }

    /// Follows a list by a stream of the backend's, which others may join.
    ///
    /// # Errors
    ///
    /// [`TooMany`].
    pub(crate) fn follow(
        &self,
        followed: Followed,
        events: impl Stream<Item = Bytes> + Send + 'static,
    ) -> Result<Reader, TooMany> {
        let (sender, receiver) = broadcast::channel(KEPT);
        let list = Arc::new(List {
            state: Mutex::new(Heard {
                history: Some(Vec::new()),
                events: Some(sender),
            }),
        });
        {
            let mut lists = self.lists();
            if lists.len() >= MAX_LISTS {
                return Err(TooMany);
            }
            lists.insert(followed.clone(), Arc::clone(&list));
        }
        let live = self.clone();
        tokio::spawn(async move {
            let heard = live.stopping.run_until_cancelled(list.hear(events));
            heard.await;
            list.heard().events = None;
            live.forget(&followed, &list);
        });
        Ok(self.reader(Vec::new(), receiver))
    }

    fn reader(&self, missed: Vec<Bytes>, events: broadcast::Receiver<Bytes>) -> Reader {
        Reader {
            missed: missed.into_iter(),
            events,
            stopping: self.stopping.clone(),
        }
    }

    fn forget(&self, followed: &Followed, list: &Arc<List>) {
        let mut lists = self.lists();
        // Another may have taken its place.
        if lists.get(followed).is_some_and(|it| Arc::ptr_eq(it, list)) {
            lists.remove(followed);
        }
    }

    fn lists(&self) -> std::sync::MutexGuard<'_, HashMap<Followed, Arc<List>>> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl List {
    /// Hands on what the backend tells, until it ends or nobody follows any more.
    async fn hear(&self, events: impl Stream<Item = Bytes> + Send) {
        use futures_util::StreamExt as _;
        let mut events = std::pin::pin!(events);
        let mut check = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(event) => self.hand_on(event),
                    None => return,
                },
                _ = check.tick() => if self.is_alone() { return },
            }
        }
    }

    fn hand_on(&self, event: Bytes) {
        let mut heard = self.heard();
        match &mut heard.history {
            Some(history) if history.len() < REPLAYED => history.push(event.clone()),
            history => *history = None,
        }
        if let Some(events) = &heard.events {
            // Whether anybody is left is looked at now and then.
            let _ = events.send(event);
        }
    }

    /// Whether nobody follows it; then nobody can join any more.
    fn is_alone(&self) -> bool {
        let mut heard = self.heard();
        let alone = heard
            .events
            .as_ref()
            .is_none_or(|events| events.receiver_count() == 0);
        if alone {
            heard.events = None;
        }
        alone
    }

    fn heard(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    /// The body of an answer. It ends when the backend's stream does, when this server stops, and
    /// when the reader has fallen behind.
    pub(crate) fn into_stream(
        self,
    ) -> impl Stream<Item = Result<Bytes, std::convert::Infallible>> + Send {
        let heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        stream::unfold((self, heartbeat), async |(mut reader, mut heartbeat)| {
            if let Some(event) = reader.missed.next() {
                return Some((Ok(event), (reader, heartbeat)));
            }
            let event = tokio::select! {
                biased;
                () = reader.stopping.cancelled() => return None,
                event = reader.events.recv() => match event {
                    Ok(event) => event,
                    Err(RecvError::Lagged(_) | RecvError::Closed) => return None,
                },
                _ = heartbeat.tick() => Bytes::from_static(b":\n\n"),
            };
            Some((Ok(event), (reader, heartbeat)))
        })
    }
}

/// An event as it goes over the line (WHATWG HTML, section 9.2). An event without a name only says
/// where the reader is.
pub(crate) fn event(id: &str, name: Option<&str>, data: &str) -> Bytes {
    let mut text = format!("id: {id}\n");
    if let Some(name) = name {
        text.push_str("event: ");
        text.push_str(name);
        for line in data.split('\n') {
            text.push_str("\ndata: ");
            text.push_str(line);
        }
        text.push('\n');
    }
    text.push('\n');
    text.into()
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;
    use tokio::sync::mpsc;

    use super::*;

    fn list(since: Option<&str>) -> Followed {
        Followed {
            viewer: None,
            author: "bruce".to_owned(),
            search: String::new(),
            since: since.map(str::to_owned),
        }
    }

    fn backend() -> (
        mpsc::UnboundedSender<Bytes>,
        impl Stream<Item = Bytes> + Send,
    ) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let events = stream::unfold(
            receiver,
            async |mut receiver: mpsc::UnboundedReceiver<_>| {
                let event = receiver.recv().await?;
                Some((event, receiver))
            },
        );
        (sender, events)
    }

    fn n(n: usize) -> Bytes {
        event(&n.to_string(), Some("created"), "x")
    }

    #[test]
    fn an_event_holds_its_lines() {
        let event = event("7", Some("created"), "<p>\nid: 8</p>");
        assert_eq!(
            event,
            "id: 7\nevent: created\ndata: <p>\ndata: id: 8</p>\n\n"
        );
        assert_eq!(super::event("8", None, ""), "id: 8\n\n");
    }

    #[tokio::test]
    async fn all_who_follow_a_list_hear_the_same_and_end_with_it() {
        let live = Live::default();
        assert!(live.join(&list(None)).is_none());
        let (backend, events) = backend();
        let mut readers = vec![live.follow(list(None), events).unwrap()];
        readers.extend((0..9).map(|_| live.join(&list(None)).unwrap()));
        backend.send(n(1)).unwrap();
        backend.send(n(2)).unwrap();
        drop(backend);
        for reader in readers {
            let all: Vec<_> = reader.into_stream().map(Result::unwrap).collect().await;
            assert_eq!(all, [n(1), n(2)]);
        }
        assert!(live.join(&list(None)).is_none());
    }

    #[tokio::test]
    async fn who_comes_back_joins_others_who_did_and_misses_nothing() {
        let live = Live::default();
        let (backend, events) = backend();
        let first = live.follow(list(Some("0")), events).unwrap();
        backend.send(n(1)).unwrap();
        let mut first = Box::pin(first.into_stream());
        assert_eq!(first.next().await, Some(Ok(n(1))));
        assert!(live.join(&list(None)).is_none());
        let mut second = Box::pin(live.join(&list(Some("0"))).unwrap().into_stream());
        assert_eq!(second.next().await, Some(Ok(n(1))));
        for event in 2..=REPLAYED + 1 {
            backend.send(n(event)).unwrap();
            assert_eq!(first.next().await, Some(Ok(n(event))));
            assert_eq!(second.next().await, Some(Ok(n(event))));
        }
        assert!(live.join(&list(Some("0"))).is_none());
    }

    #[tokio::test]
    async fn who_falls_behind_is_let_go_and_so_is_everybody_at_the_end() {
        let live = Live::default();
        let (backend, events) = backend();
        let slow = live.follow(list(None), events).unwrap();
        let mut quick = Box::pin(live.join(&list(None)).unwrap().into_stream());
        for event in 0..=KEPT {
            backend.send(n(event)).unwrap();
            assert_eq!(quick.next().await, Some(Ok(n(event))));
        }
        assert_eq!(Box::pin(slow.into_stream()).next().await, None);
        live.stop();
        assert_eq!(quick.next().await, None);
    }
}
