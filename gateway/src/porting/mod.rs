//! Thoughts on their way out and in: the files that people take away and bring, read and written
//! a piece at a time.
//!
//! `record` is a thought as a file has it; `json` and `markdown` are the two ways to write one down,
//! `names` what files are called, `zip` the folder in which they lie. `download` writes everything
//! of somebody's; `body` and `source` are the bytes of an upload, `upload` finds out what they are
//! and hands the thoughts to `import`, which stores them in parts and keeps the `report`. `limits`
//! says how much of all that there may be at once.

mod body;
pub(crate) mod download;
mod import;
mod json;
pub(crate) mod limits;
mod markdown;
mod names;
mod pass;
mod record;
pub(crate) mod report;
mod source;
pub(crate) mod upload;
mod zip;

pub(crate) use import::{Import, PartOutcome};
pub(crate) use pass::Pass;
pub(crate) use record::{Exported, Record};
