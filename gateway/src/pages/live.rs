//! What becomes of the thoughts of a list, as it happens.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, header},
    response::{IntoResponse as _, Response},
};
use futures_util::{StreamExt as _, stream};
use serde::Deserialize;

use crate::{
    backends::Backends,
    error::Problem,
    fields::Params,
    live::{Followed, Reader, TooMany, event},
    model::Change,
    paths::{self, LocalPath},
    ui::thought::{self, Eyes},
    visit::Visit,
};

/// The longest id of an event that is one of ours.
const MAX_ID: usize = 200;

/// How long a browser waits before it comes back, in milliseconds.
const RETRY: &str = "retry: 2000\n\n";

/// The empty id makes the browser come back without one.
const LOST: &str = "retry: 2000\nid:\nevent: lost\ndata:\n\n";

/// How soon to come back when too many lists are followed.
const BUSY: Duration = Duration::from_secs(30);

/// Which list: one person's, what a search finds, or everyone's.
#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    #[serde(default)]
    author: String,
    #[serde(default)]
    search: String,
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
    let since = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let followed = Followed {
        viewer: visit.viewer().map(|viewer| viewer.username.clone()),
        author: which.author,
        search: which.search.trim().to_owned(),
        since: since
            .filter(|id| !id.is_empty() && id.len() <= MAX_ID)
            .map(str::to_owned),
    };
    if let Some(reader) = visit.app.live.join(&followed) {
        return Ok(events(reader));
    }
    let begun = backends.watch(&followed, visit.token()).await?;
    let Some(changes) = begun else {
        return Ok(answer(LOST));
    };
    let live = visit.app.live.clone();
    let list = place(&visit, &followed);
    let own_list = !followed.author.is_empty();
    let rendered = changes.map(move |(id, change)| {
        let eyes = Eyes {
            now: visit.app.clock.now(),
            back: &list,
            names: !own_list,
            ..visit.eyes()
        };
        let card = |thought| thought::in_list(thought, eyes).into_string();
        match change {
            None => event(&id, None, ""),
            Some(Change::Created(thought)) => event(&id, Some("created"), &card(&thought)),
            Some(Change::Updated(thought)) => event(&id, Some("updated"), &card(&thought)),
            Some(Change::Deleted(gone)) => event(&id, Some("deleted"), &gone.to_string()),
        }
    });
    match live.follow(followed, rendered) {
        Ok(reader) => Ok(events(reader)),
        Err(TooMany) => Err(Problem::Busy(BUSY)),
    }
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

/// The page that the list is on, to come back to after a form.
fn place(visit: &Visit, followed: &Followed) -> LocalPath {
    let own = visit
        .viewer()
        .is_some_and(|viewer| viewer.username == followed.author);
    let page = if own {
        return LocalPath::home();
    } else if followed.author.is_empty() {
        paths::search(&followed.search, None)
    } else {
        paths::user(&followed.author, None)
    };
    LocalPath::parse(&page).unwrap_or_else(LocalPath::home)
}
