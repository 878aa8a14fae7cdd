//! What one has deleted, for 30 days.

use axum::response::Response;
use maud::html;
use serde::Deserialize;

use crate::{
    backends::Backends,
    error::Problem,
    fields::Params,
    paths,
    session::SignedIn,
    ui::{
        layout::Place,
        notice,
        tabs::{self, Tab},
        thought, trash,
    },
    visit::Visit,
};

const TITLE: &str = "Your trash";

/// Which page of the list.
#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    page_token: Option<String>,
}

/// `GET /trash`
pub(crate) async fn show(
    signed_in: SignedIn,
    visit: Visit,
    backends: Backends,
    Params(which): Params<Which>,
) -> Result<Response, Problem> {
    let page_token = which.page_token.as_deref();
    let list = backends.trash(page_token, &signed_in.token).await?;
    let next = list.next_page_token.as_deref();
    let main = html! {
        (tabs::own(Tab::Trash, &signed_in.viewer))
        h1 { (TITLE) }
        p.lead { "What you delete stays here for 30 days." }
        @if list.thoughts.is_empty() && page_token.is_some() {
            (notice::empty("That was all", &html! { "There is nothing older in the trash." }))
        } @else if list.thoughts.is_empty() {
            (notice::empty("The trash is empty", &html! {
                "What you delete can be brought back from here."
            }))
        } @else {
            (trash::list(&list, visit.now, &visit.here))
        }
        (thought::pages(
            page_token.map(|_| paths::TRASH),
            next.map(|token| paths::trash(Some(token))).as_deref(),
        ))
    };
    Ok(visit.page(TITLE, Place::Own, &main))
}
