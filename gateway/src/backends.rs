//! The calls to the backends, from parsed values to parsed answers.

mod access_tokens;
mod accounts;
mod invitations;
mod keeping;
mod live;
mod people;
mod porting;
mod sessions;
mod tags;

use std::ops::Range;

use api::thoughts::v1 as thoughts;
use axum::{extract::FromRequestParts, http::request::Parts};
use runtime::grpc::{REQUEST_ID, client::Idempotent};
use tonic::{Request, Status, metadata::MetadataValue};
use uuid::Uuid;

use crate::{
    app::App,
    device::Device,
    error::{Part, Problem},
    model::{Draft, Found, QueryProblem, Thought, ThoughtList, Trashed, Visibility},
    observe::RequestId,
    session::Token,
};

pub(crate) use accounts::NewUser;
pub(crate) use live::Watching;
pub(crate) use sessions::{NewSession, NewToken};

/// The backends as one request speaks to them: each call carries the request's id.
#[derive(Clone)]
pub(crate) struct Backends {
    app: App,
    request_id: RequestId,
    device: Device,
}

impl FromRequestParts<App> for Backends {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        Ok(Self {
            app: app.clone(),
            request_id: RequestId::from_request_parts(parts, app).await?,
            device: Device::from_request_parts(parts, app).await?,
        })
    }
}

/// Thoughts.
impl Backends {
    /// Saves a thought; saving the same draft again makes no second one.
    pub(crate) async fn create_thought(
        &self,
        draft: &Draft,
        token: &Token,
    ) -> Result<Thought, Problem> {
        let mut request = self.request(
            thoughts::CreateThoughtRequest {
                text: draft.text.clone(),
                visibility: proto_visibility(draft.visibility).into(),
                request_id: Some(draft.request_id.to_string()),
            },
            Some(token),
        );
        request.extensions_mut().insert(Idempotent);
        let answer = self.app.thoughts.clone().create_thought(request).await;
        thought(answer.map_err(thoughts_failed)?.into_inner())
    }

    /// One thought, if this person may read it.
    pub(crate) async fn thought(
        &self,
        id: Uuid,
        token: Option<&Token>,
    ) -> Result<Thought, Problem> {
        let request = self.request(thoughts::GetThoughtRequest { id: id.to_string() }, token);
        let answer = self.app.thoughts.clone().get_thought(request).await;
        thought(answer.map_err(thoughts_failed)?.into_inner())
    }

    /// A page of somebody's thoughts, newest first: those that the token's owner may read.
    pub(crate) async fn thoughts_of(
        &self,
        author: &str,
        page_token: Option<&str>,
        token: Option<&Token>,
    ) -> Result<ThoughtList, Problem> {
        let request = thoughts::ListThoughtsRequest {
            author: author.to_owned(),
            page_size: 0,
            page_token: page_token.unwrap_or_default().to_owned(),
            ..Default::default()
        };
        let request = self.request(request, token);
        let answer = self.app.thoughts.clone().list_thoughts(request).await;
        let answer = answer.map_err(thoughts_failed)?.into_inner();
        Ok(ThoughtList {
            since: given(answer.resume_token),
            ..list(answer.thoughts, Vec::new(), answer.next_page_token)?
        })
    }

    /// A page of what a search finds; without words, of everyone's thoughts.
    pub(crate) async fn search(
        &self,
        words: &str,
        page_token: Option<&str>,
        token: Option<&Token>,
    ) -> Result<Found, Problem> {
        let request = thoughts::SearchThoughtsRequest {
            query: words.to_owned(),
            page_size: 0,
            page_token: page_token.unwrap_or_default().to_owned(),
        };
        let request = self.request(request, token);
        let answer = self.app.thoughts.clone().search_thoughts(request).await;
        let answer = answer.map_err(thoughts_failed)?.into_inner();
        let problems = answer.problems.into_iter().map(|problem| QueryProblem {
            range: range(problem.range.unwrap_or_default()),
            description: problem.description,
        });
        Ok(Found {
            problems: problems.collect(),
            list: ThoughtList {
                since: given(answer.resume_token),
                ..list(answer.thoughts, answer.matches, answer.next_page_token)?
            },
        })
    }

