//! What the thoughts backend answers.

use api::thoughts::v1::{self as thoughts, Thought, thoughts_service_server::ThoughtsService};
use tonic::{Request, Response, Status};

use super::{Backend, thought};

#[tonic::async_trait]
impl ThoughtsService for Backend {
    async fn create_thought(
        &self,
        request: Request<thoughts::CreateThoughtRequest>,
    ) -> Result<Response<Thought>, Status> {
        let mut said = self.asked("CreateThought", &request)?;
        let mut made = thought("bruce", &request.get_ref().text, 0);
        made.visibility = request.get_ref().visibility;
        said.thoughts.insert(0, made.clone());
        Ok(Response::new(made))
    }

    async fn get_thought(
        &self,
        request: Request<thoughts::GetThoughtRequest>,
    ) -> Result<Response<Thought>, Status> {
        let said = self.asked("GetThought", &request)?;
        let found = said
            .thoughts
            .iter()
            .find(|thought| thought.id == request.get_ref().id);
        found
            .cloned()
            .map(Response::new)
            .ok_or_else(|| Status::not_found("no such thought"))
    }

    async fn delete_thought(
        &self,
        request: Request<thoughts::DeleteThoughtRequest>,
    ) -> Result<Response<()>, Status> {
        let mut said = self.asked("DeleteThought", &request)?;
        said.thoughts
            .retain(|thought| thought.id != request.get_ref().id);
        Ok(Response::new(()))
    }

    async fn list_thoughts(
        &self,
        request: Request<thoughts::ListThoughtsRequest>,
    ) -> Result<Response<thoughts::ListThoughtsResponse>, Status> {
        let said = self.asked("ListThoughts", &request)?;
        let author = &request.get_ref().author;
        let thoughts = said
            .thoughts
            .iter()
            .filter(|thought| thought.author == *author);
        Ok(Response::new(thoughts::ListThoughtsResponse {
            thoughts: thoughts.cloned().collect(),
            next_page_token: said.next_page_token.clone(),
        }))
    }

    async fn search_thoughts(
        &self,
        request: Request<thoughts::SearchThoughtsRequest>,
    ) -> Result<Response<thoughts::SearchThoughtsResponse>, Status> {
        let said = self.asked("SearchThoughts", &request)?;
        Ok(Response::new(thoughts::SearchThoughtsResponse {
            thoughts: said.thoughts.clone(),
            next_page_token: said.next_page_token.clone(),
            matches: said.matches.clone(),
            problems: said.problems.clone(),
        }))
    }

    async fn get_limits(
        &self,
        request: Request<thoughts::GetLimitsRequest>,
    ) -> Result<Response<thoughts::Limits>, Status> {
        drop(self.asked("GetLimits", &request)?);
        Ok(Response::new(thoughts::Limits {
            max_thought_length: 250,
            max_page_size: 100,
        }))
    }

    async fn update_thought(
        &self,
        request: Request<thoughts::UpdateThoughtRequest>,
    ) -> Result<Response<thoughts::Thought>, Status> {
        drop(self.asked("UpdateThought", &request)?);
        Err(Status::unimplemented("no page asks this"))
    }

    async fn undelete_thought(
        &self,
        request: Request<thoughts::UndeleteThoughtRequest>,
    ) -> Result<Response<thoughts::Thought>, Status> {
        drop(self.asked("UndeleteThought", &request)?);
        Err(Status::unimplemented("no page asks this"))
    }

    async fn list_thought_revisions(
        &self,
        request: Request<thoughts::ListThoughtRevisionsRequest>,
    ) -> Result<Response<thoughts::ListThoughtRevisionsResponse>, Status> {
        drop(self.asked("ListThoughtRevisions", &request)?);
        Err(Status::unimplemented("no page asks this"))
    }

    async fn list_tags(
        &self,
        request: Request<thoughts::ListTagsRequest>,
    ) -> Result<Response<thoughts::ListTagsResponse>, Status> {
        drop(self.asked("ListTags", &request)?);
        Err(Status::unimplemented("no page asks this"))
    }

    async fn purge_author(
        &self,
        request: Request<thoughts::PurgeAuthorRequest>,
    ) -> Result<Response<()>, Status> {
        drop(self.asked("PurgeAuthor", &request)?);
        Err(Status::unimplemented("no page asks this"))
    }

    async fn put_service_token(
        &self,
        request: Request<thoughts::PutServiceTokenRequest>,
    ) -> Result<Response<()>, Status> {
        drop(self.asked("PutServiceToken", &request)?);
        Err(Status::unimplemented("no page asks this"))
    }
}
