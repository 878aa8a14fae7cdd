//! The page that says what went wrong and what to do about it.

use axum::response::Response;
use maud::{Markup, html};

use crate::{
    error::{DISABLED, Part, Problem, REMOVED},
    paths,
    ui::layout::Place,
    visit::Visit,
};

/// The page of a problem. After reading (`again`) the same address can be tried again; a form is
/// sent again by going back to it.
pub(crate) fn show(visit: &Visit, problem: &Problem, again: bool) -> Response {
    let (title, what) = words(problem);
    let main = html! {
        h1 { (title) }
        p { (what) }
        @if *problem == Problem::Defect {
            p { "If it goes on, tell whoever runs this server, and quote " code { (visit.request_id) } "." }
        }
        (actions(visit, problem, again))
    };
    visit.page_of(problem, title, Place::Elsewhere, &main)
}

fn words(problem: &Problem) -> (&'static str, &'static str) {
    match problem {
        Problem::SignIn => ("Log in first", "You are not logged in, or not any more."),
        Problem::Invalid(_) => (
            "That is not right",
            "Something in this address or form cannot be used. Start again from the beginning of the list.",
        ),
        Problem::Conflict => (
            "That clashes",
            "Something is in the way of this: it was done already, or changed in between.",
        ),
        Problem::Against(rule) => ("That cannot be done now", rule.words()),
        Problem::Disabled => ("This account is disabled", DISABLED),
        Problem::Removed => ("This thought was removed", REMOVED),
        Problem::NotFound => (
            "Nothing here",
            "There is no such page, or it was deleted, or it is not for you to see.",
        ),
        Problem::Forbidden => ("Not yours to do", "You may not do that with your account."),
        Problem::Busy(_) => (
            "Too much at once",
            "There is too much to do at this moment. Try again in a few seconds.",
        ),
        Problem::Throttled(_) => (
            "Too many wrong passwords",
            "There were too many wrong passwords. Wait a moment before the next one.",
        ),
        Problem::OutOfReach(Part::Accounts, _) => (
            "The accounts are out of reach",
            "The part of MyThoughts that keeps the accounts does not answer, so nobody can log in or sign up \
             just now. Reading goes on as usual. Try again in a moment.",
        ),
        Problem::OutOfReach(Part::Thoughts, _) => (
            "The thoughts are out of reach",
            "The part of MyThoughts that keeps the thoughts does not answer just now. Nothing is lost. \
             Try again in a moment.",
        ),
        Problem::CrossSite => (
            "This came from somewhere else",
            "Another site sent this form, so nothing was done. If it was you, go on from our own pages.",
        ),
        Problem::MethodNotAllowed => (
            "That does not work here",
            "This address cannot be used in this way.",
        ),
        Problem::Unreadable => (
            "That cannot be read",
            "What was sent is damaged: it is no text that could be read. Nothing was done.",
        ),
        Problem::TooLarge => (
            "That is too much",
            "What was sent is far larger than any thought. Nothing was saved: go back, and shorten it.",
        ),
        Problem::AddressTooLong => (
            "That address is too long",
            "No address of this site is as long as this one.",
        ),
        Problem::TooSlow => (
            "That took too long",
            "What was sent did not arrive in time. Nothing was done: go back, and try again.",
        ),
        Problem::Defect => (
            "Something broke",
            "That is our fault, not yours. Nothing that was saved is lost.",
        ),
    }
}

fn actions(visit: &Visit, problem: &Problem, again: bool) -> Markup {
    let passes = problem.retry_after().is_some() || *problem == Problem::Defect;
    // A private thought is not there for those who are not logged in.
    let may_be_private = *problem == Problem::NotFound
        && visit.viewer().is_none()
        && visit.here.as_str().starts_with(paths::THOUGHTS);
    html! {
        p.actions {
            @if passes && again { a.button href=(visit.here) { "Try again" } }
            @if may_be_private { a.button href=(paths::login(&visit.here)) { "Log in and look again" } }
            a href=(paths::HOME) { "Your thoughts" }
            a href=(paths::SEARCH) { "Everyone’s thoughts" }
        }
    }
}
