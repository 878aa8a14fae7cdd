//! What people wrote, as HTML: links become links, as do tags and names, and matches are marked.
//! Nothing else in a text means anything; newlines and spaces are kept by the style sheet.

mod words;

use std::ops::Range;

use linkify::{LinkFinder, LinkKind};
use maud::{Markup, Render as _, html};

use self::words::Word;
use crate::paths;

pub(crate) use self::words::is_tag;

/// A text with its links, and with `matches` (in Unicode scalar values) marked.
pub(crate) fn text(text: &str, matches: &[Range<usize>]) -> Markup {
    let marks = byte_ranges(text, matches);
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url]);
    html! {
        @for span in finder.spans(text) {
            @let content = marked(text, span.start()..span.end(), &marks);
            @if span.kind().is_some() && is_web_address(span.as_str()) {
                a href=(span.as_str()) rel="nofollow ugc noopener noreferrer" { (content) }
            } @else if span.kind().is_some() {
                (content)
            } @else {
                (with_words(text, span.start()..span.end(), &marks))
            }
        }
    }
}

/// A text in which nothing leads anywhere, with `matches` marked.
pub(crate) fn plain(text: &str, matches: &[Range<usize>]) -> Markup {
    marked(text, 0..text.len(), &byte_ranges(text, matches))
}

/// The part of `text` in `span`, with its tags and names as links.
fn with_words(text: &str, span: Range<usize>, marks: &[Range<usize>]) -> Markup {
    let mut at = span.start;
    html! {
        @for (range, word) in words::find(text, span.clone()) {
            (marked(text, std::mem::replace(&mut at, range.end)..range.start, marks))
            a href=(leads_to(word)) { (marked(text, range, marks)) }
        }
        (marked(text, at..span.end, marks))
    }
}

fn leads_to(word: Word<'_>) -> String {
    match word {
        Word::Tag(tag) => paths::tag(tag, None),
        Word::Name(name) => paths::user(&name.to_ascii_lowercase(), None),
    }
}

/// The first words of a text on one line, for titles.
pub(crate) fn beginning(text: &str) -> String {
    const SCALARS: usize = 60;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SCALARS) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

/// linkify finds addresses of every scheme; `javascript://` is one.
fn is_web_address(address: &str) -> bool {
    let scheme = address.split("://").next().unwrap_or_default();
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

/// The part of `text` in `span`, with what of it lies in `marks` marked.
fn marked(text: &str, span: Range<usize>, marks: &[Range<usize>]) -> Markup {
    let mut markup = String::new();
    let mut at = span.start;
    for mark in marks {
        let start = mark.start.clamp(at, span.end);
        let end = mark.end.clamp(start, span.end);
        if start < end {
            text[at..start].render_to(&mut markup);
            html! { mark { (text[start..end]) } }.render_to(&mut markup);
            at = end;
        }
    }
    text[at..span.end].render_to(&mut markup);
    maud::PreEscaped(markup)
}

/// Ranges of scalar values as ranges of bytes: in order, joined where they touch, within the text.
fn byte_ranges(text: &str, ranges: &[Range<usize>]) -> Vec<Range<usize>> {
    if ranges.is_empty() {
        return Vec::new();
    }
    let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    let offsets: Vec<usize> = ends.collect();
    let byte = |scalar: usize| offsets[scalar.min(offsets.len() - 1)];
    let mut bytes: Vec<_> = ranges
        .iter()
        .map(|range| byte(range.start)..byte(range.end))
        .collect();
    bytes.sort_by_key(|range| range.start);
    let mut joined: Vec<Range<usize>> = Vec::new();
    for range in bytes.into_iter().filter(|range| range.start < range.end) {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

#[cfg(test)]
#[allow(
    clippy::single_range_in_vec_init,
    reason = "one match is a list of one range"
)]
mod tests {
    use super::*;

    fn rendered(words: &str, matches: &[Range<usize>]) -> String {
        text(words, matches).into_string()
    }

    #[test]
    fn markup_is_only_text() {
        assert_eq!(
            rendered("<script>alert(\"x\")</script> & 'y'\n <b>", &[]),
            "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; 'y'\n &lt;b&gt;"
        );
    }

    #[test]
    fn addresses_become_links_without_the_punctuation_around_them() {
        assert_eq!(
            rendered("See (https://example.org/a?b=1&c=2).", &[]),
            "See (<a href=\"https://example.org/a?b=1&amp;c=2\" \
             rel=\"nofollow ugc noopener noreferrer\">https://example.org/a?b=1&amp;c=2</a>)."
        );
    }

    #[test]
    fn only_web_addresses_become_links() {
        for words in [
            "javascript://x%0aalert(1)",
            "data://x",
            "mailto:a@example.org",
            "a@example.org",
            "ftp://x.y/",
        ] {
            assert!(!rendered(words, &[]).contains("<a "), "{words}");
        }
        assert!(rendered("HTTPS://EXAMPLE.ORG", &[]).contains("<a "));
    }

    #[test]
    fn a_link_cannot_leave_its_attribute() {
        let html = rendered(
            "http://x.y/\"onmouseover=alert(1) http://x.y/'><script>",
            &[],
        );
        assert!(!html.contains("\"onmouseover"), "{html}");
        assert!(!html.contains("<script"), "{html}");
    }

    #[test]
    fn tags_and_names_are_links_with_their_matches_marked() {
        assert_eq!(
            rendered("To @Bruce: #京都!", &[11..13]),
            "To <a href=\"/users/bruce\">@Bruce</a>: \
             <a href=\"/tags/%E4%BA%AC%E9%83%BD\"><mark>#京</mark>都</a>!"
        );
        assert!(!rendered("https://x.y/#top a@example.org", &[]).contains("\"/"));
    }

    #[test]
    fn matches_are_counted_in_scalar_values() {
        assert_eq!(rendered("é京😀x", &[1..3]), "é<mark>京😀</mark>x");
    }

    #[test]
    fn a_match_may_begin_in_a_link_and_end_after_it() {
        let html = rendered("http://x.yz/ab cd", &[10..16]);
        assert!(
            html.contains("http://x.y<mark>z/ab</mark></a><mark> c</mark>d"),
            "{html}"
        );
    }

    #[test]
    fn ranges_of_any_kind_do_no_harm() {
        let backwards = Range { start: 3, end: 1 };
        assert_eq!(
            rendered("abc", &[backwards, 9..12, 2..99, 0..1, 1..2]),
            "<mark>abc</mark>"
        );
        assert_eq!(rendered("", &[0..1]), "");
    }

    #[test]
    fn titles_are_short_and_of_one_line() {
        assert_eq!(beginning("one\n two"), "one two");
        assert_eq!(beginning(&"京".repeat(70)).chars().count(), 61);
    }
}
