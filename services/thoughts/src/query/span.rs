//! When thoughts were written: whole days, in UTC.

use runtime::clock::Timestamp;
use time::{Date, Month};

/// From one point in time to another one; open where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first microsecond in it.
    pub from: Option<Timestamp>,
    /// The first microsecond after it.
    pub before: Option<Timestamp>,
}

impl Span {
    /// Parses a day (`2026-01-31`), or a month or year, which stand for all their days.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let year = number(parts.next()?, 4..=4)?;
        let month = parts.next().map(|month| number(month, 1..=2));
        let day = parts.next().map(|day| number(day, 1..=2));
        if parts.next().is_some() {
            return None;
        }
        let (first, next) = match (month, day) {
            (None, _) => (january(year)?, january(year + 1)),
            (Some(month), None) => {
                let month = Month::try_from(u8::try_from(month?).ok()?).ok()?;
                let year_of_next = year + i32::from(month == Month::December);
                (
                    Date::from_calendar_date(year, month, 1).ok()?,
                    Date::from_calendar_date(year_of_next, month.next(), 1).ok(),
                )
            }
            (Some(month), Some(day)) => {
                let month = Month::try_from(u8::try_from(month?).ok()?).ok()?;
                let day = u8::try_from(day?).ok()?;
                let date = Date::from_calendar_date(year, month, day).ok()?;
                (date, date.next_day())
            }
        };
        Some(Self {
            from: Some(midnight(first)),
            // None after the last day that there is.
            before: next.map(midnight),
        })
    }

    /// Whether a time lies in it.
    #[must_use]
    pub fn contains(&self, time: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= time) && self.before.is_none_or(|before| time < before)
    }

    /// Whether no time lies in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!((self.from, self.before), (Some(from), Some(before)) if from >= before)
    }

    /// Leaves out what comes before `from`.
    pub(super) fn begin(&mut self, from: Option<Timestamp>) {
        self.from = self.from.max(from);
    }

    /// Leaves out what comes from `before` on.
    pub(super) fn end(&mut self, before: Option<Timestamp>) {
        self.before = match (self.before, before) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
}

fn number(digits: &str, length: std::ops::RangeInclusive<usize>) -> Option<i32> {
    (length.contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()))
        .then(|| digits.parse().ok())
        .flatten()
}

fn january(year: i32) -> Option<Date> {
    Date::from_calendar_date(year, Month::January, 1).ok()
}

fn midnight(date: Date) -> Timestamp {
    Timestamp::from_seconds(date.midnight().assume_utc().unix_timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> (i64, Option<i64>) {
        let span = Span::parse(text).expect("a span");
        let from = span.from.expect("a beginning").as_seconds();
        (from, span.before.map(Timestamp::as_seconds))
    }

    #[test]
    fn days_months_and_years_are_understood() {
        assert_eq!(seconds("1970-01-01"), (0, Some(86_400)));
        assert_eq!(seconds("1970-1-2"), (86_400, Some(2 * 86_400)));
        assert_eq!(seconds("1969-12"), (-31 * 86_400, Some(0)));
        assert_eq!(seconds("1970"), (0, Some(365 * 86_400)));
        assert_eq!(
            seconds("2024-02-29"),
            (1_709_164_800, Some(1_709_251_200)),
            "a leap day"
        );
        for end in ["9999", "9999-12", "9999-12-31"] {
            assert_eq!(seconds(end).1, None, "{end} has no day after it");
        }
        assert!(seconds("0000-01-01").0 < seconds("0001-01-01").0);
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in [
            "",
            "-",
            "26",
            "20260131",
            "2026-",
            "2026-00",
            "2026-13",
            "2026-02-30",
            "2023-02-29",
            "2026-01-00",
            "2026-01-32",
            "2026-01-31-1",
            "2026-001-1",
            "+026",
            "2026/01/31",
            "yesterday",
            "２０２６",
        ] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
    }
}
