//! One list, and what has been heard of it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::{Stream, StreamExt as _};
use tokio::{
    sync::broadcast::{self, Receiver, Sender},
    time::{Instant, interval_at},
};

use super::{
    Event,
    reader::{HEARTBEAT, Joined},
};

/// How many events a reader may be behind.
pub(super) const BACKLOG: usize = 64;

/// How many events are kept for whoever comes from a little before.
pub(super) const KEPT: usize = 32;

/// What has been heard of a list, and is handed on.
#[derive(Debug)]
pub(super) struct List {
    heard: Mutex<Heard>,
}

#[derive(Debug)]
struct Heard {
    /// The id of the event before the ones that are kept; `None` if nobody knows.
    before: Option<Arc<str>>,
    kept: VecDeque<Event>,
    /// `None` once the backend's stream has ended.
    events: Option<Sender<Event>>,
}

impl List {
    /// A list that is heard of from behind `since` on, with its first reader.
    pub(super) fn new(since: Option<&str>) -> (Self, Receiver<Event>) {
        let (sender, receiver) = broadcast::channel(BACKLOG);
        let heard = Mutex::new(Heard {
            before: since.map(Arc::from),
            kept: VecDeque::new(),
            events: Some(sender),
        });
        (Self { heard }, receiver)
    }

    /// What has been missed since an event, and what comes; `None` once it has ended.
    pub(super) fn join(&self, since: Option<&str>) -> Option<(Joined, Receiver<Event>)> {
        let heard = self.heard();
        let events = heard.events.as_ref()?.subscribe();
        let joined = match since.map(|since| heard.behind(since)) {
            // It begins now, and can come back to here.
            None => Joined::With(heard.place().into_iter().collect()),
            Some(Some(missed)) => Joined::With(missed),
            Some(None) => Joined::Behind,
        };
        Some((joined, events))
    }

    /// Hands on what the backend tells, until it ends or nobody follows any more.
    pub(super) async fn hear(&self, events: impl Stream<Item = Event> + Send) {
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

    /// Nobody can join any more.
    pub(super) fn end(&self) {
        self.heard().events = None;
    }

    fn hand_on(&self, event: Event) {
        let mut heard = self.heard();
        if heard.kept.len() == KEPT {
            heard.before = heard.kept.pop_front().map(|event| event.id);
        }
        heard.kept.push_back(event.clone());
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

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heard {
    /// Where the list is now, if that is known.
    fn place(&self) -> Option<Event> {
        let last = self.kept.back().map(|event| &event.id);
        let id = last.or(self.before.as_ref())?;
        Some(Event::new(id, None, ""))
    }

    /// What came behind an event, if that is known.
    fn behind(&self, since: &str) -> Option<Vec<Event>> {
        let at = self.kept.iter().rposition(|event| *event.id == *since);
        let behind = match at {
            Some(at) => at + 1,
            None if self.before.as_deref() == Some(since) => 0,
            None => return None,
        };
        Some(self.kept.range(behind..).cloned().collect())
    }
}
