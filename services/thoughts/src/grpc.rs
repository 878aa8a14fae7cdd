//! The rpcs: messages to domain types, and back; errors to codes.

use api::thoughts::v1::{
    CreateThoughtRequest, DeleteThoughtRequest, GetLimitsRequest, GetThoughtRequest, Limits,
    ListThoughtsRequest, ListThoughtsResponse, Matches, PurgeAuthorRequest, PutServiceTokenRequest,
    SearchThoughtsRequest, SearchThoughtsResponse, TextRange, Thought as ProtoThought,
    Visibility as ProtoVisibility, thoughts_service_server::ThoughtsService,
};
use runtime::{
    auth::{Caller, Verifier},
    paging::{MAX_PAGE_SIZE, PageSize, PageToken},
    status,
};
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use crate::{
    error::Error,
    matches,
    page::PageRequest,
    query::SearchQuery,
    service::Thoughts,
    thought::{Thought, ThoughtText, Visibility},
};

/// The thoughts service on the wire.
pub(crate) struct ThoughtsGrpc {
    thoughts: Thoughts,
    verifier: Verifier,
}

impl ThoughtsGrpc {
    /// Serves `thoughts` to whoever `verifier` vouches for.
    pub(crate) fn new(thoughts: Thoughts, verifier: Verifier) -> Self {
        Self { thoughts, verifier }
    }

    async fn caller<T>(&self, request: &Request<T>) -> Result<Option<Caller>, Status> {
        self.verifier.caller(request.metadata()).await
    }

    async fn signed_in<T>(&self, request: &Request<T>) -> Result<Caller, Status> {
        Caller::required(self.caller(request).await?)
    }
}

#[tonic::async_trait]
impl ThoughtsService for ThoughtsGrpc {
    async fn create_thought(
        &self,
        request: Request<CreateThoughtRequest>,
    ) -> Result<Response<ProtoThought>, Status> {
        let caller = self.signed_in(&request).await?;
        let message = request.into_inner();
        let text = ThoughtText::parse(&message.text, self.thoughts.max_length)
            .map_err(|error| status::invalid_argument("text", error.to_string()))?;
        let visibility = requested_visibility(message.visibility)?;
        // A form sends an empty field for an id that was left out.
        let request_id = match message.request_id.as_deref() {
            None | Some("") => None,
            Some(id) => Some(parse_id("request_id", id)?),
        };
        let thought = self
            .thoughts
            .create(&caller, &text, visibility, request_id)
            .await;
        Ok(Response::new(thought.map_err(to_status)?.into()))
    }

    async fn get_thought(
        &self,
        request: Request<GetThoughtRequest>,
    ) -> Result<Response<ProtoThought>, Status> {
        let caller = self.caller(&request).await?;
        let id = parse_id("id", &request.get_ref().id)?;
        let thought = self.thoughts.get(caller.as_ref(), id).await;
        Ok(Response::new(thought.map_err(to_status)?.into()))
    }

    async fn delete_thought(
        &self,
        request: Request<DeleteThoughtRequest>,
    ) -> Result<Response<()>, Status> {
        let caller = self.signed_in(&request).await?;
        let id = parse_id("id", &request.get_ref().id)?;
        self.thoughts.delete(&caller, id).await.map_err(to_status)?;
        Ok(Response::new(()))
    }

    async fn list_thoughts(
        &self,
        request: Request<ListThoughtsRequest>,
    ) -> Result<Response<ListThoughtsResponse>, Status> {
        let caller = self.caller(&request).await?;
        let message = request.into_inner();
        let scope = format!("ListThoughts:{}", message.author);
        let page = requested_page(message.page_size, &message.page_token, &scope)?;
        let author = Some(message.author.as_str()).filter(|author| !author.is_empty());
        let page = self
            .thoughts
            .list(caller.as_ref(), author, page)
            .await
            .map_err(to_status)?;
        Ok(Response::new(ListThoughtsResponse {
            thoughts: page.thoughts.into_iter().map(ProtoThought::from).collect(),
            next_page_token: next_page_token(page.next, &scope),
        }))
    }

