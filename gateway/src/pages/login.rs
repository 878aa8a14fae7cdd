//! Logging in and out.

use axum::{
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use maud::{Markup, html};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    edit,
    own::{self, WriteForm},
};
use crate::{
    backends::{Backends, NewSession},
    cookies::Held,
    error::{DISABLED, Problem},
    fields::{Fields, Params},
    model::{Draft, Edit, Visibility},
    paths::{self, LocalPath},
    ui::{
        form::{Feedback, Input},
        layout::Place,
        notice,
    },
    visit::{Visit, go_to},
    written,
};

const TITLE: &str = "Log in";

/// The form's fields, under the names that the backend has for them.
const FIELDS: [(&str, &str); 2] = [("username", "username"), ("password", "password")];

/// Where to go on.
#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    next: Option<String>,
}

/// A name, a password, and what the person was about before.
#[derive(Debug, Deserialize)]
pub(crate) struct LoginForm {
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    next: String,
    /// A thought that could not be saved because nobody was signed in (any more).
    text: Option<String>,
    #[serde(default)]
    visibility: String,
    #[serde(default)]
    request_id: String,
    /// The thought that the text is a change of, if it is one, and what it was made from.
    edit: Option<Uuid>,
    #[serde(default)]
    etag: String,
}

/// What somebody had typed who has to log in first.
pub(crate) enum Carried {
    Draft(Draft),
    Edit(Edit),
}

/// The form as it stands on a page.
struct View {
    username: String,
    next: LocalPath,
    carried: Option<Carried>,
    notice: Option<&'static str>,
    feedback: Feedback,
}

/// `GET /login`
pub(crate) async fn show(visit: Visit, Params(which): Params<Which>) -> Response {
    let next = next(which.next.as_deref().unwrap_or_default());
    if visit.viewer().is_some() {
        return go_to(next.as_str());
    }
    let view = View {
        next,
        ..View::new()
    };
    visit.page(TITLE, Place::Login, &view.render())
}

/// `POST /login`. The name and the thought come back whatever goes wrong, the password never.
pub(crate) async fn log_in(
    visit: Visit,
    backends: Backends,
    Fields(form): Fields<LoginForm>,
) -> Response {
    let logged_in = backends.log_in(&form.username, &form.password).await;
    let next = next(&form.next);
    let (username, carried) = form.parts(&visit);
    match logged_in {
        Ok(session) => enter(visit, &backends, session, &next, carried).await,
        Err(problem) => {
            let view = View {
                username,
                next,
                carried,
                notice: None,
                feedback: refused(&visit, &problem),
            };
            visit.page_of(&problem, TITLE, Place::Login, &view.render())
        }
    }
}

/// `POST /logout`. Here the session ends whatever happens. If the users backend cannot be told, only
/// a copy of the refresh token that somebody has stolen could still go on; that is for the log.
pub(crate) async fn log_out(visit: Visit, backends: Backends, held: Held) -> Response {
    visit.cookies.forget();
    if let Some(refresh_token) = held.refresh {
        visit.app.renewals.forget(&refresh_token);
        if let Err(problem) = backends.log_out(&refresh_token).await {
            tracing::warn!(
                ?problem,
                "a session has ended here, but not in the users backend"
            );
        }
    }
    let mut gone = go_to(paths::LOGIN);
    written::forget(&visit.app, &mut gone);
    gone
}

/// Sends somebody who is not signed in to the log-in page, and back here afterwards. A cookie that
/// a backend did not accept goes as well, or the two pages would send the browser to and fro.
pub(crate) fn ask(visit: &Visit) -> Response {
    visit.cookies.forget();
    go_to(&paths::login(&visit.here))
}

/// Answers a form that needs somebody signed in, who then goes on to `next`.
pub(crate) fn ask_again(visit: &Visit, next: LocalPath) -> Response {
    unauthorized(
        visit,
        View {
            next,
            ..View::new()
        },
    )
}

/// The same, for a form with a text in it, which is carried along.
pub(crate) fn ask_with(visit: &Visit, carried: Carried, next: LocalPath) -> Response {
    let view = View {
        carried: Some(carried),
        next,
        ..View::new()
    };
    unauthorized(visit, view)
}

/// The log-in form after an account could not be made for want of a right to it.
pub(crate) fn ask_instead_of_signing_up(visit: &Visit, username: &str) -> Response {
    let view = View {
        username: username.to_owned(),
        feedback: Feedback::general(
            "Here an administrator makes the accounts. Log in if you have one.",
        ),
        ..View::new()
    };
    unauthorized(visit, view)
}

