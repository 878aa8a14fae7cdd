//! Tags: the `#words` of a text.
//!
//! They are read from the folded text (see [`fold`](mod@crate::fold)), so that `#Straße`, `＃strasse`
//! and `#STRASSE` are one tag, and a thought that carries a tag always holds `#` and the tag in its
//! folded text, where an index of words finds it.

use std::ops::Range;

use icu_properties::{
    CodePointMapData, CodePointMapDataBorrowed,
    props::{GeneralCategory, GeneralCategoryGroup},
};

use crate::fold::fold;

/// Stands in front of a tag; its full-width and small forms fold to it.
pub const SIGN: char = '#';

/// All that folds to it.
const SIGNS: [char; 3] = [SIGN, '\u{ff03}', '\u{fe5f}'];

/// The first bytes of these in UTF-8.
const SIGNS_BEGIN_WITH: [u8; 2] = [b'#', 0xef];

const CATEGORIES: CodePointMapDataBorrowed<'static, GeneralCategory> = CodePointMapData::new();

/// The most tags of a thought: what comes later in its text is text alone.
const MAX_TAGS: usize = 50;
/// The longest tag, in Unicode scalar values as it is compared. A longer run is no tag.
const MAX_LENGTH: usize = 100;

/// A tag as it is compared: folded, without its sign.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

impl Tag {
    /// The tag that a text is from its beginning to its end, if it is one: a sign, then letters,
    /// marks, numbers and connectors such as `_`, with at least one letter among them and no mark
    /// at their beginning.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let folded = fold(text);
        let (span, tag) = spans(&folded).next()?;
        (span == (0..folded.len())).then_some(tag)
    }

    /// The tag without its sign.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What a folded text has in it wherever the tag stands.
    #[must_use]
    pub fn with_sign(&self) -> String {
        format!("{SIGN}{}", self.0)
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> Self {
        tag.0
    }
}

/// The tags of a text, each once, in the order in which they occur: the first 50.
///
/// No tag has white space in it, and nothing folds together over some: so only words with a sign are
/// folded.
#[must_use]
pub fn tags(text: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    if !text.bytes().any(|byte| SIGNS_BEGIN_WITH.contains(&byte)) {
        return tags;
    }
    let words = text.split_ascii_whitespace();
    for word in words.filter(|word| word.contains(SIGNS)) {
        add_tags(&mut tags, &fold(word));
    }
    tags
}

/// As [`tags`], of a text that has been folded.
#[must_use]
pub fn tags_of_folded(folded: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    add_tags(&mut tags, folded);
    tags
}

