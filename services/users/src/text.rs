//! What somebody reads of a text that somebody else has written.

use icu_properties::{
    CodePointSetData, CodePointSetDataBorrowed, props::DefaultIgnorableCodePoint,
};

const IGNORABLE: CodePointSetDataBorrowed<'static> =
    CodePointSetData::new::<DefaultIgnorableCodePoint>();

/// The pattern of Braille without a dot: a blank that is no white space by Unicode's rules.
const BRAILLE_BLANK: char = '\u{2800}';

/// Control characters, the two that end a line or a paragraph, and those that turn the direction of
/// all the text behind them (Unicode Standard Annex 9, section 2). Marks that only stand beside a
/// word of the other direction are part of ordinary names.
pub(crate) fn misleads(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether anything of a text can be seen. Characters that only join others or stand beside them
/// (Unicode's Default_Ignorable_Code_Point) show nothing by themselves.
pub(crate) fn is_seen(text: &str) -> bool {
    let seen = |c: char| !(c.is_whitespace() || c == BRAILLE_BLANK || IGNORABLE.contains(c));
    text.chars().any(|c| seen(c) && !misleads(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joiners_marks_and_blanks_alone_show_nothing() {
        for seen in [
            "a",
            "京",
            "☕",
            "\u{200f}!",
            "👩\u{200d}💻",
            "é",
            "\u{2801}",
        ] {
            assert!(is_seen(seen), "{seen:?}");
        }
        for unseen in [
            "",
            " \u{3000}\t",
            "\u{200b}",
            "\u{200f}\u{200e}",
            "\u{2060} \u{feff}",
            "\u{ad}",
            "\u{3164}\u{115f}",
            "\u{fe0f}\u{e0001}",
            "\u{2800}",
            "\u{202e}",
            "\u{1b}",
        ] {
            assert!(!is_seen(unseen), "{unseen:?}");
        }
    }
}
