//! A thought as a Markdown file: front matter with all that is known of it, and its text as it is.

use runtime::clock::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{
    names,
    record::{self, Exported, Record, Refused, rfc3339},
};
use crate::model::{Revision, Visibility};

/// What stands before and behind front matter.
const FENCE: &str = "---";

/// So many values are in the front matter of one file at most: fifty earlier versions have 450.
const MAX_VALUES: usize = 2_000;

/// The file of a thought.
pub(super) fn write(exported: &Exported) -> serde_json::Result<String> {
    let thought = &exported.thought;
    let mut file = format!("{FENCE}\nid: {}\n", thought.id);
    let mut line = |name: &str, value: &str| {
        file.push_str(name);
        file.push_str(": ");
        file.push_str(value);
        file.push('\n');
    };
    line("created", &rfc3339(thought.written));
    if let Some(changed) = thought.changed {
        line("updated", &rfc3339(changed));
    }
    line("visibility", thought.visibility().value());
    if let Some(trashed) = thought.trashed {
        line("deleted", &rfc3339(trashed.since));
        if trashed.removed {
            line("removed", "true");
        }
    }
    if !exported.revisions.is_empty() {
        file.push_str("revisions:\n");
    }
    for revision in &exported.revisions {
        file.push_str("  - ");
        file.push_str(&flow(revision)?);
        file.push('\n');
    }
    file.push_str(FENCE);
    file.push('\n');
    file.push_str(&thought.text);
    file.push('\n');
    Ok(file)
}

/// The thought that a file is, by its front matter and its name.
pub(super) fn read(path: &str, file: &[u8]) -> Result<Record, Refused> {
    let file = std::str::from_utf8(file).map_err(|_| "the file must be a text in UTF-8")?;
    let file = file.strip_prefix('\u{feff}').unwrap_or(file);
    let (written, visibility) = names::told(path);
    let plain = || {
        let record = Record::of(file.to_owned());
        Record {
            written,
            visibility: visibility.unwrap_or(record.visibility),
            ..record
        }
    };
    // memos puts texts there as they are, even if they look like this.
    let fenced = match visibility {
        None => split(file),
        Some(_) => None,
    };
    let Some((front, text)) = fenced else {
        return Ok(plain());
    };
    match parse(front) {
        Some(Value::Object(known)) => {
            let record = Fields(&known).read(text, written)?;
            Ok(record)
        }
        // It was one of ours, and is damaged.
        _ if front.lines().any(|line| line.starts_with("id:")) => {
            Err("the front matter is no YAML".to_owned())
        }
        // A line across the page, and not front matter.
        _ => Ok(plain()),
    }
}

/// The front matter and what comes behind it.
fn split(file: &str) -> Option<(&str, &str)> {
    let (first, rest) = file.split_once('\n')?;
    if first.trim_end() != FENCE {
        return None;
    }
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == FENCE {
            return Some((&rest[..at], &rest[at + line.len()..]));
        }
        at += line.len();
    }
    None
}

fn parse(front: &str) -> Option<Value> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: MAX_VALUES,
            max_aliases: 0,
            max_anchors: 0,
            max_depth: 16,
        },
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(front, options).ok()
}

struct Fields<'a>(&'a serde_json::Map<String, Value>);

impl Fields<'_> {
    fn read(&self, text: &str, written: Option<Timestamp>) -> Result<Record, Refused> {
        let created = self.time(&["created", "date", "createTime", "create_time", "created_at"])?;
        let updated = [
            "updated",
            "modified",
            "updateTime",
            "update_time",
            "updated_at",
            "lastmod",
        ];
        let record = Record {
            // Others' ids mean nothing here.
            id: self
                .text(&["id"])
                .filter(|id| Uuid::try_parse(id).is_ok())
                .map(str::to_owned),
            visibility: self.visibility()?,
            written: created.or(written),
            changed: self.time(&updated)?,
            trashed: self.time(&["deleted"])?,
            removed: self.0.get("removed").and_then(Value::as_bool) == Some(true),
            revisions: self.revisions()?,
            ..Record::of(text.to_owned())
        };
        Ok(record.in_order())
    }

    fn get(&self, names: &[&str]) -> Option<&Value> {
        let mut found = names.iter().filter_map(|name| self.0.get(*name));
        found.find(|value| !value.is_null())
    }

    fn text(&self, names: &[&str]) -> Option<&str> {
        self.get(names).and_then(Value::as_str)
    }

    fn time(&self, names: &[&str]) -> Result<Option<Timestamp>, Refused> {
        let Some(value) = self.get(names) else {
            return Ok(None);
        };
        let time = match value {
            Value::Number(seconds) => seconds.as_i64().map(Timestamp::from_seconds),
            Value::String(text) => said(text),
            _ => None,
        };
        let expected = || format!("`{}` must look like 2026-01-31T12:00:00Z", names[0]);
        time.map(Some).ok_or_else(expected)
    }

    fn visibility(&self) -> Result<Visibility, Refused> {
        match self.get(&["visibility"]) {
            None => Ok(Visibility::Private),
            Some(value) => value
                .as_str()
                .and_then(record::visibility)
                .ok_or_else(|| "`visibility` must be public or private".to_owned()),
        }
    }

    fn revisions(&self) -> Result<Vec<Revision>, Refused> {
        let Some(list) = self.get(&["revisions"]) else {
            return Ok(Vec::new());
        };
        let expected = || "`revisions` must be a list of earlier versions".to_owned();
        let list = Vec::<Earlier>::deserialize(list).map_err(|_| expected())?;
        let read = list.into_iter().map(|earlier| {
            Some(Revision {
                visibility: record::visibility(&earlier.visibility)?,
                since: record::time(&earlier.created)?,
                until: record::time(&earlier.ended)?,
                text: earlier.text,
            })
        });
        read.collect::<Option<_>>().ok_or_else(expected)
    }
}

/// An earlier version, as front matter has it.
#[derive(Deserialize, Serialize)]
struct Earlier {
    created: String,
    ended: String,
    visibility: String,
    text: String,
}

/// A time in the spelling of RFC 3339, or in that of a note-taker: without seconds, without a zone.
fn said(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    record::time(text)
        .or_else(|| record::time(&format!("{text}Z")))
        .or_else(|| record::time(&format!("{text}:00Z")))
}

/// One line that is both JSON and YAML.
fn flow(revision: &Revision) -> serde_json::Result<String> {
    let json = serde_json::to_string(&Earlier {
        created: rfc3339(revision.since),
        ended: rfc3339(revision.until),
        visibility: revision.visibility.value().to_owned(),
        text: revision.text.clone(),
    })?;
    // YAML takes some of what JSON may leave as it is for line ends, or for no text.
    let mut line = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                line.push_str(&format!("\\u{:04x}", u32::from(letter)));
            }
            letter => line.push(letter),
        }
    }
    Ok(line)
}

#[cfg(test)]
pub(super) mod tests;
