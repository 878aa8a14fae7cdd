//! What files in a folder are called, and what their names say.

use runtime::clock::Timestamp;
use uuid::Uuid;

use super::record::{self, Exported, rfc3339};
use crate::model::Visibility;

/// How much of the text is in the name, in Unicode scalar values.
const WORDS: usize = 40;

/// Signs that some system has no place for in a name, or that mean something in a link.
const NOT_IN_NAMES: &str = "\\/:*?\"<>|#^[]%`";

/// Gives names, the same ones in the same order: sorted by time, and none twice.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// The time of the youngest thought so far.
    youngest: Option<Timestamp>,
    /// How many thoughts there have been.
    thoughts: u64,
    /// The thought of the file before, its name, and how many files it has.
    before: Option<(Uuid, String, u32)>,
}

impl Names {
    /// The name for the next thought, which is mostly younger than the one before. Several files of
    /// the same thought follow each other.
    pub(super) fn next(&mut self, exported: &Exported) -> String {
        let thought = &exported.thought;
        if let Some((id, name, files)) = &mut self.before
            && *id == thought.id
        {
            *files += 1;
            return format!("{name} ({files}).md");
        }
        let second = thought.written.as_seconds();
        // "2026-01-31T12:30:00.000123Z"
        let time = rfc3339(thought.written);
        let (day, hours) = time.split_once('T').unwrap_or((&time, ""));
        let hours = hours.get(..8).unwrap_or(hours).replace(':', ".");
        // Two thoughts of one second are told apart by the rest, those of one time by their number; a
        // space sorts before both signs.
        let micros = thought.written.as_micros().rem_euclid(1_000_000);
        self.thoughts += 1;
        let rest = match self.youngest {
            Some(youngest) if thought.written <= youngest => {
                format!(".{micros:06}-{:06}", self.thoughts)
            }
            Some(youngest) if second == youngest.as_seconds() => format!(".{micros:06}"),
            _ => String::new(),
        };
        self.youngest = self.youngest.max(Some(thought.written));
        let folder = match thought.trashed {
            Some(_) => "trash",
            None => day.split('-').next().unwrap_or("other"),
        };
        let words = words(&thought.text);
        let space = if words.is_empty() { "" } else { " " };
        let name = format!("{folder}/{day} {hours}{rest}{space}{words}");
        self.before = Some((thought.id, name.clone(), 1));
        format!("{name}.md")
    }
}

/// What the name of a file says of a text without front matter: when it was written, and who may
/// see it. memos calls them `2026-01-31T12:30:00Z-PUBLIC.md`, daily notes are `2026-01-31.md`.
pub(super) fn told(path: &str) -> (Option<Timestamp>, Option<Visibility>) {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let visibility = ["-PUBLIC", "-PROTECTED", "-PRIVATE"]
        .into_iter()
        .find(|ending| stem.ends_with(ending));
    let stem = visibility.map_or(stem, |ending| stem.trim_end_matches(ending));
    let visibility = visibility.and_then(|ending| record::visibility(&ending[1..]));
    // Archives without colons in names have an underscore or a dash instead.
    let spelled = match (stem.get(..11), stem.get(11..19), stem.get(19..)) {
        (Some(day), Some(hours), Some(zone)) if day.ends_with(['T', ' ']) => {
            let hours = hours.replace(['_', '-', '.'], ":");
            record::time(&format!("{day}{hours}{}", offset(zone)))
        }
        _ => None,
    };
    let day = stem
        .get(..10)
        .filter(|day| day.len() == stem.len() || stem[10..].starts_with(' '));
    let written = record::time(stem).or(spelled);
    (written.or_else(|| record::time(day?)), visibility)
}

/// The zone behind the hours, which may have lost its colon; UTC if there is none.
fn offset(zone: &str) -> String {
    match (zone.get(..3), zone.get(4..)) {
        _ if zone.is_empty() || zone.starts_with([' ', '.']) => "Z".to_owned(),
        (Some(hours), Some(minutes)) if zone.len() == 6 => format!("{hours}:{minutes}"),
        _ => zone.to_owned(),
    }
}

/// The beginning of a text, as a name can have it.
fn words(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let plain = line.chars().map(|letter| match letter {
        letter if letter.is_control() || is_unseen(letter) => ' ',
        letter if NOT_IN_NAMES.contains(letter) => ' ',
        letter => letter,
    });
    let plain: String = plain.collect();
    let mut words = String::new();
    for word in plain.split_whitespace() {
        let space = usize::from(!words.is_empty());
        let room = WORDS.saturating_sub(words.chars().count() + space);
        if room == 0 {
            break;
        }
        if space == 1 {
            words.push(' ');
        }
        words.extend(word.chars().take(room));
    }
    // Hidden on some systems, cut off on others.
    words.trim_matches(['.', ' ']).to_owned()
}

