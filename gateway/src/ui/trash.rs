//! How a thought lies in the trash, and what its author can do about it.

use maud::{Markup, html};
use runtime::clock::Timestamp;
use uuid::Uuid;

use super::{text, time};
use crate::{
    error::REMOVED,
    model::{Thought, ThoughtList, Trashed},
    paths::{self, LocalPath},
};

/// What lies in the trash, under each other. `here` is the page that it stands on.
pub(crate) fn list(list: &ThoughtList, now: Timestamp, here: &LocalPath) -> Markup {
    html! {
        ul.thoughts {
            @for thought in &list.thoughts {
                li {
                    article.thought data-thought=(thought.id) {
                        p.text dir="auto" { (text::text(&thought.text, &[])) }
                        @if let Some(trashed) = thought.trashed { (state(trashed, now)) }
                        footer {
                            a href=(paths::thought(thought.id)) {
                                "Written " (time::ago(thought.written, now))
                            }
                            (actions(thought, here))
                        }
                    }
                }
            }
        }
    }
}

/// Since when it is there, until when, and whether that is its author's doing.
pub(crate) fn state(trashed: Trashed, now: Timestamp) -> Markup {
    let Trashed {
        since,
        until,
        removed,
    } = trashed;
    html! {
        p.quiet.trashed {
            "In the trash since " (time::on(since, now))
            ". It leaves it for ever on " (time::on(until, now)) "."
        }
        @if removed { p.notice.bad { (REMOVED) } }
    }
}

/// Restoring, unless an administrator removed it, and deleting for ever, which asks once.
pub(crate) fn actions(thought: &Thought, here: &LocalPath) -> Markup {
    let removed = thought.trashed.is_some_and(|trashed| trashed.removed);
    html! {
        @if !removed {
            form.act method="post" action=(paths::undelete_thought(thought.id)) {
                input type="hidden" name="next" value=(here);
                button.plain { "Restore" }
            }
        }
        details.remove {
            summary {
                span.closed { "Delete for ever" }
                span.opened { "Keep it" }
            }
            form method="post" action=(paths::delete_thought(thought.id)) {
                input type="hidden" name="next" value=(paths::TRASH);
                input type="hidden" name="permanently" value="true";
                p { "Delete it, with its earlier versions? There is no way back." }
                button.danger { "Yes, for ever" }
            }
        }
    }
}

/// The button that takes back what was just deleted.
pub(crate) fn undo(id: Uuid, here: &LocalPath) -> Markup {
    html! {
        form method="post" action=(paths::undelete_thought(id)) {
            input type="hidden" name="next" value=(here);
            button.plain { "Undo" }
        }
    }
}
