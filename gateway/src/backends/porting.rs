//! Export and import.

use std::{sync::Arc, time::Duration};

use api::thoughts::v1 as thoughts;
use futures_util::{Stream, stream};
use runtime::grpc::client::Idempotent;
use tokio::time::timeout;
use tonic::Status;

use super::{Backends, keeping::revision, proto_visibility, thought, thoughts_failed};
use crate::{
    error::Problem,
    model::Revision,
    porting::{Exported, PartOutcome, Record},
    session::Token,
};

/// How long the thoughts backend may be silent, at the beginning and on the way: others may be
/// storing.
const SILENCE: Duration = Duration::from_secs(30);

impl Backends {
    /// Everything of the token's owner's, the trash too, oldest first.
    pub(crate) async fn export(
        &self,
        token: &Token,
    ) -> Result<impl Stream<Item = Result<Exported, Problem>> + Send + use<>, Problem> {
        let request = thoughts::ExportThoughtsRequest { show_deleted: true };
        let mut request = self.request(request, Some(token));
        request.extensions_mut().insert(Idempotent);
        request.set_timeout(SILENCE);
        let answer = self.app.thoughts.clone().export_thoughts(request).await;
        let answers = answer.map_err(thoughts_failed)?.into_inner();
        Ok(stream::unfold(Some(answers), async |answers| {
            let mut answers = answers?;
            let message = match timeout(SILENCE, answers.message()).await {
                Ok(message) => message.map_err(thoughts_failed).transpose()?,
                Err(_) => Err(silent()),
            };
            let answers = message.is_ok().then_some(answers);
            Some((message.and_then(exported), answers))
        }))
    }

    /// Stores some thoughts of the token's owner's; storing them again changes nothing. They have to
    /// be few enough for memory.
    pub(crate) async fn import(
        &self,
        records: Arc<[Record]>,
        token: &Token,
    ) -> Result<PartOutcome, Problem> {
        let messages = stream::iter((0..records.len()).filter_map(move |at| {
            let line = i64::try_from(at + 1).ok()?;
            Some(message(line, records.get(at)?))
        }));
        let mut request = self.request(messages, Some(token));
        request.extensions_mut().insert(Idempotent);
        request.set_timeout(SILENCE);
        let answer = self.app.thoughts.clone().import_thoughts(request).await;
        let mut answers = answer.map_err(thoughts_failed)?.into_inner();
        let mut outcome = PartOutcome::default();
        loop {
            let answer = match timeout(SILENCE, answers.message()).await {
                Ok(answer) => answer.map_err(thoughts_failed)?,
                Err(_) => return Err(silent()),
            };
            let Some(answer) = answer else {
                return Ok(outcome);
            };
            outcome.imported = u64::try_from(answer.imported_count).unwrap_or_default();
            outcome.there = u64::try_from(answer.unchanged_count).unwrap_or_default();
            outcome.refused.extend(answer.refused.into_iter().map(|it| {
                let at = usize::try_from(it.line - 1).unwrap_or(usize::MAX);
                (at, it.field, it.description)
            }));
        }
    }
}

fn silent() -> Problem {
    thoughts_failed(Status::deadline_exceeded("the thoughts backend is silent"))
}

fn exported(message: thoughts::ExportThoughtsResponse) -> Result<Exported, Problem> {
    let Some(found) = message.thought else {
        tracing::error!("an export without a thought");
        return Err(Problem::Defect);
    };
    let revisions = message.revisions.into_iter().map(revision);
    Ok(Exported {
        thought: thought(found)?,
        revisions: revisions.collect::<Result<_, _>>()?,
    })
}

fn message(line: i64, record: &Record) -> thoughts::ImportThoughtsRequest {
    let thought = thoughts::Thought {
        id: record.id.clone().unwrap_or_default(),
        text: record.text.clone(),
        visibility: proto_visibility(record.visibility).into(),
        create_time: record.written.map(Into::into),
        update_time: record.changed.map(Into::into),
        delete_time: record.trashed.map(Into::into),
        removed: record.removed,
        ..Default::default()
    };
    let revisions = record
        .revisions
        .iter()
        .map(|revision: &Revision| thoughts::ThoughtRevision {
            text: revision.text.clone(),
            visibility: proto_visibility(revision.visibility).into(),
            create_time: Some(revision.since.into()),
            end_time: Some(revision.until.into()),
        });
    thoughts::ImportThoughtsRequest {
        thought: Some(thought),
        revisions: revisions.collect(),
        line,
    }
}
