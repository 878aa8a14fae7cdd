//! Thoughts as JSON: our own lines, and what other programs give.

mod pieces;

use std::fmt;

use runtime::clock::Timestamp;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

pub(super) use pieces::{NoPiece, Pieces, Shape};

use super::record::{self, Exported, Record, Refused, rfc3339};
use crate::model::{Revision, Visibility};

/// What the first byte of a file says of it.
pub(super) fn shape(head: &[u8]) -> Option<Shape> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let head = head.trim_ascii_start();
    if head.starts_with(b"[") {
        return Some(Shape::Array);
    }
    let inside = head.strip_prefix(b"{")?;
    let wrapped = ["\"memos\"", "\"data\""].iter().any(|name| {
        let behind = inside.trim_ascii_start().strip_prefix(name.as_bytes());
        let behind = behind.and_then(|behind| behind.trim_ascii_start().strip_prefix(b":"));
        behind.is_some_and(|behind| behind.trim_ascii_start().starts_with(b"["))
    });
    let spread = inside
        .iter()
        .find(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
    Some(match spread {
        _ if wrapped => Shape::Wrapped,
        Some(b'\n') => Shape::Values,
        _ => Shape::Lines,
    })
}

/// The thought that a piece of JSON is: a message of `ImportThoughts` in protobuf's JSON mapping, a
/// memo as memos gives it, or the like.
pub(super) fn read(json: &[u8]) -> Result<Record, Refused> {
    let line: Line = serde_json::from_slice(json).map_err(|error| no_json(&error))?;
    if let Some(thought) = line.thought {
        return thought.ours(line.revisions);
    }
    let flat: Fields = serde_json::from_slice(json).map_err(|error| no_json(&error))?;
    flat.theirs(line.revisions)
}

/// A line of our own, with its end.
pub(super) fn write(exported: &Exported, out: &mut Vec<u8>) -> serde_json::Result<()> {
    let thought = &exported.thought;
    let trashed = thought.trashed;
    let line = LineOut {
        thought: ThoughtOut {
            id: thought.id.to_string(),
            text: &thought.text,
            visibility: contract_name(thought.visibility()),
            create_time: rfc3339(thought.written),
            update_time: rfc3339(thought.changed.unwrap_or(thought.written)),
            delete_time: trashed.map(|trashed| rfc3339(trashed.since)),
            removed: trashed.is_some_and(|trashed| trashed.removed),
        },
        revisions: exported.revisions.iter().map(RevisionOut::of).collect(),
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.push(b'\n');
    Ok(())
}

/// One of our own lines: protobuf's own JSON names are understood in both spellings.
#[derive(Deserialize)]
struct Line {
    thought: Option<Fields>,
    #[serde(default)]
    revisions: Vec<RevisionIn>,
}

/// What is known of a thought or a memo.
#[derive(Deserialize)]
struct Fields {
    id: Option<Loose>,
    text: Option<String>,
    content: Option<String>,
    visibility: Option<Loose>,
    #[serde(
        alias = "create_time",
        alias = "createdTs",
        alias = "created_ts",
        alias = "createdAt",
        alias = "created_at",
        rename = "createTime"
    )]
    written: Option<Loose>,
    #[serde(
        alias = "update_time",
        alias = "updatedTs",
        alias = "updated_ts",
        alias = "updatedAt",
        alias = "updated_at",
        rename = "updateTime"
    )]
    changed: Option<Loose>,
    #[serde(alias = "delete_time", rename = "deleteTime")]
    trashed: Option<Loose>,
    removed: Option<bool>,
    #[serde(alias = "rowStatus", alias = "row_status")]
    state: Option<Loose>,
    #[serde(alias = "resources", alias = "resourceList")]
    attachments: Option<Vec<IgnoredAny>>,
}

#[derive(Deserialize)]
struct RevisionIn {
    text: String,
    visibility: Loose,
    #[serde(alias = "create_time", rename = "createTime")]
    since: Loose,
    #[serde(alias = "end_time", rename = "endTime")]
    until: Loose,
}

/// What other programs write as a text or as a number.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Loose {
    Text(String),
    Number(i64),
    /// Nothing that is of use here.
    Other,
}

impl Fields {
    /// As an export of ours has it.
    fn ours(self, revisions: Vec<RevisionIn>) -> Result<Record, Refused> {
        let visibility = match self.visibility {
            None => Visibility::Private,
            Some(visibility) => ours(&visibility)?,
        };
        let id = match self.id {
            Some(Loose::Text(id)) if !id.is_empty() => Some(id),
            None | Some(Loose::Text(_)) => None,
            Some(_) => return Err("the id must be a UUID".to_owned()),
        };
        Ok(Record {
            id,
            text: self.text.ok_or("the text must be given")?,
            visibility,
            written: time(self.written)?,
            changed: time(self.changed)?,
            trashed: time(self.trashed)?,
            removed: self.removed.unwrap_or_default(),
            revisions: earlier(revisions)?,
            had_files: false,
        })
    }

