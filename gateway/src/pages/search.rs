//! Everyone's thoughts, all of them or those with some words.

use std::ops::Range;

use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    backends::Backends,
    error::Problem,
    fields::Params,
    model::{Found, QueryProblem, ThoughtList},
    paths::{self, List},
    ui::{
        form::{Feedback, described_by, mistake_below},
        layout::Place,
        notice, search, text, thought,
    },
    visit::Visit,
};

/// The form's field, under the name that the backend has for it.
const FIELDS: [(&str, &str); 1] = [("query", "search")];

/// Which words, and which page of the list.
#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    #[serde(default)]
    search: String,
    page_token: Option<String>,
}

/// `GET /search`
pub(crate) async fn show(
    visit: Visit,
    backends: Backends,
    Params(which): Params<Which>,
) -> Result<Response, Problem> {
    let words = which.search.trim();
    let page_token = which.page_token.as_deref();
    let title = title(words);
    match backends.search(words, page_token, visit.token()).await {
        Ok(Found { list, problems }) => {
            let main = html! {
                (head(words, &Feedback::default()))
                (not_understood(words, &problems))
                (results(&visit, &list, words, page_token.is_some()))
            };
            let visit = visit.with_feed(paths::feed_of_search(words, None));
            Ok(visit.page(&title, Place::Everyone, &main))
        }
        Err(problem) if blames_the_words(&problem) => {
            let head = head(words, &feedback(&visit, &problem));
            Ok(visit.page_of(&problem, &title, Place::Everyone, &head))
        }
        Err(problem) => Err(problem),
    }
}

/// Anything else in the address (a page token) is nothing that the person has typed.
pub(super) fn blames_the_words(problem: &Problem) -> bool {
    matches!(problem, Problem::Invalid(fields) if fields.iter().any(|(field, _)| field == "query"))
}

/// What is wrong with the words.
pub(super) fn feedback(visit: &Visit, problem: &Problem) -> Feedback {
    visit.feedback(problem, &FIELDS, "That cannot be searched.")
}

pub(super) fn title(words: &str) -> String {
    if words.is_empty() {
        "Everyone’s thoughts".to_owned()
    } else {
        format!("Search: {}", text::beginning(words))
    }
}

fn head(words: &str, feedback: &Feedback) -> Markup {
    html! {
        h1 { "Everyone’s thoughts" }
        (form(paths::SEARCH, words, feedback))
        div.beside {
            (search::help())
            p { a href=(paths::TAGS) { "All tags" } }
        }
    }
}

/// The words in a form that leads to `action`.
pub(super) fn form(action: &str, words: &str, feedback: &Feedback) -> Markup {
    let mistake = feedback.mistake("search");
    html! {
        (feedback.alert())
        div.field {
            form.search role="search" aria-label="In this list" action=(action) {
                label.unseen for="search" { "Words to search for" }
                input #search type="search" name="search" value=(words) placeholder="Words to search for"
                    autocomplete="off" dir="auto" aria-invalid=[mistake.map(|_| "true")]
                    aria-describedby=[described_by("search", true, mistake.is_some())];
                button { "Search" }
            }
            p.hint #search-hint { "Every word has to be in it. “Quoted words” are found as one phrase." }
            (mistake_below("search", mistake))
        }
    }
}

/// What of the words was searched for as it stands, though it looks as if it were meant otherwise.
pub(super) fn not_understood(words: &str, problems: &[QueryProblem]) -> Markup {
    let part = |problem: &QueryProblem| -> String {
        let Range { start, end } = problem.range;
        let characters = words.chars().skip(start);
        characters.take(end.saturating_sub(start)).collect()
    };
    let ranges: Vec<_> = problems
        .iter()
        .map(|problem| problem.range.clone())
        .collect();
    html! {
        @if !problems.is_empty() {
            div.notice role="status" {
                p { "Not all of it was understood: " bdi.query { (text::plain(words, &ranges)) } }
                p { "This was searched for as words:" }
                ul {
                    @for problem in problems {
                        li { strong { bdi { (part(problem)) } } " – " (problem.description) }
                    }
                }
            }
        }
    }
}

/// In place of a page with nothing on it, where a search has not come to the oldest thoughts yet.
pub(super) fn nothing_yet() -> Markup {
    notice::empty(
        "Nothing found so far",
        &html! { "Many thoughts were looked through, but not all. Go on with older ones below." },
    )
}

fn results(visit: &Visit, list: &ThoughtList, words: &str, older: bool) -> Markup {
    let newest = paths::search(words, None);
    let next = list.next_page_token.as_deref();
    html! {
        @if !words.is_empty() {
            p.found role="status" {
                @if !list.thoughts.is_empty() { "Thoughts found for " }
                @else if next.is_some() { "Nothing found so far for " }
                @else { "Nothing found for " }
                 strong { bdi { (words) } } " · "
                a href=(paths::SEARCH) { "Show all" }
            }
        }
        (thought::followed(List::Found(words), list, older, false, &html! {
        @if list.thoughts.is_empty() && next.is_some() {
            (nothing_yet())
        } @else if list.thoughts.is_empty() {
            (nothing(visit, words, older))
        } @else {
            h2.unseen { @if words.is_empty() { "Newest first" } @else { "Found, newest first" } }
            (thought::list(list, visit.eyes()))
        }
        }))
        (thought::pages(
            older.then_some(newest.as_str()),
            next.map(|token| paths::search(words, Some(token))).as_deref(),
        ))
    }
}

fn nothing(visit: &Visit, words: &str, older: bool) -> Markup {
    if older {
        return notice::empty("That was all", &html! { "There are no older thoughts." });
    }
    if !words.is_empty() {
        return notice::empty(
            "No thought has all of these words",
            &search::hints(words, visit.viewer().is_none()),
        );
    }
    notice::empty(
        "Nobody has written anything yet",
        &html! {
            @if visit.viewer().is_some() {
                "Be the first: " a href=(paths::HOME) { "write a thought" } "."
            } @else {
                a href=(paths::LOGIN) { "Log in" } " and write the first thought."
            }
        },
    )
}
