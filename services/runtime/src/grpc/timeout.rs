//! The `grpc-timeout` header (gRPC over HTTP/2, "Request-Headers"): how long a caller waits.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};

/// The header's name.
pub(super) const HEADER: &str = "grpc-timeout";

/// The header's value is not `TimeoutValue TimeoutUnit`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Reads how long the caller waits, if it says.
pub(super) fn read(headers: &HeaderMap) -> Result<Option<Duration>, Malformed> {
    let Some(value) = headers.get(HEADER) else {
        return Ok(None);
    };
    parse(value.as_bytes()).map(Some).ok_or(Malformed)
}

/// Says how long the caller waits.
pub(super) fn write(headers: &mut HeaderMap, timeout: Duration) {
    // At most eight digits; microseconds hold 99 seconds, milliseconds a day.
    let micros = timeout.as_micros();
    let text = if micros < 100_000_000 {
        format!("{micros}u")
    } else {
        format!("{}m", timeout.as_millis().min(99_999_999))
    };
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.insert(HEADER, value);
    }
}

fn parse(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    let legal = (1..=8).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    let amount: u64 = std::str::from_utf8(digits)
        .ok()
        .filter(|_| legal)?
        .parse()
        .ok()?;
    Some(match unit {
        b'H' => Duration::from_secs(amount * 3_600),
        b'M' => Duration::from_secs(amount * 60),
        b'S' => Duration::from_secs(amount),
        b'm' => Duration::from_millis(amount),
        b'u' => Duration::from_micros(amount),
        b'n' => Duration::from_nanos(amount),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_of_the_specification_is_read() {
        let units = [("1H", 3_600_000), ("2M", 120_000), ("3S", 3_000), ("4m", 4)];
        for (text, millis) in units {
            assert_eq!(parse(text.as_bytes()), Some(Duration::from_millis(millis)));
        }
        assert_eq!(parse(b"5u"), Some(Duration::from_micros(5)));
        assert_eq!(parse(b"99999999n"), Some(Duration::from_nanos(99_999_999)));
    }

    #[test]
    fn nothing_else_is() {
        for text in [
            "",
            "S",
            "1",
            "1s",
            "-1S",
            "+1S",
            "123456789S",
            "1.5S",
            " 1S",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        let mut headers = HeaderMap::new();
        for seconds in [1, 99, 100, 86_400] {
            let timeout = Duration::from_secs(seconds);
            write(&mut headers, timeout);
            assert_eq!(read(&headers), Ok(Some(timeout)));
        }
    }
}
