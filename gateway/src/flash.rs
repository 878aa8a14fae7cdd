//! What has just been done, told once on the page that comes after it.
//!
//! It travels in a cookie and is one of a fixed set, so that no link can make a page say that
//! something was done which was not.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, header, request::Parts},
    response::Response,
};
use axum_extra::extract::cookie::CookieJar;
use uuid::Uuid;

use crate::{app::App, cookies};

/// How long the page after it may take to be asked for, in seconds.
const LIFETIME: i64 = 60;

/// What has been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    PasswordChanged,
    PasswordSet,
    SessionEnded,
    TokenRevoked,
    Farewell,
    AccountAdded,
    MadeAdministrator,
    MadeMember,
    Disabled,
    Enabled,
    AccountDeleted,
    InvitationTakenBack,
    ThoughtRemoved,
    /// This thought of one's own is in the trash now.
    ThoughtDeleted(Uuid),
    DeletedForEver,
    ThoughtRestored,
    /// The form with this id has made a thought.
    ThoughtWritten(Uuid),
    ThoughtChanged(Uuid),
    /// Somebody was faster, or the button was pressed twice.
    GoneAlready,
}

impl Done {
    /// All that name no thought.
    const ALL: [Self; 16] = [
        Self::PasswordChanged,
        Self::PasswordSet,
        Self::SessionEnded,
        Self::TokenRevoked,
        Self::Farewell,
        Self::AccountAdded,
        Self::MadeAdministrator,
        Self::MadeMember,
        Self::Disabled,
        Self::Enabled,
        Self::AccountDeleted,
        Self::InvitationTakenBack,
        Self::ThoughtRemoved,
        Self::DeletedForEver,
        Self::ThoughtRestored,
        Self::GoneAlready,
    ];

    /// What the page says.
    pub(crate) const fn words(self) -> &'static str {
        self.told().1
    }

    /// The thought that can be brought back by a button beside the words.
    pub(crate) const fn can_be_undone(self) -> Option<Uuid> {
        match self {
            Self::ThoughtDeleted(id) => Some(id),
            _ => None,
        }
    }

    /// What has been saved, so that no draft of it needs to be kept: the id of the form of a new
    /// thought, or that of a thought which was there.
    pub(crate) const fn has_saved(self) -> Option<Uuid> {
        match self {
            Self::ThoughtWritten(id) | Self::ThoughtChanged(id) => Some(id),
            _ => None,
        }
    }

    /// The cookie's value.
    fn value(self) -> String {
        let name = self.told().0;
        match self {
            Self::ThoughtDeleted(id) | Self::ThoughtWritten(id) | Self::ThoughtChanged(id) => {
                format!("{name}.{id}")
            }
            _ => name.to_owned(),
        }
    }

    /// A session that has ended gets no new access token; the last one that it has may still live.
    const fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::PasswordChanged => (
                "password-changed",
                "Your password is changed. Your access tokens are revoked, and every other session \
                 is ended, within five minutes at most.",
            ),
            Self::PasswordSet => ("password-set", "Your new password is set. Log in with it."),
            Self::SessionEnded => (
                "session-ended",
                "That session is ended, within five minutes at most.",
            ),
            Self::TokenRevoked => (
                "token-revoked",
                "That token is revoked: within a minute, nobody can use it.",
            ),
            Self::Farewell => (
                "farewell",
                "Your account is deleted, and what you wrote goes with it. Farewell, and thank you \
                 for your thoughts.",
            ),
            Self::AccountAdded => ("account-added", "The account is added."),
            Self::MadeAdministrator => (
                "made-administrator",
                "This account is an administrator’s now. Its pages show it within five minutes.",
            ),
            Self::MadeMember => (
                "made-member",
                "This account is a member’s now, everywhere within five minutes.",
            ),
            Self::Disabled => (
                "disabled",
                "This account is disabled: signed out everywhere within five minutes, its tokens \
                 revoked.",
            ),
            Self::Enabled => ("enabled", "This account can be used again."),
            Self::AccountDeleted => (
                "account-deleted",
                "The account is deleted. Its thoughts go with it, in a moment if not at once.",
            ),
            Self::InvitationTakenBack => (
                "invitation-taken-back",
                "That invitation is taken back: its link leads nowhere.",
            ),
            Self::ThoughtRemoved => ("thought-removed", "That thought is removed."),
            Self::ThoughtDeleted(_) => ("thought-deleted", "Your thought is in the trash."),
            Self::DeletedForEver => ("deleted-for-ever", "That thought is gone for ever."),
            Self::ThoughtRestored => ("thought-restored", "Your thought is back where it was."),
            Self::ThoughtWritten(_) => ("thought-written", "Your thought is saved."),
            Self::ThoughtChanged(_) => ("thought-changed", "Your change is saved."),
            Self::GoneAlready => (
                "gone-already",
                "That was gone already. Nothing was left to do.",
            ),
        }
    }

    fn parse(value: &str) -> Option<Self> {
        if let Some((name, id)) = value.split_once('.') {
            let id = Uuid::try_parse(id).ok()?;
            return [
                Self::ThoughtDeleted(id),
                Self::ThoughtWritten(id),
                Self::ThoughtChanged(id),
            ]
            .into_iter()
            .find(|done| done.told().0 == name);
        }
        Self::ALL.into_iter().find(|done| done.value() == value)
    }
}

/// What a browser has to be told, if anything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flash(pub(crate) Option<Done>);

impl FromRequestParts<App> for Flash {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let jar = CookieJar::from_headers(&parts.headers);
        let cookie = jar.get(name(app));
        Ok(Self(cookie.and_then(|cookie| Done::parse(cookie.value()))))
    }
}

/// Lets the next page tell of it.
pub(crate) fn tell(app: &App, done: Done, response: &mut Response) {
    set(app, &done.value(), LIFETIME, response);
}

/// It has been told on this page, and is not to be told again.
pub(crate) fn told(app: &App, response: &mut Response) {
    set(app, "", 0, response);
    let nowhere = HeaderValue::from_static("private, no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, nowhere);
}

fn set(app: &App, value: &str, seconds: i64, response: &mut Response) {
    let cookie = cookies::build(app, name(app), value, seconds);
    if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

fn name(app: &App) -> &'static str {
    if app.is_secure() {
        "__Host-done"
    } else {
        "done"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_done_is_told() {
        let id = Uuid::from_u128(7);
        let of_thoughts = [
            Done::ThoughtDeleted(id),
            Done::ThoughtWritten(id),
            Done::ThoughtChanged(id),
        ];
        for done in Done::ALL.into_iter().chain(of_thoughts) {
            assert_eq!(Done::parse(&done.value()), Some(done));
        }
        for value in [
            "",
            "<b>",
            "farewell2",
            "FAREWELL",
            "thought-deleted",
            "thought-deleted.x",
        ] {
            assert_eq!(Done::parse(value), None);
        }
    }
}
