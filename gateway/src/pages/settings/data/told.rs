//! What became of an upload, as people are told.

use ::time::OffsetDateTime;
use axum::http::StatusCode;
use maud::{Markup, html};
use runtime::clock::Timestamp;

use crate::{
    error::Problem,
    paths,
    porting::report::{Counts, Ended, Refusal, Report},
    ui::notice,
};

/// How a page says in one word how it went.
pub(super) fn title(report: &Report) -> &'static str {
    let counts = report.counts;
    match counts.imported + counts.there {
        _ if report.ended.is_some() => "Not all of it is imported",
        0 if counts.refused > 0 || !report.unread.is_empty() => "Nothing is imported",
        0 => "There was nothing to import",
        _ if counts.refused > 0 || !report.unread.is_empty() => "Imported, but for some",
        _ => "Imported",
    }
}

/// The status of a page that tells it all.
pub(super) fn status(report: &Report) -> StatusCode {
    let counts = report.counts;
    match &report.ended {
        Some(Ended::Storing(problem)) => problem.status(),
        Some(Ended::Upload(_)) => StatusCode::BAD_REQUEST,
        None if counts.imported + counts.there == 0 => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    }
}

/// How far it is.
pub(super) fn so_far(counts: Counts) -> Markup {
    html! {
        (megabytes(counts.read)) " read: " (number(counts.imported)) " imported, "
        (number(counts.there)) " already there, " (number(counts.refused)) " refused."
    }
}

/// What became of it, at the end of a page that has grown.
pub(super) fn in_the_end(report: &Report) -> Markup {
    html! {
        h2 { (title(report)) }
        (self::report(report))
    }
}

/// Nobody knows what became of it.
pub(super) fn lost() -> Markup {
    html! {
        (notice::alert("Something broke on our side. What was imported is there; send the same file again for the rest."))
        (go_on())
    }
}

pub(super) fn report(report: &Report) -> Markup {
    let counts = report.counts;
    html! {
        @if let Some(ended) = &report.ended { (notice::alert(&ended_by(ended))) }
        @if counts.files == 0 && report.ended.is_none() { p { "Choose a file first." } }
        @else {
            dl.counts {
                (count("Imported", counts.imported))
                (count("Already there", counts.there))
                (count("Refused", counts.refused))
            }
        }
        (notes(counts))
        (list("Files that could not be read", &report.unread, 0))
        (list("What was refused", &report.refusals, counts.refused))
        (go_on())
    }
}

/// The day, for the name of a file: "2026-01-31".
pub(super) fn day(now: Timestamp) -> String {
    let now = OffsetDateTime::from_unix_timestamp(now.as_seconds());
    let now = now.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    format!(
        "{:04}-{:02}-{:02}",
        now.year(),
        u8::from(now.month()),
        now.day()
    )
}

fn notes(counts: Counts) -> Markup {
    html! {
        @if counts.too_long > 0 {
            p {
                strong { (number(counts.too_long)) " of the refused " (are(counts.too_long)) " too long" }
                " for this server. Whoever looks after it can allow more (MAX_THOUGHT_LENGTH); import "
                "the same file again then, and only those will be new."
            }
        }
        @if counts.had_files > 0 {
            p {
                (number(counts.had_files)) " had pictures or other files with them, which are left out."
            }
        }
        @if counts.others > 0 {
            p { (number(counts.others)) " other files in the zip are no Markdown, and were left out." }
        }
    }
}

fn list(title: &str, refusals: &[Refusal], all: u64) -> Markup {
    let more = all.saturating_sub(refusals.len() as u64);
    html! {
        @if !refusals.is_empty() {
            h2 { (title) }
            ul.refused {
                @for refusal in refusals {
                    li { strong { bdi { (refusal.place) } } " " bdi { (refusal.why) } }
                }
            }
            @if more > 0 { p.quiet { "And " (number(more)) " more." } }
        }
    }
}

fn ended_by(ended: &Ended) -> String {
    let why = match ended {
        Ended::Upload(stop) => stop.to_string(),
        Ended::Storing(Problem::OutOfReach(part, _)) => part.away().to_owned(),
        Ended::Storing(Problem::SignIn) => "You are not logged in any more.".to_owned(),
        Ended::Storing(Problem::Busy(_)) => "There is too much to do at this moment.".to_owned(),
        Ended::Storing(_) => "Something broke on our side.".to_owned(),
    };
    format!("{why} What was imported until then is there. Send the same file again for the rest.")
}

fn go_on() -> Markup {
    html! {
        p.actions {
            a.button href=(paths::HOME) { "Your thoughts" }
            a href=(paths::DATA) { "Import and export" }
        }
    }
}

fn count(name: &str, count: u64) -> Markup {
    html! { div { dt { (name) } dd { (number(count)) } } }
}

const fn are(count: u64) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

/// "12,345".
fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// "1.2 MB".
fn megabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000;
    format!("{}.{} MB", number(tenths / 10), tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_can_be_read() {
        for (count, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(number(count), text);
        }
        assert_eq!(megabytes(1_250_000), "1.2 MB");
        assert_eq!(day(Timestamp::from_seconds(-1)), "1969-12-31");
    }
}
