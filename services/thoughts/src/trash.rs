//! Where deleted thoughts are until they leave for ever.

use std::time::Duration;

use runtime::clock::Timestamp;

/// How long a thought stays in the trash: 30 days.
pub const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How a thought lies in the trash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trashed {
    /// When it was moved there.
    pub delete_time: Timestamp,
    /// When it leaves for ever.
    pub expire_time: Timestamp,
    /// An administrator removed it, so its author cannot take it out.
    pub removed: bool,
}

/// Whose thoughts somebody may move to the trash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Their own.
    Own,
    /// Everyone's public ones as well, as an administrator.
    Public,
}

/// Which of a viewer's own thoughts in the trash a list is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrashList {
    /// Those beside the ones that are not.
    Beside,
    /// Those alone.
    Alone,
}
