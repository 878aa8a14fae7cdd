//! Changing, deleting and bringing back.

use api::thoughts::v1::{
    DeleteThoughtRequest, ListThoughtRevisionsRequest, ListThoughtRevisionsResponse,
    ListThoughtsRequest, Thought as ProtoThought, ThoughtRevision, UndeleteThoughtRequest,
    UpdateThoughtRequest, Visibility as ProtoVisibility,
};
use runtime::status;
use tonic::{Request, Response, Status};

use super::{
    ThoughtsGrpc,
    messages::{next_page_token, parse_id, requested_page},
    refusals::to_status,
};
use crate::{
    etag::{Etag, NoEtag},
    revision::Revision,
    thought::{Change, MaxLength, ThoughtText, Visibility},
    trash::TrashList,
};

pub(super) async fn update_thought(
    grpc: &ThoughtsGrpc,
    request: Request<UpdateThoughtRequest>,
) -> Result<Response<ProtoThought>, Status> {
    let caller = grpc.writer(&request).await?;
    let message = request.into_inner();
    let thought = message
        .thought
        .ok_or_else(|| status::invalid_argument("thought", "must be given"))?;
    let id = parse_id("thought.id", &thought.id)?;
    let mask = message.update_mask.unwrap_or_default();
    let change = requested_change(&thought, &mask.paths, grpc.thoughts.max_length)?;
    let etag = message
        .etag
        .map(|etag| etag.parse::<Etag>())
        .transpose()
        .map_err(|error: NoEtag| status::invalid_argument("etag", error.to_string()))?;
    let updated = grpc.thoughts.update(&caller, id, &change, etag).await;
    Ok(Response::new(updated.map_err(to_status)?.into()))
}

pub(super) async fn delete_thought(
    grpc: &ThoughtsGrpc,
    request: Request<DeleteThoughtRequest>,
) -> Result<Response<()>, Status> {
    let caller = grpc.writer(&request).await?;
    let id = parse_id("id", &request.get_ref().id)?;
    let deleted = if request.get_ref().permanently {
        grpc.thoughts.delete_permanently(&caller, id).await
    } else {
        grpc.thoughts.delete(&caller, id).await
    };
    Ok(Response::new(deleted.map_err(to_status)?))
}

pub(super) async fn undelete_thought(
    grpc: &ThoughtsGrpc,
    request: Request<UndeleteThoughtRequest>,
) -> Result<Response<ProtoThought>, Status> {
    let caller = grpc.writer(&request).await?;
    let id = parse_id("id", &request.get_ref().id)?;
    let thought = grpc.thoughts.undelete(&caller, id).await;
    Ok(Response::new(thought.map_err(to_status)?.into()))
}

pub(super) async fn list_thought_revisions(
    grpc: &ThoughtsGrpc,
    request: Request<ListThoughtRevisionsRequest>,
) -> Result<Response<ListThoughtRevisionsResponse>, Status> {
    let caller = grpc.signed_in(&request).await?;
    let message = request.get_ref();
    let id = parse_id("id", &message.id)?;
    let scope = format!("ListThoughtRevisions:{id}");
    let page = requested_page(message.page_size, &message.page_token, &scope)?;
    let page = grpc.thoughts.revisions(&caller, id, page).await;
    let page = page.map_err(to_status)?;
    Ok(Response::new(ListThoughtRevisionsResponse {
        revisions: page
            .revisions
            .into_iter()
            .map(ThoughtRevision::from)
            .collect(),
        next_page_token: next_page_token(page.next, &scope),
    }))
}

/// Whether a list is to look into the trash. Those there alone are fewer than those there as well.
pub(super) fn requested_trash(message: &ListThoughtsRequest) -> Option<TrashList> {
    match (message.show_deleted, message.only_deleted) {
        (_, true) => Some(TrashList::Alone),
        (true, false) => Some(TrashList::Beside),
        (false, false) => None,
    }
}

fn requested_change(
    thought: &ProtoThought,
    mask: &[String],
    max_length: MaxLength,
) -> Result<Change, Status> {
    let mut change = Change::default();
    for path in mask {
        match path.as_str() {
            "text" => {
                let text = ThoughtText::parse(&thought.text, max_length);
                change.text = Some(text.map_err(|error| {
                    status::invalid_argument("thought.text", error.to_string())
                })?);
            }
            "visibility" => {
                let visibility = visibility_to_be(thought.visibility);
                change.visibility = Some(visibility.map_err(|expected| {
                    status::invalid_argument("thought.visibility", expected)
                })?);
            }
            _ => return Err(wrong_mask()),
        }
    }
    if mask.is_empty() {
        return Err(wrong_mask());
    }
    Ok(change)
}

/// Unlike that of a new thought it has to be said: what was private does not become public by
/// leaving something out. The error says what was expected.
pub(super) fn visibility_to_be(number: i32) -> Result<Visibility, &'static str> {
    match ProtoVisibility::try_from(number) {
        Ok(ProtoVisibility::Public) => Ok(Visibility::Public),
        Ok(ProtoVisibility::Private) => Ok(Visibility::Private),
        Ok(ProtoVisibility::Unspecified) | Err(_) => {
            Err("must be VISIBILITY_PUBLIC or VISIBILITY_PRIVATE")
        }
    }
}

fn wrong_mask() -> Status {
    status::invalid_argument("update_mask", "must name text, visibility, or both")
}

impl From<Revision> for ThoughtRevision {
    fn from(revision: Revision) -> Self {
        Self {
            text: revision.text,
            visibility: ProtoVisibility::from(revision.visibility).into(),
            create_time: Some(revision.create_time.into()),
            end_time: Some(revision.end_time.into()),
        }
    }
}
