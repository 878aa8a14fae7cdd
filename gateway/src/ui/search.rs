//! What can be searched for, and what to try when nothing was found.

use maud::{Markup, html};

use crate::paths;

/// Examples, and what each finds.
const EXAMPLES: [(&str, &str); 8] = [
    ("platy", "the text has it, anywhere in a word"),
    ("\"two words\"", "just so, with the space between"),
    (
        "-pond",
        "the text does not have it; it works before each of these",
    ),
    ("#animals", "carries this tag"),
    ("from:bruce", "bruce wrote it"),
    (
        "since:2026-01-31",
        "from that day on; a month or a year will do",
    ),
    ("until:2026-01", "up to the end of that day, month or year"),
    ("is:private", "only you can see it; or is:public"),
];

/// The operators, folded away.
pub(crate) fn help() -> Markup {
    html! {
        details.help {
            summary { "How to search" }
            dl {
                @for (example, what) in EXAMPLES {
                    div {
                        dt { a href=(paths::search(example, None)) { code { (example) } } }
                        dd { (what) }
                    }
                }
            }
        }
    }
}

/// What might be in the way of a search that found nothing.
pub(crate) fn hints(words: &str, visitor: bool) -> Markup {
    let has = |signs: &[&str]| {
        let mut parts = words.split_whitespace();
        parts.any(|part| {
            signs
                .iter()
                .any(|sign| part.to_lowercase().starts_with(sign))
        })
    };
    let limits = has(&[
        "since:", "until:", "from:", "is:", "-since:", "-until:", "-from:", "-is:",
    ]);
    let hints = [
        (
            words.split_whitespace().nth(1).is_some(),
            "Try fewer words, or only the beginning of one.",
        ),
        (
            words.split_whitespace().nth(1).is_none(),
            "Try only the beginning of the word.",
        ),
        (
            words.contains(['"', '“', '”', '„']),
            "Without the quotes, the words may stand anywhere.",
        ),
        (
            has(&["#"]),
            "A tag is found only whole. Without the #, it is a word like others.",
        ),
        (
            has(&["-"]),
            "What begins with - is left out of what is found.",
        ),
        (
            limits,
            "Leave out what limits it to days, a person, or who may read it.",
        ),
        (
            visitor,
            "Log in, and your private thoughts are searched as well.",
        ),
    ];
    html! {
        ul.hints {
            @for (_, hint) in hints.iter().filter(|(fits, _)| *fits) { li { (hint) } }
        }
    }
}
