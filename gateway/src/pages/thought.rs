//! One thought.

use axum::response::Response;
use maud::html;
use serde::Deserialize;

use super::login;
use crate::{
    backends::Backends,
    error::Problem,
    fields::{Fields, Segment},
    paths::{self, LocalPath},
    ui::{layout::Place, text, thought},
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
    let thought = backends.thought(id.id()?, visit.token()).await?;
    let main = html! {
        h1 { "A thought by " (thought.author) }
        (thought::alone(&thought, visit.eyes()))
        p.actions {
            a href=(paths::user(&thought.author, None)) { "More by " (thought.author) }
            a href=(paths::SEARCH) { "Everyone’s thoughts" }
        }
    };
    Ok(visit.page(&text::beginning(&thought.text), Place::Elsewhere, &main))
}

/// `POST /thoughts/{id}/delete`. Whoever has to log in first comes back to where it was asked for.
pub(crate) async fn delete(
    visit: Visit,
    backends: Backends,
    id: Segment,
    Fields(form): Fields<DeleteForm>,
) -> Result<Response, Problem> {
    let id = id.id()?;
    let next = LocalPath::parse(&form.next).unwrap_or_else(LocalPath::home);
    let deleted = match visit.session.clone().required() {
        Ok(signed_in) => backends.delete_thought(id, &signed_in.token).await,
        Err(problem) => Err(problem),
    };
    match deleted {
        Ok(()) if next.is_thought(id) => Ok(go_to(paths::HOME)),
        Ok(()) => Ok(go_to(next.as_str())),
        Err(Problem::SignIn) => Ok(login::ask_again(&visit, next)),
        Err(problem) => Err(problem),
    }
}
