//! The rpcs: messages to domain types and back in [`messages`], errors to codes in [`refusals`];
//! changing and deleting in [`keeping`], export and import in [`porting`], searching, watching and
//! tags in files of their own; and what is asked of the users backend, in [`users`].

mod keeping;
mod live;
mod messages;
mod porting;
mod refusals;
mod search;
mod tags;
pub(crate) mod users;

use api::thoughts::v1::{
    CreateThoughtRequest, DeleteThoughtRequest, ExportThoughtsRequest, GetLimitsRequest,
    GetThoughtRequest, ImportThoughtsRequest, Limits, ListTagsRequest, ListTagsResponse,
    ListThoughtRevisionsRequest, ListThoughtRevisionsResponse, ListThoughtsRequest,
    ListThoughtsResponse, PurgeAuthorRequest, PutServiceTokenRequest, SearchThoughtsRequest,
    SearchThoughtsResponse, Thought as ProtoThought, UndeleteThoughtRequest, UpdateThoughtRequest,
    WatchThoughtsRequest, thoughts_service_server::ThoughtsService,
};
use runtime::{
    auth::{Caller, THOUGHTS_BACKEND, USERS_BACKEND, Verifier},
    paging::MAX_PAGE_SIZE,
    status,
};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status, Streaming};

pub(crate) use self::live::Watches;
use self::{
    messages::{
        count, next_page_token, parse_id, parse_service_token, requested_page, requested_visibility,
    },
    refusals::to_status,
};
use crate::{
    service::{Live, ServiceTokens, Thoughts},
    thought::ThoughtText,
    trash::TrashList,
};

/// The thoughts service on the wire.
pub(crate) struct ThoughtsGrpc {
    thoughts: Thoughts,
    live: Live,
    watches: Watches,
    service_tokens: ServiceTokens,
    verifier: Verifier,
    stopping: CancellationToken,
}

impl ThoughtsGrpc {
    /// Serves `thoughts` to whoever `verifier` vouches for; what goes on for long ends with
    /// `stopping`.
    pub(crate) fn new(
        thoughts: Thoughts,
        live: Live,
        watches: Watches,
        service_tokens: ServiceTokens,
        verifier: Verifier,
        stopping: CancellationToken,
    ) -> Self {
        Self {
            thoughts,
            live,
            watches,
            service_tokens,
            verifier,
            stopping,
        }
    }

    async fn caller<T>(&self, request: &Request<T>) -> Result<Option<Caller>, Status> {
        self.verifier.caller(request.metadata()).await
    }

    async fn signed_in<T>(&self, request: &Request<T>) -> Result<Caller, Status> {
        Caller::required(self.caller(request).await?)
    }

    /// Whoever may write: signed in, or with a personal access token that is good for it.
    async fn writer<T>(&self, request: &Request<T>) -> Result<Caller, Status> {
        let caller = self.signed_in(request).await?;
        caller.may_write()?;
        Ok(caller)
    }

    /// Refuses everybody but the users backend.
    async fn require_users_backend<T>(&self, request: &Request<T>) -> Result<(), Status> {
        let service = self
            .verifier
            .service(request.metadata(), THOUGHTS_BACKEND)
            .await?;
        if service.name == USERS_BACKEND {
            return Ok(());
        }
        let message = "only the users backend may call this";
        Err(status::error(
            Code::PermissionDenied,
            "NOT_THE_USERS_BACKEND",
            message,
        ))
    }
}

#[tonic::async_trait]
impl ThoughtsService for ThoughtsGrpc {
    type ExportThoughtsStream = porting::ExportStream;
    type ImportThoughtsStream = porting::ImportStream;

