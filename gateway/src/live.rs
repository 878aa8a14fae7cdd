//! Lists that are followed: one stream from the backend for all who follow the same one.
//!
//! What comes from the backend is made into the bytes of an event once, and every reader is handed
//! the same bytes. A reader begins behind the page that it has open, or behind the last event that it
//! heard: what happened since is among the newest events that are kept here, or is asked of the
//! backend once. One that falls behind is let go: a browser comes back by itself and goes on from
//! where it was.

mod list;
mod reader;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::body::Bytes;
use futures_util::Stream;
use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};
use runtime::metrics::Counted;
use tokio_util::sync::CancellationToken;

pub(crate) use self::reader::Reader;
use self::{list::List, reader::Joined};

/// How many different lists are followed at once.
const MAX_LISTS: usize = 20_000;

/// Which list, as whom. Its cards lead back to the page that it is on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Followed {
    /// Whose private thoughts are in it.
    pub(crate) viewer: Option<String>,
    /// Whose thoughts; everyone's if it is empty.
    pub(crate) author: String,
    /// What is searched, if anything is.
    pub(crate) query: String,
    /// Whether that is the page of a tag.
    pub(crate) of_tag: bool,
}

/// The lists that are followed now. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Live {
    lists: Arc<Mutex<HashMap<Followed, Arc<List>>>>,
    stopping: CancellationToken,
    usage: Usage,
}

/// How much is followed, for Prometheus.
#[derive(Clone, Debug, Default)]
struct Usage {
    lists: Gauge,
    readers: Gauge,
    /// Readers that were let go because they had fallen behind.
    dropped: Counter,
}

/// What has become of a list, as it goes over the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// From where to go on behind it.
    pub(crate) id: Arc<str>,
    bytes: Bytes,
    /// Whether it only says where the reader is.
    pub(crate) is_place: bool,
}

/// Somebody who follows a list that others follow already.
#[derive(Debug)]
pub(crate) enum Joining {
    /// With all that happened since.
    Ready(Reader),
    /// Without what happened before it joined: that has to be asked of the backend after this.
    Behind(Late),
}

/// A reader that does not know yet what it has missed.
#[derive(Debug)]
pub(crate) struct Late(Reader);

/// Too many different lists are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

impl Live {
    /// Ends every stream, now and from now on.
    pub(crate) fn stop(&self) {
        self.stopping.cancel();
    }

    /// Adds the metrics of what is followed.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let Usage {
            lists,
            readers,
            dropped,
        } = self.usage.clone();
        let of_readers = "Readers of /live that are there now";
        registry.register("mythoughts_live_readers", of_readers, readers);
        let of_lists = "Lists that are followed now, a stream from the backend each";
        registry.register("mythoughts_live_lists", of_lists, lists);
        let of_dropped = "Readers of /live that were let go because they were too slow";
        registry.register("mythoughts_live_readers_dropped", of_dropped, dropped);
    }

    /// Joins those who follow this list already, from the event with this id on, or from now on.
    pub(crate) fn join(&self, followed: &Followed, since: Option<&str>) -> Option<Joining> {
        let list = Arc::clone(self.lists().get(followed)?);
        let (missed, events) = list.join(since)?;
        let reader = |missed| Reader::new(missed, events, self.stopping.clone(), &self.usage);
        Some(match missed {
            Joined::With(missed) => Joining::Ready(reader(missed)),
            Joined::Behind => Joining::Behind(Late(reader(Vec::new()))),
        })
    }

    /// Follows a list by a stream of the backend's, which others may join.
    ///
    /// # Errors
    ///
    /// [`TooMany`].
    pub(crate) fn follow(
        &self,
        followed: Followed,
        since: Option<&str>,
        events: impl Stream<Item = Event> + Send + 'static,
    ) -> Result<Reader, TooMany> {
        let (list, receiver) = List::new(since);
        let list = Arc::new(list);
        {
            let mut lists = self.lists();
            if lists.len() >= MAX_LISTS {
                return Err(TooMany);
            }
            lists.insert(followed.clone(), Arc::clone(&list));
        }
        let live = self.clone();
        // What waits for them is made of several futures, each as large as what it waits for.
        let events = Box::pin(events);
        let counted = Counted::new(&self.usage.lists);
        tokio::spawn(async move {
            let _counted = counted;
            let heard = live.stopping.run_until_cancelled(list.hear(events));
            heard.await;
            list.end();
            live.forget(&followed, &list);
        });
        let stopping = self.stopping.clone();
        Ok(Reader::new(Vec::new(), receiver, stopping, &self.usage))
    }

    fn forget(&self, followed: &Followed, list: &Arc<List>) {
        let mut lists = self.lists();
        // Another may have taken its place.
        if lists.get(followed).is_some_and(|it| Arc::ptr_eq(it, list)) {
            lists.remove(followed);
        }
    }

    fn lists(&self) -> MutexGuard<'_, HashMap<Followed, Arc<List>>> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Late {
    /// Goes on behind what the backend told of the time since then.
    pub(crate) fn after(self, missed: Vec<Event>) -> Reader {
        self.0.after(missed)
    }
}

impl Event {
    /// As the HTML standard has it (WHATWG HTML, section 9.2). An event without a name only says
    /// where the reader is.
    pub(crate) fn new(id: &str, name: Option<&str>, data: &str) -> Self {
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
        Self {
            id: id.into(),
            bytes: text.into(),
            is_place: name.is_none(),
        }
    }
}

#[cfg(test)]
mod tests;
