//! Changing thoughts, the trash, and what thoughts were before.

use api::thoughts::v1 as thoughts;
use runtime::grpc::client::Idempotent;
use uuid::Uuid;

use super::{Backends, given, list, proto_visibility, thought, thoughts_failed};
use crate::{
    error::Problem,
    model::{Edit, ListPage, Revision, Thought, ThoughtList, Visibility},
    session::Token,
};

impl Backends {
    /// Changes a thought, if it still is what the edit was made from; otherwise that is a
    /// [`Problem::Conflict`]. The same change made twice is none.
    pub(crate) async fn update_thought(
        &self,
        edit: &Edit,
        token: &Token,
    ) -> Result<Thought, Problem> {
        let changed = thoughts::Thought {
            id: edit.id.to_string(),
            text: edit.text.clone(),
            visibility: proto_visibility(edit.visibility).into(),
            ..Default::default()
        };
        let mask = ["text", "visibility"].map(str::to_owned).to_vec();
        let mut request = self.request(
            thoughts::UpdateThoughtRequest {
                thought: Some(changed),
                update_mask: Some(prost_types::FieldMask { paths: mask }),
                etag: Some(edit.etag.clone()),
            },
            Some(token),
        );
        request.extensions_mut().insert(Idempotent);
        let answer = self.app.thoughts.clone().update_thought(request).await;
        thought(answer.map_err(thoughts_failed)?.into_inner())
    }

    /// Moves a thought to its author's trash.
    pub(crate) async fn delete_thought(&self, id: Uuid, token: &Token) -> Result<(), Problem> {
        self.delete(id, false, token).await
    }

    /// Deletes a thought for ever.
    pub(crate) async fn delete_thought_for_ever(
        &self,
        id: Uuid,
        token: &Token,
    ) -> Result<(), Problem> {
        self.delete(id, true, token).await
    }

    /// Takes a thought out of the trash; one that is not there stays as it is.
    pub(crate) async fn undelete_thought(&self, id: Uuid, token: &Token) -> Result<(), Problem> {
        let request = thoughts::UndeleteThoughtRequest { id: id.to_string() };
        let mut request = self.request(request, Some(token));
        request.extensions_mut().insert(Idempotent);
        let answer = self.app.thoughts.clone().undelete_thought(request).await;
        answer.map(drop).map_err(thoughts_failed)
    }

    /// A page of the token's owner's trash.
    pub(crate) async fn trash(
        &self,
        page_token: Option<&str>,
        token: &Token,
    ) -> Result<ThoughtList, Problem> {
        let request = thoughts::ListThoughtsRequest {
            page_token: page_token.unwrap_or_default().to_owned(),
            only_deleted: true,
            ..Default::default()
        };
        let request = self.request(request, Some(token));
        let answer = self.app.thoughts.clone().list_thoughts(request).await;
        let answer = answer.map_err(thoughts_failed)?.into_inner();
        list(answer.thoughts, Vec::new(), answer.next_page_token)
    }

    /// A page of what a thought was before each change, newest first.
    pub(crate) async fn revisions(
        &self,
        id: Uuid,
        page_token: Option<&str>,
        token: &Token,
    ) -> Result<ListPage<Revision>, Problem> {
        let request = thoughts::ListThoughtRevisionsRequest {
            id: id.to_string(),
            page_size: 0,
            page_token: page_token.unwrap_or_default().to_owned(),
        };
        let request = self.request(request, Some(token));
        let mut client = self.app.thoughts.clone();
        let answer = client.list_thought_revisions(request).await;
        let answer = answer.map_err(thoughts_failed)?.into_inner();
        let revisions = answer.revisions.into_iter().map(revision);
        Ok(ListPage {
            items: revisions.collect::<Result<_, _>>()?,
            next_page_token: given(answer.next_page_token),
        })
    }

    async fn delete(&self, id: Uuid, permanently: bool, token: &Token) -> Result<(), Problem> {
        let id = id.to_string();
        let request = thoughts::DeleteThoughtRequest { id, permanently };
        let request = self.request(request, Some(token));
        let answer = self.app.thoughts.clone().delete_thought(request).await;
        answer.map(drop).map_err(thoughts_failed)
    }
}

pub(super) fn revision(revision: thoughts::ThoughtRevision) -> Result<Revision, Problem> {
    let visibility = match revision.visibility() {
        thoughts::Visibility::Private => Visibility::Private,
        _ => Visibility::Public,
    };
    let (Some(since), Some(until)) = (revision.create_time, revision.end_time) else {
        tracing::error!("a revision without its times");
        return Err(Problem::Defect);
    };
    Ok(Revision {
        text: revision.text,
        visibility,
        since: since.into(),
        until: until.into(),
    })
}