    /// The longest text of a thought, in Unicode scalar values; `None` while nobody can say.
    pub(crate) async fn max_thought_length(&self) -> Option<u32> {
        let request = self.request(thoughts::GetLimitsRequest {}, None);
        let mut client = self.app.thoughts.clone();
        let ask = async {
            let limits = client.get_limits(request).await.map_err(thoughts_failed)?;
            u32::try_from(limits.into_inner().max_thought_length).map_err(|_| Problem::Defect)
        };
        let limit = self
            .app
            .max_thought_length
            .get(self.app.clock.now(), ask)
            .await;
        limit.ok()
    }
}

impl Backends {
    fn request<T>(&self, message: T, token: Option<&Token>) -> Request<T> {
        let mut request = Request::new(message);
        let metadata = request.metadata_mut();
        if let Ok(id) = self.request_id.to_string().parse() {
            metadata.insert(REQUEST_ID, id);
        }
        // A checked token is made of letters that metadata can carry.
        if let Some(Ok(mut bearer)) = token.map(bearer) {
            bearer.set_sensitive(true);
            metadata.insert("authorization", bearer);
        }
        request
    }

    /// What puts the request's id into every line of the log, for what goes on in a task of its own.
    pub(crate) fn span(&self) -> tracing::Span {
        self.request_id.span()
    }

    /// A request that says whose browser it comes from.
    fn introduced<T>(&self, message: T, token: Option<&Token>) -> Request<T> {
        let mut request = self.request(message, token);
        self.device.introduce(request.metadata_mut());
        request
    }
}

/// An id as a backend says it.
fn id(id: &str) -> Result<Uuid, Problem> {
    Uuid::try_parse(id).map_err(|_| {
        tracing::error!(id, "what should be an id is none");
        Problem::Defect
    })
}

/// A token, if there is one: of the next page, or where a list is followed from.
fn given(token: String) -> Option<String> {
    Some(token).filter(|token| !token.is_empty())
}

fn bearer(token: &Token) -> Result<MetadataValue<tonic::metadata::Ascii>, impl Sized> {
    format!("Bearer {}", token.expose()).parse()
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "it is what map_err hands over"
)]
fn thoughts_failed(status: Status) -> Problem {
    Problem::from_status(Part::Thoughts, &status)
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "it is what map_err hands over"
)]
fn users_failed(status: Status) -> Problem {
    Problem::from_status(Part::Accounts, &status)
}

fn proto_visibility(visibility: Visibility) -> thoughts::Visibility {
    match visibility {
        Visibility::Public => thoughts::Visibility::Public,
        Visibility::Private => thoughts::Visibility::Private,
    }
}

/// A thought that is none (no id, no time) is a defect of the backend.
fn thought(thought: thoughts::Thought) -> Result<Thought, Problem> {
    let private = thought.visibility() == thoughts::Visibility::Private;
    let id = Uuid::try_parse(&thought.id).ok();
    let (Some(id), Some(written)) = (id, thought.create_time) else {
        tracing::error!(id = thought.id, "a thought without an id or a time");
        return Err(Problem::Defect);
    };
    Ok(Thought {
        id,
        author: thought.author,
        text: thought.text,
        private,
        written: written.into(),
        changed: (thought.update_time)
            .filter(|changed| *changed != written)
            .map(Into::into),
        etag: thought.etag,
        trashed: (thought.delete_time.zip(thought.expire_time)).map(|(since, until)| Trashed {
            since: since.into(),
            until: until.into(),
            removed: thought.removed,
        }),
        matches: Vec::new(),
    })
}

fn list(
    answers: Vec<thoughts::Thought>,
    matches: Vec<thoughts::Matches>,
    next_page_token: String,
) -> Result<ThoughtList, Problem> {
    let mut list: Vec<_> = answers.into_iter().map(thought).collect::<Result<_, _>>()?;
    for (thought, matches) in list.iter_mut().zip(matches) {
        thought.matches = matches.ranges.into_iter().map(range).collect();
    }
    Ok(ThoughtList {
        thoughts: list,
        next_page_token: given(next_page_token),
        since: None,
    })
}

/// A range of Unicode scalar values.
fn range(range: thoughts::TextRange) -> Range<usize> {
    let scalar = |number: i32| usize::try_from(number).unwrap_or_default();
    scalar(range.start)..scalar(range.end)
}
