//! The token by which the users backend knows this one.

use std::fmt;

use runtime::clock::Timestamp;

/// A service token for the users backend, found good when it came. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceToken {
    text: String,
    expires: Timestamp,
}

impl ServiceToken {
    /// The token that is written `text` and refused from `expires` on.
    #[must_use]
    pub fn new(text: String, expires: Timestamp) -> Self {
        Self { text, expires }
    }

    /// The token as it is sent.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// From when it is refused.
    #[must_use]
    pub fn expires(&self) -> Timestamp {
        self.expires
    }
}

impl fmt::Debug for ServiceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServiceToken(until {:?})", self.expires)
    }
}
