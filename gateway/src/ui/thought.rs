//! One thought, and lists of them.

use maud::{Markup, html};
use runtime::clock::Timestamp;

use super::{paging, text, time};
use crate::{
    model::{Thought, ThoughtList, Trashed, Viewer},
    paths::{self, LocalPath},
};

/// Who looks at thoughts, when, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Eyes<'a> {
    pub(crate) viewer: Option<&'a Viewer>,
    pub(crate) now: Timestamp,
    /// Whether each thought says whose it is; where all are one person's, that would only be noise.
    pub(crate) names: bool,
    /// Where to go on after a thought has been deleted.
    pub(crate) back: &'a LocalPath,
}

/// The thoughts of one page, under each other.
pub(crate) fn list(list: &ThoughtList, eyes: Eyes<'_>) -> Markup {
    html! {
        ul.thoughts {
            @for thought in &list.thoughts {
                li { (in_list(thought, eyes)) }
            }
        }
    }
}

/// The ways to the other pages of a list. `newest` is the way to the first one, `older` that to
/// the next, where there are such.
pub(crate) fn pages(newest: Option<&str>, older: Option<&str>) -> Markup {
    paging::nav(
        newest.map(|path| (path, "Newest thoughts")),
        older.map(|path| (path, "Older thoughts")),
    )
}

/// A thought on a page of its own.
pub(crate) fn alone(thought: &Thought, eyes: Eyes<'_>) -> Markup {
    html! {
        article.thought.alone {
            (trashed(thought, eyes))
            p.text dir="auto" { (text::text(&thought.text, &thought.matches)) }
            footer {
                (author(thought))
                (time::full(thought.written))
                (badge(thought))
                (removal(thought, eyes))
            }
        }
    }
}

fn in_list(thought: &Thought, eyes: Eyes<'_>) -> Markup {
    html! {
        article.thought {
            p.text dir="auto" { (text::text(&thought.text, &thought.matches)) }
            footer {
                @if eyes.names { (author(thought)) }
                a href=(paths::thought(thought.id)) { (time::ago(thought.written, eyes.now)) }
                (badge(thought))
                (removal(thought, eyes))
            }
        }
    }
}

fn author(thought: &Thought) -> Markup {
    html! { a.author href=(paths::user(&thought.author, None)) { (thought.author) } }
}

fn badge(thought: &Thought) -> Markup {
    html! { @if thought.private { span.badge { "Only you" } } }
}

/// Where it is, if that is the trash.
fn trashed(thought: &Thought, eyes: Eyes<'_>) -> Markup {
    html! {
        @if let Some(Trashed { since, until }) = thought.trashed {
            p.quiet {
                "In the trash since " (time::on(since, eyes.now))
                ". It leaves it for ever on " (time::on(until, eyes.now)) "."
            }
        }
    }
}

/// Deleting asks once: the button comes only when the word is unfolded.
fn removal(thought: &Thought, eyes: Eyes<'_>) -> Markup {
    html! {
        @if let Some(viewer) = eyes.viewer.filter(|viewer| viewer.may_delete(thought)) {
            details.remove {
                summary {
                    span.closed { "Delete" }
                    span.opened { "Keep it" }
                }
                form method="post" action=(paths::delete_thought(thought.id)) {
                    input type="hidden" name="next" value=(eyes.back);
                    p {
                        @if viewer.wrote(thought) {
                            "Delete it? It goes to the trash, and for ever after 30 days."
                        } @else {
                            "Delete it? Its author cannot bring it back."
                        }
                    }
                    button.danger { "Yes, delete" }
                }
            }
        }
    }
}
