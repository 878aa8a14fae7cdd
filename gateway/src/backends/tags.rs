//! Tags and how many thoughts carry them.

use api::thoughts::v1 as thoughts;

use super::{Backends, given, thoughts_failed};
use crate::{
    error::Problem,
    model::{ListPage, TagCount},
    session::Token,
};

impl Backends {
    /// A page of everyone's tags, or of one author's, the most frequent first.
    pub(crate) async fn tags(
        &self,
        author: Option<&str>,
        page_token: Option<&str>,
        token: Option<&Token>,
    ) -> Result<ListPage<TagCount>, Problem> {
        let request = thoughts::ListTagsRequest {
            author: author.unwrap_or_default().to_owned(),
            page_size: 100,
            page_token: page_token.unwrap_or_default().to_owned(),
        };
        let request = self.request(request, token);
        let answer = self.app.thoughts.clone().list_tags(request).await;
        let answer = answer.map_err(thoughts_failed)?.into_inner();
        let tags = answer.tags.into_iter().map(|tag| TagCount {
            tag: tag.tag,
            thoughts: tag.thought_count,
        });
        Ok(ListPage {
            items: tags.collect(),
            next_page_token: given(answer.next_page_token),
        })
    }
}
