//! Listing tags.

use api::thoughts::v1::{ListTagsRequest, ListTagsResponse, TagCount as ProtoTagCount};
use runtime::paging::{PageSize, PageToken};
use tonic::{Request, Response, Status};

use super::{ThoughtsGrpc, refusals::to_status};
use crate::page::{TagCount, TagPageRequest};

pub(super) async fn list_tags(
    grpc: &ThoughtsGrpc,
    request: Request<ListTagsRequest>,
) -> Result<Response<ListTagsResponse>, Status> {
    let caller = grpc.caller(&request).await?;
    let message = request.into_inner();
    let scope = format!("ListTags:{}", message.author);
    let token = PageToken::parse_key(&message.page_token, &scope)?;
    let behind = token.map(|key| last(&key).ok_or_else(PageToken::refusal));
    let page = TagPageRequest {
        size: PageSize::parse(message.page_size)?.get(),
        behind: behind.transpose()?,
    };
    let author = Some(message.author.as_str()).filter(|author| !author.is_empty());
    let listed = grpc.thoughts.tags(caller.as_ref(), author, &page).await;
    let page = listed.map_err(to_status)?;
    let next = page
        .next
        .map(|last| PageToken::encode_key(&key(&last), &scope));
    Ok(Response::new(ListTagsResponse {
        tags: page.tags.into_iter().map(ProtoTagCount::from).collect(),
        next_page_token: next.unwrap_or_default(),
    }))
}

impl From<TagCount> for ProtoTagCount {
    fn from(count: TagCount) -> Self {
        Self {
            tag: count.tag,
            thought_count: count.thought_count,
        }
    }
}

/// What a page token says about the last tag of a page: its count, then itself.
fn key(last: &TagCount) -> Vec<u8> {
    [&last.thought_count.to_be_bytes(), last.tag.as_bytes()].concat()
}

/// What [`key`] made. Whoever knows how can make the token of anything else.
fn last(key: &[u8]) -> Option<TagCount> {
    let (thought_count, tag) = key.split_first_chunk()?;
    let last = TagCount {
        thought_count: i64::from_be_bytes(*thought_count),
        tag: String::from_utf8(tag.to_vec()).ok()?,
    };
    (last.thought_count > 0 && !last.tag.contains('\0')).then_some(last)
}
