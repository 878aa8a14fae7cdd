//! Where a query matches a text, for marking it.

use std::ops::Range;

use crate::{fold::pieces, query::SearchQuery, tag};

/// The parts of `text` that any word or tag of the query matches, in Unicode scalar values, in
/// order and not overlapping; what touches is one range. What must not be in a text marks nothing.
///
/// A word that begins or ends inside what folds as one piece (the `i` of `ﬁ`) marks the piece.
#[must_use]
pub fn ranges(text: &str, query: &SearchQuery) -> Vec<Range<usize>> {
    let (words, tags) = (&query.words.all, &query.tags.all);
    if words.is_empty() && tags.is_empty() {
        return Vec::new();
    }
    let map = Map::of(text);
    let of_words = words.iter().flat_map(|word| {
        map.folded
            .match_indices(word.as_str())
            .map(|(at, word)| at..at + word.len())
    });
    let of_tags = tag::spans(&map.folded)
        .filter(|(_, tag)| tags.contains(tag))
        .map(|(span, _)| span);
    let found = of_words.chain(of_tags).map(|range| map.original(range));
    merged(found.collect())
}

/// A folded text and where each part of it comes from.
struct Map {
    folded: String,
    /// For each piece: where it begins in the folded text, in bytes, and in the original, in
    /// scalar values. The end of both comes last.
    starts: Vec<(usize, usize)>,
}

impl Map {
    fn of(text: &str) -> Self {
        let mut folded = String::new();
        let mut starts = vec![];
        let mut original = 0;
        for piece in pieces(text) {
            if !piece.folded.is_empty() {
                starts.push((folded.len(), original));
            }
            folded.push_str(&piece.folded);
            original += piece.length;
        }
        starts.push((folded.len(), original));
        Self { folded, starts }
    }

    fn original(&self, folded: Range<usize>) -> Range<usize> {
        let first = self.starts.partition_point(|&(at, _)| at <= folded.start) - 1;
        let end = self.starts.partition_point(|&(at, _)| at < folded.end);
        self.starts[first].1..self.starts[end].1
    }
}

fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fold::fold;

    fn marked(text: &str, query: &str) -> Vec<String> {
        let query = SearchQuery::parse(query).expect("a query");
        let part = |range: Range<usize>| text.chars().skip(range.start).take(range.len()).collect();
        ranges(text, &query).into_iter().map(part).collect()
    }

    #[test]
    fn marks_what_was_written_not_what_it_folds_to() {
        assert_eq!(marked("A Platypus!", "PLATY"), ["Platy"]);
        assert_eq!(marked("Straße, STRASSE", "strasse"), ["Straße", "STRASSE"]);
        assert_eq!(marked("ein ﬁsch", "i"), ["i", "ﬁ"]);
        assert_eq!(marked("caf\u{65}\u{301}s", "É"), ["e\u{301}"]);
        assert_eq!(marked("京都の猫", "都 猫"), ["都", "猫"]);
        assert_eq!(marked("soft\u{ad}ware", "software"), ["soft\u{ad}ware"]);
    }

    #[test]
    fn tags_are_marked_with_their_sign_and_what_must_not_be_is_not() {
        assert_eq!(
            marked("a #Rust, ＃rust #rusty", "#rust"),
            ["#Rust", "＃rust"]
        );
        assert_eq!(marked("京 #Straße!", "#STRASSE 京"), ["京", "#Straße"]);
        assert_eq!(
            marked("#soft\u{ad}ware", "#software ware"),
            ["#soft\u{ad}ware"]
        );
        assert!(marked("C#", "#c").is_empty());
        for query in ["-b", "-#b", "from:b", "is:public", "since:2026-01-31"] {
            assert!(marked("a b #b from:b", query).is_empty(), "{query}");
        }
    }

    #[test]
    fn overlapping_and_touching_matches_are_one() {
        assert_eq!(marked("abcdef", "abc cde"), ["abcde"]);
        assert_eq!(marked("abcdef", "ab cd"), ["abcd"]);
        assert!(marked("abc", "").is_empty());
    }

    proptest! {
        #[test]
        fn each_range_folds_to_something_with_a_word_in_it(
            text in "[aAbBßẞﬁſςΣ京都\u{301}\u{ad} ]{0,30}",
            word in "[aAbBßfisσ京都]{1,3}",
        ) {
            let found = marked(&text, &word);
            let has = |text: &str| fold(text).contains(&fold(&word));
            prop_assert_eq!(found.is_empty(), !has(&text));
            for part in found {
                prop_assert!(has(&part), "{:?} in {:?}", word, part);
            }
        }

        #[test]
        fn ranges_are_in_order_and_in_the_text(text in "[#a\\PC]{0,30}", word in "#?[a\\PC]{1,2}") {
            if let Ok(query) = SearchQuery::parse(&word) {
                let mut end = 0;
                for range in ranges(&text, &query) {
                    prop_assert!(range.start >= end && range.start < range.end);
                    end = range.end;
                }
                prop_assert!(end <= text.chars().count());
            }
        }
    }
}
