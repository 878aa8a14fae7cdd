//! Following a list.

use std::sync::{Arc, Mutex, PoisonError};

use api::thoughts::v1::{
    self as thoughts, thoughts_service_client::ThoughtsServiceClient,
    watch_thoughts_response::Change as Told,
};
use futures_util::{Stream, stream};
use runtime::{grpc::client::Channel, status};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::{Code, Status};

use super::{Backends, id, range, thought, thoughts_failed};
use crate::{error::Problem, live::Followed, model::Change, session::Token};

/// So many streams share a connection: half of what a backend takes.
const STREAMS: usize = 100;

/// Connections for streams that stay open: other calls never wait for those to end.
pub(crate) struct Watching {
    to: Channel,
    connections: Mutex<Vec<(Channel, Arc<Semaphore>)>>,
}

impl Watching {
    /// Connections to where `to` leads.
    pub(crate) fn new(to: Channel) -> Self {
        Self {
            to,
            connections: Mutex::default(),
        }
    }

    /// A connection with room for one more stream, for as long as the permit is held.
    fn connection(&self) -> Option<(Channel, OwnedSemaphorePermit)> {
        let mut all = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let free = all.iter().find_map(|(channel, room)| {
            let permit = Arc::clone(room).try_acquire_owned().ok()?;
            Some((channel.clone(), permit))
        });
        free.or_else(|| {
            let (channel, room) = (self.to.with_own_connections(), Semaphore::new(STREAMS));
            let room = Arc::new(room);
            all.push((channel.clone(), Arc::clone(&room)));
            Some((channel, room.try_acquire_owned().ok()?))
        })
    }
}

impl Backends {
    /// What becomes of the thoughts of a list, each with the id that leads on from it; `None` when
    /// it cannot be gone on from where it is asked for. The stream ends when the backend's does.
    pub(crate) async fn watch(
        &self,
        followed: &Followed,
        since: Option<&str>,
        token: Option<&Token>,
    ) -> Result<Option<impl Stream<Item = (String, Option<Change>)> + Send + use<>>, Problem> {
        let request = thoughts::WatchThoughtsRequest {
            author: followed.author.clone(),
            query: followed.query.clone(),
            resume_token: since.unwrap_or_default().to_owned(),
        };
        let request = self.request(request, token);
        let (channel, permit) = self.app.watching.connection().ok_or(Problem::Defect)?;
        let mut client = ThoughtsServiceClient::new(channel);
        let told = match client.watch_thoughts(request).await {
            Ok(told) => told.into_inner(),
            Err(status) if leads_nowhere(&status) => return Ok(None),
            Err(status) => return Err(thoughts_failed(status)),
        };
        Ok(Some(stream::unfold(
            (told, permit),
            async |(mut told, permit)| {
                // However it ends, whoever reads comes back.
                let message = told.message().await.ok().flatten()?;
                let at = message.resume_token.clone();
                Some(((at, change(message).ok()?), (told, permit)))
            },
        )))
    }
}

/// Whether a resume token is too old, or none of this list.
fn leads_nowhere(status: &Status) -> bool {
    let blamed = || status::field_violations(status);
    status.code() == Code::OutOfRange || blamed().iter().any(|(field, _)| field == "resume_token")
}

fn change(message: thoughts::WatchThoughtsResponse) -> Result<Option<Change>, Problem> {
    let ranges = message.matches.unwrap_or_default().ranges;
    let marked = |told: thoughts::Thought| {
        let mut thought = thought(told)?;
        thought.matches = ranges.into_iter().map(range).collect();
        Ok(thought)
    };
    Ok(Some(match message.change {
        None => return Ok(None),
        Some(Told::Created(told)) => Change::Created(marked(told)?),
        Some(Told::Updated(told)) => Change::Updated(marked(told)?),
        Some(Told::Deleted(gone)) => Change::Deleted(id(&gone)?),
    }))
}
