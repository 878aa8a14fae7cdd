//! The code that lets the first administrator be made.

use std::{fmt, str::FromStr};

use aws_lc_rs::{constant_time, error::Unspecified, rand};

/// The code that whoever runs this passes to whoever is to be the first administrator.
///
/// It is never logged: `Debug` leaves it out, and there is no `Display`.
#[derive(Clone)]
pub struct SetupCode(String);

/// The text is no set-up code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a text that is not empty")]
pub struct SetupCodeError;

impl SetupCode {
    /// A new one: 128 random bits in hexadecimal, so it can be part of a link and be read aloud.
    ///
    /// # Errors
    ///
    /// The system has no randomness.
    pub fn generate() -> Result<Self, Unspecified> {
        let mut bits = [0; 16];
        rand::fill(&mut bits)?;
        Ok(Self(format!("{:032x}", u128::from_be_bytes(bits))))
    }

    /// The code itself, for the terminal and the database.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `offered` is this code. How long this takes says nothing about the code but its
    /// length.
    pub fn matches(&self, offered: &str) -> bool {
        constant_time::verify_slices_are_equal(self.0.as_bytes(), offered.as_bytes()).is_ok()
    }
}

impl FromStr for SetupCode {
    type Err = SetupCodeError;

    fn from_str(text: &str) -> Result<Self, SetupCodeError> {
        if text.is_empty() {
            return Err(SetupCodeError);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for SetupCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SetupCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_128_bits_and_never_the_same() {
        let (one, other) = (
            SetupCode::generate().unwrap(),
            SetupCode::generate().unwrap(),
        );
        assert_eq!(one.expose().len(), 32);
        assert!(one.expose().bytes().all(|b| b.is_ascii_hexdigit()));
        assert!(one.matches(one.expose()));
        assert!(!one.matches(other.expose()));
        assert!(!one.matches(&one.expose()[..31]));
        assert!(!one.matches(""));
        assert!(!format!("{one:?}").contains(one.expose()));
    }

    #[test]
    fn an_empty_text_is_no_code() {
        assert_eq!("".parse::<SetupCode>().unwrap_err(), SetupCodeError);
    }
}
