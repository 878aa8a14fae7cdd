//! Where somebody is signed in.

use maud::{Markup, html};
use runtime::clock::Timestamp;

use super::{device, time};
use crate::{model::KnownSession, paths};

/// The sessions under each other.
pub(crate) fn list(sessions: &[KnownSession], now: Timestamp) -> Markup {
    html! {
        ul.rows.card {
            @for session in sessions {
                li { (item(session, now)) }
            }
        }
    }
}

/// What happened to the sessions that were ended because a refresh token came twice, and what to do.
pub(crate) fn warning(sessions: &[KnownSession], now: Timestamp) -> Markup {
    let suspect: Vec<_> = sessions
        .iter()
        .filter_map(|session| Some((session, session.reused?)))
        .collect();
    html! {
        @if !suspect.is_empty() {
            div.notice.bad role="alert" {
                p { strong { "Somebody else may have been signed in as you." } }
                @for (session, reused) in suspect {
                    p {
                        "The secret that kept " (device::name(&session.user_agent))
                        " signed in was used a second time (" (time::ago(reused, now))
                        "), as happens when it has been copied. So that session was ended."
                    }
                }
                p {
                    "Change your password, which ends every session but this one, and look through "
                    "your thoughts for any that are not yours. Dismiss this in the list below."
                }
            }
        }
    }
}

fn item(session: &KnownSession, now: Timestamp) -> Markup {
    let name = device::name(&session.user_agent);
    let ended = session.reused.is_some();
    html! {
        div.about {
            p title=(session.user_agent) {
                strong { (name) }
                @if session.current { span.badge { "This device" } }
                @if ended { span.badge.bad { "Ended" } }
            }
            p.quiet {
                "Signed in " (time::ago(session.begun, now))
                " · last used " (time::ago(session.last_used, now))
            }
        }
        @if session.current {
            form method="post" action=(paths::LOGOUT) { button.plain { "Log out" } }
        } @else if ended {
            form method="post" action=(paths::revoke_session(session.id)) {
                button.plain { "Dismiss" span.unseen { " " (name) } }
            }
        } @else {
            (removal(session, &name))
        }
    }
}

/// Signing out asks once, as deleting a thought does.
fn removal(session: &KnownSession, name: &str) -> Markup {
    html! {
        details.remove {
            summary {
                span.closed { "Sign out" span.unseen { " " (name) } }
                span.opened { "Keep it" }
            }
            form method="post" action=(paths::revoke_session(session.id)) {
                p { "End this session?" }
                button.danger { "Yes, sign out" }
            }
        }
    }
}
