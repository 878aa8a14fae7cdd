//! Thoughts on their way out and in: what an export has, and what an import takes.

use std::{collections::HashSet, time::Duration};

use aws_lc_rs::hmac;
use runtime::clock::Timestamp;
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

use crate::{
    revision::Revision,
    thought::{Author, MaxLength, Thought, ThoughtText, Visibility},
    trash::{KEPT_FOR, Trashed},
};

/// How far a time may be ahead: clocks differ.
pub const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// 0001-01-01T00:00:00Z, before which there are no times on the wire.
const EARLIEST: Timestamp = Timestamp::from_seconds(-62_135_596_800);

/// A thought with what it was before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// As it is now.
    pub thought: Thought,
    /// Newest first. More of them than go into one follow in the next ones, with the same thought.
    pub revisions: Vec<Revision>,
}

/// What somebody says of a thought that is to be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The id that it had.
    pub id: Option<Uuid>,
    /// What it says.
    pub text: String,
    /// Who may see it.
    pub visibility: Visibility,
    /// When it was written; now, unless that is known.
    pub create_time: Option<Timestamp>,
    /// When it was last changed, if it was.
    pub update_time: Option<Timestamp>,
    /// When it was moved to the trash, if it was.
    pub delete_time: Option<Timestamp>,
    /// Whether an administrator did that.
    pub removed: bool,
    /// What it was before, in any order.
    pub revisions: Vec<Revision>,
}

/// A thought that is fit to be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What it is known by.
    known_by: KnownBy,
    /// What is to be stored, once it has an id.
    pub(crate) thought: Thought,
    /// In any order, at different times.
    pub(crate) revisions: Vec<Revision>,
}

/// What a thought is known by that is to be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
enum KnownBy {
    Id(Uuid),
    /// By its text and this time, if it came with one.
    Text(Option<Timestamp>),
}

/// The ids that a thought may have which is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ids {
    /// The second is for when somebody else has the first.
    pub(crate) new: [Uuid; 2],
    /// Those that it may have been given before there was a secret.
    earlier: [Uuid; 2],
}

/// Why a thought is not imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What was wrong.
    pub field: &'static str,
    /// What was expected.
    pub description: String,
}

/// What became of a thought that was to be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is there now.
    Imported,
    /// It was there before.
    Unchanged,
    /// The author has a thought with that id which says something else, and stays as it is.
    Differs,
    /// Others have all its ids.
    NoId,
}

impl Record {
    /// Checks what somebody says of a thought of `author`'s.
    ///
    /// # Errors
    ///
    /// The first field that is wrong.
    pub fn new(
        author: Author,
        draft: Draft,
        now: Timestamp,
        max_length: MaxLength,
    ) -> Result<Self, Refused> {
        let text = text("thought.text", &draft.text, max_length)?;
        let times = [
            ("thought.create_time", draft.create_time),
            ("thought.update_time", draft.update_time),
            ("thought.delete_time", draft.delete_time),
        ];
        for (field, time) in times {
            time.map_or(Ok(()), |time| check(field, time, now))?;
        }
        let create_time = draft.create_time.unwrap_or(now);
        let update_time = draft.update_time.unwrap_or(create_time);
        if update_time < create_time {
            return Err(refused(
                "thought.update_time",
                "must not be before create_time",
            ));
        }
        let trashed = draft.delete_time.map(|delete_time| Trashed {
            delete_time,
            expire_time: delete_time + KEPT_FOR,
            removed: draft.removed,
        });
        if trashed.is_some_and(|trashed| trashed.expire_time <= now) {
            let left = "is so long ago that it has left the trash since";
            return Err(refused("thought.delete_time", left));
        }
        let known_by = match draft.id {
            Some(id) => KnownBy::Id(id),
            None => KnownBy::Text(draft.create_time),
        };
        Ok(Self {
            known_by,
            thought: Thought {
                id: Uuid::nil(),
                author,
                text,
                visibility: draft.visibility,
                create_time,
                position: create_time.as_micros(),
                update_time,
                trashed,
            },
            revisions: revisions(draft.revisions, now, max_length)?,
        })
    }

    /// Its ids: always the same by the same secret. Whoever knew an id that is made from what a thought
    /// says could find out by an import of their own whether somebody has such a thought.
    pub(crate) fn ids(&self, secret: Uuid) -> Ids {
        let author = self.thought.author.id;
        let ids = |made: &dyn Fn(&[&[u8]]) -> Uuid| {
            let id = match self.known_by {
                KnownBy::Id(id) => id,
                KnownBy::Text(time) => {
                    let time = time.map(|time| time.as_micros().to_be_bytes().to_vec());
                    made(&[
                        b"by time and text",
                        author.as_bytes(),
                        &time.unwrap_or_default(),
                        b" ",
                        self.thought.text.as_bytes(),
                    ])
                }
            };
            let parts: [&[u8]; 3] = [b"instead of another", author.as_bytes(), id.as_bytes()];
            [id, made(&parts)]
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        Ids {
            new: ids(&|parts| custom(hmac::sign(&key, &parts.concat()).as_ref())),
            earlier: ids(&|parts| custom(&Sha256::digest(parts.concat()))),
        }
    }
}

impl Ids {
    /// Any of them.
    pub(crate) fn all(self) -> impl Iterator<Item = Uuid> {
        self.new.into_iter().chain(self.earlier)
    }
}

impl Outcome {
    /// Why the thought was not imported, unless it was, now or before.
    #[must_use]
    pub fn refusal(self) -> Option<Refused> {
        let description = match self {
            Self::Imported | Self::Unchanged => return None,
            Self::Differs => {
                "is that of a thought of yours that says something else by now, and stays as it is"
            }
            Self::NoId => "is taken; leave it out",
        };
        Some(refused("thought.id", description))
    }
}

fn revisions(
    revisions: Vec<Revision>,
    now: Timestamp,
    max_length: MaxLength,
) -> Result<Vec<Revision>, Refused> {
    let mut times = HashSet::new();
    let parsed = revisions.into_iter().map(|revision| {
        check("revisions.create_time", revision.create_time, now)?;
        check("revisions.end_time", revision.end_time, now)?;
        if !times.insert(revision.create_time) {
            let twice = "must be another one for each revision";
            return Err(refused("revisions.create_time", twice));
        }
        Ok(Revision {
            text: text("revisions.text", &revision.text, max_length)?,
            ..revision
        })
    });
    parsed.collect()
}

fn text(field: &'static str, text: &str, max_length: MaxLength) -> Result<String, Refused> {
    let parsed = ThoughtText::parse(text, max_length);
    parsed
        .map(|text| text.as_str().to_owned())
        .map_err(|error| refused(field, error.to_string()))
}

fn check(field: &'static str, time: Timestamp, now: Timestamp) -> Result<(), Refused> {
    if time < EARLIEST {
        return Err(refused(field, "must not be before the year 1"));
    }
    if time > now + TOLERANCE {
        let ahead = "must not be more than five minutes ahead";
        return Err(refused(field, ahead));
    }
    Ok(())
}

fn refused(field: &'static str, description: impl Into<String>) -> Refused {
    Refused {
        field,
        description: description.into(),
    }
}

/// A UUID of version 8, from the beginning of a hash: whoever makes it says how (RFC 9562, section
/// 5.8).
fn custom(hash: &[u8]) -> Uuid {
    let bytes = hash.first_chunk().copied().unwrap_or_default();
    Builder::from_custom_bytes(bytes).into_uuid()
}
