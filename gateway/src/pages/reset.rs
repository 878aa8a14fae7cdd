//! Another password, for somebody who has forgotten it and has a link from an administrator.

use axum::{
    http::header,
    response::{IntoResponse as _, Response},
};
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    backends::Backends,
    error::Problem,
    fields::{Fields, Params},
    flash::Done,
    paths,
    ui::{
        form::{Feedback, Input},
        layout::Place,
        notice,
    },
    visit::Visit,
};

const TITLE: &str = "Set another password";

/// The code that the link brings.
#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    #[serde(default)]
    code: String,
}

/// The code, and the password as it is to be.
#[derive(Deserialize)]
pub(crate) struct ResetForm {
    #[serde(default)]
    code: String,
    #[serde(default)]
    new_password: String,
}

/// `GET /reset-password`. Whether the code is any good is found out by using it.
pub(crate) async fn show(visit: Visit, Params(which): Params<Which>) -> Response {
    let main = if which.code.is_empty() {
        without_link("The link comes from whoever looks after this server: ask there.")
    } else {
        form(&which.code, &Feedback::default())
    };
    let page = visit.page(TITLE, Place::Elsewhere, &main);
    // The code must not stay behind in a browser's cache.
    ([(header::CACHE_CONTROL, "private, no-store")], page).into_response()
}

/// `POST /reset-password`. The code stays in the form while it is good, the password never comes
/// back. Whoever was signed in here is so no more: it may have been by the old password.
pub(crate) async fn reset(
    visit: Visit,
    backends: Backends,
    Fields(sent): Fields<ResetForm>,
) -> Response {
    let reset = backends
        .reset_password(&sent.code, &sent.new_password)
        .await;
    let problem = match reset {
        Ok(()) => {
            visit.cookies.forget();
            return visit.done(Done::PasswordSet, paths::LOGIN);
        }
        Err(problem) => problem,
    };
    let main = match &problem {
        problem if blames_the_code(problem) => without_link(
            "This link is unknown, used, or over. If you have just set a password with it, log in. \
             Otherwise ask whoever looks after this server for another link.",
        ),
        problem => {
            let fields = [("new_password", "new_password")];
            let failed = "Your password is not set yet.";
            form(&sent.code, &visit.feedback(problem, &fields, failed))
        }
    };
    visit.page_of(&problem, TITLE, Place::Elsewhere, &main)
}

fn blames_the_code(problem: &Problem) -> bool {
    match problem {
        Problem::Forbidden | Problem::NotFound => true,
        Problem::Invalid(fields) => fields.iter().any(|(field, _)| field == "code"),
        _ => false,
    }
}

fn form(code: &str, feedback: &Feedback) -> Markup {
    html! {
        div.narrow {
            h1 { (TITLE) }
            p.lead { "It ends every session and access token of the account." }
            form.card method="post" action=(paths::RESET_PASSWORD) {
                (feedback.alert())
                input type="hidden" name="code" value=(code);
                (new_password().render(feedback))
                button { "Set the password" }
            }
        }
    }
}

fn without_link(what_next: &str) -> Markup {
    html! {
        div.narrow {
            h1 { (TITLE) }
            (notice::empty("That takes a link that is good", &html! { (what_next) }))
            p.actions { a href=(paths::LOGIN) { "Log in" } }
        }
    }
}

fn new_password() -> Input<'static> {
    Input {
        name: "new_password",
        label: "New password",
        kind: "password",
        value: "",
        autocomplete: "new-password",
        hint: Some("At least 8 characters, of any kind. A few words make a good one."),
        required: true,
        first: true,
    }
}
