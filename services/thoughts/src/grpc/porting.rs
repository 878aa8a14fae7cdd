//! Export and import: streams, of which a part is in memory at a time.

use std::time::Duration;

use api::thoughts::v1::{
    ExportThoughtsRequest, ExportThoughtsResponse, ImportThoughtsRequest, ImportThoughtsResponse,
    RefusedThought, ThoughtRevision,
};
use futures_util::{
    StreamExt as _, TryStreamExt as _,
    stream::{BoxStream, try_unfold},
};
use prost::Message as _;
use runtime::{auth::Caller, clock::Timestamp, status};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status, Streaming};

use super::{ThoughtsGrpc, keeping::visibility_to_be, messages::parse_id, refusals::to_status};
use crate::{
    porting::{Draft, Exported, Outcome, Record, Refused},
    revision::Revision,
    service::Thoughts,
    thought::Author,
};

/// What an export answers with.
pub(super) type ExportStream = BoxStream<'static, Result<ExportThoughtsResponse, Status>>;

/// What an import answers with.
pub(super) type ImportStream = BoxStream<'static, Result<ImportThoughtsResponse, Status>>;

/// So many thoughts are stored at once: on SQLite everybody else who writes waits for them.
const BATCH: usize = 500;

/// So many bytes of them, if that is less.
const BATCH_BYTES: usize = 1 << 20;

/// What has come is stored when nothing more has for so long.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a caller may send nothing at all.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn export_thoughts(
    grpc: &ThoughtsGrpc,
    request: Request<ExportThoughtsRequest>,
) -> Result<Response<ExportStream>, Status> {
    let caller = grpc.signed_in(&request).await?;
    let exported = grpc
        .thoughts
        .export(&caller, request.get_ref().show_deleted);
    let answers = exported
        .map_ok(ExportThoughtsResponse::from)
        .map_err(to_status);
    Ok(Response::new(answers.boxed()))
}

pub(super) async fn import_thoughts(
    grpc: &ThoughtsGrpc,
    request: Request<Streaming<ImportThoughtsRequest>>,
) -> Result<Response<ImportStream>, Status> {
    let import = Import {
        caller: grpc.writer(&request).await?,
        thoughts: grpc.thoughts.clone(),
        stopping: grpc.stopping.clone(),
        requests: request.into_inner(),
        messages: 0,
        answer: ImportThoughtsResponse::default(),
        ended: false,
    };
    let answers = try_unfold(import, async |mut import| {
        if import.ended {
            return Ok(None);
        }
        let answer = import.next().await?;
        Ok(Some((answer, import)))
    });
    Ok(Response::new(answers.boxed()))
}

/// An import that is under way.
struct Import {
    caller: Caller,
    thoughts: Thoughts,
    stopping: CancellationToken,
    requests: Streaming<ImportThoughtsRequest>,
    /// How many have come.
    messages: i64,
    /// The counts so far, and what was refused since the last answer.
    answer: ImportThoughtsResponse,
    ended: bool,
}

impl Import {
    /// Takes the next part, stores it, and says what became of it.
    async fn next(&mut self) -> Result<ImportThoughtsResponse, Status> {
        let (lines, records) = self.part().await?;
        if self.caller.expires <= self.thoughts.clock.now() {
            let message = "the token has expired on the way";
            return Err(status::error(
                Code::Unauthenticated,
                "TOKEN_EXPIRED",
                message,
            ));
        }
        if !records.is_empty() {
            let outcomes = self.thoughts.import(&self.caller, &records).await;
            for (line, outcome) in lines.into_iter().zip(outcomes.map_err(to_status)?) {
                match outcome {
                    Outcome::Imported => self.answer.imported_count += 1,
                    Outcome::Unchanged => self.answer.unchanged_count += 1,
                    Outcome::Differs | Outcome::NoId => {
                        outcome
                            .refusal()
                            .into_iter()
                            .for_each(|why| self.refuse(line, why));
                    }
                }
            }
        }
        let answer = self.answer.clone();
        self.answer.refused.clear();
        Ok(answer)
    }

