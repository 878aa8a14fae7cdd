//! What becomes of a thought: its changes, and the trash.

use runtime::clock::Timestamp;
use uuid::Uuid;

use super::{Thought, Visibility};

/// A change of a thought, as it was typed; kept in the form until it is saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) id: Uuid,
    pub(crate) text: String,
    pub(crate) visibility: Visibility,
    /// The state of the thought that the change was made from.
    pub(crate) etag: String,
}

impl Edit {
    /// Where a change begins: the thought as it is.
    pub(crate) fn of(thought: &Thought) -> Self {
        Self {
            id: thought.id,
            text: thought.text.clone(),
            visibility: thought.visibility(),
            etag: thought.etag.clone(),
        }
    }
}

/// What a thought was until it was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Revision {
    pub(crate) text: String,
    pub(crate) visibility: Visibility,
    pub(crate) since: Timestamp,
    pub(crate) until: Timestamp,
}

/// How a thought lies in the trash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trashed {
    pub(crate) since: Timestamp,
    /// When it leaves for ever.
    pub(crate) until: Timestamp,
    /// An administrator removed it, so that its author cannot take it out.
    pub(crate) removed: bool,
}
