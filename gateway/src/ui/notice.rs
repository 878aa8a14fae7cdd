//! What went wrong, and what there is to do when there is nothing to see.

use maud::{Markup, html};
use uuid::Uuid;

/// Something the person has to know before going on.
pub(crate) fn alert(message: &str) -> Markup {
    html! { div.notice.bad role="alert" { p { (message) } } }
}

/// Something good to know.
pub(crate) fn status(message: &str) -> Markup {
    html! { div.notice role="status" { p { (message) } } }
}

/// What has been done, the id by which the script knows what was saved, and the button that undoes
/// it.
pub(crate) fn done(words: &str, saved: Option<Uuid>, undo: Option<&Markup>) -> Markup {
    html! {
        div.notice.done role="status" data-saved=[saved] {
            p { (words) }
            @if let Some(undo) = undo { (undo) }
        }
    }
}

/// In place of a list that has nothing in it.
pub(crate) fn empty(title: &str, what_next: &Markup) -> Markup {
    html! {
        div.empty {
            p { strong { (title) } }
            div.quiet { (what_next) }
        }
    }
}
