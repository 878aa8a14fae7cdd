//! Watching.

use std::time::Duration;

use api::thoughts::v1::{
    Matches, Thought as ProtoThought, WatchThoughtsRequest, WatchThoughtsResponse,
    watch_thoughts_response::Change,
};
use futures_util::stream;
use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};
use runtime::{
    auth::{Caller, Verifier},
    metrics::Counted,
    paging::PageToken,
    status,
};
use tokio::time::{Instant, sleep_until};
use tonic::{Code, Request, Response, Status, codegen::BoxStream, metadata::MetadataMap};
use uuid::Uuid;

use super::{ThoughtsGrpc, refusals::to_status, search::matches_of};
use crate::{
    live::{Bookmark, Mark, News, Watch},
    query::SearchQuery,
    service::{Told, WatchEnd, Watcher, watched_author},
};

/// What a caller of `WatchThoughts` gets.
pub(super) type Stream = BoxStream<WatchThoughtsResponse>;

/// The streams that are open, and those that were let go, for Prometheus.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watches {
    open: Gauge,
    dropped: Counter,
}

impl Watches {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "mythoughts_watch_streams",
            "Streams of WatchThoughts that are open now",
            self.open.clone(),
        );
        registry.register(
            "mythoughts_watch_streams_dropped",
            "Streams of WatchThoughts that were ended because their readers were too slow",
            self.dropped.clone(),
        );
    }
}

/// Without a token a stream has no end of its own.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

pub(super) async fn watch_thoughts(
    grpc: &ThoughtsGrpc,
    request: Request<WatchThoughtsRequest>,
) -> Result<Response<Stream>, Status> {
    let caller = grpc.caller(&request).await?;
    let (metadata, _, message) = request.into_parts();
    let query = SearchQuery::parse(&message.query)
        .map_err(|error| status::invalid_argument("query", error.to_string()))?;
    let scope = scope(&message.author, &message.query);
    let place = parse_place(&message.resume_token, &scope)?;
    let watch = Watch {
        viewer: caller.as_ref().map(|caller| caller.user_id),
        author: watched_author(&message.author),
        query: query.clone(),
    };
    let watcher = grpc.live.watch(watch, place).await.map_err(end)?;
    let watching = Watching {
        watcher,
        query,
        scope,
        ends: Instant::now() + time_left(grpc, caller.as_ref()),
        metadata,
        verifier: grpc.verifier.clone(),
        dropped: grpc.watches.dropped.clone(),
        _open: Counted::new(&grpc.watches.open),
    };
    let told = stream::unfold(Some(watching), async |watching| {
        let mut watching = watching?;
        match watching.next().await {
            Ok(message) => Some((Ok(message), Some(watching))),
            Err(status) => Some((Err(status), None)),
        }
    });
    Ok(Response::new(Box::pin(told)))
}

/// From where a watch goes on behind what is read after this; empty if that cannot be told.
pub(super) async fn resume_token(grpc: &ThoughtsGrpc, author: &str, query: &str) -> String {
    let place = grpc.live.place().await;
    place
        .map(|place| PageToken::encode_key(&key(place), &scope(author, query)))
        .unwrap_or_default()
}

/// What a resume token is good for.
fn scope(author: &str, query: &str) -> String {
    format!("WatchThoughts:{author}:{query}")
}

/// A stream under way.
struct Watching {
    watcher: Watcher,
    query: SearchQuery,
    scope: String,
    ends: Instant,
    metadata: MetadataMap,
    verifier: Verifier,
    dropped: Counter,
    _open: Counted,
}

impl Watching {
    async fn next(&mut self) -> Result<WatchThoughtsResponse, Status> {
        let told = tokio::select! {
            biased;
            () = sleep_until(self.ends) => return Err(expired()),
            told = self.watcher.next() => told,
        };
        let told = told.map_err(|reason| {
            if matches!(reason, WatchEnd::TooSlow) {
                self.dropped.inc();
            }
            end(reason)
        })?;
        if told.news.is_none() {
            // A personal access token may have been revoked.
            self.verifier.caller(&self.metadata).await?;
        }
        Ok(self.message(told))
    }

    fn message(&self, told: Told) -> WatchThoughtsResponse {
        let (change, matches) = match told.news {
            None => (None, None),
            Some(News::Deleted(id)) => (Some(Change::Deleted(id.to_string())), None),
            Some(News::Created(thought)) => {
                let matches = self.matches(&thought);
                (Some(Change::Created(ProtoThought::from(thought))), matches)
            }
            Some(News::Updated(thought)) => {
                let matches = self.matches(&thought);
                (Some(Change::Updated(ProtoThought::from(thought))), matches)
            }
        };
        WatchThoughtsResponse {
            change,
            resume_token: PageToken::encode_key(&key(told.at), &self.scope),
            matches,
        }
    }

    fn matches(&self, thought: &crate::thought::Thought) -> Option<Matches> {
        (!self.query.is_empty()).then(|| matches_of(thought, &self.query))
    }
}

/// How long the caller's token goes on.
fn time_left(grpc: &ThoughtsGrpc, caller: Option<&Caller>) -> Duration {
    let Some(caller) = caller else {
        return FOR_EVER;
    };
    let left = caller.expires.as_micros() - grpc.thoughts.clock.now().as_micros();
    Duration::from_micros(u64::try_from(left).unwrap_or_default()).min(FOR_EVER)
}

/// What a resume token says: which log, and where in it.
fn key(place: Bookmark) -> Vec<u8> {
    let Mark { xid, seq } = place.mark;
    [
        &place.epoch.as_bytes()[..],
        &xid.to_be_bytes(),
        &seq.to_be_bytes(),
    ]
    .concat()
}

fn parse_place(token: &str, scope: &str) -> Result<Option<Bookmark>, Status> {
    let refusal = || {
        status::invalid_argument(
            "resume_token",
            "must be a resume_token of the same watch; leave it out to watch from now on",
        )
    };
    match PageToken::parse_key(token, scope) {
        Ok(None) => Ok(None),
        Ok(Some(key)) => place(&key).map(Some).ok_or_else(refusal),
        Err(_) => Err(refusal()),
    }
}

fn place(key: &[u8]) -> Option<Bookmark> {
    let (epoch, rest) = key.split_first_chunk()?;
    let (xid, rest) = rest.split_first_chunk()?;
    Some(Bookmark {
        epoch: Uuid::from_bytes(*epoch),
        mark: Mark {
            xid: i64::from_be_bytes(*xid),
            seq: i64::from_be_bytes(rest.try_into().ok()?),
        },
    })
}

fn expired() -> Status {
    status::error(
        Code::Unauthenticated,
        "TOKEN_EXPIRED",
        "the token has expired: go on from the last resume_token with another one",
    )
}

fn end(end: WatchEnd) -> Status {
    let message = end.to_string();
    match end {
        WatchEnd::TooOld => status::error(Code::OutOfRange, "RESUME_TOKEN_TOO_OLD", message),
        WatchEnd::TooSlow => status::error(Code::Aborted, "WATCHER_TOO_SLOW", message),
        WatchEnd::Begun => status::error(Code::Aborted, "LOG_BEGUN_ANEW", message),
        WatchEnd::Stopping => status::unavailable("SERVER_STOPPING", message),
        WatchEnd::NotYet => status::unavailable("CHANGES_NOT_READ_YET", message),
        WatchEnd::Database(error) => to_status(error.into()),
    }
}
