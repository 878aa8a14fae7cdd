//! Accounts, as administrators see them.

use maud::{Markup, html};
use runtime::clock::Timestamp;

use super::time;
use crate::{
    model::{Account, Role},
    paths,
};

/// The accounts under each other.
pub(crate) fn list(accounts: &[Account], now: Timestamp) -> Markup {
    html! {
        ul.rows.card {
            @for account in accounts {
                li {
                    div.about {
                        p {
                            a href=(paths::account(&account.username)) { strong { (account.username) } }
                            (badges(account))
                        }
                        p.quiet { "Added " (time::ago(account.made, now)) }
                    }
                }
            }
        }
    }
}

/// What sets an account apart from others.
pub(crate) fn badges(account: &Account) -> Markup {
    html! {
        @if account.role == Role::Administrator { span.badge { (account.role.name()) } }
        @if account.disabled { span.badge.bad { "Disabled" } }
    }
}

/// What can be done to an account that is somebody else's.
pub(crate) fn actions(account: &Account) -> Markup {
    html! {
        ul.rows.card {
            li { (role(account)) }
            li { (access(account)) }
            li { (forgotten_password(account)) }
            li { (deletion(account)) }
        }
    }
}

/// Its role, and the other one to give it.
pub(crate) fn role(account: &Account) -> Markup {
    let (about, other, change) = match account.role {
        Role::Member => (
            "Writes, lists and searches thoughts.",
            Role::Administrator,
            "Make administrator",
        ),
        Role::Administrator => (
            "Manages accounts, and removes public thoughts as well.",
            Role::Member,
            "Make member",
        ),
    };
    html! {
        div.about {
            p { strong { (account.role.name()) } }
            p.quiet { (about) }
        }
        form method="post" action=(paths::change_role(&account.username)) {
            input type="hidden" name="role" value=(other.value());
            button.plain { (change) }
        }
    }
}

/// Disabling destroys sessions and tokens, so it asks once.
fn access(account: &Account) -> Markup {
    let action = paths::switch_account(&account.username);
    html! {
        @if account.disabled {
            div.about {
                p { strong { "Nobody can log in to it" } }
                p.quiet { "Its thoughts stay where they are." }
            }
            form method="post" action=(action) {
                input type="hidden" name="disabled" value="false";
                button.plain { "Enable" }
            }
        } @else {
            div.about {
                p { strong { "Can log in" } }
                p.quiet { "Disabling it ends its sessions and tokens. Its thoughts stay." }
            }
            details.remove {
                summary {
                    span.closed { "Disable" }
                    span.opened { "Leave it" }
                }
                form method="post" action=(action) {
                    input type="hidden" name="disabled" value="true";
                    p { "Sign it out everywhere?" }
                    button.danger { "Yes, disable" }
                }
            }
        }
    }
}

fn forgotten_password(account: &Account) -> Markup {
    html! {
        div.about {
            p { strong { "Forgotten password" } }
            p.quiet { "A link by which its owner sets another one, once, within a day." }
        }
        form method="post" action=(paths::make_password_reset(&account.username)) {
            button.plain { "Make a link" }
        }
    }
}

fn deletion(account: &Account) -> Markup {
    html! {
        div.about {
            p { strong { "The end" } }
            p.quiet { "Deletes the account and all its thoughts." }
        }
        a.plain href=(paths::remove_account(&account.username)) { "Delete …" }
    }
}
