//! Passwords, as they are typed.

use std::{fmt, str::FromStr, sync::LazyLock};

use aws_lc_rs::{error::Unspecified, rand};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::username::Username;

/// The fewest characters of a new password: NIST SP 800-63B, section 3.1.1.2.
const MIN_LENGTH: usize = 8;
/// The most characters of a password. A limit has to be somewhere, so that nobody has a megabyte
/// hashed; this one is beyond any passphrase.
const MAX_LENGTH: usize = 256;

/// Passwords of 8 characters and more that many people have, in small letters and in order; where
/// they come from is said beside the file.
static COMMON: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let list = include_str!("../vendor/common-passwords.txt");
    list.lines().collect()
});

/// A password as somebody gives it to sign in: 1 to 256 characters (Unicode scalar values), never
/// cut short, changed or shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

/// A password that an account may be given: a [`Password`] of at least 8 characters, of any kind,
/// that is none of those which everybody tries first (NIST SP 800-63B, section 3.1.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPassword(Password);

/// Why a text is no password; the message is meant for the person who typed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Nothing was given.
    #[error("must not be empty")]
    Empty,
    /// Fewer than 8 characters, for a new password.
    #[error("must be at least 8 characters long")]
    TooShort,
    /// More than 256 characters.
    #[error("must be at most 256 characters long")]
    TooLong,
    /// One of the most common passwords, in whatever case, for a new password.
    #[error("is one of the most common passwords: choose another")]
    Common,
    /// The name of the account, in whatever case, for a new password.
    #[error("must not be the username")]
    Username,
}

impl Password {
    /// The password itself, for hashing alone.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl NewPassword {
    /// A new one to be passed on: 120 random bits, in 20 letters, digits, `_` and `-`.
    ///
    /// # Errors
    ///
    /// The system has no randomness.
    pub fn generate() -> Result<Self, Unspecified> {
        let mut bits = [0; 15];
        rand::fill(&mut bits)?;
        Ok(Self(Password(URL_SAFE_NO_PAD.encode(bits))))
    }

    /// The password itself, to be passed on.
    pub fn expose(&self) -> &str {
        &self.0.0
    }

    /// The same, for the account of that name.
    ///
    /// # Errors
    ///
    /// It is that name.
    pub fn for_account(self, username: &Username) -> Result<Self, PasswordError> {
        if self.0.0.eq_ignore_ascii_case(username.as_str()) {
            return Err(PasswordError::Username);
        }
        Ok(self)
    }
}

impl FromStr for Password {
    type Err = PasswordError;

    fn from_str(text: &str) -> Result<Self, PasswordError> {
        if text.is_empty() {
            return Err(PasswordError::Empty);
        }
        if text.chars().nth(MAX_LENGTH).is_some() {
            return Err(PasswordError::TooLong);
        }
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for NewPassword {
    type Err = PasswordError;

    fn from_str(text: &str) -> Result<Self, PasswordError> {
        let password: Password = text.parse()?;
        if text.chars().nth(MIN_LENGTH - 1).is_none() {
            return Err(PasswordError::TooShort);
        }
        if COMMON.binary_search(&text.to_lowercase().as_str()).is_ok() {
            return Err(PasswordError::Common);
        }
        Ok(Self(password))
    }
}

impl From<NewPassword> for Password {
    fn from(password: NewPassword) -> Self {
        password.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_new_password_has_8_to_256_characters() {
        assert_eq!("".parse::<NewPassword>(), Err(PasswordError::Empty));
        assert_eq!(
            "1234567".parse::<NewPassword>(),
            Err(PasswordError::TooShort)
        );
        assert!("7f3k_0 q".parse::<NewPassword>().is_ok());
        // Characters are counted, not bytes.
        assert_eq!(
            "密码密码".parse::<NewPassword>(),
            Err(PasswordError::TooShort)
        );
        assert!("🔑".repeat(256).parse::<NewPassword>().is_ok());
        assert_eq!(
            "🔑".repeat(257).parse::<NewPassword>(),
            Err(PasswordError::TooLong)
        );
    }

    #[test]
    fn s03_common_passwords_are_refused_in_any_case() {
        for common in [
            "12345678",
            "password",
            "Password1",
            "QWERTYUIOP",
            "iloveyou",
        ] {
            let refused = common.parse::<NewPassword>();
            assert_eq!(refused, Err(PasswordError::Common), "{common}");
            assert!(common.parse::<Password>().is_ok(), "old accounts sign in");
        }
        for other in ["correct horse", "password is long enough", "p4ssw0rd!?"] {
            assert!(other.parse::<NewPassword>().is_ok(), "{other}");
        }
    }

    #[test]
    fn s03_the_list_is_long_and_in_order() {
        assert!(COMMON.len() > 20_000, "{}", COMMON.len());
        assert!(COMMON.is_sorted());
        for entry in COMMON.iter() {
            assert_eq!(entry.parse::<NewPassword>(), Err(PasswordError::Common));
        }
    }

    #[test]
    fn s03_the_username_is_no_password() {
        let username: Username = "bruce_wayne".parse().unwrap();
        let checked = |text: &str| text.parse::<NewPassword>().unwrap().for_account(&username);
        for same in ["bruce_wayne", "Bruce_Wayne"] {
            assert_eq!(checked(same), Err(PasswordError::Username));
        }
        assert!(checked("bruce_wayne!").is_ok());
    }

    #[test]
    fn a_password_to_sign_in_with_may_be_short_but_not_endless() {
        assert!("x".parse::<Password>().is_ok());
        assert_eq!(
            "x".repeat(1 << 20).parse::<Password>(),
            Err(PasswordError::TooLong)
        );
    }

    #[test]
    fn a_generated_password_is_within_the_rules_and_never_the_same() {
        let (one, other) = (NewPassword::generate(), NewPassword::generate());
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_eq!(one.expose().len(), 20);
        assert_ne!(one, other);
        assert_eq!(one.expose().parse(), Ok(one));
    }

    #[test]
    fn a_password_is_never_shown() {
        let shown = format!("{:?}", "open sesame".parse::<NewPassword>().unwrap());
        assert!(!shown.contains("sesame"), "{shown}");
    }

    proptest! {
        #[test]
        fn every_text_of_8_to_256_characters_is_a_password(text in "(?s).{8,256}") {
            let parsed = text.parse::<NewPassword>();
            prop_assert!(matches!(parsed, Ok(_) | Err(PasswordError::Common)));
        }
    }
}
