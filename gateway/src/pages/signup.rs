//! Making an account: the first administrator's with the set-up code, anyone's where sign-up is
//! open, somebody else's as an administrator.

use axum::{
    http::header,
    response::{IntoResponse as _, Response},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{login, person, problem};
use crate::{
    backends::{Backends, NewUser},
    error::Problem,
    fields::{Fields, Params},
    model::{SignUp, Viewer},
    paths::{self, LocalPath},
    ui::{
        form::{Feedback, Input},
        layout::Place,
        notice,
    },
    visit::{Visit, go_to},
};

/// The form's fields, under the names that the backend has for them.
const FIELDS: [(&str, &str); 3] = [
    ("username", "username"),
    ("password", "password"),
    ("setup_code", "setup_code"),
];

/// A link to this page may bring the code.
#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    #[serde(default)]
    setup_code: String,
    /// Whose account an administrator has just added.
    #[serde(default)]
    added: String,
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
}

/// What this page is for, for whoever looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Own(SignUp),
    /// An administrator makes an account for somebody else.
    SomebodyElses,
}

/// `GET /signup`
pub(crate) async fn show(
    visit: Visit,
    backends: Backends,
    Params(which): Params<Which>,
) -> Result<Response, Problem> {
    let Some(purpose) = purpose(&visit, &backends).await? else {
        return Ok(go_to(paths::HOME));
    };
    let form = SignUpForm {
        setup_code: which.setup_code,
        ..SignUpForm::default()
    };
    let added = person::parse(&which.added).ok();
    let view = html! {
        @if let (Purpose::SomebodyElses, Some(username)) = (purpose, &added) { (done(username)) }
        (view(purpose, &form, &Feedback::default()))
    };
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
    let code = form.setup_code.trim();
    let user = NewUser {
        username: &form.username,
        password: &form.password,
        setup_code: (!code.is_empty()).then_some(code),
    };
    let administrator = visit.viewer().is_some_and(|viewer| viewer.administrator);
    match backends.create_user(&user, visit.token()).await {
        Ok(username) if administrator => go_to(&paths::account_added(&username)),
        Ok(_) => first_log_in(&visit, &backends, &form).await,
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
    let purpose = purpose(visit, backends).await.ok().flatten();
    let purpose = purpose.unwrap_or(Purpose::Own(SignUp::Open));
    let needs_code = matches!(purpose, Purpose::Own(SignUp::FirstAdministrator { .. }));
    if *problem == Problem::SignIn && !needs_code {
        return login::ask_instead_of_signing_up(visit, &form.username);
    }
    let feedback = match problem {
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
async fn purpose(visit: &Visit, backends: &Backends) -> Result<Option<Purpose>, Problem> {
    match visit.viewer() {
        Some(Viewer {
            administrator: true,
            ..
        }) => Ok(Some(Purpose::SomebodyElses)),
        Some(_) => Ok(None),
        None => Ok(Some(Purpose::Own(backends.sign_up_state().await?))),
    }
}

impl Purpose {
    fn title(self) -> &'static str {
        match self {
            Self::Own(SignUp::FirstAdministrator { .. }) => "Make the first account",
            Self::Own(SignUp::Open | SignUp::Closed) => "Sign up",
            Self::SomebodyElses => "Add an account",
        }
    }

    fn lead(self) -> &'static str {
        match self {
            Self::Own(SignUp::FirstAdministrator { .. }) => {
                "Nobody looks after this server yet. The first account will: it adds the others."
            }
            Self::Own(SignUp::Open) => "A name and a password are all it takes.",
            Self::Own(SignUp::Closed) => "Here an administrator makes the accounts.",
            Self::SomebodyElses => {
                "For somebody else, who then logs in with this name and password."
            }
        }
    }
}

fn view(purpose: Purpose, form: &SignUpForm, feedback: &Feedback) -> Markup {
    html! {
        div.narrow {
            h1 { (purpose.title()) }
            p.lead { (purpose.lead()) }
            @if purpose == Purpose::Own(SignUp::Closed) && !feedback.is_bad() {
                (closed())
            } @else {
                (open(purpose, form, feedback))
            }
            @if purpose != Purpose::SomebodyElses {
                div.aside {
                    p { "Have an account? " a href=(paths::LOGIN) { "Log in" } }
                }
            }
        }
    }
}

fn done(username: &str) -> Markup {
    html! {
        div.narrow { (notice::status(&format!("The account {username} is added."))) }
    }
}

fn closed() -> Markup {
    notice::empty(
        "Sign-up is closed",
        &html! {
            "Ask whoever runs this server for an account. Reading is free: "
            a href=(paths::SEARCH) { "everyone’s thoughts" } "."
        },
    )
}

fn open(purpose: Purpose, form: &SignUpForm, feedback: &Feedback) -> Markup {
    html! {
        form.card method="post" action=(paths::SIGNUP) {
            (feedback.alert())
            (username(form).render(feedback))
            (password().render(feedback))
            @if let Purpose::Own(SignUp::FirstAdministrator { open }) = purpose {
                (setup_code(form, !open).render(feedback))
            }
            button { (if purpose == Purpose::SomebodyElses { "Add the account" } else { "Sign up" }) }
        }
    }
}

fn username(form: &SignUpForm) -> Input<'_> {
    Input {
        name: "username",
        label: "Username",
        kind: "text",
        value: &form.username,
        autocomplete: "username",
        hint: Some("Up to 50 of a–z, 0–9, _ and -."),
        required: true,
        first: true,
    }
}

fn password() -> Input<'static> {
    Input {
        name: "password",
        label: "Password",
        kind: "password",
        value: "",
        autocomplete: "new-password",
        hint: Some("At least 8 characters, of any kind. A few words make a good one."),
        required: true,
        first: false,
    }
}

fn setup_code(form: &SignUpForm, required: bool) -> Input<'_> {
    Input {
        name: "setup_code",
        label: "Set-up code",
        kind: "text",
        value: &form.setup_code,
        autocomplete: "off",
        hint: Some(
            "Whoever started this server has it: it was shown at the start, or “users-backend setup-code” tells it.",
        ),
        required,
        first: false,
    }
}
