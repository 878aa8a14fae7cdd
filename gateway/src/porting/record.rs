//! A thought as a file has it.

use runtime::clock::Timestamp;

use crate::model::{Revision, Thought, Visibility};

/// A thought that is to be imported, as far as its file could be read. What is wrong with it
/// otherwise is for the thoughts backend to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The id that it had, as it stands there.
    pub(crate) id: Option<String>,
    pub(crate) text: String,
    pub(crate) visibility: Visibility,
    pub(crate) written: Option<Timestamp>,
    /// When it was last changed, if it was.
    pub(crate) changed: Option<Timestamp>,
    /// When it was moved to the trash, if it was.
    pub(crate) trashed: Option<Timestamp>,
    /// Whether an administrator did that.
    pub(crate) removed: bool,
    pub(crate) revisions: Vec<Revision>,
    /// It had files with it, for which there is no place here.
    pub(crate) had_files: bool,
}

/// A thought of an export. More revisions than go into one follow in the next ones, with the same
/// thought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exported {
    pub(crate) thought: Thought,
    pub(crate) revisions: Vec<Revision>,
}

/// Why a piece of a file is no thought: a sentence without its stop.
pub(crate) type Refused = String;

impl Record {
    /// A private thought of which nothing is known but its text: nothing becomes public that nobody
    /// has said to be.
    pub(super) const fn of(text: String) -> Self {
        Self {
            id: None,
            text,
            visibility: Visibility::Private,
            written: None,
            changed: None,
            trashed: None,
            removed: false,
            revisions: Vec::new(),
            had_files: false,
        }
    }

    /// With the times in order: other programs leave out when something was written, or let a change
    /// be before that, where it was set by hand.
    pub(super) fn in_order(self) -> Self {
        let written = self.written.or(self.changed);
        Self {
            written,
            changed: self.changed.filter(|changed| Some(*changed) > written),
            ..self
        }
    }

    /// How much memory it takes, more or less, in bytes.
    pub(super) fn size(&self) -> usize {
        let revisions = self.revisions.iter();
        self.text.len() + revisions.map(|it| it.text.len() + 100).sum::<usize>() + 200
    }

    /// How long the text is, as the server counts: in Unicode scalar values, without white space
    /// around it, and with CR LF as one.
    pub(super) fn length(&self) -> usize {
        self.text.trim().replace("\r\n", "\n").chars().count()
    }
}

/// A point in time as RFC 3339 has it; a day is its beginning in UTC.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    let time: prost_types::Timestamp = text.trim().parse().ok()?;
    Some(time.into())
}

/// The same the other way.
pub(super) fn rfc3339(time: Timestamp) -> String {
    prost_types::Timestamp::from(time).to_string()
}

/// Who may see something, as our own files and others say it. What only some may see, such as
/// `PROTECTED` with memos, is private.
pub(super) fn visibility(text: &str) -> Option<Visibility> {
    match text.to_ascii_lowercase().as_str() {
        "public" | "visibility_public" => Some(Visibility::Public),
        "private" | "visibility_private" | "protected" => Some(Visibility::Private),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written() {
        for (text, micros) in [
            ("1969-12-31T23:59:59.999999Z", -1),
            ("1970-01-01T00:00:00Z", 0),
            ("2024-02-29T12:30:00.500Z", 1_709_209_800_500_000),
        ] {
            assert_eq!(time(text), Some(Timestamp::from_micros(micros)), "{text}");
            assert_eq!(time(&rfc3339(Timestamp::from_micros(micros))), time(text));
        }
        let zoned = time("2024-02-29T20:30:00.5+08:00");
        assert_eq!(zoned, time("2024-02-29T12:30:00.5Z"));
        assert_eq!(time(" 2024-02-29 "), time("2024-02-29T00:00:00Z"));
        for none in [
            "",
            "yesterday",
            "2023-02-29",
            "2024-02-29T25:00:00Z",
            "２０２４-02-29",
        ] {
            assert_eq!(time(none), None, "{none}");
        }
    }
}
