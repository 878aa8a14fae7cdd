//! Logs: structured, in UTC, on standard error.

use std::io;

use clap::{Args, Command, FromArgMatches as _, ValueEnum};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::lifecycle::StartError;

/// sqlx passes on each notice of the database, such as that a table is there already.
const DEFAULT_FILTER: &str = "info,sqlx=warn";

/// What is logged, and how.
#[derive(Args, Clone, Debug)]
pub struct TelemetryConfig {
    /// What to log: a level, or levels for targets, such as info,sqlx=warn
    #[arg(long, env = "RUST_LOG", default_value = DEFAULT_FILTER, value_parser = filter)]
    pub rust_log: String,
    /// How log lines look
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            rust_log: DEFAULT_FILTER.to_owned(),
            log_format: LogFormat::Text,
        }
    }
}

impl TelemetryConfig {
    /// What the environment says, for a program that cannot read all of its settings yet; the
    /// defaults where that is wrong, which is told later.
    pub(crate) fn of_environment() -> Self {
        let command = Self::augment_args(Command::new("telemetry"));
        let read = command.try_get_matches_from(["telemetry"]);
        read.and_then(|matches| Self::from_arg_matches(&matches))
            .unwrap_or_default()
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// A JSON object a line, for collectors.
    Json,
}

/// Starts the logs of this process.
///
/// # Errors
///
/// They were started before.
pub fn init(config: &TelemetryConfig) -> Result<(), StartError> {
    let filter = EnvFilter::try_new(&config.rust_log)
        .map_err(|error| StartError::setting("RUST_LOG", &config.rust_log, error))?;
    let registry = tracing_subscriber::registry().with(filter);
    let started = match config.log_format {
        LogFormat::Text => registry
            .with(fmt::layer().with_writer(io::stderr).with_ansi(false))
            .try_init(),
        LogFormat::Json => registry
            .with(
                fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_span_list(false)
                    .with_writer(io::stderr),
            )
            .try_init(),
    };
    started.map_err(|error| StartError::new(format!("cannot start the logs: {error}")))
}

fn filter(value: &str) -> Result<String, String> {
    // A single word is a level. As the name of a target, which EnvFilter would take it for, it
    // would silence everything.
    let levels = ["off", "error", "warn", "info", "debug", "trace"];
    let known = |part: &str| {
        part.contains('=') || levels.iter().any(|level| part.eq_ignore_ascii_case(level))
    };
    let meant = value.split(',').map(str::trim).all(known);
    if meant && EnvFilter::try_new(value).is_ok() {
        return Ok(value.to_owned());
    }
    Err(format!(
        "expected a level ({}), or target=level, with commas between several",
        levels.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_targets_are_filters_and_other_words_are_not() {
        for right in ["info", "WARN", "info,sqlx=warn", "audit=info"] {
            assert!(filter(right).is_ok(), "{right}");
        }
        for wrong in ["", "nonsense", "info,nonsense", "sqlx=loud"] {
            assert!(filter(wrong).is_err(), "{wrong}");
        }
    }
}
