//! When something was written: as people say it, with the exact time on hover.

use ::time::OffsetDateTime;
use maud::{Markup, html};
use runtime::clock::Timestamp;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const MICROS: i64 = 1_000_000;

/// `<time>` with how long ago it was, or with the day once that is easier to grasp.
pub(crate) fn ago(when: Timestamp, now: Timestamp) -> Markup {
    html! {
        time datetime=(machine(when)) title=(exact(when)) { (relative(when, now)) }
    }
}

/// `<time>` with the day, whether it has come or not.
pub(crate) fn on(when: Timestamp, now: Timestamp) -> Markup {
    html! {
        time datetime=(machine(when)) title=(exact(when)) { (day(when, now)) }
    }
}

/// `<time>` in full, for the page of one thought.
pub(crate) fn full(when: Timestamp) -> Markup {
    html! { time datetime=(machine(when)) { (exact(when)) } }
}

/// "3 minutes ago", "yesterday", "11 May", "11 May 1962".
fn relative(when: Timestamp, now: Timestamp) -> String {
    let seconds = (now.as_micros() - when.as_micros()).div_euclid(MICROS);
    match seconds {
        // Clocks of two machines may differ a little.
        -60..MINUTE => "just now".to_owned(),
        MINUTE..HOUR => count(seconds / MINUTE, "minute"),
        HOUR..DAY => count(seconds / HOUR, "hour"),
        DAY..604_800 => count(seconds / DAY, "day"),
        _ => day(when, now),
    }
}

fn count(number: i64, unit: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural} ago")
}

fn day(when: Timestamp, now: Timestamp) -> String {
    let date = utc(when);
    let day = format!("{} {}", date.day(), date.month());
    if date.year() == utc(now).year() {
        day
    } else {
        format!("{day} {}", date.year())
    }
}

/// "11 May 1962, 09:53:00 UTC".
fn exact(when: Timestamp) -> String {
    let at = utc(when);
    let (hour, minute, second) = at.to_hms();
    format!(
        "{} {} {}, {hour:02}:{minute:02}:{second:02} UTC",
        at.day(),
        at.month(),
        at.year()
    )
}

/// A valid global date and time of the HTML standard.
pub(crate) fn machine(when: Timestamp) -> String {
    let at = utc(when);
    let (hour, minute, second) = at.to_hms();
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    let ms = at.millisecond();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// "Fri, 11 May 1962 09:53:00 GMT", as HTTP has it (RFC 9110, section 5.6.7).
pub(crate) fn http_date(when: Timestamp) -> String {
    let at = utc(when);
    let (hour, minute, second) = at.to_hms();
    let (weekday, month) = (at.weekday().to_string(), at.month().to_string());
    format!(
        "{}, {:02} {} {:04} {hour:02}:{minute:02}:{second:02} GMT",
        &weekday[..3],
        at.day(),
        &month[..3],
        at.year()
    )
}

/// Times beyond the calendar (year 9999) show as its beginning.
fn utc(when: Timestamp) -> OffsetDateTime {
    let nanoseconds = i128::from(when.as_micros()) * 1_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// 2026-11-22T15:00:00Z.
    const NOW: Timestamp = Timestamp::from_seconds(1_795_359_600);

    fn seconds_ago(seconds: u64) -> String {
        relative(NOW - Duration::from_secs(seconds), NOW)
    }

    #[test]
    fn what_is_near_is_told_by_its_distance() {
        assert_eq!(seconds_ago(59), "just now");
        assert_eq!(seconds_ago(60), "1 minute ago");
        assert_eq!(seconds_ago(59 * 60), "59 minutes ago");
        assert_eq!(seconds_ago(3_600), "1 hour ago");
        assert_eq!(seconds_ago(86_399), "23 hours ago");
        assert_eq!(seconds_ago(2 * 86_400), "2 days ago");
    }

    #[test]
    fn what_is_far_is_told_by_its_day() {
        assert_eq!(seconds_ago(8 * 86_400), "14 November");
        assert_eq!(seconds_ago(365 * 86_400), "22 November 2025");
    }

    #[test]
    fn times_before_1970_and_in_the_future_are_right() {
        let countdown = Timestamp::from_micros(-241_106_820_000_000 + 1);
        assert_eq!(relative(countdown, NOW), "12 May 1962");
        assert_eq!(machine(countdown), "1962-05-12T09:53:00.000Z");
        let later = Timestamp::from_micros(-241_106_820_000_000 + 12_345);
        assert_eq!(machine(later), "1962-05-12T09:53:00.012Z");
        assert_eq!(http_date(countdown), "Sat, 12 May 1962 09:53:00 GMT");
        assert_eq!(exact(countdown), "12 May 1962, 09:53:00 UTC");
        assert_eq!(relative(NOW + Duration::from_secs(30), NOW), "just now");
        assert_eq!(
            relative(NOW + Duration::from_secs(86_400), NOW),
            "23 November"
        );
    }

    #[test]
    fn times_beyond_any_calendar_do_no_harm() {
        for micros in [i64::MAX, i64::MIN] {
            machine(Timestamp::from_micros(micros));
        }
    }
}
