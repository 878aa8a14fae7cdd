//! One thought, and lists of them.

use maud::{Markup, html};
use runtime::clock::Timestamp;

use super::{paging, text, time, trash};
use crate::{
    model::{Thought, ThoughtList, Viewer},
    paths::{self, List, LocalPath},
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

/// What the script keeps current while the page is open (see `live`): a list of one's own by itself,
/// others' when asked. Older pages stay as they are.
pub(crate) fn followed(
    which: List<'_>,
    page: &ThoughtList,
    older: bool,
    own: bool,
    list: &Markup,
) -> Markup {
    let source = (!older).then(|| paths::live(which, page.since.as_deref()));
    html! { div data-live=[source] data-own[own] { (list) } }
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
        article.thought.alone data-thought=(thought.id) {
            @if let Some(trashed) = thought.trashed { (trash::state(trashed, eyes.now)) }
            p.text dir="auto" { (text::text(&thought.text, &thought.matches)) }
            footer {
                (author(thought))
                (time::full(thought.written))
                (edited(thought, eyes))
                (badge(thought))
                (actions(thought, eyes))
            }
        }
    }
}

/// A thought in a list.
pub(crate) fn in_list(thought: &Thought, eyes: Eyes<'_>) -> Markup {
    html! {
        article.thought data-thought=(thought.id) {
            p.text dir="auto" { (text::text(&thought.text, &thought.matches)) }
            footer {
                @if eyes.names { (author(thought)) }
                a href=(paths::thought(thought.id)) { (time::ago(thought.written, eyes.now)) }
                (edited(thought, eyes))
                (badge(thought))
                (actions(thought, eyes))
            }
        }
    }
}

fn author(thought: &Thought) -> Markup {
    html! { a.author href=(paths::user(&thought.author, None)) { (thought.author) } }
}

/// What sets it apart from a public one.
pub(crate) fn badge(thought: &Thought) -> Markup {
    html! { @if thought.private { span.badge { "Only you" } } }
}

/// That it was changed; its author can see what it was.
fn edited(thought: &Thought, eyes: Eyes<'_>) -> Markup {
    let own = eyes.viewer.is_some_and(|viewer| viewer.wrote(thought));
    html! {
        @if let Some(changed) = thought.changed {
            @if own {
                a href=(paths::revisions(thought.id, None)) { "changed " (time::ago(changed, eyes.now)) }
            } @else {
                span.when { "changed " (time::ago(changed, eyes.now)) }
            }
        }
    }
}

/// What this person can do with it.
fn actions(thought: &Thought, eyes: Eyes<'_>) -> Markup {
    let Some(viewer) = eyes.viewer else {
        return Markup::default();
    };
    html! {
        @if thought.trashed.is_some() && viewer.wrote(thought) {
            (trash::actions(thought, eyes.back))
        }
        @if viewer.may_edit(thought) {
            a.act href=(paths::edit_thought(thought.id, Some(eyes.back))) { "Edit" }
        }
        @if viewer.may_delete(thought) { (removal(thought, viewer, eyes)) }
    }
}

/// Deleting asks once: the button comes only when the word is unfolded.
fn removal(thought: &Thought, viewer: &Viewer, eyes: Eyes<'_>) -> Markup {
    html! {
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
