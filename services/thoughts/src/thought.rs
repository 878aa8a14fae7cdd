//! What a thought is.

use std::time::Duration;

use runtime::clock::Timestamp;
use uuid::Uuid;

use crate::{fold::fold, trash::Trashed};

/// What times are counted in.
const MICROSECOND: Duration = Duration::from_micros(1);

/// A thought, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thought {
    /// It never changes, and decides no order but that of thoughts of one time.
    pub id: Uuid,
    /// Whose it is.
    pub author: Author,
    /// What it says.
    pub text: String,
    /// Who may see it.
    pub visibility: Visibility,
    /// When it was written.
    pub create_time: Timestamp,
    /// Where it is stored: at `create_time` in microseconds since 1970 or, where another thought has
    /// that, the next one that is free. No two thoughts of one database share it. It is told to
    /// nobody: others have a part in it.
    pub position: i64,
    /// When it was last changed; `create_time` until then.
    pub update_time: Timestamp,
    /// How it lies in the trash; `None` unless it is there.
    pub trashed: Option<Trashed>,
}

/// What is to be changed of a thought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// What it is to say.
    pub text: Option<ThoughtText>,
    /// Who is to see it.
    pub visibility: Option<Visibility>,
}

/// Who wrote a thought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The user's id, which decides what is whose.
    pub id: Uuid,
    /// The user's name, which is shown.
    pub username: String,
}

/// Who may see a thought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// Everyone.
    Public,
    /// Its author alone.
    Private,
}

/// The longest text of a thought, in Unicode scalar values: 1 to [`MaxLength::CEILING`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxLength(u32);

/// The text of a thought, fit to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThoughtText(String);

/// Why a text is not fit to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// There is nothing to see in it.
    #[error("must not be empty")]
    Empty,
    /// It has too many Unicode scalar values.
    #[error("must have at most {max} characters, not {length}")]
    TooLong {
        /// How many it has.
        length: usize,
        /// How many it may have.
        max: u32,
    },
    /// It has a control character other than newline and tab.
    #[error("must not contain the control character U+{:04X}", u32::from(*.0))]
    Control(char),
}

impl Thought {
    /// Is written some microseconds later, when others have this one's position and the next ones. The
    /// time is ours, not the caller's: so positions are times, but for what was imported.
    pub(crate) fn move_on_to(&mut self, position: i64) {
        let unchanged = self.update_time == self.create_time;
        let time = self.create_time.as_micros() + position - self.position;
        self.create_time = Timestamp::from_micros(time);
        self.position = position;
        if unchanged {
            self.update_time = self.create_time;
        }
    }

    /// By how many microseconds the position is after `create_time`.
    pub(crate) fn moved_by(&self) -> i64 {
        self.position - self.create_time.as_micros()
    }
}

impl Change {
    /// The thought after this change at that time; `None` if it is so already. The time of the last
    /// change always moves on, whatever the clocks say, since it tells one state from another.
    pub(crate) fn make(&self, thought: &Thought, now: Timestamp) -> Option<Thought> {
        let text = self
            .text
            .as_ref()
            .map_or(thought.text.as_str(), ThoughtText::as_str);
        let visibility = self.visibility.unwrap_or(thought.visibility);
        if text == thought.text && visibility == thought.visibility {
            return None;
        }
        Some(Thought {
            text: text.to_owned(),
            visibility,
            update_time: now.max(thought.update_time + MICROSECOND),
            ..thought.clone()
        })
    }
}

impl MaxLength {
    /// No server takes longer texts: a page of a hundred must fit into a message.
    pub const CEILING: u32 = 10_000;

    /// Parses `MAX_THOUGHT_LENGTH`.
    ///
    /// # Errors
    ///
    /// What was expected.
    pub fn parse(value: &str) -> Result<Self, String> {
        match value.parse() {
            Ok(length @ 1..=Self::CEILING) => Ok(Self(length)),
            _ => Err(format!("expected a number from 1 to {}", Self::CEILING)),
        }
    }

    /// The number of Unicode scalar values.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl Default for MaxLength {
    fn default() -> Self {
        Self(250)
    }
}

impl ThoughtText {
    /// Cuts off surrounding white space and makes CR LF, which forms send, a newline.
    ///
    /// # Errors
    ///
    /// What is left may be empty, too long, or hold a control character. Characters that join or
    /// turn the direction of others are no control characters: emoji and right-to-left scripts
    /// need them.
    pub fn parse(text: &str, max: MaxLength) -> Result<Self, TextError> {
        let text = text.replace("\r\n", "\n");
        let text = text.trim();
        let length = text.chars().count();
        if length > max.0 as usize {
            return Err(TextError::TooLong { length, max: max.0 });
        }
        if let Some(control) = text
            .chars()
            .find(|&c| c.is_control() && c != '\n' && c != '\t')
        {
            return Err(TextError::Control(control));
        }
        // Folding leaves nothing of a text that consists of invisible characters.
        if fold(text).trim().is_empty() {
            return Err(TextError::Empty);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, TextError> {
        ThoughtText::parse(text, MaxLength(5)).map(|text| text.0)
    }

    #[test]
    fn white_space_around_is_cut_off_and_a_line_break_counts_as_one() {
        assert_eq!(parse("  a\r\nb\t\u{3000}\n"), Ok("a\nb".to_owned()));
        assert_eq!(parse("12\r\n45"), Ok("12\n45".to_owned()));
    }

    #[test]
    fn length_is_in_scalar_values() {
        assert_eq!(parse("京都京都京"), Ok("京都京都京".to_owned()));
        assert_eq!(
            parse("123456"),
            Err(TextError::TooLong { length: 6, max: 5 })
        );
    }

    #[test]
    fn a_text_with_nothing_to_see_is_empty() {
        for text in [
            "",
            "   ",
            "\r\n",
            "\u{200b}",
            " \u{2060}\u{feff} ",
            "\u{3164}",
        ] {
            assert_eq!(parse(text), Err(TextError::Empty), "{text:?}");
        }
    }

    #[test]
    fn control_characters_are_refused_and_joiners_are_not() {
        for control in ['\0', '\r', '\u{1b}', '\u{7f}', '\u{85}', '\u{9f}'] {
            assert_eq!(
                parse(&format!("a{control}b")),
                Err(TextError::Control(control))
            );
        }
        assert!(parse("👩\u{200d}💻").is_ok());
        assert!(parse("\u{202b}שלום").is_ok());
    }

    #[test]
    fn a_limit_is_a_positive_number() {
        assert_eq!(MaxLength::parse("250"), Ok(MaxLength(250)));
        for wrong in ["", "0", "-1", "10001", "many"] {
            assert!(MaxLength::parse(wrong).is_err(), "{wrong}");
        }
    }
}
