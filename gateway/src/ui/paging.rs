//! The ways to the other pages of a list.

use maud::{Markup, html};

/// A link: where it leads, and what it says.
pub(crate) type Way<'a> = (&'a str, &'a str);

/// `first` is the way to the newest, `next` that to the page after this, where there are such.
pub(crate) fn nav(first: Option<Way<'_>>, next: Option<Way<'_>>) -> Markup {
    html! {
        @if first.is_some() || next.is_some() {
            nav.pages aria-label="Pages" {
                @if let Some((path, name)) = first { a href=(path) { (name) } }
                @if let Some((path, name)) = next { a rel="next" href=(path) { (name) } }
            }
        }
    }
}
