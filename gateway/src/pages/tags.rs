//! Tags, and what carries one of them.

use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    backends::Backends,
    error::Problem,
    fields::{Params, Segment},
    model::{TagCount, Username},
    pages::search,
    paths::{self, List},
    ui::{
        layout::Place,
        notice,
        tabs::{self, Tab},
        text, thought,
    },
    visit::Visit,
};

/// Whose tags, and which page of the list.
#[derive(Debug, Deserialize)]
pub(crate) struct WhichTags {
    #[serde(default)]
    author: String,
    page_token: Option<String>,
}

/// Which page of the list.
#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    page_token: Option<String>,
}

/// `GET /tags`
pub(crate) async fn show(
    visit: Visit,
    backends: Backends,
    Params(which): Params<WhichTags>,
) -> Result<Response, Problem> {
    let author = match which.author.as_str() {
        "" => None,
        name => Some(Username::parse(name).ok_or(Problem::NotFound)?),
    };
    let author = author.as_ref().map(Username::as_str);
    let page_token = which.page_token.as_deref();
    let tags = backends.tags(author, page_token, visit.token()).await?;
    let own = author.is_some() && visit.viewer().map(|viewer| &*viewer.username) == author;
    let title = match author {
        _ if own => "Your tags".to_owned(),
        Some(name) => format!("Tags of {name}"),
        None => "Everyone’s tags".to_owned(),
    };
    let next = tags.next_page_token.as_deref();
    let first = paths::tags(author, None);
    let main = html! {
        @if let Some(viewer) = visit.viewer().filter(|_| own) { (tabs::own(Tab::Tags, viewer)) }
        h1 { (title) }
        (list(author, &tags.items, page_token.is_some()))
        (crate::ui::paging::nav(
            page_token.map(|_| (first.as_str(), "Most frequent tags")),
            next.map(|token| paths::tags(author, Some(token))).as_deref()
                .map(|path| (path, "Less frequent tags")),
        ))
    };
    let place = if own { Place::Own } else { Place::Elsewhere };
    Ok(visit.page(&title, place, &main))
}

/// `GET /tags/{tag}`
pub(crate) async fn show_one(
    visit: Visit,
    backends: Backends,
    Segment(tag): Segment,
    Params(which): Params<Which>,
) -> Result<Response, Problem> {
    if !text::is_tag(&tag) {
        return Err(Problem::NotFound);
    }
    let words = format!("#{tag}");
    let page_token = which.page_token.as_deref();
    let found = backends.search(&words, page_token, visit.token()).await?;
    let list = found.list;
    let next = list.next_page_token.as_deref();
    let newest = paths::tag(&tag, None);
    let main = html! {
        h1 { bdi { (words) } }
        (thought::followed(List::Tagged(&tag), &list, page_token.is_some(), false, &html! {
        @if list.thoughts.is_empty() && next.is_some() {
            (search::nothing_yet())
        } @else if list.thoughts.is_empty() && page_token.is_some() {
            (notice::empty("That was all", &html! { "There are no older thoughts." }))
        } @else if list.thoughts.is_empty() {
            (notice::empty("Nobody has written about this yet", &html! {
                "Put " bdi { (words) } " in a thought, and it is here."
            }))
        } @else {
            (thought::list(&list, visit.eyes()))
        }
        }))
        (thought::pages(
            page_token.map(|_| newest.as_str()),
            next.map(|token| paths::tag(&tag, Some(token))).as_deref(),
        ))
        p.actions {
            a href=(paths::tags(None, None)) { "All tags" }
            a href=(paths::search(&words, None)) { "Search for more" }
        }
    };
    let visit = visit.with_feed(paths::feed_of_tag(&tag, None));
    Ok(visit.page(&words, Place::Elsewhere, &main))
}

fn list(author: Option<&str>, tags: &[TagCount], further: bool) -> Markup {
    if tags.is_empty() && further {
        return notice::empty("That was all", &html! { "There are no other tags." });
    }
    if tags.is_empty() {
        let how = html! { "Write a word with # in front, such as #idea, and it is a tag." };
        return notice::empty("No tags yet", &how);
    }
    html! {
        ul.tags {
            @for TagCount { tag, thoughts } in tags {
                li {
                    a href=(one(author, tag)) { "#" bdi { (tag) } }
                    " " span.quiet { (thoughts) span.unseen { @if *thoughts == 1 { " thought" } @else { " thoughts" } } }
                }
            }
        }
    }
}

/// What carries a tag, of everyone or of one author.
fn one(author: Option<&str>, tag: &str) -> String {
    match author {
        Some(name) => paths::search(&format!("from:{name} #{tag}"), None),
        None => paths::tag(tag, None),
    }
}
