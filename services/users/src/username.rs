//! Names of accounts.

use std::{fmt, str::FromStr};

/// The longest username, in characters.
const MAX_LENGTH: usize = 50;

/// A name that an account can have: 1 to 50 of `a-z 0-9 _ -`.
///
/// Capitals are folded down before anything is checked, so a name is unique without regard to
/// case wherever a `Username` is compared or stored. Only ASCII capitals are: letters of other
/// scripts whose small form happens to be ASCII (the Kelvin sign, say) are refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Username(String);

/// Why a text is no username; the message is meant for the person who typed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UsernameError {
    /// Nothing was given.
    #[error("must not be empty")]
    Empty,
    /// More than 50 characters.
    #[error("must be at most 50 characters long")]
    TooLong,
    /// A character that usernames do not have.
    #[error("must consist of a-z, 0-9, _ and - only")]
    Character,
}

impl Username {
    /// The name, in small letters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Username {
    type Err = UsernameError;

    fn from_str(text: &str) -> Result<Self, UsernameError> {
        if text.is_empty() {
            return Err(UsernameError::Empty);
        }
        if text.chars().nth(MAX_LENGTH).is_some() {
            return Err(UsernameError::TooLong);
        }
        let folded = text.to_ascii_lowercase();
        let allowed = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '_' | '-');
        if !folded.chars().all(allowed) {
            return Err(UsernameError::Character);
        }
        Ok(Self(folded))
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn capitals_are_folded_down() {
        assert_eq!("Bruce".parse::<Username>().unwrap().as_str(), "bruce");
        assert_eq!("X-2_b".parse::<Username>().unwrap().as_str(), "x-2_b");
    }

    #[test]
    fn length_is_one_to_fifty() {
        assert_eq!("".parse::<Username>(), Err(UsernameError::Empty));
        assert!("a".repeat(50).parse::<Username>().is_ok());
        assert_eq!(
            "a".repeat(51).parse::<Username>(),
            Err(UsernameError::TooLong)
        );
        // Characters are counted, not bytes: this is refused for what it is made of.
        assert_eq!(
            "é".repeat(50).parse::<Username>(),
            Err(UsernameError::Character)
        );
    }

    #[test]
    fn other_characters_are_refused() {
        for text in [
            "bruce banner",
            " bruce",
            "bruce\n",
            "b.b",
            "b@b",
            "\0",
            "ß",
            "\u{212a}",
        ] {
            assert_eq!(
                text.parse::<Username>(),
                Err(UsernameError::Character),
                "{text:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_parses_is_within_the_rules_and_stays_itself(text in ".{0,60}|[A-Za-z0-9_-]{0,60}") {
            if let Ok(name) = text.parse::<Username>() {
                prop_assert!((1..=50).contains(&name.as_str().len()));
                prop_assert!(name.as_str().bytes().all(|b| b"abcdefghijklmnopqrstuvwxyz0123456789_-".contains(&b)));
                prop_assert_eq!(name.as_str().parse::<Username>(), Ok(name.clone()));
                prop_assert_eq!(text.to_ascii_uppercase().parse::<Username>(), Ok(name));
            }
        }

        #[test]
        fn every_name_within_the_rules_parses(text in "[A-Za-z0-9_-]{1,50}") {
            prop_assert!(text.parse::<Username>().is_ok());
        }
    }
}
