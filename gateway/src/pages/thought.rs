//! One thought.

use axum::response::Response;
use maud::html;
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    backends::Backends,
    error::Problem,
    fields::{Fields, Segment},
    paths::{self, LocalPath},
    session::SignedIn,
    ui::{layout::Place, text, thought, thought::Eyes},
    visit::{Visit, go_to},
};

/// Where to go on when it is gone.
#[derive(Debug, Deserialize)]
pub(crate) struct DeleteForm {
    #[serde(default)]
    next: String,
}

/// `GET /thoughts/{id}`
pub(crate) async fn show(
    visit: Visit,
    backends: Backends,
    id: Segment,
) -> Result<Response, Problem> {
    let thought = backends.thought(parse(&id)?, visit.token()).await?;
    // This page will not be there to come back to.
    let eyes = Eyes {
        back: &LocalPath::home(),
        ..visit.eyes()
    };
    let main = html! {
        h1 { "A thought by " (thought.author) }
        (thought::alone(&thought, eyes))
        p.actions {
            a href=(paths::user(&thought.author, None)) { "More by " (thought.author) }
            a href=(paths::SEARCH) { "Everyone’s thoughts" }
        }
    };
    Ok(visit.page(&text::beginning(&thought.text), Place::Elsewhere, &main))
}

/// `POST /thoughts/{id}/delete`
pub(crate) async fn delete(
    signed_in: SignedIn,
    backends: Backends,
    id: Segment,
    Fields(form): Fields<DeleteForm>,
) -> Result<Response, Problem> {
    backends
        .delete_thought(parse(&id)?, &signed_in.token)
        .await?;
    let next = LocalPath::parse(&form.next).unwrap_or_else(LocalPath::home);
    Ok(go_to(next.as_str()))
}

/// What is no id is the id of nothing.
fn parse(Segment(id): &Segment) -> Result<Uuid, Problem> {
    Uuid::try_parse(id).map_err(|_| Problem::NotFound)
}
