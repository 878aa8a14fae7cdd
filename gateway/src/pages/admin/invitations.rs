//! Invitations: those that are open, a new one, and the end of one.

use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::Administrator;
use crate::{
    backends::Backends,
    error::Problem,
    fields::{Fields, Params, Segment},
    flash::Done,
    model::{Days, Invitation, ListPage, Role, Secret},
    pages::login,
    paths::{self, LocalPath},
    ui::{
        form::{self, Feedback, Select},
        invitation,
        layout::Place,
        notice, paging,
        question::Question,
        secret,
        tabs::{self, Tab},
        time,
    },
    visit::Visit,
};

const TITLE: &str = "Invitations";

/// The form's fields, under the names that the backend has for them.
const FIELDS: [(&str, &str); 2] = [("role", "role"), ("expire_time", "days")];

/// Which page of the list.
#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    page_token: Option<String>,
    #[serde(flatten)]
    form: InvitationForm,
}

/// An invitation that an administrator would like. An address may bring it: nothing is made of it
/// before the form is sent.
#[derive(Debug, Deserialize)]
pub(crate) struct InvitationForm {
    #[serde(default)]
    role: String,
    #[serde(default)]
    days: String,
}

/// `GET /admin/invitations`
pub(crate) async fn show(
    Administrator(signed_in): Administrator,
    visit: Visit,
    backends: Backends,
    Params(which): Params<Which>,
) -> Result<Response, Problem> {
    let page_token = which.page_token.as_deref();
    let list = backends.invitations(page_token, &signed_in.token).await?;
    let main = html! {
        (tabs::administration(Some(Tab::Invitations)))
        h1 { (TITLE) }
        p.lead { "A link that makes one account, for whoever you give it to." }
        (open(&list, page_token.is_some(), &visit))
        (new_invitation(&which.form, &Feedback::default()))
    };
    Ok(visit.page(TITLE, Place::Administration, &main))
}

/// `POST /admin/invitations`. The link is shown in this answer and never again.
pub(crate) async fn create(
    visit: Visit,
    backends: Backends,
    Fields(form): Fields<InvitationForm>,
) -> Result<Response, Problem> {
    match make(&visit, &backends, &form).await {
        Ok((invitation, code)) => Ok(shown_once(&visit, &invitation, &code)),
        Err(Problem::SignIn) => Ok(login::ask_again(&visit, form.filled_in())),
        Err(Problem::Forbidden) => Err(Problem::Forbidden),
        Err(problem) => Ok(not_made(&visit, &form, &problem)),
    }
}

/// `GET /admin/invitations/{id}/revoke`: asks. Which one it is the list has told; whether it is
/// still open is found out by taking it back.
pub(crate) async fn ask(_: Administrator, visit: Visit, id: Segment) -> Result<Response, Problem> {
    const TAKE_BACK: &str = "Take this invitation back?";
    let question = Question {
        title: TAKE_BACK,
        about: html! { p { "Its link will lead nowhere. You can always make another." } },
        action: &paths::revoke_invitation(id.id()?),
        yes: "Yes, take it back",
        back: paths::INVITATIONS,
        no: "Keep it",
    };
    Ok(visit.page(TAKE_BACK, Place::Administration, &question.render()))
}

/// `POST /admin/invitations/{id}/revoke`
pub(crate) async fn revoke(
    Administrator(signed_in): Administrator,
    visit: Visit,
    backends: Backends,
    id: Segment,
) -> Result<Response, Problem> {
    let revoked = backends.revoke_invitation(id.id()?, &signed_in.token).await;
    let done = match revoked {
        Ok(()) => Done::InvitationTakenBack,
        Err(Problem::NotFound) => Done::GoneAlready,
        Err(problem) => return Err(problem),
    };
    Ok(visit.done(done, paths::INVITATIONS))
}

async fn make(
    visit: &Visit,
    backends: &Backends,
    form: &InvitationForm,
) -> Result<(Invitation, Secret), Problem> {
    let Administrator(signed_in) = Administrator::of(visit.session.clone())?;
    let role = Role::parse(&form.role).ok_or_else(|| Problem::no_choice("role"))?;
    let days = Days::parse(&form.days, Days::OF_INVITATIONS);
    let days = days.ok_or_else(|| Problem::no_choice("expire_time"))?;
    let expires = days.after(visit.now);
    backends
        .create_invitation(role, expires, &signed_in.token)
        .await
}

fn shown_once(visit: &Visit, made: &Invitation, code: &Secret) -> Response {
    const MADE: &str = "Your new invitation";
    let link = visit.origin.address(&paths::invitation(code));
    let main = html! {
        h1 { (MADE) }
        div.card {
            (secret::field("The link", &link, &html! {
                "Copy it now: it is not shown again. Whoever has it can make the account of "
                (invitation::kind(made)) ", once, until " (time::on(made.expires, visit.now)) "."
            }))
            p { a.button href=(paths::INVITATIONS) { "I have copied it" } }
        }
    };
    visit.page(MADE, Place::Administration, &main)
}

fn not_made(visit: &Visit, form: &InvitationForm, problem: &Problem) -> Response {
    const NOT_MADE: &str = "Not made yet";
    let feedback = visit.feedback(problem, &FIELDS, "The invitation is not made yet.");
    let main = html! {
        h1 { (NOT_MADE) }
        (new_invitation(form, &feedback))
        p.actions { a href=(paths::INVITATIONS) { "All invitations" } }
    };
    visit.page_of(problem, NOT_MADE, Place::Administration, &main)
}

fn open(list: &ListPage<Invitation>, older: bool, visit: &Visit) -> Markup {
    let next = list.next_page_token.as_deref();
    let next = next.map(|token| paths::invitations(Some(token)));
    html! {
        @if list.items.is_empty() {
            (notice::empty("No open invitations", &html! {
                "Those that were used, taken back or are over are not kept here."
            }))
        } @else {
            (invitation::list(&list.items, visit.now))
        }
        (paging::nav(
            older.then_some((paths::INVITATIONS, "Newest invitations")),
            next.as_deref().map(|path| (path, "Older invitations")),
        ))
    }
}

fn new_invitation(form: &InvitationForm, feedback: &Feedback) -> Markup {
    let role = |role: Role| (role.value().to_owned(), role.name().to_owned());
    let role = Select {
        name: "role",
        label: "Who they will be",
        choices: vec![role(Role::Member), role(Role::Administrator)],
        chosen: &form.role,
    };
    let days = Select {
        name: "days",
        label: "How long the link is good",
        choices: form::days(Days::OF_INVITATIONS),
        chosen: &form.days,
    };
    html! {
        section aria-labelledby="new-invitation" {
            h2 #new-invitation { "A new invitation" }
            form.card.settings method="post" action=(paths::INVITATIONS) {
                (feedback.alert())
                (role.render(feedback))
                (days.render(feedback))
                button { "Make the invitation" }
            }
        }
    }
}

impl InvitationForm {
    /// The page with the form as it was filled in.
    fn filled_in(&self) -> LocalPath {
        LocalPath::parse(&paths::new_invitation(&self.role, &self.days))
            .unwrap_or_else(|| LocalPath::of(paths::INVITATIONS))
    }
}
