//! Secrets that somebody holds and the database does not: whoever reads it can use none of them.

use std::{fmt, str::FromStr};

use aws_lc_rs::{digest, error::Unspecified, rand};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Bytes of a secret, and of a digest.
const LENGTH: usize = 32;
/// Characters of a secret as text.
const TEXT_LENGTH: usize = 43;

/// 256 bits that nobody can guess. As text: 43 letters, digits, `_` and `-`. It is never logged:
/// `Debug` leaves it out, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; LENGTH]);

/// The SHA-256 of a secret: what is stored of it. A secret has so many bits that neither a salt nor
/// a slow hash would make it harder to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; LENGTH]);

/// The text is no secret of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 256 bits in base64url")]
pub struct SecretError;

impl Secret {
    /// A new one.
    ///
    /// # Errors
    ///
    /// The system has no randomness.
    pub fn generate() -> Result<Self, Unspecified> {
        let mut bytes = [0; LENGTH];
        rand::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// What is stored of it.
    pub fn digest(&self) -> Digest {
        let digest = digest::digest(&digest::SHA256, &self.0);
        let mut bytes = [0; LENGTH];
        // SHA-256 always gives 32 bytes.
        bytes.copy_from_slice(digest.as_ref());
        Digest(bytes)
    }

    /// The secret as its holder keeps it.
    pub fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<[u8; LENGTH]> for Secret {
    fn from(bytes: [u8; LENGTH]) -> Self {
        Self(bytes)
    }
}

impl FromStr for Secret {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, SecretError> {
        // Looked at before it is decoded: a megabyte is none either.
        if text.len() != TEXT_LENGTH {
            return Err(SecretError);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| SecretError)?;
        bytes.try_into().map(Self).map_err(|_| SecretError)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Digest {
    /// The bytes, for the database.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn s05_a_secret_is_256_bits_and_never_the_same() {
        let (one, other) = (Secret::generate().unwrap(), Secret::generate().unwrap());
        assert_ne!(one, other);
        assert_ne!(one.digest(), other.digest());
        assert_ne!(one.digest().as_bytes(), one.as_bytes());
        assert_eq!(one.expose().len(), TEXT_LENGTH);
        assert_eq!(one.expose().parse(), Ok(one.clone()));
        assert_eq!(format!("{one:?}"), "Secret(…)");
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        let good = Secret::generate().unwrap().expose();
        for wrong in [
            "",
            &good[1..],
            &format!("{good}="),
            &format!("{}=", &good[1..]),
            &format!("{} ", &good[1..]),
            // Two bits of the last character are none of the 256.
            &format!("{}B", &good[..42]),
            &"x".repeat(1 << 20),
        ] {
            assert_eq!(wrong.parse::<Secret>(), Err(SecretError), "{wrong:.50}");
        }
    }

    proptest! {
        #[test]
        fn what_parses_is_written_the_same_way(text in "[A-Za-z0-9_-]{43}") {
            if let Ok(secret) = text.parse::<Secret>() {
                prop_assert_eq!(secret.expose(), text);
            }
        }
    }
}
