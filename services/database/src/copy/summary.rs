//! What is told of a copy.

use std::fmt;

use super::{Copied, LeftOut};

/// What was copied and what was not, for whoever has it done: a line a table.
#[derive(Clone, Copy, Debug)]
pub struct Summary<'c> {
    copied: &'c [Copied],
    left_out: &'c [LeftOut],
}

impl<'c> Summary<'c> {
    /// Of a copy that was made.
    #[must_use]
    pub fn new(copied: &'c [Copied], left_out: &'c [LeftOut]) -> Self {
        Self { copied, left_out }
    }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<20} {:>12}  checksum", "table", "rows")?;
        for Copied {
            table,
            rows,
            checksum,
        } in self.copied
        {
            writeln!(f, "{table:<20} {rows:>12}  {checksum:032x}")?;
        }
        for LeftOut { table, why } in self.left_out {
            writeln!(f, "{table:<20} not copied: {why}")?;
        }
        writeln!(f, "copied, and the same on both sides")
    }
}
