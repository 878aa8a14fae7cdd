//! What became of an upload.

use super::body::Stop;
use crate::error::Problem;

/// So many refused places are told one by one; the others are counted.
pub(crate) const TOLD: usize = 500;

/// The counts of an upload, and what was wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) counts: Counts,
    /// The first refused places.
    pub(crate) refusals: Vec<Refusal>,
    /// Files that could not be read, or not to their end.
    pub(crate) unread: Vec<Refusal>,
    /// Why it ended before its end.
    pub(crate) ended: Option<Ended>,
}

/// How much of an upload has become what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Files in the form.
    pub(crate) files: u64,
    /// Bytes of the upload that have come.
    pub(crate) read: u64,
    /// Thoughts that are new.
    pub(crate) imported: u64,
    /// Those that were there.
    pub(crate) there: u64,
    pub(crate) refused: u64,
    /// Those of the refused that are too long.
    pub(crate) too_long: u64,
    /// Those that had files with them, which are left out.
    pub(crate) had_files: u64,
    /// Other files in archives.
    pub(crate) others: u64,
}

/// A place in an upload, and what was expected there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) place: String,
    pub(crate) why: String,
}

/// Why an import ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The upload itself.
    Upload(Stop),
    /// What stores the thoughts.
    Storing(Problem),
}

impl Report {
    /// Counts a refused place, and keeps it if it is one of the first.
    pub(super) fn refuse(&mut self, place: String, why: String) {
        self.counts.refused += 1;
        if self.refusals.len() < TOLD {
            self.refusals.push(Refusal { place, why });
        }
    }

    /// A file cannot be read, or not from here on.
    pub(super) fn give_up_on(&mut self, place: String, why: &str) {
        if self.unread.len() < TOLD {
            let why = why.to_owned();
            self.unread.push(Refusal { place, why });
        }
    }
}