    async fn search_thoughts(
        &self,
        request: Request<SearchThoughtsRequest>,
    ) -> Result<Response<SearchThoughtsResponse>, Status> {
        let caller = self.caller(&request).await?;
        let message = request.into_inner();
        let query = SearchQuery::parse(&message.query)
            .map_err(|error| status::invalid_argument("query", error.to_string()))?;
        let scope = format!("SearchThoughts:{}", message.query);
        let page = requested_page(message.page_size, &message.page_token, &scope)?;
        let page = self
            .thoughts
            .search(caller.as_ref(), &query, page)
            .await
            .map_err(to_status)?;
        let matches = page
            .thoughts
            .iter()
            .map(|thought| matches_of(thought, &query))
            .collect();
        Ok(Response::new(SearchThoughtsResponse {
            thoughts: page.thoughts.into_iter().map(ProtoThought::from).collect(),
            next_page_token: next_page_token(page.next, &scope),
            matches,
        }))
    }

    async fn get_limits(&self, _: Request<GetLimitsRequest>) -> Result<Response<Limits>, Status> {
        Ok(Response::new(Limits {
            max_thought_length: count(self.thoughts.max_length.get() as usize),
            max_page_size: i32::from(MAX_PAGE_SIZE),
        }))
    }

    async fn purge_author(
        &self,
        _request: Request<PurgeAuthorRequest>,
    ) -> Result<Response<()>, Status> {
        Err(Status::unimplemented("purge_author"))
    }

    async fn put_service_token(
        &self,
        _request: Request<PutServiceTokenRequest>,
    ) -> Result<Response<()>, Status> {
        Err(Status::unimplemented("put_service_token"))
    }
}

impl From<Thought> for ProtoThought {
    fn from(thought: Thought) -> Self {
        let visibility = match thought.visibility {
            Visibility::Public => ProtoVisibility::Public,
            Visibility::Private => ProtoVisibility::Private,
        };
        Self {
            id: thought.id.to_string(),
            author: thought.author.username,
            text: thought.text,
            visibility: visibility.into(),
            create_time: Some(thought.create_time.into()),
            update_time: Some(thought.update_time.into()),
        }
    }
}

fn requested_visibility(number: i32) -> Result<Visibility, Status> {
    match ProtoVisibility::try_from(number) {
        Ok(ProtoVisibility::Unspecified | ProtoVisibility::Public) => Ok(Visibility::Public),
        Ok(ProtoVisibility::Private) => Ok(Visibility::Private),
        Err(_) => Err(status::invalid_argument(
            "visibility",
            "must be VISIBILITY_PUBLIC or VISIBILITY_PRIVATE",
        )),
    }
}

/// A UUID in the one form that ids are given out in; case makes no difference.
fn parse_id(field: &str, text: &str) -> Result<Uuid, Status> {
    const LENGTH: usize = uuid::fmt::Hyphenated::LENGTH;
    Uuid::try_parse(text)
        .ok()
        .filter(|_| text.len() == LENGTH)
        .ok_or_else(|| {
            status::invalid_argument(field, "must be a UUID in its text form with hyphens")
        })
}

fn requested_page(size: i32, token: &str, scope: &str) -> Result<PageRequest, Status> {
    Ok(PageRequest {
        size: PageSize::parse(size)?.get(),
        before: PageToken::parse(token, scope)?,
    })
}

fn next_page_token(next: Option<i64>, scope: &str) -> String {
    next.map(|position| PageToken::encode(position, scope))
        .unwrap_or_default()
}

fn matches_of(thought: &Thought, query: &SearchQuery) -> Matches {
    let ranges = matches::ranges(&thought.text, query).into_iter();
    Matches {
        ranges: ranges
            .map(|range| TextRange {
                start: count(range.start),
                end: count(range.end),
            })
            .collect(),
    }
}

/// Lengths of texts are far below the limit of the wire's integers.
fn count(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

/// The one place where an error becomes a code; what the caller is not told is logged here.
fn to_status(error: Error) -> Status {
    let message = error.to_string();
    match error {
        Error::NotFound => status::error(Code::NotFound, "THOUGHT_NOT_FOUND", message),
        Error::NotYours => status::error(Code::PermissionDenied, "NOT_THE_AUTHOR", message),
        Error::OtherText => status::error(Code::AlreadyExists, "REQUEST_ID_REUSED", message),
        Error::Gone => status::error(Code::AlreadyExists, "THOUGHT_DELETED", message),
        Error::Database(error) if error.is_unavailable() => {
            tracing::warn!(%error, "the database is unavailable");
            status::unavailable("DATABASE_UNAVAILABLE", "the database is unavailable")
        }
        Error::Database(error) => {
            tracing::error!(%error, "a statement failed");
            status::internal()
        }
    }
}
