//! What gives access: personal tokens, and links to hand to somebody.

use std::{fmt, time::Duration};

use runtime::clock::Timestamp;
use uuid::Uuid;

use super::{Role, Username};

/// What is shown to one person, once: a personal token, or the code in a link. `Debug` leaves it
/// out.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(secret: String) -> Self {
        Self(secret)
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What a personal token is good for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Scope {
    #[default]
    Read,
    ReadWrite,
}

impl Scope {
    /// Reads a form's value, which has to be one of the choices.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        match value {
            "read" => Some(Self::Read),
            "read_write" => Some(Self::ReadWrite),
            _ => None,
        }
    }

    /// What a form's value is.
    pub(crate) const fn value(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::ReadWrite => "read_write",
        }
    }

    /// What people call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Read => "Read",
            Self::ReadWrite => "Read and write",
        }
    }
}

/// How long something that is made now is to last: one of a few choices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Days(u16);

impl Days {
    /// How long a personal token may last; the first is what a form proposes.
    pub(crate) const OF_TOKENS: [Self; 3] = [Self(30), Self(90), Self(365)];

    /// The same for an invitation. The backend takes 30 days by its own clock at most.
    pub(crate) const OF_INVITATIONS: [Self; 3] = [Self(7), Self(1), Self(28)];

    /// Reads a form's value, which has to be one of the choices.
    pub(crate) fn parse(value: &str, choices: [Self; 3]) -> Option<Self> {
        let mut choices = choices.into_iter();
        choices.find(|choice| value.parse() == Ok(choice.0))
    }

    /// What a form's value is.
    pub(crate) const fn value(self) -> u16 {
        self.0
    }

    /// What people call it.
    pub(crate) fn name(self) -> String {
        match self.0 {
            1 => "1 day".to_owned(),
            7 => "A week".to_owned(),
            365 => "A year".to_owned(),
            days => format!("{days} days"),
        }
    }

    /// The end of what begins at `start`.
    pub(crate) fn after(self, start: Timestamp) -> Timestamp {
        start + Duration::from_secs(u64::from(self.0) * 86_400)
    }
}

/// A personal token as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PersonalToken {
    pub(crate) id: Uuid,
    /// What its owner calls it.
    pub(crate) name: String,
    pub(crate) scope: Scope,
    pub(crate) made: Timestamp,
    pub(crate) expires: Timestamp,
    /// To the minute; `None` if it never was.
    pub(crate) last_used: Option<Timestamp>,
}

/// An invitation that can still be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invitation {
    pub(crate) id: Uuid,
    /// The role that the account will have.
    pub(crate) role: Role,
    pub(crate) made: Timestamp,
    pub(crate) expires: Timestamp,
    /// The administrator who made it.
    pub(crate) inviter: String,
}

/// The right to set another password for an account, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PasswordReset {
    pub(crate) username: Username,
    pub(crate) code: Secret,
    pub(crate) expires: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_choices_can_be_chosen() {
        let parse = |value| Days::parse(value, Days::OF_TOKENS).map(Days::value);
        assert_eq!(parse("365"), Some(365));
        for value in ["", "0", "-1", "31", "36500", "x", "30.0", "99999"] {
            assert_eq!(parse(value), None, "{value}");
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        assert!(!format!("{:?}", Secret::new("mt_x".to_owned())).contains("mt_"));
    }
}
