//! Texts as a search sees them: without regard to case, width or invisible characters.
//!
//! Both engines store and compare what this module makes, because SQLite's `lower` knows only
//! ASCII and PostgreSQL's depends on the locale.

use std::borrow::Cow;

use icu_casemap::{CaseMapper, CaseMapperBorrowed};
use icu_normalizer::{
    ComposingNormalizer, ComposingNormalizerBorrowed, DecomposingNormalizer,
    DecomposingNormalizerBorrowed,
};
use icu_properties::{
    CodePointSetData, CodePointSetDataBorrowed, props::DefaultIgnorableCodePoint,
};
use unicode_segmentation::UnicodeSegmentation as _;

const CASES: CaseMapperBorrowed<'static> = CaseMapper::new();
const NFD: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizer::new_nfd();
const NFKC: ComposingNormalizerBorrowed<'static> = ComposingNormalizer::new_nfkc();
const IGNORABLE: CodePointSetDataBorrowed<'static> =
    CodePointSetData::new::<DefaultIgnorableCodePoint>();

/// Folds a text: `toNFKC_Casefold` of the Unicode Standard, section 3.13 (D147). Two texts that
/// differ only in case, in compatibility forms (`Ａ`, `ﬁ`, half-width kana), in how an accent is
/// encoded, or in invisible characters fold to the same; folding twice changes nothing.
#[must_use]
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let visible = without_ignorable(text);
    let decomposed = NFD.normalize(&visible);
    let once = NFKC.normalize(&CASES.fold_string(&decomposed)).into_owned();
    let twice = NFKC.normalize(&CASES.fold_string(&once)).into_owned();
    without_ignorable(&twice).into_owned()
}

/// A part of a text, small enough that it folds by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// How many Unicode scalar values of the text it spans: at least one.
    pub length: usize,
    /// What it folds to: empty for invisible characters at the beginning of a text.
    pub folded: String,
}

/// Cuts a text into pieces whose foldings, put together, are the folding of the whole.
///
/// A piece is mostly one extended grapheme cluster. Neighbours that fold differently together than
/// apart (`ㄱㅏ`, compatibility letters that become one syllable) are one piece.
#[must_use]
pub fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    // Where the last piece begins.
    let mut start = 0;
    for (at, cluster) in text.grapheme_indices(true) {
        let joined = &text[start..at + cluster.len()];
        match pieces.last_mut() {
            Some(last) if !folds_apart(last, cluster, joined) => *last = piece(joined),
            _ => {
                pieces.push(piece(cluster));
                start = at;
            }
        }
    }
    pieces
}

fn piece(source: &str) -> Piece {
    Piece {
        length: source.chars().count(),
        folded: fold(source),
    }
}

/// Whether `cluster` folds behind `last` as it does alone. An invisible one is kept with what it
/// follows, or it would hide that its neighbours belong together.
fn folds_apart(last: &Piece, cluster: &str, joined: &str) -> bool {
    if joined.is_ascii() {
        return true;
    }
    let alone = fold(cluster);
    if alone.is_empty() || last.folded.is_empty() {
        return false;
    }
    let together = fold(joined);
    together.strip_prefix(last.folded.as_str()) == Some(alone.as_str())
}

fn without_ignorable(text: &str) -> Cow<'_, str> {
    if text.chars().any(|c| IGNORABLE.contains(c)) {
        text.chars()
            .filter(|&c| !IGNORABLE.contains(c))
            .collect::<String>()
            .into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Texts in which much happens when they are folded.
    fn tricky() -> impl Strategy<Value = String> {
        let tricky = "[aAſßẞIıİiςσΣǅﬁĳÅÅeé\u{301}\u{323}\u{345}ｱｶﾞガ゙㍿①Ⅷ京都ㄱㅏ\u{1100}\u{1161}\u{11a8}\u{ad}\u{200b}\u{200d}\u{fe0f}👩💻🇨🇭 \n]{0,12}";
        prop_oneof![tricky, "\\PC{0,20}", any::<String>()]
    }

    #[test]
    fn folds_what_people_take_for_the_same() {
        for (one, other) in [
            ("Platypus", "PLATYPUS"),
            ("Straße", "STRASSE"),
            ("ΟΔΟΣ", "οδος"),
            ("Ｔｏｋｙｏ", "tokyo"),
            ("ｶﾞｽ", "ガス"),
            ("caf\u{e9}", "CAFE\u{301}"),
            ("ﬁsh", "FISH"),
            ("soft\u{ad}ware", "software"),
            ("ПРИВЕТ", "привет"),
            ("Å", "\u{212b}"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} {other}");
        }
        assert_ne!(fold("ı"), fold("i"), "the dotless i is a letter of its own");
        assert_ne!(fold("e"), fold("é"));
    }

    #[test]
    fn letters_that_become_one_syllable_are_one_piece() {
        let piece = |length, folded: &str| Piece {
            length,
            folded: folded.to_owned(),
        };
        assert_eq!(pieces("ㄱㅏb"), [piece(2, "가"), piece(1, "b")]);
        assert_eq!(pieces("a\u{ad}\u{301}"), [piece(3, "á")]);
        assert_eq!(pieces("ßﬁ"), [piece(1, "ss"), piece(1, "fi")]);
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in tricky()) {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }

        #[test]
        fn case_makes_no_difference(text in "[a-zA-ZäöüÄÖÜß京都 ]{0,20}") {
            prop_assert_eq!(fold(&text), fold(&text.to_uppercase()));
            prop_assert_eq!(fold(&text), fold(&text.to_lowercase()));
        }

        #[test]
        fn pieces_together_are_the_whole(text in tricky()) {
            let pieces = pieces(&text);
            let folded: String = pieces.iter().map(|piece| piece.folded.as_str()).collect();
            prop_assert_eq!(folded, fold(&text));
            let length: usize = pieces.iter().map(|piece| piece.length).sum();
            prop_assert_eq!(length, text.chars().count());
            prop_assert!(pieces.iter().all(|piece| piece.length > 0));
        }
    }
}
