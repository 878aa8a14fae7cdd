//! Refresh tokens: what a session is renewed with.
//!
//! A token holds 256 bits that nobody can guess. The database keeps its SHA-256 alone. When it is
//! used, a fresh nonce is stored beside that, and the next token is the HMAC of the nonce under the
//! used one: whoever has the used token can be given the same successor again, and neither the
//! database nor an older token is enough to find it.

use std::{fmt, str::FromStr};

use aws_lc_rs::{error::Unspecified, hmac, rand};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

use crate::secret::{Digest, Secret};

/// What every refresh token starts with, so that scanners find those that have leaked.
const PREFIX: &str = "mr_";
/// Bytes of a secret and of a nonce.
const LENGTH: usize = 32;
/// Bytes of a session's id.
const ID_LENGTH: usize = 16;

/// A token that renews a session, once. It is never shown: `Debug` names its session alone.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    session_id: Uuid,
    secret: Secret,
}

/// What makes a token's successor out of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nonce([u8; LENGTH]);

/// The text is no refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a refresh token ({PREFIX}…)")]
pub struct RefreshTokenError;

impl RefreshToken {
    /// The first token of a session.
    ///
    /// # Errors
    ///
    /// The system has no randomness.
    pub fn first(session_id: Uuid) -> Result<Self, Unspecified> {
        let secret = Secret::generate()?;
        Ok(Self { session_id, secret })
    }

    /// The session that the token claims to renew.
    pub fn session_id(&self) -> Uuid {
        self.session_id
    }

    /// What is stored of it.
    pub fn digest(&self) -> Digest {
        self.secret.digest()
    }

    /// The token that follows when this one has been used with that nonce.
    #[must_use]
    pub fn successor(&self, nonce: &Nonce) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_bytes());
        let mut secret = [0; LENGTH];
        // HMAC-SHA-256 always gives 32 bytes.
        secret.copy_from_slice(hmac::sign(&key, &nonce.0).as_ref());
        Self {
            session_id: self.session_id,
            secret: secret.into(),
        }
    }

    /// The token as its holder keeps it.
    pub fn expose(&self) -> String {
        let bytes = [
            self.session_id.as_bytes().as_slice(),
            self.secret.as_bytes(),
        ]
        .concat();
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for RefreshToken {
    type Err = RefreshTokenError;

    fn from_str(text: &str) -> Result<Self, RefreshTokenError> {
        let encoded = text.strip_prefix(PREFIX).ok_or(RefreshTokenError)?;
        // Looked at before it is decoded: a megabyte is none either.
        if encoded.len() != (ID_LENGTH + LENGTH) / 3 * 4 {
            return Err(RefreshTokenError);
        }
        let bytes = URL_SAFE_NO_PAD
            .decode(encoded)
            .map_err(|_| RefreshTokenError)?;
        let (id, secret) = bytes
            .split_first_chunk::<ID_LENGTH>()
            .ok_or(RefreshTokenError)?;
        let secret: [u8; LENGTH] = secret.try_into().map_err(|_| RefreshTokenError)?;
        Ok(Self {
            session_id: Uuid::from_bytes(*id),
            secret: secret.into(),
        })
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefreshToken(of {})", self.session_id)
    }
}

impl Nonce {
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

    /// The bytes, for the database.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<Vec<u8>> for Nonce {
    type Error = Vec<u8>;

    /// Reads the bytes back; gives them back if there are not 32.
    fn try_from(bytes: Vec<u8>) -> Result<Self, Vec<u8>> {
        bytes.try_into().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token() -> RefreshToken {
        RefreshToken::first(Uuid::from_u128(7)).unwrap()
    }

    #[test]
    fn s05_a_token_is_256_bits_and_never_the_same() {
        let (one, other) = (token(), token());
        assert_ne!(one.secret, other.secret);
        assert_ne!(one.digest(), other.digest());
        assert_eq!(one.expose().len(), 3 + 64);
        assert_eq!(one.expose().parse(), Ok(one.clone()));
        assert_eq!(
            format!("{one:?}"),
            "RefreshToken(of 00000000-0000-0000-0000-000000000007)"
        );
    }

    #[test]
    fn s05_a_successor_takes_both_the_token_and_the_nonce() {
        let (token, nonce) = (token(), Nonce::generate().unwrap());
        let successor = token.successor(&nonce);
        assert_eq!(successor, token.successor(&nonce), "the same again");
        assert_eq!(successor.session_id(), token.session_id());
        assert_ne!(successor, token.successor(&Nonce::generate().unwrap()));
        let other = RefreshToken::first(token.session_id()).unwrap();
        assert_ne!(successor, other.successor(&nonce));
        // What the database holds is neither of them.
        for stored in [nonce.as_bytes(), token.digest().as_bytes()] {
            assert_ne!(successor.secret.as_bytes(), stored);
            assert_ne!(token.secret.as_bytes(), stored);
        }
    }

    #[test]
    fn what_is_no_refresh_token_is_refused() {
        let good = token().expose();
        for wrong in [
            "",
            "mr_",
            &good[3..],
            &good[..66],
            &format!("{good}A"),
            &format!("mt_{}", &good[3..]),
            &good.replace("mr_", "mr_ ")[..67],
            &"x".repeat(1 << 20),
        ] {
            assert_eq!(wrong.parse::<RefreshToken>(), Err(RefreshTokenError));
        }
    }

    proptest! {
        #[test]
        fn what_parses_is_written_the_same_way(text in "mr_[A-Za-z0-9_-]{64}") {
            let token: RefreshToken = text.parse().unwrap();
            prop_assert_eq!(token.expose(), text);
        }
    }
}