async fn enter(
    visit: Visit,
    backends: &Backends,
    session: NewSession,
    next: &LocalPath,
    carried: Option<Carried>,
) -> Response {
    visit.cookies.remember(&session);
    let Some(carried) = carried else {
        return go_to(next.as_str());
    };
    let signed_in = session.signed_in();
    let visit = visit.signed_in(signed_in.clone());
    match carried {
        Carried::Draft(draft) => own::show_with_draft(&visit, backends, &signed_in, draft).await,
        Carried::Edit(edit) => edit::show_carried(&visit, backends, &edit, next).await,
    }
}

fn unauthorized(visit: &Visit, view: View) -> Response {
    let notice = view
        .carried
        .is_some()
        .then_some("Your thought is kept. Log in, and it is in the box again.");
    let feedback = if view.feedback.is_bad() {
        view.feedback
    } else {
        Feedback::general("You are not logged in, or not any more.")
    };
    let view = View {
        notice,
        feedback,
        ..view
    };
    let page = visit.page(TITLE, Place::Login, &view.render());
    (StatusCode::UNAUTHORIZED, page).into_response()
}

fn refused(visit: &Visit, problem: &Problem) -> Feedback {
    match problem {
        Problem::SignIn => Feedback::general("That name and that password do not belong together."),
        Problem::Disabled => Feedback::general(DISABLED),
        _ => visit.feedback(problem, &FIELDS, "You are not logged in."),
    }
}

fn next(text: &str) -> LocalPath {
    LocalPath::parse(text).unwrap_or_else(LocalPath::home)
}

impl LoginForm {
    /// The name, and what was typed before.
    fn parts(self, visit: &Visit) -> (String, Option<Carried>) {
        let carried = match (self.text, self.edit) {
            (None, _) => None,
            (Some(text), Some(id)) => Some(Carried::Edit(Edit {
                id,
                text,
                visibility: Visibility::parse(&self.visibility).unwrap_or_default(),
                etag: self.etag,
            })),
            (Some(text), None) => {
                let write = WriteForm::new(text, self.visibility, self.request_id);
                Some(Carried::Draft(own::draft(visit, write)))
            }
        };
        (self.username, carried)
    }
}

impl View {
    fn new() -> Self {
        Self {
            username: String::new(),
            next: LocalPath::home(),
            carried: None,
            notice: None,
            feedback: Feedback::default(),
        }
    }

    fn render(&self) -> Markup {
        html! {
            div.narrow {
                h1 { (TITLE) }
                form.card method="post" action=(paths::LOGIN) {
                    (self.feedback.alert())
                    @if let Some(message) = self.notice { (notice::status(message)) }
                    (self.carried())
                    (self.username().render(&self.feedback))
                    (self.password().render(&self.feedback))
                    button { "Log in" }
                }
                div.aside {
                    p { "Password forgotten? " a href=(paths::RESET_PASSWORD) { "How to set another" } }
                    p { "No account yet? " a href=(paths::SIGNUP) { "How to get one" } }
                    p { "Just looking? " a href=(paths::SEARCH) { "Read everyone’s thoughts" } }
                }
            }
        }
    }

    /// What goes with the form unseen.
    fn carried(&self) -> Markup {
        html! {
            @if self.next != LocalPath::home() {
                input type="hidden" name="next" value=(self.next);
            }
            @match &self.carried {
                None => {},
                Some(Carried::Draft(draft)) => {
                    input type="hidden" name="text" value=(draft.text);
                    input type="hidden" name="visibility" value=(draft.visibility.value());
                    input type="hidden" name="request_id" value=(draft.request_id);
                },
                Some(Carried::Edit(edit)) => {
                    input type="hidden" name="text" value=(edit.text);
                    input type="hidden" name="visibility" value=(edit.visibility.value());
                    input type="hidden" name="edit" value=(edit.id);
                    input type="hidden" name="etag" value=(edit.etag);
                },
            }
        }
    }

    fn username(&self) -> Input<'_> {
        Input {
            name: "username",
            label: "Username",
            kind: "text",
            value: &self.username,
            autocomplete: "username",
            hint: None,
            required: true,
            first: self.username.is_empty(),
        }
    }

    fn password(&self) -> Input<'_> {
        Input {
            name: "password",
            label: "Password",
            kind: "password",
            value: "",
            autocomplete: "current-password",
            hint: None,
            required: true,
            first: !self.username.is_empty(),
        }
    }
}
