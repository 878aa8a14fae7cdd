//! Which state of a thought a change was made from.

use std::{fmt, str::FromStr};

use runtime::clock::Timestamp;

use crate::thought::Thought;

/// The entity tag of a thought as it is now (AIP-154, RFC 9110 section 8.8.3): another one after
/// each change, the same again only if nothing was changed.
///
/// It is the time of the last change, which each change moves on (see
/// [`Change`](crate::thought::Change)). Callers are to take it for opaque.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Etag(Timestamp);

/// A text that was never the etag of a thought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the etag of a thought; leave it out to change the thought whatever it is now")]
pub struct NoEtag;

impl Etag {
    /// The thought's.
    #[must_use]
    pub fn of(thought: &Thought) -> Self {
        Self(thought.update_time)
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{:016x}\"", self.0.as_micros())
    }
}

impl FromStr for Etag {
    type Err = NoEtag;

    fn from_str(text: &str) -> Result<Self, NoEtag> {
        let micros = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .ok_or(NoEtag)?;
        let etag = Self(Timestamp::from_micros(micros.cast_signed()));
        // Of the ways to write a number only ours.
        if etag.to_string() == text {
            Ok(etag)
        } else {
            Err(NoEtag)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_etag_can_be_read_back(micros: i64) {
            let etag = Etag(Timestamp::from_micros(micros));
            prop_assert_eq!(etag.to_string().parse(), Ok(etag));
        }

        #[test]
        fn what_is_read_is_written_the_same(text in "\"?[+0-9a-fA-F]{0,17}\"?") {
            if let Ok(etag) = text.parse::<Etag>() {
                prop_assert_eq!(etag.to_string(), text);
            }
        }
    }

    #[test]
    fn other_texts_are_none() {
        let long = "0".repeat(1_000);
        for text in [
            "",
            "\"",
            "\"\"",
            "1",
            "\"1\"",
            "W/\"0000000000000001\"",
            "0000000000000001",
            "*",
            &long,
        ] {
            assert_eq!(text.parse::<Etag>(), Err(NoEtag), "{text}");
        }
    }
}