    /// What has come, as much as is stored at once, with its lines.
    async fn part(&mut self) -> Result<(Vec<i64>, Vec<Record>), Status> {
        let (mut lines, mut records) = (Vec::new(), Vec::new());
        let (mut taken, mut bytes) = (0, 0);
        while taken < BATCH && bytes < BATCH_BYTES {
            let Some(message) = self.message(taken > 0).await? else {
                break;
            };
            taken += 1;
            bytes += message.encoded_len();
            self.messages += 1;
            let line = match message.line {
                0 => self.messages,
                line => line,
            };
            match self.parse(message) {
                Ok(record) => {
                    lines.push(line);
                    records.push(record);
                }
                Err(why) => self.refuse(line, why),
            }
        }
        Ok((lines, records))
    }

    /// The next message; `None` at the end or, if there is something to store, when none comes soon.
    async fn message(
        &mut self,
        something_to_store: bool,
    ) -> Result<Option<ImportThoughtsRequest>, Status> {
        let wait = if something_to_store { PAUSE } else { PATIENCE };
        let message = tokio::select! {
            () = self.stopping.cancelled() => return Err(stopping()),
            message = timeout(wait, self.requests.message()) => message,
        };
        match message {
            Ok(message) => {
                let message = message.map_err(clarified)?;
                self.ended = message.is_none();
                Ok(message)
            }
            Err(_) if something_to_store => Ok(None),
            Err(_) => Err(silent()),
        }
    }

    fn parse(&self, message: ImportThoughtsRequest) -> Result<Record, Refused> {
        let draft = draft(message)?;
        let author = Author {
            id: self.caller.user_id,
            username: self.caller.username.clone(),
        };
        Record::new(
            author,
            draft,
            self.thoughts.clock.now(),
            self.thoughts.max_length,
        )
    }

    fn refuse(&mut self, line: i64, why: Refused) {
        self.answer.refused_count += 1;
        self.answer.refused.push(RefusedThought {
            line,
            field: why.field.to_owned(),
            description: why.description,
        });
    }
}

fn draft(message: ImportThoughtsRequest) -> Result<Draft, Refused> {
    let thought = message
        .thought
        .ok_or_else(|| refused("thought", "must be given"))?;
    let id = match thought.id.as_str() {
        "" => None,
        id => Some(
            parse_id("thought.id", id)
                .map_err(|status| refused("thought.id", expected(&status)))?,
        ),
    };
    let visibility = visibility_to_be(thought.visibility)
        .map_err(|expected| refused("thought.visibility", expected))?;
    let revisions = message.revisions.into_iter().map(revision);
    Ok(Draft {
        id,
        visibility,
        create_time: thought.create_time.map(Timestamp::from),
        update_time: thought.update_time.map(Timestamp::from),
        delete_time: thought.delete_time.map(Timestamp::from),
        removed: thought.removed,
        revisions: revisions.collect::<Result<_, _>>()?,
        text: thought.text,
    })
}

fn revision(message: ThoughtRevision) -> Result<Revision, Refused> {
    let given = |field, time: Option<prost_types::Timestamp>| {
        time.map(Timestamp::from)
            .ok_or_else(|| refused(field, "must be given"))
    };
    Ok(Revision {
        visibility: visibility_to_be(message.visibility)
            .map_err(|expected| refused("revisions.visibility", expected))?,
        create_time: given("revisions.create_time", message.create_time)?,
        end_time: given("revisions.end_time", message.end_time)?,
        text: message.text,
    })
}

/// What a refusal of one field says of it.
fn expected(status: &Status) -> String {
    let violations = status::field_violations(status).into_iter();
    let described = violations.map(|(_, description)| description).next();
    described.unwrap_or_else(|| status.message().to_owned())
}

fn refused(field: &'static str, description: impl Into<String>) -> Refused {
    Refused {
        field,
        description: description.into(),
    }
}

/// tonic says `INTERNAL` or `OUT_OF_RANGE` of what it cannot read.
fn clarified(status: Status) -> Status {
    match status.code() {
        Code::Internal | Code::OutOfRange => {
            status::invalid_argument("request", "must be messages of this rpc")
        }
        _ => status,
    }
}

fn silent() -> Status {
    let message = "nothing came for a minute";
    status::error(Code::Aborted, "IMPORT_SILENT", message)
}

fn stopping() -> Status {
    let message = "the server stops; what has been answered for is stored";
    status::unavailable("STOPPING", message)
}

impl From<Exported> for ExportThoughtsResponse {
    fn from(exported: Exported) -> Self {
        let revisions = exported.revisions.into_iter();
        Self {
            thought: Some(exported.thought.into()),
            revisions: revisions.map(ThoughtRevision::from).collect(),
        }
    }
}