    /// As memos and other programs have it. Their ids mean nothing here, other than UUIDs beside a
    /// `text`.
    fn theirs(self, revisions: Vec<RevisionIn>) -> Result<Record, Refused> {
        let memo = self.content.is_some();
        let Some(text) = self.content.or(self.text) else {
            return Err("a `thought`, or a `content` or `text`, was expected".to_owned());
        };
        let archived = self.state.is_some_and(|state| state.is("ARCHIVED"));
        let visibility = match self.visibility {
            None => Visibility::Private,
            Some(_) if archived => Visibility::Private,
            Some(visibility) if memo => of_memos(&visibility)?,
            Some(visibility) => ours(&visibility)?,
        };
        let id = self.id.and_then(Loose::text).filter(|id| {
            let id = uuid::Uuid::try_parse(id);
            !memo && id.is_ok()
        });
        Ok(Record {
            id,
            visibility,
            written: time(self.written)?,
            changed: time(self.changed)?,
            trashed: time(self.trashed)?,
            removed: self.removed.unwrap_or_default(),
            revisions: earlier(revisions)?,
            had_files: self.attachments.is_some_and(|files| !files.is_empty()),
            ..Record::of(text)
        }
        .in_order())
    }
}

fn earlier(revisions: Vec<RevisionIn>) -> Result<Vec<Revision>, Refused> {
    revisions.into_iter().map(RevisionIn::read).collect()
}

impl RevisionIn {
    fn read(self) -> Result<Revision, Refused> {
        let given = |time: Loose, name| {
            self::time(Some(time))?
                .ok_or_else(|| format!("the {name} of an earlier version must be given"))
        };
        Ok(Revision {
            text: self.text,
            visibility: ours(&self.visibility)?,
            since: given(self.since, "createTime")?,
            until: given(self.until, "endTime")?,
        })
    }
}

impl Loose {
    fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) | Self::Other => None,
        }
    }

    fn is(&self, name: &str) -> bool {
        matches!(self, Self::Text(text) if text.eq_ignore_ascii_case(name))
    }
}

/// By protobuf's rules: names or numbers.
fn ours(said: &Loose) -> Result<Visibility, Refused> {
    let known = match said {
        Loose::Text(text) => record::visibility(text),
        Loose::Number(1) => Some(Visibility::Public),
        Loose::Number(2) => Some(Visibility::Private),
        Loose::Number(_) | Loose::Other => None,
    };
    known.ok_or_else(|| "the visibility must be public or private".to_owned())
}

/// By memos' numbers, 3 is public; what is not for everybody is private here.
fn of_memos(said: &Loose) -> Result<Visibility, Refused> {
    let known = match said {
        Loose::Text(text) if text == "VISIBILITY_UNSPECIFIED" => Some(Visibility::Private),
        Loose::Text(text) => record::visibility(text),
        Loose::Number(3) => Some(Visibility::Public),
        Loose::Number(0..=2) => Some(Visibility::Private),
        Loose::Number(_) | Loose::Other => None,
    };
    known.ok_or_else(|| "the visibility must be PUBLIC, PROTECTED or PRIVATE".to_owned())
}

/// RFC 3339, or seconds since 1970.
fn time(said: Option<Loose>) -> Result<Option<Timestamp>, Refused> {
    Ok(match said {
        None => None,
        Some(Loose::Number(seconds)) => Some(Timestamp::from_seconds(seconds)),
        Some(Loose::Text(text)) => Some(record::time(&text).ok_or_else(no_time)?),
        Some(Loose::Other) => return Err(no_time()),
    })
}

fn no_time() -> Refused {
    "times must look like 2026-01-31T12:00:00Z".to_owned()
}

/// What is no JSON, or not of that shape, and where in the piece that is. Where the piece stands in the
/// file is told beside it.
fn no_json(error: &serde_json::Error) -> Refused {
    let told = error.to_string();
    let what = told.split(" at line ").next().unwrap_or_default();
    // The names of types are ours alone.
    if what.contains("struct ") {
        return "this is no thought in JSON: an object was expected".to_owned();
    }
    let what: String = what.chars().take(200).collect();
    let place = match (error.line(), error.column()) {
        (_, 0) => String::new(),
        (1, column) => format!(" at column {column}"),
        (line, column) => format!(" at column {column} of its line {line}"),
    };
    format!("this is no thought in JSON: {what}{place}")
}

#[derive(Serialize)]
struct LineOut<'a> {
    thought: ThoughtOut<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    revisions: Vec<RevisionOut<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ThoughtOut<'a> {
    id: String,
    text: &'a str,
    visibility: &'static str,
    create_time: String,
    update_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    delete_time: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    removed: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RevisionOut<'a> {
    text: &'a str,
    visibility: &'static str,
    create_time: String,
    end_time: String,
}

impl<'a> RevisionOut<'a> {
    fn of(revision: &'a Revision) -> Self {
        Self {
            text: &revision.text,
            visibility: contract_name(revision.visibility),
            create_time: rfc3339(revision.since),
            end_time: rfc3339(revision.until),
        }
    }
}

const fn contract_name(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Public => "VISIBILITY_PUBLIC",
        Visibility::Private => "VISIBILITY_PRIVATE",
    }
}

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor)
    }
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Loose;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a number")
    }

    fn visit_str<E>(self, text: &str) -> Result<Loose, E> {
        Ok(Loose::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Loose, E> {
        Ok(Loose::Text(text))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Loose, E> {
        Ok(Loose::Number(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Loose, E> {
        Ok(i64::try_from(number).map_or(Loose::Other, Loose::Number))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Loose, E> {
        Ok(Loose::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Loose, E> {
        Ok(Loose::Other)
    }

    fn visit_unit<E>(self) -> Result<Loose, E> {
        Ok(Loose::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Loose, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Loose::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Loose, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Loose::Other)
    }
}

#[cfg(test)]
mod tests;
