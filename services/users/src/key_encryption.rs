//! Signing keys as the database keeps them: as they are, or encrypted with a secret that the
//! database does not have.

use std::{fmt, str::FromStr};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    error::Unspecified,
    hkdf::{HKDF_SHA256, Salt},
};

/// The shortest secret, in characters.
const MIN_LENGTH: usize = 32;

/// What an encrypted key begins with: this, then the nonce, then the key's PKCS#8 with the tag.
const VERSION: u8 = 1;

/// What PKCS#8 begins with: the tag of a SEQUENCE (X.690, 8.9).
const PKCS8: u8 = 0x30;

/// What this key is for (RFC 5869, 3.2).
const PURPOSE: &[u8] = b"mythoughts users-backend signing keys";

/// Encrypts signing keys: AES-256-GCM under a key that HKDF-SHA256 makes of a secret. It is never
/// shown: `Debug` leaves it out.
#[derive(Clone)]
pub struct KeyEncryption([u8; 32]);

/// The text is no secret to encrypt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It could be guessed.
    #[error("expected at least {MIN_LENGTH} characters, drawn by chance")]
    TooShort,
    /// A defect.
    #[error("cannot be made a key of")]
    Unusable,
}

/// A stored key that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// It is encrypted, and there is no secret.
    NoSecret,
    /// It is encrypted with another secret, or was altered.
    OtherSecret,
    /// It is neither PKCS#8 nor an encrypted key.
    Unknown,
}

impl KeyEncryption {
    /// A key as it is stored: only for that generation's row.
    ///
    /// # Errors
    ///
    /// The system has no randomness.
    pub fn seal(&self, generation: i64, pkcs8: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let mut sealed = pkcs8.to_vec();
        let context = Aad::from(context(generation));
        let nonce = self
            .cipher()?
            .seal_in_place_append_tag(context, &mut sealed)?;
        Ok([&[VERSION][..], nonce.as_ref(), &sealed].concat())
    }

    fn open(&self, generation: i64, sealed: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or(Unspecified)?;
        let (nonce, mut opened) = (Nonce::try_assume_unique_for_key(nonce)?, sealed.to_vec());
        let context = Aad::from(context(generation));
        let length = self
            .cipher()?
            .open_in_place(nonce, context, &mut opened)?
            .len();
        opened.truncate(length);
        Ok(opened)
    }

    fn cipher(&self) -> Result<RandomizedNonceKey, Unspecified> {
        RandomizedNonceKey::new(&AES_256_GCM, &self.0)
    }
}

/// The PKCS#8 of a stored key.
///
/// # Errors
///
/// It takes another secret, or is none.
pub fn pkcs8(
    encryption: Option<&KeyEncryption>,
    generation: i64,
    stored: &[u8],
) -> Result<Vec<u8>, Unreadable> {
    match (stored.split_first(), encryption) {
        (Some((&PKCS8, _)), _) => Ok(stored.to_vec()),
        (Some((&VERSION, sealed)), Some(encryption)) => encryption
            .open(generation, sealed)
            .map_err(|_| Unreadable::OtherSecret),
        (Some((&VERSION, _)), None) => Err(Unreadable::NoSecret),
        _ => Err(Unreadable::Unknown),
    }
}

/// Whether a stored key can be read by whoever has the database.
pub fn is_plain(stored: &[u8]) -> bool {
    stored.first() == Some(&PKCS8)
}

/// What an encrypted key is bound to, so that one row's is of no use in another's place.
fn context(generation: i64) -> [u8; 9] {
    let mut context = [VERSION; 9];
    context[1..].copy_from_slice(&generation.to_be_bytes());
    context
}

impl FromStr for KeyEncryption {
    type Err = SecretError;

    fn from_str(secret: &str) -> Result<Self, SecretError> {
        if secret.chars().count() < MIN_LENGTH {
            return Err(SecretError::TooShort);
        }
        let extracted = Salt::new(HKDF_SHA256, &[]).extract(secret.as_bytes());
        let mut key = [0; 32];
        let expanded = extracted
            .expand(&[PURPOSE], &AES_256_GCM)
            .and_then(|expanded| expanded.fill(&mut key));
        expanded.map_err(|_| SecretError::Unusable)?;
        Ok(Self(key))
    }
}

impl fmt::Debug for KeyEncryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyEncryption(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::SigningKey;

    fn encryption(secret: &str) -> KeyEncryption {
        secret.parse().unwrap()
    }

    const SECRET: &str = "a secret of at least 32 characters";

    #[test]
    fn what_is_sealed_is_opened_with_the_same_secret_and_generation_alone() {
        let key = SigningKey::generate_pkcs8().unwrap();
        let (ours, other) = (
            encryption(SECRET),
            encryption("another secret of 32 characters, say"),
        );
        let sealed = ours.seal(7, &key).unwrap();
        assert_eq!(pkcs8(Some(&ours), 7, &sealed), Ok(key.clone()));
        assert_ne!(sealed, ours.seal(7, &key).unwrap(), "a nonce of its own");
        for (encryption, generation, why) in [
            (Some(&ours), 8, Unreadable::OtherSecret),
            (Some(&other), 7, Unreadable::OtherSecret),
            (None, 7, Unreadable::NoSecret),
        ] {
            assert_eq!(pkcs8(encryption, generation, &sealed), Err(why));
        }
        for at in 1..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            let refused = pkcs8(Some(&ours), 7, &altered);
            assert_eq!(refused, Err(Unreadable::OtherSecret), "byte {at}");
            let cut = pkcs8(Some(&ours), 7, &sealed[..at]);
            assert_eq!(cut, Err(Unreadable::OtherSecret), "{at} bytes");
        }
    }

    #[test]
    fn plain_and_sealed_keys_are_told_apart() {
        let key = SigningKey::generate_pkcs8().unwrap();
        let ours = encryption(SECRET);
        assert!(is_plain(&key) && !is_plain(&ours.seal(1, &key).unwrap()));
        for encryption in [None, Some(&ours)] {
            assert_eq!(pkcs8(encryption, 1, &key), Ok(key.clone()));
            for unknown in [&b""[..], b"\x02sealed by a later version"] {
                let read = pkcs8(encryption, 1, unknown);
                assert_eq!(read, Err(Unreadable::Unknown));
            }
        }
    }

    #[test]
    fn a_secret_is_long_and_never_shown() {
        let short = "é".repeat(MIN_LENGTH - 1);
        assert_eq!(
            short.parse::<KeyEncryption>().unwrap_err(),
            SecretError::TooShort
        );
        let shown = format!("{:?}", encryption(SECRET));
        assert_eq!(shown, "KeyEncryption(…)");
    }
}
