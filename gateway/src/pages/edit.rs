//! Changing a thought, so that neither what was typed nor what was there is lost.

use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::login::{self, Carried};
use crate::{
    backends::Backends,
    error::{Problem, Rule},
    fields::{Fields, Params, Segment},
    flash::Done,
    model::{Edit, Thought, Visibility},
    paths::{self, LocalPath},
    session::SignedIn,
    ui::{form::Feedback, layout::Place, notice, thought, time, writing::Writing},
    visit::Visit,
};

const TITLE: &str = "Change your thought";
const CLASH: &str = "Changed in the meantime";

/// The form's fields, under the names that the backend has for them.
const FIELDS: [(&str, &str); 2] = [
    ("thought.text", "text"),
    ("thought.visibility", "visibility"),
];

/// Where to go on afterwards.
#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    #[serde(default)]
    next: String,
}

/// A change, as it was sent.
#[derive(Debug, Deserialize)]
pub(crate) struct EditForm {
    #[serde(default)]
    text: String,
    #[serde(default)]
    visibility: String,
    #[serde(default)]
    etag: String,
    #[serde(default)]
    next: String,
}

/// The form as it stands on a page.
struct EditBox<'a> {
    edit: &'a Edit,
    next: &'a LocalPath,
    feedback: Feedback,
    limit: Option<u32>,
    save: &'static str,
    /// Whether the text is what was typed before, and not the thought's.
    kept: bool,
}

/// `GET /thoughts/{id}/edit`
pub(crate) async fn show(
    signed_in: SignedIn,
    visit: Visit,
    backends: Backends,
    id: Segment,
    Params(which): Params<Which>,
) -> Result<Response, Problem> {
    let id = id.id()?;
    let (thought, limit) = tokio::join!(
        backends.thought(id, Some(&signed_in.token)),
        backends.max_thought_length(),
    );
    let thought = thought?;
    if !signed_in.viewer.wrote(&thought) {
        return Err(Problem::Forbidden);
    }
    if thought.trashed.is_some() {
        return Err(Problem::Against(Rule::InTrash));
    }
    let edit_box = EditBox {
        edit: &Edit::of(&thought),
        next: &LocalPath::parse(&which.next).unwrap_or_else(|| LocalPath::of_thought(id)),
        feedback: Feedback::default(),
        limit,
        save: "Save",
        kept: false,
    };
    let main = html! { h1 { (TITLE) } (edit_box.render()) };
    Ok(visit.page(TITLE, Place::Own, &main))
}

/// `POST /thoughts/{id}/edit`. Whatever goes wrong, the text comes back.
pub(crate) async fn save(
    visit: Visit,
    backends: Backends,
    id: Segment,
    Fields(form): Fields<EditForm>,
) -> Result<Response, Problem> {
    let id = id.id()?;
    let next = LocalPath::parse(&form.next).unwrap_or_else(|| LocalPath::of_thought(id));
    let visibility = Visibility::parse(&form.visibility);
    let edit = Edit {
        id,
        text: form.text,
        visibility: visibility.unwrap_or_default(),
        etag: form.etag,
    };
    let saved = match (visit.session.clone().required(), visibility) {
        (Ok(_), None) => Err(Problem::no_choice("thought.visibility")),
        (Ok(signed_in), Some(_)) => backends.update_thought(&edit, &signed_in.token).await,
        (Err(problem), _) => Err(problem),
    };
    Ok(match saved {
        Ok(_) => visit.done(Done::ThoughtChanged(id), next.as_str()),
        Err(Problem::SignIn) => login::ask_with(&visit, Carried::Edit(edit), next),
        Err(Problem::Conflict) => clash(&visit, &backends, &edit, &next).await,
        Err(problem) => edit_again(&visit, &backends, &problem, &edit, &next).await,
    })
}

/// The form of somebody who has just logged in, with the change as it was typed.
pub(crate) async fn show_carried(
    visit: &Visit,
    backends: &Backends,
    edit: &Edit,
    next: &LocalPath,
) -> Response {
    let edit_box = EditBox {
        edit,
        next,
        feedback: Feedback::default(),
        limit: backends.max_thought_length().await,
        save: "Save",
        kept: true,
    };
    let main = html! {
        (notice::status("You are logged in. Your change is still here: save it when it is ready."))
        h1 { (TITLE) }
        (edit_box.render())
    };
    visit.page(TITLE, Place::Own, &main)
}

/// Both texts, to choose from: the one that is there by now, and the one that was typed.
async fn clash(visit: &Visit, backends: &Backends, edit: &Edit, next: &LocalPath) -> Response {
    let now = match backends.thought(edit.id, visit.token()).await {
        Ok(now) => now,
        Err(problem) => return edit_again(visit, backends, &problem, edit, next).await,
    };
    let mine = Edit {
        etag: now.etag.clone(),
        ..edit.clone()
    };
    let edit_box = EditBox {
        edit: &mine,
        next,
        feedback: Feedback::default(),
        limit: backends.max_thought_length().await,
        save: "Save yours instead",
        kept: true,
    };
    let main = html! {
        h1 { (CLASH) }
        (notice::alert(
            "This thought was changed, in another window or on another device, after you began. \
             Nothing is lost: choose one of the two, or make one of both.",
        ))
        (present(visit, &now, next))
        h2 { "What you wrote" }
        (edit_box.render())
    };
    visit.page_of(&Problem::Conflict, CLASH, Place::Own, &main)
}

fn present(visit: &Visit, now: &Thought, next: &LocalPath) -> Markup {
    html! {
        h2 { "As it is now" }
        article.thought {
            p.text dir="auto" { (now.text) }
            footer {
                span.when { "Changed " (time::ago(now.changed.unwrap_or(now.written), visit.now)) }
                (thought::badge(now))
            }
        }
        p.actions { a.button href=(next) { "Keep it as it is" } }
    }
}

async fn edit_again(
    visit: &Visit,
    backends: &Backends,
    problem: &Problem,
    edit: &Edit,
    next: &LocalPath,
) -> Response {
    const NOT_SAVED: &str = "Not saved yet";
    let edit_box = EditBox {
        edit,
        next,
        feedback: visit.feedback(problem, &FIELDS, "Your change is not saved yet."),
        limit: backends.max_thought_length().await,
        save: "Save",
        kept: true,
    };
    let main = html! { h1 { (NOT_SAVED) } (edit_box.render()) };
    visit.page_of(problem, NOT_SAVED, Place::Own, &main)
}

impl EditBox<'_> {
    fn render(&self) -> Markup {
        let writing = Writing {
            label: "Your thought",
            text: &self.edit.text,
            visibility: self.edit.visibility,
            limit: self.limit,
            feedback: &self.feedback,
            first: true,
        };
        html! {
            form.card.write method="post" action=(paths::edit_thought(self.edit.id, None))
                data-draft=(self.edit.id) data-kept[self.kept] {
                (self.feedback.alert())
                input type="hidden" name="etag" value=(self.edit.etag);
                input type="hidden" name="next" value=(self.next);
                (writing.text())
                div.row {
                    (writing.visibility())
                    a.plain.cancel href=(self.next) { "Cancel" }
                    button { (self.save) }
                }
            }
        }
    }
}
