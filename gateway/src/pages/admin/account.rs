//! One account, and what can be done to it.

use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::Administrator;
use crate::{
    backends::Backends,
    error::Problem,
    fields::{Fields, Segment},
    flash::Done,
    model::{Account, PasswordReset, Role, Username, Viewer},
    paths,
    session::SignedIn,
    ui::{account, form::Feedback, layout::Place, question::Question, secret, tabs, time},
    visit::Visit,
};

/// Another role.
#[derive(Debug, Deserialize)]
pub(crate) struct RoleForm {
    role: String,
}

/// Whether the account is to be disabled.
#[derive(Debug, Deserialize)]
pub(crate) struct SwitchForm {
    disabled: bool,
}

/// `GET /admin/users/{username}`
pub(crate) async fn show(
    Administrator(signed_in): Administrator,
    visit: Visit,
    backends: Backends,
    username: Segment,
) -> Result<Response, Problem> {
    let account = backends
        .account(&username.username()?, &signed_in.token)
        .await?;
    let main = view(&account, &signed_in.viewer, &Feedback::default(), &visit);
    Ok(visit.page(account.username.as_str(), Place::Administration, &main))
}

/// `POST /admin/users/{username}/role`
pub(crate) async fn change_role(
    Administrator(signed_in): Administrator,
    visit: Visit,
    backends: Backends,
    username: Segment,
    Fields(form): Fields<RoleForm>,
) -> Result<Response, Problem> {
    let username = username.username()?;
    let role = Role::parse(&form.role).ok_or_else(|| Problem::Invalid(Vec::new()))?;
    let own = signed_in.viewer.username == username.as_str();
    let changed = backends
        .change_role(&username, role, &signed_in.token)
        .await;
    match (changed, role) {
        (Ok(()), Role::Administrator) => {
            Ok(visit.done(Done::MadeAdministrator, &paths::account(&username)))
        }
        // The administration is closed to members.
        (Ok(()), Role::Member) if own => Ok(visit.done(Done::MadeMember, paths::SETTINGS)),
        (Ok(()), Role::Member) => Ok(visit.done(Done::MadeMember, &paths::account(&username))),
        (Err(problem), _) => not_done(&visit, &backends, &signed_in, &username, problem).await,
    }
}

/// `POST /admin/users/{username}/disabled`
pub(crate) async fn switch(
    Administrator(signed_in): Administrator,
    visit: Visit,
    backends: Backends,
    username: Segment,
    Fields(form): Fields<SwitchForm>,
) -> Result<Response, Problem> {
    let username = username.username()?;
    let switched = backends
        .disable(&username, form.disabled, &signed_in.token)
        .await;
    let done = match switched {
        Ok(()) if form.disabled => Done::Disabled,
        Ok(()) => Done::Enabled,
        Err(problem) => {
            return not_done(&visit, &backends, &signed_in, &username, problem).await;
        }
    };
    Ok(visit.done(done, &paths::account(&username)))
}

/// `POST /admin/users/{username}/reset`. The link is shown in this answer and never again.
pub(crate) async fn make_password_reset(
    Administrator(signed_in): Administrator,
    visit: Visit,
    backends: Backends,
    username: Segment,
) -> Result<Response, Problem> {
    let username = username.username()?;
    let made = backends
        .make_password_reset(&username, &signed_in.token)
        .await;
    match made {
        Ok(reset) => Ok(shown_once(&visit, &reset)),
        Err(problem) => not_done(&visit, &backends, &signed_in, &username, problem).await,
    }
}

/// `GET /admin/users/{username}/delete`: asks.
pub(crate) async fn ask(
    Administrator(signed_in): Administrator,
    visit: Visit,
    backends: Backends,
    username: Segment,
) -> Result<Response, Problem> {
    let username = username.username()?;
    let account = backends.account(&username, &signed_in.token).await?;
    let title = format!("Delete {}?", account.username);
    let question = question(&title, &account);
    Ok(visit.page(&title, Place::Administration, &question))
}

/// `POST /admin/users/{username}/delete`
pub(crate) async fn delete(
    Administrator(signed_in): Administrator,
    visit: Visit,
    backends: Backends,
    username: Segment,
) -> Result<Response, Problem> {
    let username = username.username()?;
    match backends.delete_user(&username, &signed_in.token).await {
        Ok(()) => Ok(visit.done(Done::AccountDeleted, paths::ACCOUNTS)),
        Err(Problem::NotFound) => Ok(visit.done(Done::GoneAlready, paths::ACCOUNTS)),
        Err(problem) => not_done(&visit, &backends, &signed_in, &username, problem).await,
    }
}

/// The account's page with what stands in the way, if the account can still be seen.
async fn not_done(
    visit: &Visit,
    backends: &Backends,
    signed_in: &SignedIn,
    username: &Username,
    problem: Problem,
) -> Result<Response, Problem> {
    if matches!(
        problem,
        Problem::SignIn | Problem::Forbidden | Problem::NotFound
    ) {
        return Err(problem);
    }
    let Ok(account) = backends.account(username, &signed_in.token).await else {
        return Err(problem);
    };
    let feedback = visit.feedback(&problem, &[], "Nothing is changed yet.");
    let main = view(&account, &signed_in.viewer, &feedback, visit);
    Ok(visit.page_of(&problem, username.as_str(), Place::Administration, &main))
}

fn view(account: &Account, viewer: &Viewer, feedback: &Feedback, visit: &Visit) -> Markup {
    let own = viewer.username == account.username.as_str();
    html! {
        (tabs::administration(None))
        h1 { (account.username) }
        p.quiet {
            (account::badges(account)) " Added " (time::ago(account.made, visit.now)) ". "
            a href=(paths::user(account.username.as_str(), None)) { "Thoughts by " (account.username) }
        }
        (feedback.alert())
        @if own {
            p { "This is you. Your password and your account’s end are in the "
                a href=(paths::SETTINGS) { "settings" } "." }
            ul.rows.card { li { (account::role(account)) } }
        } @else {
            (account::actions(account))
        }
    }
}

fn shown_once(visit: &Visit, reset: &PasswordReset) -> Response {
    let title = format!("A link for {}", reset.username);
    let link = visit.origin.address(&paths::reset_password(&reset.code));
    let main = html! {
        h1 { (title) }
        div.card {
            (secret::field("The link", &link, &html! {
                "Copy it now: it is not shown again. Whoever has it can set another password for "
                (reset.username) ", once, until " (time::full(reset.expires))
                ". A link made before leads nowhere any more."
            }))
            p { a.button href=(paths::account(&reset.username)) { "I have copied it" } }
        }
    };
    visit.page(&title, Place::Administration, &main)
}

fn question(title: &str, account: &Account) -> Markup {
    let username = &account.username;
    let question = Question {
        title,
        about: html! {
            p {
                "This deletes the account, everything that " strong { (username) } " wrote, and "
                "every session and access token. Nobody can bring it back, and the name is never "
                "given to anybody again."
            }
        },
        action: &paths::remove_account(username),
        yes: "Yes, delete",
        back: &paths::account(username),
        no: "Keep it",
    };
    question.render()
}
