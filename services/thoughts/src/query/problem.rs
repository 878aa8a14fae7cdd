//! What of a query was not understood.

use std::ops::Range;

/// A part of a query that was probably meant otherwise than it was taken: as words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The part, in the Unicode scalar values of the query.
    pub range: Range<usize>,
    /// What was expected there.
    pub expected: Expected,
}

/// What was expected; its `Display` tells people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Expected {
    /// A phrase has no end.
    #[error("a closing quotation mark is missing, so each word is searched by itself")]
    ClosingQuote,
    /// What follows `from:` cannot be anybody's name.
    #[error("from: needs a username right behind it, 1 to 50 of a-z, 0-9, _ and -")]
    Username,
    /// What follows `since:` or `until:` is no day.
    #[error("{0}: needs a day such as 2026-01-31 right behind it, or a month or year")]
    Day(&'static str),
    /// What follows `is:` says nobody.
    #[error("is: needs private or public right behind it")]
    Visibility,
    /// What follows the sign is more, or longer, than a tag can be.
    #[error("a tag is a single word of letters, digits and _, at most 100, with a letter in it")]
    Tag,
}
