//! Making an account: the first administrator's with the set-up code, that of somebody who has been
//! invited, anyone's where sign-up is open, somebody else's as an administrator.

mod purpose;
mod view;

use axum::{
    http::header,
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;

use super::{login, problem};
use crate::{
    backends::{Backends, NewUser},
    error::Problem,
    fields::{Fields, Params},
    flash::Done,
    model::Viewer,
    paths::{self, LocalPath},
    ui::{form::Feedback, layout::Place},
    visit::{Visit, go_to},
};
use purpose::Purpose;
use view::view;

/// The form's fields, under the names that the backend has for them.
const FIELDS: [(&str, &str); 3] = [
    ("username", "username"),
    ("password", "password"),
    ("setup_code", "setup_code"),
];

/// A link to this page may bring a code.
#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    #[serde(default)]
    setup_code: String,
    #[serde(default)]
    invitation: String,
    /// What an administrator was typing when the session ended.
    #[serde(default)]
    username: String,
}

/// Who wants an account.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct SignUpForm {
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    setup_code: String,
    #[serde(default)]
    invitation: String,
    /// Set in the form by which an administrator adds somebody: without that session it makes
    /// nothing, even where sign-up is open.
    #[serde(default)]
    adding: bool,
}

/// `GET /signup`
pub(crate) async fn show(
    visit: Visit,
    backends: Backends,
    Params(which): Params<Which>,
) -> Result<Response, Problem> {
    let form = SignUpForm {
        username: which.username,
        setup_code: which.setup_code,
        invitation: which.invitation,
        ..SignUpForm::default()
    };
    let Some(purpose) = purpose(&visit, &backends, &form).await? else {
        return Ok(go_to(paths::HOME));
    };
    let view = view(purpose, &form, &Feedback::default());
    let page = visit.page(purpose.title(), Place::Elsewhere, &view);
    // The code must not stay behind in a browser's cache.
    Ok(([(header::CACHE_CONTROL, "private, no-store")], page).into_response())
}

/// `POST /signup`. The name comes back whatever goes wrong, the password never.
pub(crate) async fn sign_up(
    visit: Visit,
    backends: Backends,
    Fields(form): Fields<SignUpForm>,
) -> Response {
    let administrator = visit.viewer().is_some_and(|viewer| viewer.administrator);
    if form.adding && !administrator {
        return add_later(&visit, &form);
    }
    match backends.create_user(&form.user(), visit.token()).await {
        Ok(username) if administrator => visit.done(Done::AccountAdded, &paths::account(&username)),
        Ok(_) => first_log_in(&visit, &backends, &form).await,
        Err(Problem::SignIn) if form.adding => add_later(&visit, &form),
        Err(Problem::SignIn) if visit.viewer().is_some() => {
            login::ask_again(&visit, LocalPath::home())
        }
        // Nothing that the form could mend.
        Err(Problem::Forbidden) if visit.viewer().is_some() => {
            problem::show(&visit, &Problem::Forbidden, false)
        }
        Err(problem) => sign_up_again(&visit, &backends, &problem, &form).await,
    }
}

/// The session of an administrator who was adding somebody has ended.
fn add_later(visit: &Visit, form: &SignUpForm) -> Response {
    let next = LocalPath::parse(&paths::add_account(&form.username));
    login::ask_again(visit, next.unwrap_or_else(|| LocalPath::of(paths::SIGNUP)))
}

async fn first_log_in(visit: &Visit, backends: &Backends, form: &SignUpForm) -> Response {
    match backends.log_in(&form.username, &form.password).await {
        Ok(session) => {
            visit.cookies.remember(&session);
            go_to(paths::HOME)
        }
        // The account is there; logging in by hand is the way on.
        Err(_) => go_to(paths::LOGIN),
    }
}

async fn sign_up_again(
    visit: &Visit,
    backends: &Backends,
    problem: &Problem,
    form: &SignUpForm,
) -> Response {
    let found = purpose(visit, backends, form).await.ok().flatten();
    let purpose = found.unwrap_or_else(|| Purpose::unknown(!form.invitation.is_empty()));
    let needs_code = purpose.needs_code();
    if *problem == Problem::SignIn && !needs_code && form.invitation.is_empty() {
        return login::ask_instead_of_signing_up(visit, &form.username);
    }
    let feedback = match problem {
        Problem::SignIn | Problem::Forbidden if !form.invitation.is_empty() => {
            Feedback::general("The account is not made: this invitation is unknown, used, or over.")
        }
        Problem::SignIn | Problem::Forbidden if needs_code && form.setup_code.is_empty() => {
            Feedback::field("setup_code", "The first account needs the set-up code.")
        }
        Problem::Forbidden if needs_code => {
            Feedback::field("setup_code", "This is not the set-up code.")
        }
        Problem::Conflict if form.setup_code.is_empty() => Feedback::field(
            "username",
            "This name is taken, or was once. Choose another.",
        ),
        Problem::Conflict => Feedback::general(
            "The account is not made: the name is taken, or there is an administrator already and the set-up code is spent.",
        ),
        _ => visit.feedback(problem, &FIELDS, "The account is not made yet."),
    };
    let view = view(purpose, form, &feedback);
    visit.page_of(problem, purpose.title(), Place::Elsewhere, &view)
}

/// `None` for those who have an account already and cannot make others'.
async fn purpose(
    visit: &Visit,
    backends: &Backends,
    form: &SignUpForm,
) -> Result<Option<Purpose>, Problem> {
    match visit.viewer() {
        Some(_) if !form.invitation.is_empty() => Ok(Some(Purpose::HasAccount)),
        Some(Viewer {
            administrator: true,
            ..
        }) => Ok(Some(Purpose::SomebodyElses)),
        Some(_) => Ok(None),
        None => {
            let invitation = given(&form.invitation);
            let state = backends.sign_up_state(invitation).await?;
            Ok(Some(Purpose::of(state, invitation.is_some())))
        }
    }
}

impl SignUpForm {
    fn user(&self) -> NewUser<'_> {
        NewUser {
            username: &self.username,
            password: &self.password,
            setup_code: given(self.setup_code.trim()),
            invitation: given(&self.invitation),
        }
    }
}

fn given(code: &str) -> Option<&str> {
    (!code.is_empty()).then_some(code)
}
