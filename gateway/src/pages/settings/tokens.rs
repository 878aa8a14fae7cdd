//! Personal access tokens: the list, a new one, and the end of one.

use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    backends::Backends,
    error::Problem,
    fields::{Fields, Params, Segment},
    flash::Done,
    model::{Days, PersonalToken, Scope, Secret},
    pages::login,
    paths::{self, LocalPath},
    session::SignedIn,
    ui::{
        form::{self, Feedback, Input, Select},
        layout::Place,
        notice,
        question::Question,
        secret,
        tabs::{self, Tab},
        time, token,
    },
    visit::Visit,
};

const TITLE: &str = "Access tokens";

/// The form's fields, under the names that the backend has for them.
const FIELDS: [(&str, &str); 3] = [
    ("display_name", "display_name"),
    ("scope", "scope"),
    ("expire_time", "days"),
];

/// A token that somebody would like, as it was typed. An address may bring it: nothing is made of
/// it before the form is sent.
#[derive(Debug, Deserialize)]
pub(crate) struct TokenForm {
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    days: String,
}

/// `GET /settings/tokens`
pub(crate) async fn show(
    signed_in: SignedIn,
    visit: Visit,
    backends: Backends,
    Params(form): Params<TokenForm>,
) -> Result<Response, Problem> {
    let tokens = backends.access_tokens(&signed_in.token).await?;
    let main = html! {
        (tabs::settings(Tab::Tokens, &signed_in.viewer))
        h1 { (TITLE) }
        p.lead { "For scripts and other programs, which read or write in your name with them." }
        (list(&tokens, &visit))
        (new_token(&form, &Feedback::default()))
    };
    Ok(visit.page(TITLE, Place::Settings, &main))
}

/// `POST /settings/tokens`. What is made is shown in this answer and never again.
pub(crate) async fn create(
    visit: Visit,
    backends: Backends,
    Fields(form): Fields<TokenForm>,
) -> Response {
    match make(&visit, &backends, &form).await {
        Ok((token, secret)) => shown_once(&visit, &token, &secret),
        Err(Problem::SignIn) => login::ask_again(&visit, form.filled_in()),
        Err(problem) => not_made(&visit, &form, &problem),
    }
}

/// `GET /settings/tokens/{id}/revoke`: asks.
pub(crate) async fn ask(
    signed_in: SignedIn,
    visit: Visit,
    backends: Backends,
    id: Segment,
) -> Result<Response, Problem> {
    const REVOKE: &str = "Revoke this token?";
    let id = id.id()?;
    let tokens = backends.access_tokens(&signed_in.token).await?;
    let mut tokens = tokens.into_iter();
    let token = tokens
        .find(|token| token.id == id)
        .ok_or(Problem::NotFound)?;
    let question = Question {
        title: REVOKE,
        about: html! {
            p { "Whatever uses " strong { bdi { (token.name) } } " stops working within a minute. "
                "There is no way back, but you can make another." }
        },
        action: &paths::revoke_token(id),
        yes: "Yes, revoke",
        back: paths::TOKENS,
        no: "Keep it",
    };
    Ok(visit.page(REVOKE, Place::Settings, &question.render()))
}

/// `POST /settings/tokens/{id}/revoke`
pub(crate) async fn revoke(
    signed_in: SignedIn,
    visit: Visit,
    backends: Backends,
    id: Segment,
) -> Result<Response, Problem> {
    let revoked = backends
        .revoke_access_token(id.id()?, &signed_in.token)
        .await;
    let done = match revoked {
        Ok(()) => Done::TokenRevoked,
        Err(Problem::NotFound) => Done::GoneAlready,
        Err(problem) => return Err(problem),
    };
    Ok(visit.done(done, paths::TOKENS))
}

async fn make(
    visit: &Visit,
    backends: &Backends,
    form: &TokenForm,
) -> Result<(PersonalToken, Secret), Problem> {
    let signed_in = visit.session.clone().required()?;
    let scope = Scope::parse(&form.scope).ok_or_else(|| Problem::no_choice("scope"))?;
    let days = Days::parse(&form.days, Days::OF_TOKENS);
    let days = days.ok_or_else(|| Problem::no_choice("expire_time"))?;
    let (name, expires) = (form.display_name.trim(), days.after(visit.now));
    backends
        .create_access_token(name, scope, expires, &signed_in.token)
        .await
}

fn shown_once(visit: &Visit, made: &PersonalToken, secret: &Secret) -> Response {
    const MADE: &str = "Your new access token";
    let main = html! {
        h1 { (MADE) }
        div.card {
            (secret::field("The token", secret.expose(), &html! {
                "Copy it now: it is not shown again. Whoever has it can "
                @match made.scope {
                    Scope::Read => "read what you may read",
                    Scope::ReadWrite => "read, write and delete thoughts in your name",
                }
                " until " (time::on(made.expires, visit.now)) "."
            }))
            p { a.button href=(paths::TOKENS) { "I have copied it" } }
        }
        h2 { "How to use it" }
        p {
            "Programs send it as a " code { "Bearer" } " token to either backend. For instance, with "
            code { "ADDRESS" } " for where the thoughts backend is:"
        }
        (token::example(made.scope))
    };
    visit.page(MADE, Place::Settings, &main)
}

fn not_made(visit: &Visit, form: &TokenForm, problem: &Problem) -> Response {
    const NOT_MADE: &str = "Not made yet";
    let feedback = visit.feedback(problem, &FIELDS, "The token is not made yet.");
    let main = html! {
        h1 { (NOT_MADE) }
        (new_token(form, &feedback))
        p.actions { a href=(paths::TOKENS) { "All access tokens" } }
    };
    visit.page_of(problem, NOT_MADE, Place::Settings, &main)
}

fn list(tokens: &[PersonalToken], visit: &Visit) -> Markup {
    html! {
        @if tokens.is_empty() {
            (notice::empty("No tokens", &html! { "Nothing but your browsers can act for you." }))
        } @else {
            (token::list(tokens, visit.now))
        }
    }
}

fn new_token(form: &TokenForm, feedback: &Feedback) -> Markup {
    html! {
        section aria-labelledby="new-token" {
            h2 #new-token { "A new token" }
            form.card.settings method="post" action=(paths::TOKENS) {
                (feedback.alert())
                (name(form).render(feedback))
                (scope(form).render(feedback))
                (days(form).render(feedback))
                button { "Make the token" }
            }
        }
    }
}

fn name(form: &TokenForm) -> Input<'_> {
    Input {
        name: "display_name",
        label: "Name",
        kind: "text",
        value: &form.display_name,
        autocomplete: "off",
        hint: Some("What is it for? Up to 100 characters."),
        required: true,
        first: false,
    }
}

fn scope(form: &TokenForm) -> Select<'_> {
    let choice = |scope: Scope| (scope.value().to_owned(), scope.name().to_owned());
    Select {
        name: "scope",
        label: "What it may do",
        choices: vec![choice(Scope::Read), choice(Scope::ReadWrite)],
        chosen: &form.scope,
    }
}

fn days(form: &TokenForm) -> Select<'_> {
    Select {
        name: "days",
        label: "When it ends",
        choices: form::days(Days::OF_TOKENS),
        chosen: &form.days,
    }
}

impl TokenForm {
    /// The page with the form as it was typed, as far as an address has room for it.
    fn filled_in(&self) -> LocalPath {
        let filled_in = paths::new_token(&self.display_name, &self.scope, &self.days);
        LocalPath::parse(&filled_in).unwrap_or_else(|| LocalPath::of(paths::TOKENS))
    }
}