fn add_tags(tags: &mut Vec<Tag>, folded: &str) {
    for (_, tag) in spans(folded) {
        if tags.len() == MAX_TAGS {
            break;
        }
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
}

/// Where tags stand in a folded text, in bytes, sign included.
pub(crate) fn spans(folded: &str) -> impl Iterator<Item = (Range<usize>, Tag)> {
    let signs = folded.match_indices(SIGN);
    signs.filter_map(|(start, sign)| {
        let behind = &folded[start + sign.len()..];
        let length = behind.find(|c| !is_of_tag(c)).unwrap_or(behind.len());
        let word = &behind[..length];
        let before = folded[..start].chars().next_back();
        (before.is_none_or(may_precede) && is_tag(word)).then(|| {
            let end = start + sign.len() + length;
            (start..end, Tag(word.to_owned()))
        })
    })
}

/// The sign inside a word (`C#`) begins no tag, nor that of an address (`/#top`) or of an HTML
/// character reference (`&#x27;`).
fn may_precede(c: char) -> bool {
    !is_of_tag(c) && !matches!(c, '/' | '&')
}

fn is_tag(word: &str) -> bool {
    let begins = |c: char| !GeneralCategoryGroup::Mark.contains(CATEGORIES.get(c));
    word.chars().next().is_some_and(begins)
        && word.chars().any(char::is_alphabetic)
        && word.chars().nth(MAX_LENGTH).is_none()
}

/// The word characters of UTS #18 without the invisible joiners, which folding leaves out.
fn is_of_tag(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '_';
    }
    let category = CATEGORIES.get(c);
    category == GeneralCategory::ConnectorPunctuation
        || [
            GeneralCategoryGroup::Letter,
            GeneralCategoryGroup::Mark,
            GeneralCategoryGroup::Number,
        ]
        .iter()
        .any(|group| group.contains(category))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str) -> Vec<String> {
        tags(text).into_iter().map(|tag| tag.0).collect()
    }

    #[test]
    fn a_tag_is_what_people_take_for_one() {
        for (text, expected) in [
            (
                "#Rust and ＃京都, ﹟Straße!",
                vec!["rust", "京都", "strasse"],
            ),
            ("(#one)[#two]\n#three", vec!["one", "two", "three"]),
            ("#one,#two #One", vec!["one", "two"]),
            (
                "#année_2026 #2026年 #ⅷ",
                vec!["année_2026", "2026年", "viii"],
            ),
            (
                "#हिन्दी #ไทย #한국어 #עברית",
                vec!["हिन्दी", "ไทย", "한국어", "עברית"],
            ),
            ("#cafe\u{301}", vec!["café"]),
            (
                "#می\u{200c}خواهم #soft\u{ad}ware",
                vec!["میخواهم", "software"],
            ),
            ("##twice", vec!["twice"]),
            ("京都#tag", vec![]),
            ("C# F# #1 #2026 #_ # #! #-a", vec![]),
            ("https://example.org/#top &#x27; page#part", vec![]),
            ("#one#two", vec!["one"]),
            ("#\u{fe0f}\u{20e3} #\u{301}a", vec![]),
            ("#a.b #c-d #e's", vec!["a", "c", "e"]),
        ] {
            assert_eq!(found(text), expected, "{text:?}");
        }
    }

    #[test]
    fn there_is_an_end_to_tags() {
        let many: String = (0..60).map(|n| format!("#t{n} #t{n} ")).collect();
        assert_eq!(found(&many).len(), 50);
        assert_eq!(found(&format!("#{}", "京".repeat(100))).len(), 1);
        assert_eq!(found(&format!("#{}", "京".repeat(101))).len(), 0);
    }

    #[test]
    fn a_text_is_a_tag_or_not() {
        for text in ["#Rust", "＃RUST", "#rust\u{ad}"] {
            assert_eq!(Tag::parse(text), Some(Tag("rust".to_owned())), "{text:?}");
        }
        for text in ["rust", "#", "#c++", "#1", "#one #two", " #one", ""] {
            assert_eq!(Tag::parse(text), None, "{text:?}");
        }
    }

    fn tricky() -> impl Strategy<Value = String> {
        let tricky = "[#＃﹟&/ \t\naAßﬁⅧ①½_‿京都ｶﾞㄱㅏ\u{301}\u{20e3}\u{ad}\u{200b}\u{200d}\u{fe0f}\u{fdfa}👩1-]{0,16}";
        prop_oneof![tricky, "(#\\PC{0,4} ){0,4}", "\\PC{0,20}", any::<String>()]
    }

    #[test]
    fn nothing_else_folds_to_a_sign() {
        let folds_to_it = |c: &char| fold(&c.to_string()).contains(SIGN);
        // What lies above has no characters, or such as nobody has given a meaning.
        let assigned = (char::MIN..='\u{3ffff}').chain('\u{e0000}'..='\u{e0fff}');
        let mut signs: Vec<char> = assigned.filter(folds_to_it).collect();
        signs.sort_unstable();
        assert_eq!(signs, [SIGN, '\u{fe5f}', '\u{ff03}']);
    }

    proptest! {
        #[test]
        fn a_tag_parses_back_to_itself(text in tricky()) {
            for tag in tags(&text) {
                prop_assert_eq!(Tag::parse(&tag.with_sign()), Some(tag.clone()));
                let (before, behind) = (format!("a {}", tag.with_sign()), format!("{}!", tag.with_sign()));
                prop_assert_eq!(tags(&before), [tag.clone()]);
                prop_assert_eq!(tags(&behind), [tag]);
            }
        }

        #[test]
        fn each_tag_is_in_the_folded_text_behind_its_sign(text in tricky()) {
            let folded = fold(&text);
            let tags = tags(&text);
            prop_assert_eq!(&tags, &tags_of_folded(&folded));
            for tag in &tags {
                prop_assert!(folded.contains(&tag.with_sign()));
                prop_assert!(tag.as_str().chars().all(is_of_tag));
            }
        }
    }
}
