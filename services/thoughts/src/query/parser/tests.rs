//! What each query is understood as.

use proptest::prelude::*;

use super::*;
use crate::query::Terms;

/// A query as words again: what has to be, then what must not, each in quotes if it is a phrase.
fn shown(query: &SearchQuery) -> String {
    fn each<T>(terms: &Terms<T>, show: impl Fn(&T) -> String) -> Vec<String> {
        let all = terms.all.iter().map(&show);
        let none = terms.none.iter().map(|term| format!("-{}", show(term)));
        all.chain(none).collect()
    }
    let mut shown = each(&query.words, |word| match word.contains(' ') {
        true => format!("\"{word}\""),
        false => word.clone(),
    });
    shown.extend(each(&query.tags, |tag| format!("[{}]", tag.with_sign())));
    shown.extend(each(&query.authors, |name| {
        format!("[from:{}]", name.as_str())
    }));
    let days = |time: runtime::clock::Timestamp| time.as_seconds() / 86_400;
    shown.extend(
        query
            .span
            .from
            .map(|from| format!("[from day {}]", days(from))),
    );
    shown.extend(
        query
            .span
            .before
            .map(|before| format!("[before day {}]", days(before))),
    );
    shown.extend(query.visibilities.iter().map(|v| format!("[{v:?}]")));
    shown.join(" ")
}

/// The parts that were not understood.
fn problems(query: &str) -> Vec<(String, Expected)> {
    let part = |range: Range<usize>| query.chars().skip(range.start).take(range.len()).collect();
    let problems = parse(query).problems.into_iter();
    problems
        .map(|problem| (part(problem.range), problem.expected))
        .collect()
}