/// Signs that change how others are shown, and those that no file system is sure to keep.
const fn is_unseen(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff0}'..='\u{ffff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::porting::markdown::tests::exported;

    #[test]
    fn names_are_readable_sorted_and_each_another() {
        let mut names = Names::default();
        let texts = [
            (0, "First: a/b?"),
            (1, "..hidden"),
            (2, "\u{202e}reversed\nsecond line"),
            (1_000_000, "京都 ☕️ #tag [[link]]"),
            (1_500_000, "///"),
            (
                1_700_000_000_123_456,
                "so many words that they do not fit in here any more",
            ),
        ];
        let given: Vec<_> = texts
            .iter()
            .map(|(micros, text)| names.next(&exported(text, *micros)))
            .collect();
        assert_eq!(
            given,
            [
                "1970/1970-01-01 00.00.00 First a b.md",
                "1970/1970-01-01 00.00.00.000001 hidden.md",
                "1970/1970-01-01 00.00.00.000002 reversed.md",
                "1970/1970-01-01 00.00.01 京都 ☕️ tag link.md",
                "1970/1970-01-01 00.00.01.500000.md",
                "2023/2023-11-14 22.13.20 so many words that they do not fit in he.md",
            ]
        );
        let mut sorted = given.clone();
        sorted.sort();
        assert_eq!(sorted, given);
        assert_eq!(given.iter().collect::<HashSet<_>>().len(), given.len());
    }

    /// As many thoughts have that were imported from files that say the day.
    #[test]
    fn thoughts_of_one_time_have_a_name_each() {
        let mut names = Names::default();
        let times = [0, 0, 0, 1_000_000, 0, 1_000_000, 2_000_000, 2_000_001];
        let given = times.map(|micros| {
            let mut exported = exported("x", micros);
            exported.thought.id = Uuid::new_v4();
            names.next(&exported)
        });
        assert_eq!(
            given,
            [
                "1970/1970-01-01 00.00.00 x.md",
                "1970/1970-01-01 00.00.00.000000-000002 x.md",
                "1970/1970-01-01 00.00.00.000000-000003 x.md",
                "1970/1970-01-01 00.00.01 x.md",
                "1970/1970-01-01 00.00.00.000000-000005 x.md",
                "1970/1970-01-01 00.00.01.000000-000006 x.md",
                "1970/1970-01-01 00.00.02 x.md",
                "1970/1970-01-01 00.00.02.000001 x.md",
            ]
        );
    }

    #[test]
    fn the_second_file_of_a_thought_has_the_name_of_the_first() {
        let mut names = Names::default();
        let thought = exported("x", -1);
        assert_eq!(names.next(&thought), "1969/1969-12-31 23.59.59 x.md");
        assert_eq!(names.next(&thought), "1969/1969-12-31 23.59.59 x (2).md");
        assert_eq!(names.next(&thought), "1969/1969-12-31 23.59.59 x (3).md");
    }

    #[test]
    fn names_of_others_say_when_and_for_whom() {
        let time = |text| record::time(text);
        for (name, when, whom) in [
            (
                "2024-01-02T03:04:05Z-PUBLIC.md",
                time("2024-01-02T03:04:05Z"),
                Some(Visibility::Public),
            ),
            (
                "memos/2024-01-02T03:04:05+08:00-PROTECTED.md",
                time("2024-01-01T19:04:05Z"),
                Some(Visibility::Private),
            ),
            (
                "2024-01-02T03_04_05+08_00-PRIVATE.md",
                time("2024-01-01T19:04:05Z"),
                Some(Visibility::Private),
            ),
            (
                "2024-01-02T03:04:05Z.md",
                time("2024-01-02T03:04:05Z"),
                None,
            ),
            (
                "2024/2024-01-02 03.04.05 words.md",
                time("2024-01-02T03:04:05Z"),
                None,
            ),
            ("Daily/2024-01-02.md", time("2024-01-02"), None),
            ("2024-01-02 Words.md", time("2024-01-02"), None),
            ("2024-01-023.md", None, None),
            ("Words.md", None, None),
            ("ünïcödé-ñämé.md", None, None),
            ("", None, None),
        ] {
            assert_eq!(told(name), (when, whom), "{name}");
        }
    }
}
