//! One's own account: the password, and where one is signed in; further pages have the access tokens,
//! import and export, and the account's end.

pub(crate) mod data;
pub(crate) mod deletion;
pub(crate) mod tokens;

use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    backends::Backends,
    error::Problem,
    fields::{Fields, Segment},
    flash::Done,
    model::{KnownSession, Viewer},
    paths,
    session::SignedIn,
    ui::{
        form::{Feedback, Input},
        layout::Place,
        session,
        tabs::{self, Tab},
    },
    visit::Visit,
};

const TITLE: &str = "Settings";

/// The form's fields, under the names that the backend has for them.
const FIELDS: [(&str, &str); 2] = [
    ("current_password", "current_password"),
    ("new_password", "new_password"),
];

/// The password as it was, and as it is to be.
#[derive(Deserialize)]
pub(crate) struct PasswordForm {
    #[serde(default)]
    current_password: String,
    #[serde(default)]
    new_password: String,
}

/// `GET /settings`
pub(crate) async fn show(
    signed_in: SignedIn,
    visit: Visit,
    backends: Backends,
) -> Result<Response, Problem> {
    let sessions = backends.sessions(&signed_in.token).await?;
    let main = html! {
        (tabs::settings(Tab::Settings, &signed_in.viewer))
        h1 { (TITLE) }
        (session::warning(&sessions, visit.now))
        (password(&signed_in.viewer, &Feedback::default()))
        (signed_in_at(&sessions, &visit))
    };
    Ok(visit.page(TITLE, Place::Settings, &main))
}

/// `POST /settings/password`. The passwords never come back.
pub(crate) async fn change_password(
    signed_in: SignedIn,
    visit: Visit,
    backends: Backends,
    Fields(form): Fields<PasswordForm>,
) -> Result<Response, Problem> {
    let changed = backends
        .change_password(&form.current_password, &form.new_password, &signed_in.token)
        .await;
    match changed {
        Ok(access) => {
            visit.cookies.remember_access(&access);
            Ok(visit.done(Done::PasswordChanged, paths::SETTINGS))
        }
        Err(Problem::SignIn) => Err(Problem::SignIn),
        Err(problem) => Ok(not_changed(&visit, &signed_in.viewer, &problem)),
    }
}

/// `POST /settings/sessions/{id}/revoke`
pub(crate) async fn revoke_session(
    signed_in: SignedIn,
    visit: Visit,
    backends: Backends,
    id: Segment,
) -> Result<Response, Problem> {
    backends.revoke_session(id.id()?, &signed_in.token).await?;
    Ok(visit.done(Done::SessionEnded, paths::SETTINGS))
}

fn not_changed(visit: &Visit, viewer: &Viewer, problem: &Problem) -> Response {
    const NOT_CHANGED: &str = "Not changed yet";
    let feedback = match problem {
        Problem::Forbidden => {
            Feedback::field("current_password", "This is not your current password.")
        }
        _ => visit.feedback(problem, &FIELDS, "Your password is not changed yet."),
    };
    let main = html! {
        h1 { (NOT_CHANGED) }
        (password(viewer, &feedback))
        p.actions { a href=(paths::SETTINGS) { "All settings" } }
    };
    visit.page_of(problem, NOT_CHANGED, Place::Settings, &main)
}

fn password(viewer: &Viewer, feedback: &Feedback) -> Markup {
    html! {
        section aria-labelledby="password" {
            h2 #password { "Change your password" }
            form.card.settings method="post" action=(paths::CHANGE_PASSWORD) {
                (feedback.alert())
                // Unseen, for password managers: whose password it is.
                input type="text" name="username" value=(viewer.username) autocomplete="username" hidden;
                (current_password().render(feedback))
                (new_password().render(feedback))
                button { "Change password" }
            }
        }
    }
}

fn signed_in_at(sessions: &[KnownSession], visit: &Visit) -> Markup {
    html! {
        section aria-labelledby="sessions" {
            h2 #sessions { "Where you are signed in" }
            p.quiet {
                "Each under the name that its browser gives itself. Sign out what you do not know, "
                "and change your password then."
            }
            (session::list(sessions, visit.now))
        }
    }
}

fn current_password() -> Input<'static> {
    Input {
        name: "current_password",
        label: "Current password",
        kind: "password",
        value: "",
        autocomplete: "current-password",
        hint: None,
        required: true,
        first: false,
    }
}

fn new_password() -> Input<'static> {
    Input {
        name: "new_password",
        label: "New password",
        kind: "password",
        value: "",
        autocomplete: "new-password",
        hint: Some(
            "At least 8 characters, of any kind. Every other session and all access tokens end with the old one.",
        ),
        required: true,
        first: false,
    }
}
