//! One thought.

use axum::response::Response;
use maud::html;
use serde::Deserialize;
use uuid::Uuid;

use super::login;
use crate::{
    backends::Backends,
    error::Problem,
    fields::{Fields, Segment},
    flash::Done,
    paths::{self, LocalPath},
    session::SignedIn,
    ui::{layout::Place, text, thought},
    visit::Visit,
};

/// Where to go on when it is gone.
#[derive(Debug, Deserialize)]
pub(crate) struct DeleteForm {
    #[serde(default)]
    next: String,
    /// `true`: past the trash, or out of it.
    #[serde(default)]
    permanently: String,
}

/// Where to go on when it is back.
#[derive(Debug, Deserialize)]
pub(crate) struct UndeleteForm {
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
    let own = visit.viewer().is_some_and(|viewer| viewer.wrote(&thought));
    let main = html! {
        h1 { "A thought by " (thought.author) }
        (thought::alone(&thought, visit.eyes()))
        p.actions {
            a href=(paths::user(&thought.author, None)) { "More by " (thought.author) }
            a href=(paths::SEARCH) { "Everyone’s thoughts" }
            @if own && thought.trashed.is_some() { a href=(paths::TRASH) { "Your trash" } }
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
        Ok(signed_in) if form.permanently == "true" => {
            let deleted = backends.delete_thought_for_ever(id, &signed_in.token);
            deleted.await.map(|()| Done::DeletedForEver)
        }
        Ok(signed_in) => move_to_trash(&backends, &signed_in, id).await,
        Err(problem) => Err(problem),
    };
    match deleted {
        Ok(done) if next.is_thought(id) => Ok(visit.done(done, paths::HOME)),
        Ok(done) => Ok(visit.done(done, next.as_str())),
        Err(Problem::SignIn) => Ok(login::ask_again(&visit, next)),
        Err(problem) => Err(problem),
    }
}

/// `POST /thoughts/{id}/undelete`
pub(crate) async fn undelete(
    visit: Visit,
    backends: Backends,
    id: Segment,
    Fields(form): Fields<UndeleteForm>,
) -> Result<Response, Problem> {
    let id = id.id()?;
    let next = LocalPath::parse(&form.next).unwrap_or_else(|| LocalPath::of_thought(id));
    let restored = match visit.session.clone().required() {
        Ok(signed_in) => backends.undelete_thought(id, &signed_in.token).await,
        Err(problem) => Err(problem),
    };
    match restored {
        Ok(()) => Ok(visit.done(Done::ThoughtRestored, next.as_str())),
        Err(Problem::SignIn) => Ok(login::ask_again(&visit, next)),
        Err(problem) => Err(problem),
    }
}

/// What is told afterwards depends on whose it was: only its author finds it in the trash. A button
/// that was pressed twice finds it there already, and can be undone all the same.
async fn move_to_trash(
    backends: &Backends,
    signed_in: &SignedIn,
    id: Uuid,
) -> Result<Done, Problem> {
    let deleted = backends.delete_thought(id, &signed_in.token).await;
    let deleted = match deleted {
        Ok(()) => Ok(Done::ThoughtRemoved),
        Err(Problem::NotFound) => Err(Problem::NotFound),
        Err(problem) => return Err(problem),
    };
    let found = backends.thought(id, Some(&signed_in.token)).await;
    match found.ok().and_then(|thought| thought.trashed) {
        Some(trashed) if !trashed.removed => Ok(Done::ThoughtDeleted(id)),
        _ => deleted,
    }
}
