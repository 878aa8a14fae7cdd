//! Log lines as they leave this process.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

/// Standard error, by lines that stay lines.
pub(super) fn standard_error() -> Lines<io::Stderr> {
    Lines(io::stderr())
}

/// Writes lines with every control character in them spelt out: whoever can have something logged
/// can neither begin a line of his own nor speak to the terminal of whoever reads it.
pub(super) struct Lines<W>(W);

impl<W: Write> Write for Lines<W> {
    /// Takes a whole line, as `tracing_subscriber` gives it.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let body = text.strip_suffix('\n').unwrap_or(&text);
        if body.chars().any(char::is_control) {
            self.0.write_all((spelt_out(body) + "\n").as_bytes())?;
        } else {
            self.0.write_all(line)?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn spelt_out(body: &str) -> String {
    let mut line = String::with_capacity(body.len() + 16);
    for c in body.chars() {
        if c.is_control() {
            // Writing to a text cannot fail.
            let _ = write!(line, "{}", c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s16_what_is_logged_neither_begins_a_line_nor_moves_the_cursor() {
        let mut written = Lines(Vec::new());
        let line = "refused name=bruce\nforged line\r\u{1b}[2J\u{9b}2J\u{7f}\0 ü\u{2028}\n";
        assert_eq!(written.write(line.as_bytes()).unwrap(), line.len());
        assert_eq!(
            String::from_utf8(written.0).unwrap(),
            "refused name=bruce\\nforged line\\r\\u{1b}[2J\\u{9b}2J\\u{7f}\\u{0} ü\u{2028}\n"
        );
    }

    #[test]
    fn other_lines_are_left_alone() {
        let mut written = Lines(Vec::new());
        written.write_all("ready, Ω\n".as_bytes()).unwrap();
        assert_eq!(written.0, "ready, Ω\n".as_bytes());
    }
}
