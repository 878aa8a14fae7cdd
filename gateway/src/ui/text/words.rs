//! Tags and names in a text: `#tag` and `@name`.
//!
//! What a tag is the thoughts backend decides; this follows its rules (docs/search.md), so that
//! each link leads to where the thought is found. Letters of any width and case are left as they
//! were typed: the backend compares them.

use std::ops::Range;

use icu_properties::{
    CodePointMapData, CodePointMapDataBorrowed, CodePointSetData, CodePointSetDataBorrowed,
    props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup},
};

const CATEGORIES: CodePointMapDataBorrowed<'static, GeneralCategory> = CodePointMapData::new();
const IGNORABLE: CodePointSetDataBorrowed<'static> =
    CodePointSetData::new::<DefaultIgnorableCodePoint>();

/// The longest tag, in Unicode scalar values.
const MAX_TAG: usize = 100;
/// The longest name, in bytes.
const MAX_NAME: usize = 50;

/// A word that leads somewhere, without its sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word<'a> {
    Tag(&'a str),
    Name(&'a str),
}

/// The tags and names in a part of a text, in order, with the ranges of bytes in the whole that
/// they take, signs included.
pub(super) fn find(text: &str, part: Range<usize>) -> Vec<(Range<usize>, Word<'_>)> {
    let mut found: Vec<(Range<usize>, Word<'_>)> = Vec::new();
    for (at, sign) in text[part.clone()].char_indices() {
        let start = part.start + at;
        let behind = start + sign.len_utf8();
        if found.last().is_some_and(|(range, _)| start < range.end) {
            continue;
        }
        let (before, rest) = (text[..start].chars().next_back(), &text[behind..part.end]);
        let word = match sign {
            '#' | '＃' | '﹟' => tag_at(before, rest).map(Word::Tag),
            '@' | '＠' => name_at(before, rest).map(Word::Name),
            _ => None,
        };
        if let Some(word) = word {
            let (Word::Tag(content) | Word::Name(content)) = word;
            found.push((start..behind + content.len(), word));
        }
    }
    found
}

/// Whether a text is a tag from its beginning to its end, without the sign.
pub(crate) fn is_tag(text: &str) -> bool {
    tag_at(None, text).is_some_and(|tag| tag.len() == text.len())
}

fn tag_at(before: Option<char>, rest: &str) -> Option<&str> {
    let may_precede = |c: char| !is_of_tag(c) && !matches!(c, '/' | '&');
    let length = rest.find(|c| !is_of_tag(c)).unwrap_or(rest.len());
    let tag = &rest[..length];
    let mut visible = tag.chars().filter(|c| !IGNORABLE.contains(*c));
    let begins = |c: char| !GeneralCategoryGroup::Mark.contains(CATEGORIES.get(c));
    let is_tag = before.is_none_or(may_precede)
        && visible.next().is_some_and(begins)
        && tag.chars().any(char::is_alphabetic)
        && tag.chars().nth(MAX_TAG).is_none();
    is_tag.then_some(tag)
}

/// The sign inside a word is an address's; a name that goes on with other letters is none of ours.
fn name_at(before: Option<char>, rest: &str) -> Option<&str> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let in_word = |c: char| is_of_tag(c) || matches!(c, '@' | '＠');
    let length = rest.find(|c| !is_of_name(c)).unwrap_or(rest.len());
    let (name, behind) = rest.split_at(length);
    let stands_alone = !before.is_some_and(|c| in_word(c) || matches!(c, '/' | '.' | '-'))
        && !behind.starts_with(in_word);
    (stands_alone && (1..=MAX_NAME).contains(&length)).then_some(name)
}

fn is_of_tag(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '_';
    }
    let category = CATEGORIES.get(c);
    let groups = [
        GeneralCategoryGroup::Letter,
        GeneralCategoryGroup::Mark,
        GeneralCategoryGroup::Number,
    ];
    category == GeneralCategory::ConnectorPunctuation
        || groups.iter().any(|group| group.contains(category))
        || IGNORABLE.contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Word<'_>> {
        let found = find(text, 0..text.len());
        for (range, word) in &found {
            let (Word::Tag(content) | Word::Name(content)) = word;
            assert!(text[range.clone()].ends_with(content));
        }
        found.into_iter().map(|(_, word)| word).collect()
    }

    #[test]
    fn tags_are_what_the_backend_takes_for_tags() {
        for (text, expected) in [
            (
                "#Rust and ＃京都, ﹟Straße!",
                vec!["Rust", "京都", "Straße"],
            ),
            ("(#one)[#two]\n#three", vec!["one", "two", "three"]),
            ("#année_2026 #2026年", vec!["année_2026", "2026年"]),
            (
                "#cafe\u{301} #soft\u{ad}ware",
                vec!["cafe\u{301}", "soft\u{ad}ware"],
            ),
            ("##twice", vec!["twice"]),
            ("京都#tag C# F# #1 #2026 #_ # #! #-a", vec![]),
            ("https://example.org/#top &#x27; page#part", vec![]),
            ("#one#two", vec!["one"]),
            ("#\u{301}a #\u{fe0f}\u{20e3}", vec![]),
            ("#a.b #c-d #e's", vec!["a", "c", "e"]),
        ] {
            let tags: Vec<_> = expected.into_iter().map(Word::Tag).collect();
            assert_eq!(words(text), tags, "{text:?}");
        }
        assert_eq!(words(&format!("#{}", "京".repeat(101))), []);
    }

    #[test]
    fn names_stand_alone() {
        for (text, expected) in [
            (
                "@bruce, (@Ada-2_x) ＠stephen.",
                vec!["bruce", "Ada-2_x", "stephen"],
            ),
            ("a@example.org @bruce@example.org @bruceé @ @@bruce", vec![]),
            ("https://x.y/@bruce", vec![]),
        ] {
            let names: Vec<_> = expected.into_iter().map(Word::Name).collect();
            assert_eq!(words(text), names, "{text:?}");
        }
        assert_eq!(words(&format!("@{}", "a".repeat(51))), []);
    }

    #[test]
    fn a_tag_is_one_from_beginning_to_end() {
        assert!(is_tag("rust") && is_tag("京都"));
        for text in ["", "a b", "a\"", "#a", "1", "a-b"] {
            assert!(!is_tag(text), "{text:?}");
        }
    }
}
