//! Accounts, and how they come about.

use std::fmt;

use runtime::clock::Timestamp;
use uuid::Uuid;

/// The longest name.
const MAX_USERNAME: usize = 50;

/// An account's name: 1 to 50 of `a-z 0-9 _ -`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Username(String);

impl Username {
    /// Names have no case; `None` for what can be nobody's.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let name = text.to_ascii_lowercase();
        let possible = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        (possible && (1..=MAX_USERNAME).contains(&name.len())).then_some(Self(name))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an account may do beyond writing thoughts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Role {
    #[default]
    Member,
    Administrator,
}

impl Role {
    /// Reads a form's value, which has to be one of the choices.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        match value {
            "member" => Some(Self::Member),
            "admin" => Some(Self::Administrator),
            _ => None,
        }
    }

    /// What a form's value is.
    pub(crate) const fn value(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Administrator => "admin",
        }
    }

    /// What people call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Member => "Member",
            Self::Administrator => "Administrator",
        }
    }
}

/// An account as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) username: Username,
    pub(crate) role: Role,
    pub(crate) made: Timestamp,
    /// Nobody can sign in to it.
    pub(crate) disabled: bool,
}

/// A session as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownSession {
    pub(crate) id: Uuid,
    /// The one that the page is asked for with.
    pub(crate) current: bool,
    /// What the program that signed in called itself. Anybody's to make up.
    pub(crate) user_agent: String,
    pub(crate) begun: Timestamp,
    pub(crate) last_used: Timestamp,
    /// When its refresh token was used a second time: somebody else may have had it, so the session
    /// was ended.
    pub(crate) reused: Option<Timestamp>,
}

/// How accounts come about on this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignUp {
    /// Nobody administers the server yet: the set-up code makes the first account.
    FirstAdministrator {
        /// Others may sign up as well.
        open: bool,
    },
    /// Anyone may make an account.
    Open,
    /// An administrator makes accounts.
    Closed,
}

/// The same, for somebody who may have come with an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SignUpState {
    pub(crate) sign_up: SignUp,
    /// The invitation that was asked about can be used.
    pub(crate) invited: bool,
}
