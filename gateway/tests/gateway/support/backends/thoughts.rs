//! What the thoughts backend answers.

use std::time::Duration;

use api::thoughts::v1::{self as thoughts, Thought, thoughts_service_server::ThoughtsService};
use futures_util::stream::{iter, unfold};
use runtime::clock::Clock;
use tokio::sync::mpsc::unbounded_channel;
use tonic::{Request, Response, Status, Streaming, codegen::BoxStream};

use super::{Backend, Said, thought};

#[tonic::async_trait]
impl ThoughtsService for Backend {
    type ExportThoughtsStream = BoxStream<thoughts::ExportThoughtsResponse>;
    type ImportThoughtsStream = BoxStream<thoughts::ImportThoughtsResponse>;

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
        let mut said = self.asked("GetThought", &request)?;
        let found = find(&mut said, &request.get_ref().id)?;
        Ok(Response::new(found.clone()))
    }

    async fn delete_thought(
        &self,
        request: Request<thoughts::DeleteThoughtRequest>,
    ) -> Result<Response<()>, Status> {
        let mut said = self.asked("DeleteThought", &request)?;
        let message = request.get_ref();
        if message.permanently {
            said.thoughts.retain(|thought| thought.id != message.id);
            return Ok(Response::new(()));
        }
        let thought = find(&mut said, &message.id)?;
        if thought.delete_time.is_some() {
            return Err(Status::not_found("in the trash"));
        }
        let now = Clock::system().now();
        thought.delete_time = Some(now.into());
        thought.expire_time = Some((now + Duration::from_secs(30 * 86_400)).into());
        Ok(Response::new(()))
    }

    async fn list_thoughts(
        &self,
        request: Request<thoughts::ListThoughtsRequest>,
    ) -> Result<Response<thoughts::ListThoughtsResponse>, Status> {
        let said = self.asked("ListThoughts", &request)?;
        let message = request.get_ref();
        let thoughts = said.thoughts.iter().filter(|thought| {
            let listed = message.author.is_empty() || thought.author == message.author;
            listed && thought.delete_time.is_some() == message.only_deleted
        });
        Ok(Response::new(thoughts::ListThoughtsResponse {
            thoughts: thoughts.cloned().collect(),
            next_page_token: said.next_page_token.clone(),
            resume_token: said.resume_token.clone(),
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
            resume_token: said.resume_token.clone(),
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
        let mut said = self.asked("UpdateThought", &request)?;
        let message = request.get_ref();
        let wanted = message.thought.clone().unwrap_or_default();
        let thought = find(&mut said, &wanted.id)?;
        if message.etag.as_ref() != Some(&thought.etag) {
            return Err(Status::aborted("changed since"));
        }
        thought.text = wanted.text;
        thought.visibility = wanted.visibility;
        thought.etag.push('+');
        thought.update_time = Some(Clock::system().now().into());
        Ok(Response::new(thought.clone()))
    }

    async fn undelete_thought(
        &self,
        request: Request<thoughts::UndeleteThoughtRequest>,
    ) -> Result<Response<thoughts::Thought>, Status> {
        let mut said = self.asked("UndeleteThought", &request)?;
        let thought = find(&mut said, &request.get_ref().id)?;
        (thought.delete_time, thought.expire_time) = (None, None);
        Ok(Response::new(thought.clone()))
    }

    async fn list_thought_revisions(
        &self,
        request: Request<thoughts::ListThoughtRevisionsRequest>,
    ) -> Result<Response<thoughts::ListThoughtRevisionsResponse>, Status> {
        let said = self.asked("ListThoughtRevisions", &request)?;
        Ok(Response::new(thoughts::ListThoughtRevisionsResponse {
            revisions: said.revisions.clone(),
            next_page_token: said.next_page_token.clone(),
        }))
    }

    type WatchThoughtsStream = BoxStream<thoughts::WatchThoughtsResponse>;

    async fn watch_thoughts(
        &self,
        request: Request<thoughts::WatchThoughtsRequest>,
    ) -> Result<Response<Self::WatchThoughtsStream>, Status> {
        let mut said = self.asked("WatchThoughts", &request)?;
        let (watcher, told) = unbounded_channel();
        said.watchers.push(watcher);
        let told = unfold(told, async |mut told| {
            let message = told.recv().await?;
            Some((message, told))
        });
        Ok(Response::new(Box::pin(told)))
    }

    async fn list_tags(
        &self,
        request: Request<thoughts::ListTagsRequest>,
    ) -> Result<Response<thoughts::ListTagsResponse>, Status> {
        let said = self.asked("ListTags", &request)?;
        Ok(Response::new(thoughts::ListTagsResponse {
            tags: said.tags.clone(),
            next_page_token: said.next_page_token.clone(),
        }))
    }

    async fn export_thoughts(
        &self,
        request: Request<thoughts::ExportThoughtsRequest>,
    ) -> Result<Response<Self::ExportThoughtsStream>, Status> {
        let exported = self.asked("ExportThoughts", &request)?.exported.clone();
        Ok(Response::new(Box::pin(iter(exported))))
    }

    async fn import_thoughts(
        &self,
        request: Request<Streaming<thoughts::ImportThoughtsRequest>>,
    ) -> Result<Response<Self::ImportThoughtsStream>, Status> {
        drop(self.asked("ImportThoughts", &request)?);
        self.released("ImportThoughts").await;
        let mut messages = request.into_inner();
        let mut answer = thoughts::ImportThoughtsResponse::default();
        while let Some(message) = messages.message().await? {
            take(&mut self.said.lock().unwrap(), message, &mut answer);
        }
        Ok(Response::new(Box::pin(iter([Ok(answer)]))))
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

/// What is there already stays; texts of more than 250 characters are refused.
fn take(
    said: &mut Said,
    message: thoughts::ImportThoughtsRequest,
    answer: &mut thoughts::ImportThoughtsResponse,
) {
    let thought = message.thought.clone().unwrap_or_default();
    let same = |there: &thoughts::ImportThoughtsRequest| {
        there.thought == message.thought && there.revisions == message.revisions
    };
    let length = thought.text.trim().chars().count();
    if length > 250 {
        answer.refused_count += 1;
        answer.refused.push(thoughts::RefusedThought {
            line: message.line,
            field: "thought.text".to_owned(),
            description: format!("must have at most 250 characters, not {length}"),
        });
    } else if said.imported.iter().any(same) {
        answer.unchanged_count += 1;
    } else {
        answer.imported_count += 1;
        said.imported.push(message);
    }
}

fn find<'a>(said: &'a mut Said, id: &str) -> Result<&'a mut Thought, Status> {
    let mut thoughts = said.thoughts.iter_mut();
    let found = thoughts.find(|thought| thought.id == id);
    found.ok_or_else(|| Status::not_found("no such thought"))
}
