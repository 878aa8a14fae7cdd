//! Everyone's public thoughts, to remove what must go.

use axum::response::Response;
use maud::html;
use serde::Deserialize;

use super::Administrator;
use crate::{
    backends::Backends,
    error::Problem,
    fields::Params,
    model::Found,
    pages::search,
    paths,
    ui::{
        form::Feedback,
        layout::Place,
        notice,
        tabs::{self, Tab},
        thought,
    },
    visit::Visit,
};

const TITLE: &str = "Public thoughts";

/// Which words, and which page of the list.
#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    #[serde(default)]
    search: String,
    page_token: Option<String>,
}

/// `GET /admin/thoughts`. It is asked for as nobody, so that it shows what is public alone.
pub(crate) async fn show(
    _: Administrator,
    visit: Visit,
    backends: Backends,
    Params(which): Params<Which>,
) -> Result<Response, Problem> {
    let words = which.search.trim();
    let page_token = which.page_token.as_deref();
    let found = backends.search(words, page_token, None).await;
    let head = |feedback: &Feedback| {
        html! {
            (tabs::administration(Some(Tab::Moderation)))
            h1 { (TITLE) }
            (search::form(paths::MODERATION, words, feedback))
        }
    };
    let Found { list, problems } = match found {
        Ok(found) => found,
        Err(problem) if search::blames_the_words(&problem) => {
            let main = head(&search::feedback(&visit, &problem));
            return Ok(visit.page_of(&problem, TITLE, Place::Administration, &main));
        }
        Err(problem) => return Err(problem),
    };
    let newest = paths::moderation(words, None);
    let older = list.next_page_token.as_deref();
    let older = older.map(|token| paths::moderation(words, Some(token)));
    let main = html! {
        (head(&Feedback::default()))
        (search::not_understood(words, &problems))
        @if list.thoughts.is_empty() && older.is_some() {
            (search::nothing_yet())
        } @else if list.thoughts.is_empty() {
            (notice::empty("Nothing here", &html! { "No public thought has all of these words." }))
        } @else {
            (thought::list(&list, visit.eyes()))
        }
        (thought::pages(page_token.map(|_| newest.as_str()), older.as_deref()))
    };
    Ok(visit.page(TITLE, Place::Administration, &main))
}