#[test]
fn words_and_phrases() {
    for (query, understood) in [
        (" Platypus\u{3000}京都\n\tx ", "platypus 京都 x"),
        ("same SAME", "same"),
        (" \n ", ""),
        (r#""Two  words" more"#, r#""two  words" more"#),
        (r#"a"b c"d"#, r#"a "b c" d"#),
        (r#""" "" \u{ad}"#, r"\u{ad}"),
        (
            "“curved quotes” „too“ ＂wide ones＂",
            r#""curved quotes" too "wide ones""#,
        ),
        (
            r#""from:bruce" "-x" "is:private""#,
            "from:bruce -x is:private",
        ),
        (r##""#tag" "since:2026-01-31""##, "#tag since:2026-01-31"),
        (
            "http://example.org c:\\temp 12:30 note:x",
            "http://example.org c:\\temp 12:30 note:x",
        ),
        ("C# #1 ## # #!", "c# #1 ## # #!"),
        ("\u{ad} x", "x"),
    ] {
        assert_eq!(shown(&parse(query)), understood, "{query}");
        assert_eq!(problems(query), [], "{query}");
    }
}

#[test]
fn what_must_not_be() {
    for (query, understood) in [
        ("-word －wide", "-word -wide"),
        (r#"-"two words" x"#, r#"x -"two words""#),
        (
            "- -- --release -\u{3000}x well-known",
            "- -- --release x well-known",
        ),
        ("-5", "-5"),
        ("-#tag -from:bruce", "-[#tag] -[from:bruce]"),
        ("-is:private", "[Public]"),
        (
            "-since:1970-01-11 -until:1970-01-02",
            "[from day 2] [before day 10]",
        ),
        (r#"-"" -"#, "-"),
    ] {
        assert_eq!(shown(&parse(query)), understood, "{query}");
        assert_eq!(problems(query), [], "{query}");
    }
}

#[test]
fn operators() {
    for (query, understood) in [
        ("from:bruce FROM:Stephen", "[from:bruce] [from:stephen]"),
        (
            "from:@bruce ｆｒｏｍ：＠ｂｒｕｃｅ from:\"bruce\"",
            "[from:bruce]",
        ),
        ("#Rust ＃京都 #rust", "[#rust] [#京都]"),
        (
            "since:1970-01-02 until:1970-01-31",
            "[from day 1] [before day 31]",
        ),
        ("since:1970-01-02 since:1970-01-05", "[from day 4]"),
        ("until:1970-01-02 until:1970-01-05", "[before day 2]"),
        (
            "since:1971 until:1971-02",
            "[from day 365] [before day 424]",
        ),
        ("Since：２０００-01-01", "[from day 10957]"),
        ("is:private is:PRIVATE -is:public", "[Private]"),
        ("is:public", "[Public]"),
    ] {
        assert_eq!(shown(&parse(query)), understood, "{query}");
        assert_eq!(problems(query), [], "{query}");
    }
}

#[test]
fn what_is_not_understood_is_words_and_told() {
    let day = Expected::Day;
    for (query, understood, not_understood) in [
        (
            "a since:yesterday",
            "a since:yesterday",
            vec![("since:yesterday", day("since"))],
        ),
        (
            "-until:2026-02-30",
            "-until:2026-02-30",
            vec![("-until:2026-02-30", day("until"))],
        ),
        (
            "is:blue",
            "is:blue",
            vec![("is:blue", Expected::Visibility)],
        ),
        (
            "from: bruce",
            "from: bruce",
            vec![("from:", Expected::Username)],
        ),
        (
            "from:a.b",
            "from:a.b",
            vec![("from:a.b", Expected::Username)],
        ),
        (
            "from:\"a b\" x",
            "\"from:a b\" x",
            vec![("from:\"a b\"", Expected::Username)],
        ),
        (
            "from:\"a b",
            "from: a b",
            vec![
                ("from:", Expected::Username),
                ("\"a b", Expected::ClosingQuote),
            ],
        ),
        (
            "#c++ -#a-b",
            "#c++ -#a-b",
            vec![("#c++", Expected::Tag), ("-#a-b", Expected::Tag)],
        ),
        (
            "京 \"to from:the  End ",
            "京 to from:the end",
            vec![("\"to from:the  End ", Expected::ClosingQuote)],
        ),
        (
            "-\"not these",
            "-not -these",
            vec![("\"not these", Expected::ClosingQuote)],
        ),
        (
            "5\" disk",
            "5 disk",
            vec![("\" disk", Expected::ClosingQuote)],
        ),
        ("\"", "", vec![("\"", Expected::ClosingQuote)]),
    ] {
        assert_eq!(shown(&parse(query)), understood, "{query}");
        let not_understood: Vec<_> = not_understood
            .into_iter()
            .map(|(part, expected)| (part.to_owned(), expected))
            .collect();
        assert_eq!(problems(query), not_understood, "{query}");
    }
}

/// Texts that are nearly queries.
fn nearly() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("from:"),
        Just("since:"),
        Just("UNTIL："),
        Just("is:"),
        Just("-"),
        Just("－"),
        Just("#"),
        Just("＃"),
        Just("\""),
        Just("“"),
        Just(" "),
        Just("\u{3000}"),
        Just("@"),
        Just("bruce"),
        Just("private"),
        Just("2026-01-31"),
        Just("9999"),
        Just("京都"),
        Just("\u{ad}"),
        Just("\u{301}"),
        Just("👩\u{200d}💻"),
        Just(":"),
    ];
    let parts = prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat());
    prop_oneof![parts, "\\PC{0,40}", any::<String>()]
}

proptest! {
    #[test]
    fn any_text_is_understood_in_some_way(query in nearly()) {
        let length = query.chars().count();
        let mut end = 0;
        for Problem { range, expected } in parse(&query).problems {
            prop_assert!(end <= range.start && range.start < range.end && range.end <= length);
            prop_assert!(!expected.to_string().is_empty());
            end = range.end;
        }
    }

    #[test]
    fn a_quoted_text_is_one_phrase(text in "[^\"＂“”„]{1,20}", negated: bool) {
        let sign = if negated { "-" } else { "" };
        let query = parse(&format!("{sign}\"{text}\""));
        let mut expected = SearchQuery::default();
        let word = fold(&text);
        if !word.is_empty() {
            expected.words.add(negated, word);
        }
        prop_assert_eq!(query, expected);
    }

    #[test]
    fn terms_apart_are_understood_as_each_alone(one in nearly(), other in nearly()) {
        // An open quote reaches over what follows.
        prop_assume!(parse(&one).problems.iter().all(|p| p.expected != Expected::ClosingQuote));
        let both = parse(&format!("{one} {other}"));
        let (one, other) = (parse(&one), parse(&other));
        for part in [&one, &other] {
            for word in &part.words.all {
                prop_assert!(both.words.all.contains(word));
            }
            for tag in &part.tags.none {
                prop_assert!(both.tags.none.contains(tag));
            }
        }
        prop_assert_eq!(both.problems.len(), one.problems.len() + other.problems.len());
    }
}
