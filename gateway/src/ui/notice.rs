//! What went wrong, and what there is to do when there is nothing to see.

use maud::{Markup, html};

/// Something the person has to know before going on.
pub(crate) fn alert(message: &str) -> Markup {
    html! { div.notice.bad role="alert" { p { (message) } } }
}

/// Something good to know.
pub(crate) fn status(message: &str) -> Markup {
    html! { div.notice role="status" { p { (message) } } }
}

/// What has been done, and the button that undoes it.
pub(crate) fn done(words: &str, undo: Option<&Markup>) -> Markup {
    html! {
        div.notice.done role="status" {
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
