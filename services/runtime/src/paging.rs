//! Page sizes and page tokens, as in AIP-158.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use tonic::Status;

use crate::status;

/// The size of a page when the request leaves it out.
pub const DEFAULT_PAGE_SIZE: u16 = 20;

/// The largest page.
pub const MAX_PAGE_SIZE: u16 = 100;

/// How many items a page holds: 1 to [`MAX_PAGE_SIZE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize(u16);

impl PageSize {
    /// Reads the `page_size` of a request; 0 means [`DEFAULT_PAGE_SIZE`].
    ///
    /// # Errors
    ///
    /// `INVALID_ARGUMENT` for a negative or too large one.
    pub fn parse(requested: i32) -> Result<Self, Status> {
        match u16::try_from(requested) {
            Ok(0) => Ok(Self(DEFAULT_PAGE_SIZE)),
            Ok(size) if size <= MAX_PAGE_SIZE => Ok(Self(size)),
            _ => Err(status::invalid_argument(
                "page_size",
                format!("must be 0 (which means {DEFAULT_PAGE_SIZE}) to {MAX_PAGE_SIZE}"),
            )),
        }
    }

    /// The number of items.
    pub fn get(self) -> usize {
        usize::from(self.0)
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self(DEFAULT_PAGE_SIZE)
    }
}

/// The opaque token of the page that follows a position.
///
/// It carries the position and a checksum over it and the list it belongs to (the rpc and its
/// filters), so that a mangled token, or one of another list, is refused rather than guessed at.
/// It is no secret and grants nothing: what a page may show is decided anew for each call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageToken;

/// The first byte tells what the token carries.
const POSITION: u8 = 1;
const KEY: u8 = 2;
const CHECKSUM: usize = 8;

impl PageToken {
    /// The token for the items behind `position` in the list that `scope` names.
    pub fn encode(position: i64, scope: &str) -> String {
        encode(POSITION, &position.to_be_bytes(), scope)
    }

    /// The position behind which the page begins; `None` for the first page.
    ///
    /// # Errors
    ///
    /// `INVALID_ARGUMENT` for a token that was not made for this list.
    pub fn parse(token: &str, scope: &str) -> Result<Option<i64>, Status> {
        if token.is_empty() {
            return Ok(None);
        }
        let bytes = decode(POSITION, token, scope).and_then(|bytes| bytes.try_into().ok());
        bytes
            .map(|bytes| Some(i64::from_be_bytes(bytes)))
            .ok_or_else(Self::refusal)
    }

    /// As [`PageToken::encode`], for a list whose order is by more than a position.
    pub fn encode_key(key: &[u8], scope: &str) -> String {
        encode(KEY, key, scope)
    }

    /// The key behind which the page begins; `None` for the first page.
    ///
    /// # Errors
    ///
    /// `INVALID_ARGUMENT` for a token that was not made for this list.
    pub fn parse_key(token: &str, scope: &str) -> Result<Option<Vec<u8>>, Status> {
        if token.is_empty() {
            return Ok(None);
        }
        decode(KEY, token, scope)
            .map(Some)
            .ok_or_else(Self::refusal)
    }

    /// What is answered to a token that was not made for this list.
    pub fn refusal() -> Status {
        status::invalid_argument(
            "page_token",
            "must be the next_page_token of the same list; leave it out to start again",
        )
    }
}

fn encode(kind: u8, content: &[u8], scope: &str) -> String {
    let bytes = [&[kind], content, &checksum(kind, content, scope)[..]].concat();
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(kind: u8, token: &str, scope: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (&first, rest) = bytes.split_first()?;
    let (content, sum) = rest.split_at_checked(rest.len().checked_sub(CHECKSUM)?)?;
    (first == kind && *sum == checksum(kind, content, scope)).then(|| content.to_vec())
}

/// The first bytes of a SHA-256, so that every release and replica agrees on it.
fn checksum(kind: u8, content: &[u8], scope: &str) -> [u8; CHECKSUM] {
    let digest = Sha256::new()
        .chain_update([kind])
        .chain_update(content)
        .chain_update(scope)
        .finalize();
    let mut sum = [0; CHECKSUM];
    sum.copy_from_slice(&digest[..CHECKSUM]);
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_outside_1_to_100_are_refused_by_name() {
        assert_eq!(PageSize::parse(0).unwrap().get(), 20);
        assert_eq!(PageSize::parse(100).unwrap().get(), 100);
        for wrong in [-1, 101, i32::MIN, i32::MAX] {
            let refusal = PageSize::parse(wrong).unwrap_err();
            assert_eq!(status::field_violations(&refusal)[0].0, "page_size");
        }
    }

    #[test]
    fn tokens_of_an_earlier_release_keep_working() {
        let token = PageToken::encode(1_700_000_000_000_000, "list:bruce");
        assert_eq!(token, "AQAGCiQYHkAApPC2h-zojM8");
    }

    proptest! {
        #[test]
        fn a_token_leads_back_to_its_position(position: i64, scope: String) {
            let token = PageToken::encode(position, &scope);
            prop_assert_eq!(PageToken::parse(&token, &scope).unwrap(), Some(position));
        }

        #[test]
        fn a_token_of_another_list_is_refused(position: i64, scope: String, other: String) {
            prop_assume!(scope != other);
            prop_assert!(PageToken::parse(&PageToken::encode(position, &scope), &other).is_err());
        }

        #[test]
        fn an_altered_token_is_refused(position: i64, byte in 0..17_usize, bit in 0..8_u32) {
            let token = PageToken::encode(position, "list");
            let mut bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
            bytes[byte] ^= 1_u8 << bit;
            prop_assert!(PageToken::parse(&URL_SAFE_NO_PAD.encode(bytes), "list").is_err());
        }

        #[test]
        fn a_token_leads_back_to_its_key(key: Vec<u8>, scope: String, other: String) {
            let token = PageToken::encode_key(&key, &scope);
            prop_assert_eq!(PageToken::parse_key(&token, &scope).unwrap(), Some(key));
            prop_assert!(PageToken::parse(&token, &scope).is_err());
            prop_assume!(scope != other);
            prop_assert!(PageToken::parse_key(&token, &other).is_err());
        }

        #[test]
        fn no_text_at_all_upsets_the_parser(token in "\\PC*") {
            let _ = PageToken::parse(&token, "list");
            let _ = PageToken::parse_key(&token, "list");
        }
    }
}
