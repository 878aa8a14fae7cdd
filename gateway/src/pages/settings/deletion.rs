//! The end of one's own account.

use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    backends::Backends,
    cookies::Held,
    error::Problem,
    fields::Fields,
    flash::Done,
    model::{Username, Viewer},
    paths,
    session::SignedIn,
    ui::{
        form::{Feedback, Input},
        layout::Place,
        question::Question,
        tabs::{self, Tab},
    },
    visit::Visit,
};

const TITLE: &str = "Delete your account?";

/// The name, typed once more: nothing that happens by mistake.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct DeletionForm {
    #[serde(default)]
    username: String,
}

/// `GET /settings/delete`: asks.
pub(crate) async fn ask(signed_in: SignedIn, visit: Visit) -> Response {
    let form = DeletionForm::default();
    let main = html! {
        (tabs::settings(Tab::Deletion, &signed_in.viewer))
        (question(&signed_in.viewer, &form, &Feedback::default()))
    };
    visit.page(TITLE, Place::Settings, &main)
}

/// `POST /settings/delete`
pub(crate) async fn delete(
    signed_in: SignedIn,
    visit: Visit,
    backends: Backends,
    held: Held,
    Fields(form): Fields<DeletionForm>,
) -> Result<Response, Problem> {
    let deleted = match meant(&signed_in.viewer, &form) {
        Ok(username) => backends.delete_user(&username, &signed_in.token).await,
        Err(problem) => Err(problem),
    };
    match deleted {
        Ok(()) => {
            visit.cookies.forget();
            if let Some(refresh_token) = held.refresh {
                visit.app.renewals.forget(&refresh_token);
            }
            Ok(visit.done(Done::Farewell, paths::LOGIN))
        }
        Err(Problem::SignIn) => Err(Problem::SignIn),
        Err(problem) => {
            let fields = [("username", "username")];
            let feedback = visit.feedback(&problem, &fields, "Your account is not deleted.");
            let main = question(&signed_in.viewer, &form, &feedback);
            Ok(visit.page_of(&problem, TITLE, Place::Settings, &main))
        }
    }
}

/// The account, if it is the name of whoever is signed in that was typed.
fn meant(viewer: &Viewer, form: &DeletionForm) -> Result<Username, Problem> {
    Username::parse(form.username.trim())
        .filter(|username| username.as_str() == viewer.username)
        .ok_or_else(|| {
            let what = format!("must be your own name, {}", viewer.username);
            Problem::Invalid(vec![("username".to_owned(), what)])
        })
}

fn question(viewer: &Viewer, form: &DeletionForm, feedback: &Feedback) -> Markup {
    let question = Question {
        title: TITLE,
        about: html! {
            (feedback.alert())
            p {
                "This deletes your account, everything that you wrote, and every session and access "
                "token. Nobody can bring it back, and the name " strong { (viewer.username) }
                " is never given to anybody again."
            }
            (username(form).render(feedback))
        },
        action: paths::DELETE_ACCOUNT,
        yes: "Delete it for good",
        back: paths::SETTINGS,
        no: "Keep it",
    };
    question.render()
}

fn username(form: &DeletionForm) -> Input<'_> {
    Input {
        name: "username",
        label: "Type your username to go on",
        kind: "text",
        value: &form.username,
        autocomplete: "off",
        hint: None,
        required: true,
        first: false,
    }
}
