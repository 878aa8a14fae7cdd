//! What a thought was before it was changed.

use runtime::clock::Timestamp;

use crate::{page::Place, thought::Visibility};

/// A thought as it was from one change to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// What it said.
    pub text: String,
    /// Who might see it.
    pub visibility: Visibility,
    /// Since when it was so. Revisions of a thought never share it.
    pub create_time: Timestamp,
    /// Until when.
    pub end_time: Timestamp,
}

/// A part of the list of a thought's revisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionPage {
    /// Newest first.
    pub revisions: Vec<Revision>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<Place>,
}
