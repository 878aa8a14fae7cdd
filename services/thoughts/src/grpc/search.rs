//! Searching.

use std::ops::Range;

use api::thoughts::v1::{
    Matches, QueryProblem, SearchThoughtsRequest, SearchThoughtsResponse, TextRange,
    Thought as ProtoThought,
};
use runtime::status;
use tonic::{Request, Response, Status};

use super::{
    ThoughtsGrpc, live,
    messages::{count, next_page_token, requested_page},
    refusals::to_status,
};
use crate::{
    matches,
    query::{Problem, SearchQuery},
    thought::Thought,
};

pub(super) async fn search_thoughts(
    grpc: &ThoughtsGrpc,
    request: Request<SearchThoughtsRequest>,
) -> Result<Response<SearchThoughtsResponse>, Status> {
    let caller = grpc.caller(&request).await?;
    let message = request.into_inner();
    let query = SearchQuery::parse(&message.query)
        .map_err(|error| status::invalid_argument("query", error.to_string()))?;
    let scope = format!("SearchThoughts:{}", message.query);
    let page = requested_page(message.page_size, &message.page_token, &scope)?;
    // Before the search, so that what happens meanwhile is told.
    let resume_token = match message.page_token.as_str() {
        "" => live::resume_token(grpc, "", &message.query).await,
        _ => String::new(),
    };
    let found = grpc.thoughts.search(caller.as_ref(), &query, page).await;
    let page = found.map_err(to_status)?;
    let matches = page.thoughts.iter().map(|found| matches_of(found, &query));
    Ok(Response::new(SearchThoughtsResponse {
        matches: matches.collect(),
        thoughts: page.thoughts.into_iter().map(ProtoThought::from).collect(),
        next_page_token: next_page_token(page.next, &scope),
        problems: query.problems().iter().map(problem).collect(),
        resume_token,
    }))
}

pub(super) fn matches_of(thought: &Thought, query: &SearchQuery) -> Matches {
    let ranges = matches::ranges(&thought.text, query);
    Matches {
        ranges: ranges.into_iter().map(text_range).collect(),
    }
}

fn problem(problem: &Problem) -> QueryProblem {
    QueryProblem {
        range: Some(text_range(problem.range.clone())),
        description: problem.expected.to_string(),
    }
}

fn text_range(range: Range<usize>) -> TextRange {
    TextRange {
        start: count(range.start),
        end: count(range.end),
    }
}
