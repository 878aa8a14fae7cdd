//! What becomes of the thoughts of a list, as it happens.

use std::{pin::pin, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, header},
    response::{IntoResponse as _, Response},
};
use futures_util::{Stream, StreamExt as _, stream};
use serde::Deserialize;
use tokio::time::timeout;

use crate::{
    backends::Backends,
    error::{Part, Problem},
    fields::Params,
    live::{Event, Followed, Joining, Reader, TooMany},
    model::Change,
    paths::{self, LocalPath},
    ui::{
        text,
        thought::{self, Eyes},
    },
    visit::Visit,
};

/// The longest id of an event that is one of ours.
const MAX_ID: usize = 200;

/// How many events a reader may have missed. With more of them the page is better loaded again.
const MAX_MISSED: usize = 200;

/// How long the backend may take to tell what a reader has missed.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a browser waits before it comes back, in milliseconds.
const RETRY: &str = "retry: 2000\n\n";

/// The empty id makes the browser come back without one.
const LOST: &str = "retry: 2000\nid:\nevent: lost\ndata:\n\n";

/// How soon to come back when too many lists are followed.
const BUSY: Duration = Duration::from_secs(30);

/// Which list: one person's, what carries a tag, what a search finds, or everyone's; and from where
/// on, as the page says that has it.
#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    #[serde(default)]
    author: String,
    #[serde(default)]
    tag: String,
    #[serde(default)]
    search: String,
    since: Option<String>,
}

/// `GET /live`: server-sent events. `created` and `updated` have the thought as it stands in the
/// list, `deleted` its id; `lost` says that events were missed, so that the page has to be loaded
/// again. The id of an event leads on from it (`Last-Event-ID`).
pub(crate) async fn follow(
    visit: Visit,
    backends: Backends,
    headers: HeaderMap,
    Params(which): Params<Which>,
) -> Result<Response, Problem> {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let since = [last, which.since.as_deref()]
        .into_iter()
        .flatten()
        .find(|id| !id.is_empty() && id.len() <= MAX_ID);
    let followed = which.followed(&visit)?;
    let live = visit.app.live.clone();
    let late = match live.join(&followed, since) {
        Some(Joining::Ready(reader)) => return Ok(events(reader)),
        Some(Joining::Behind(late)) => Some(late),
        None => None,
    };
    let told = backends.watch(&followed, since, visit.token()).await?;
    let Some(told) = told else {
        return Ok(answer(LOST));
    };
    let told = rendered(visit, &followed, told);
    let Some(late) = late else {
        return match live.follow(followed, since, told) {
            Ok(reader) => Ok(events(reader)),
            Err(TooMany) => Err(Problem::Busy(BUSY)),
        };
    };
    let missed = timeout(PATIENCE, catch_up(told)).await;
    match missed.map_err(|_| away())?? {
        Some(missed) => Ok(events(late.after(missed))),
        None => Ok(answer(LOST)),
    }
}

/// All that has happened up to now; `None` if that is too much.
async fn catch_up(told: impl Stream<Item = Event>) -> Result<Option<Vec<Event>>, Problem> {
    let mut told = pin!(told);
    let mut missed = Vec::new();
    while let Some(event) = told.next().await {
        let is_place = event.is_place;
        missed.push(event);
        if is_place {
            return Ok(Some(missed));
        }
        if missed.len() > MAX_MISSED {
            return Ok(None);
        }
    }
    Err(away())
}

fn away() -> Problem {
    Problem::OutOfReach(Part::Thoughts, BUSY)
}

fn rendered(
    visit: Visit,
    followed: &Followed,
    told: impl Stream<Item = (String, Option<Change>)> + Send + 'static,
) -> impl Stream<Item = Event> + Send + 'static {
    let list = place(&visit, followed);
    let own_list = !followed.author.is_empty();
    told.map(move |(id, change)| {
        let eyes = Eyes {
            now: visit.app.clock.now(),
            back: &list,
            names: !own_list,
            ..visit.eyes()
        };
        let card = |thought| thought::in_list(thought, eyes).into_string();
        match change {
            None => Event::new(&id, None, ""),
            Some(Change::Created(thought)) => Event::new(&id, Some("created"), &card(&thought)),
            Some(Change::Updated(thought)) => Event::new(&id, Some("updated"), &card(&thought)),
            Some(Change::Deleted(gone)) => Event::new(&id, Some("deleted"), &gone.to_string()),
        }
    })
}

fn events(reader: Reader) -> Response {
    let begin = stream::once(async { Ok(Bytes::from_static(RETRY.as_bytes())) });
    answer(Body::from_stream(begin.chain(reader.into_stream())))
}

fn answer(body: impl Into<Body>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        // Of nginx: hand on each event as it comes.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, body.into()).into_response()
}

impl Which {
    fn followed(&self, visit: &Visit) -> Result<Followed, Problem> {
        let of_tag = !self.tag.is_empty();
        // Anything else would be another search.
        if of_tag && !text::is_tag(&self.tag) {
            return Err(Problem::NotFound);
        }
        Ok(Followed {
            viewer: visit.viewer().map(|viewer| viewer.username.clone()),
            author: self.author.clone(),
            query: if of_tag {
                format!("#{}", self.tag)
            } else {
                self.search.trim().to_owned()
            },
            of_tag,
        })
    }
}

/// The page that the list is on, to come back to after a form.
fn place(visit: &Visit, followed: &Followed) -> LocalPath {
    let own = visit
        .viewer()
        .is_some_and(|viewer| viewer.username == followed.author);
    let page = if own {
        return LocalPath::home();
    } else if followed.of_tag {
        paths::tag(followed.query.trim_start_matches('#'), None)
    } else if followed.author.is_empty() {
        paths::search(&followed.query, None)
    } else {
        paths::user(&followed.author, None)
    };
    LocalPath::parse(&page).unwrap_or_else(LocalPath::home)
}
