//! One's own account: the password, and where one is signed in.

use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    backends::Backends,
    error::Problem,
    fields::{Fields, Params, Segment},
    model::{KnownSession, Viewer},
    paths,
    session::SignedIn,
    ui::{
        form::{Feedback, Input},
        layout::Place,
        notice, session,
    },
    visit::{Visit, go_to},
};

const TITLE: &str = "Settings";

/// The form's fields, under the names that the backend has for them.
const FIELDS: [(&str, &str); 2] = [
    ("current_password", "current_password"),
    ("new_password", "new_password"),
];

/// What has just been done here: the values of `done` in the address.
const PASSWORD: &str = "password";
const SESSION: &str = "session";

#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    #[serde(default)]
    done: String,
}

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
    Params(which): Params<Which>,
) -> Result<Response, Problem> {
    let sessions = backends.sessions(&signed_in.token).await?;
    let main = html! {
        h1 { (TITLE) }
        @if let Some(message) = what_is_done(&which.done) { (notice::status(message)) }
        (session::warning(&sessions, visit.now))
        (password(&signed_in.viewer, &Feedback::default()))
        (signed_in_at(&sessions, &visit))
        @if signed_in.viewer.administrator { (accounts()) }
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
            Ok(go_to(&paths::settings(PASSWORD)))
        }
        Err(Problem::SignIn) => Err(Problem::SignIn),
        Err(problem) => Ok(not_changed(&visit, &signed_in.viewer, &problem)),
    }
}

/// `POST /settings/sessions/{id}/revoke`
pub(crate) async fn revoke_session(
    signed_in: SignedIn,
    backends: Backends,
    id: Segment,
) -> Result<Response, Problem> {
    backends.revoke_session(id.id()?, &signed_in.token).await?;
    Ok(go_to(&paths::settings(SESSION)))
}

/// A session that is ended gets no new access token; the last one it has may still live.
fn what_is_done(done: &str) -> Option<&'static str> {
    match done {
        PASSWORD => Some(
            "Your password is changed. Every other session is ended, within five minutes at most.",
        ),
        SESSION => Some("That session is ended, within five minutes at most."),
        _ => None,
    }
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

/// What an administrator does for others.
fn accounts() -> Markup {
    html! {
        section aria-labelledby="accounts" {
            h2 #accounts { "Other people’s accounts" }
            p.actions { a.button href=(paths::SIGNUP) { "Add an account" } }
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
            "At least 8 characters, of any kind. Every other session ends with the old one.",
        ),
        required: true,
        first: false,
    }
}
