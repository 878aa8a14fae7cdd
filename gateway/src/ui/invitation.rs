//! Invitations that can still be used.

use maud::{Markup, html};
use runtime::clock::Timestamp;

use super::time;
use crate::{
    model::{Invitation, Role},
    paths,
};

/// The invitations under each other.
pub(crate) fn list(invitations: &[Invitation], now: Timestamp) -> Markup {
    html! {
        ul.rows.card {
            @for invitation in invitations {
                li {
                    div.about {
                        p { strong { "For " (kind(invitation)) } }
                        p.quiet { (about(invitation, now)) }
                    }
                    a.plain href=(paths::revoke_invitation(invitation.id)) { "Take back …" }
                }
            }
        }
    }
}

/// Who made it, and how long it lasts.
pub(crate) fn about(invitation: &Invitation, now: Timestamp) -> Markup {
    html! {
        "By " (invitation.inviter) ", " (time::ago(invitation.made, now))
        " · ends " (time::on(invitation.expires, now))
    }
}

/// What sort of account it makes.
pub(crate) fn kind(invitation: &Invitation) -> &'static str {
    match invitation.role {
        Role::Member => "a member",
        Role::Administrator => "an administrator",
    }
}