    async fn create_thought(
        &self,
        request: Request<CreateThoughtRequest>,
    ) -> Result<Response<ProtoThought>, Status> {
        let caller = self.writer(&request).await?;
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

    async fn update_thought(
        &self,
        request: Request<UpdateThoughtRequest>,
    ) -> Result<Response<ProtoThought>, Status> {
        keeping::update_thought(self, request).await
    }

    async fn delete_thought(
        &self,
        request: Request<DeleteThoughtRequest>,
    ) -> Result<Response<()>, Status> {
        keeping::delete_thought(self, request).await
    }

    async fn undelete_thought(
        &self,
        request: Request<UndeleteThoughtRequest>,
    ) -> Result<Response<ProtoThought>, Status> {
        keeping::undelete_thought(self, request).await
    }

    async fn list_thought_revisions(
        &self,
        request: Request<ListThoughtRevisionsRequest>,
    ) -> Result<Response<ListThoughtRevisionsResponse>, Status> {
        keeping::list_thought_revisions(self, request).await
    }

    async fn list_thoughts(
        &self,
        request: Request<ListThoughtsRequest>,
    ) -> Result<Response<ListThoughtsResponse>, Status> {
        let caller = self.caller(&request).await?;
        let message = request.into_inner();
        let trash = keeping::requested_trash(&message);
        let list = match trash {
            None => "ListThoughts",
            Some(TrashList::Beside) => "ListThoughts with trash",
            Some(TrashList::Alone) => "ListThoughts in trash",
        };
        let scope = format!("{list}:{}", message.author);
        let page = requested_page(message.page_size, &message.page_token, &scope)?;
        let author = Some(message.author.as_str()).filter(|author| !author.is_empty());
        let caller = caller.as_ref();
        // Before the list, so that what happens meanwhile is told.
        let resume_token = match trash {
            None if message.page_token.is_empty() => {
                live::resume_token(self, &message.author, "").await
            }
            _ => String::new(),
        };
        let page = match trash {
            None => self.thoughts.list(caller, author, page).await,
            Some(list) => self.thoughts.list_trash(caller, author, list, page).await,
        };
        let page = page.map_err(to_status)?;
        Ok(Response::new(ListThoughtsResponse {
            thoughts: page.thoughts.into_iter().map(ProtoThought::from).collect(),
            next_page_token: next_page_token(page.next, &scope),
            resume_token,
        }))
    }

    async fn search_thoughts(
        &self,
        request: Request<SearchThoughtsRequest>,
    ) -> Result<Response<SearchThoughtsResponse>, Status> {
        search::search_thoughts(self, request).await
    }

    async fn get_limits(&self, _: Request<GetLimitsRequest>) -> Result<Response<Limits>, Status> {
        Ok(Response::new(Limits {
            max_thought_length: count(self.thoughts.max_length.get() as usize),
            max_page_size: i32::from(MAX_PAGE_SIZE),
        }))
    }

    type WatchThoughtsStream = live::Stream;

    async fn watch_thoughts(
        &self,
        request: Request<WatchThoughtsRequest>,
    ) -> Result<Response<Self::WatchThoughtsStream>, Status> {
        live::watch_thoughts(self, request).await
    }

    async fn list_tags(
        &self,
        request: Request<ListTagsRequest>,
    ) -> Result<Response<ListTagsResponse>, Status> {
        tags::list_tags(self, request).await
    }

    async fn export_thoughts(
        &self,
        request: Request<ExportThoughtsRequest>,
    ) -> Result<Response<porting::ExportStream>, Status> {
        porting::export_thoughts(self, request).await
    }

    async fn import_thoughts(
        &self,
        request: Request<Streaming<ImportThoughtsRequest>>,
    ) -> Result<Response<porting::ImportStream>, Status> {
        porting::import_thoughts(self, request).await
    }

    async fn purge_author(
        &self,
        request: Request<PurgeAuthorRequest>,
    ) -> Result<Response<()>, Status> {
        self.require_users_backend(&request).await?;
        let author = parse_id("user_id", &request.get_ref().user_id)?;
        let purged = self.thoughts.purge_author(author).await;
        purged.map_err(to_status)?;
        Ok(Response::new(()))
    }

    async fn put_service_token(
        &self,
        request: Request<PutServiceTokenRequest>,
    ) -> Result<Response<()>, Status> {
        self.require_users_backend(&request).await?;
        let text = request.into_inner().service_token;
        let token = parse_service_token(&self.verifier, text).await?;
        self.service_tokens.put(&token).await.map_err(to_status)?;
        Ok(Response::new(()))
    }
}
