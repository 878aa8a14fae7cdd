//! What one person has written.

use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    backends::Backends,
    error::Problem,
    fields::{Params, Segment},
    model::ThoughtList,
    paths::{self, List},
    ui::{layout::Place, notice, thought},
    visit::Visit,
};

/// Which page of the list.
#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    page_token: Option<String>,
}

/// `GET /users/{username}`. Whether there is such an account is nobody's business: a person who
/// is not there has written nothing that could be seen.
pub(crate) async fn show(
    visit: Visit,
    backends: Backends,
    username: Segment,
    Params(which): Params<Which>,
) -> Result<Response, Problem> {
    let username = username.username()?;
    let username = username.as_str();
    let page_token = which.page_token.as_deref();
    let list = backends
        .thoughts_of(username, page_token, visit.token())
        .await?;
    let main = view(&visit, username, &list, page_token.is_some());
    let visit = visit.with_feed(paths::feed_of_person(username, None));
    Ok(visit.page(&format!("Thoughts by {username}"), Place::Elsewhere, &main))
}

fn view(visit: &Visit, username: &str, list: &ThoughtList, older: bool) -> Markup {
    let newest = paths::user(username, None);
    let next = list.next_page_token.as_deref();
    let own = visit
        .viewer()
        .is_some_and(|viewer| viewer.username == username);
    html! {
        h1 { "Thoughts by " (username) }
        @if own {
            p.lead { "This is you. " a href=(paths::HOME) { "Write a thought" } }
        }
        @if !list.thoughts.is_empty() {
            p.actions.first { a href=(paths::tags(Some(username), None)) { "Tags of " (username) } }
        }
        (thought::followed(List::Of(username), list, older, own, &html! {
        @if list.thoughts.is_empty() && older {
            (notice::empty("That was all", &html! { "There are no older thoughts." }))
        } @else if list.thoughts.is_empty() {
            (notice::empty("Nothing to see here", &html! {
                "There are no thoughts by " (username) " that you may read. "
                a href=(paths::SEARCH) { "Read everyone’s" } "."
            }))
        } @else {
            (thought::list(list, visit.eyes_on_one()))
        }
        }))
        (thought::pages(
            older.then_some(newest.as_str()),
            next.map(|token| paths::user(username, Some(token))).as_deref(),
        ))
    }
}
