//! Logs, on standard error, and where traces go.
//!
//! Logs are structured and in UTC, a line each: whatever is told in one, it cannot begin another.

mod collector;
mod lines;

use clap::{Args, Command, FromArgMatches as _, ValueEnum};
use tracing::{Level, Metadata, Subscriber, subscriber::Interest};
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::{FilterExt as _, dynamic_filter_fn, filter_fn},
    fmt,
    layer::{Context, Filter, SubscriberExt as _},
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

use crate::{lifecycle::StartError, trace};

pub use self::collector::{Collector, Ratio, Sampling};
pub(crate) use self::collector::{attach, is_tracing, stop};

/// sqlx passes on each notice of the database, such as that a table is there already.
const DEFAULT_FILTER: &str = "info,sqlx=warn";

/// What is logged, and how; and where traces go.
#[derive(Args, Clone, Debug)]
pub struct TelemetryConfig {
    /// What to log: a level, or levels for targets, such as info,sqlx=warn
    #[arg(long, env = "RUST_LOG", default_value = DEFAULT_FILTER, value_parser = filter)]
    pub rust_log: String,
    /// How log lines look
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// The collector that traces are sent to by OTLP over gRPC, such as http://collector:4317; without
    /// it none are made
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", default_value = "")]
    pub otel_exporter_otlp_endpoint: Collector,
    /// Which traces are kept
    #[arg(
        long,
        env = "OTEL_TRACES_SAMPLER",
        value_enum,
        default_value_t = Sampling::ParentbasedAlwaysOn
    )]
    pub otel_traces_sampler: Sampling,
    /// The part of all traces that a sampler by ratio keeps: 0 to 1
    #[arg(long, env = "OTEL_TRACES_SAMPLER_ARG", default_value = "1")]
    pub otel_traces_sampler_arg: Ratio,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            rust_log: DEFAULT_FILTER.to_owned(),
            log_format: LogFormat::Text,
            otel_exporter_otlp_endpoint: Collector::default(),
            otel_traces_sampler: Sampling::ParentbasedAlwaysOn,
            otel_traces_sampler_arg: Ratio::default(),
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

/// Starts the logs of this process, the program of that name, and its traces.
///
/// # Errors
///
/// They were started before.
pub fn init(config: &TelemetryConfig, program: &str) -> Result<(), StartError> {
    let filter = EnvFilter::try_new(&config.rust_log)
        .map_err(|error| StartError::setting("RUST_LOG", &config.rust_log, error))?;
    let filter = filter.and(filter_fn(|it| it.target() != trace::TARGET));
    let lines = fmt::layer().with_writer(lines::standard_error);
    let logs = match config.log_format {
        LogFormat::Text => lines.with_ansi(false).with_filter(filter).boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .with_filter(filter)
            .boxed(),
    };
    let traces = collector::tracer(config, program).map(|tracer| {
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_target(false)
            .with_context_activation(false)
            .with_filter(parts_of_requests())
    });
    let started = tracing_subscriber::registry().with(logs).with(traces);
    started
        .try_init()
        .map_err(|error| StartError::new(format!("cannot start the logs: {error}")))
}

/// Spans that are for traces, each in one that a request has begun: what is part of none begins none.
fn parts_of_requests<S>() -> impl Filter<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let begins = |it: &Metadata<'_>| ["request", "call"].contains(&it.name());
    dynamic_filter_fn(move |it: &Metadata<'_>, context: &Context<'_, S>| {
        it.target() == trace::TARGET && (begins(it) || context.lookup_current().is_some())
    })
    .with_max_level_hint(Level::INFO)
    // Everything else is not even asked about again.
    .with_callsite_filter(|it| match it.target() == trace::TARGET {
        true => Interest::sometimes(),
        false => Interest::never(),
    })
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
