//! The ways between the pages of one's own, of the settings, and of the administration.

use maud::{Markup, html};

use crate::{model::Viewer, paths};

/// One of those pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tab {
    Own,
    Tags,
    Trash,
    Settings,
    Tokens,
    Data,
    Deletion,
    Accounts,
    Invitations,
    Moderation,
}

/// What one has written.
pub(crate) fn own(current: Tab, viewer: &Viewer) -> Markup {
    let tags = paths::tags(Some(&viewer.username), None);
    html! {
        nav.tabs aria-label="Yours" {
            (link(Some(current), Tab::Own))
            a href=(tags) aria-current=[(current == Tab::Tags).then_some("page")] { "Tags" }
            (link(Some(current), Tab::Trash))
        }
    }
}

/// The settings, and for administrators the way to what they do for others.
pub(crate) fn settings(current: Tab, viewer: &Viewer) -> Markup {
    html! {
        nav.tabs aria-label="Settings" {
            (link(Some(current), Tab::Settings))
            (link(Some(current), Tab::Tokens))
            (link(Some(current), Tab::Data))
            (link(Some(current), Tab::Deletion))
            @if viewer.administrator { a href=(paths::ACCOUNTS) { "Admin" } }
        }
    }
}

/// The administration; `None` on a page below one of these.
pub(crate) fn administration(current: Option<Tab>) -> Markup {
    html! {
        nav.tabs aria-label="Administration" {
            (link(current, Tab::Accounts))
            (link(current, Tab::Invitations))
            (link(current, Tab::Moderation))
        }
    }
}

fn link(current: Option<Tab>, tab: Tab) -> Markup {
    let (path, name) = match tab {
        Tab::Own => (paths::HOME, "Thoughts"),
        Tab::Tags => (paths::TAGS, "Tags"),
        Tab::Trash => (paths::TRASH, "Trash"),
        Tab::Settings => (paths::SETTINGS, "Password"),
        Tab::Tokens => (paths::TOKENS, "Tokens"),
        Tab::Data => (paths::DATA, "Import and export"),
        Tab::Deletion => (paths::DELETE_ACCOUNT, "Delete account"),
        Tab::Accounts => (paths::ACCOUNTS, "Accounts"),
        Tab::Invitations => (paths::INVITATIONS, "Invitations"),
        Tab::Moderation => (paths::MODERATION, "Public thoughts"),
    };
    let current = (current == Some(tab)).then_some("page");
    html! { a href=(path) aria-current=[current] { (name) } }
}
