//! Where traces go: to a collector, by OTLP over gRPC, in batches and beside everything else.
//!
//! Nobody waits for a collector. What it does not take in time is dropped, and told in the log now
//! and then.

use std::{
    str::FromStr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use clap::ValueEnum;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{
    ExporterBuildError, SpanExporter as OtlpExporter, WithExportConfig as _, WithTonicConfig as _,
    tonic_types::transport::ClientTlsConfig,
};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{Sampler, SdkTracer, SdkTracerProvider, SpanData, SpanExporter},
};
use tokio::{runtime::Handle, task::spawn_blocking, time::Instant};

use super::TelemetryConfig;
use crate::grpc::client::BackendUrl;

/// How long the last spans may take on their way when the program ends.
const LAST_SPANS: Duration = Duration::from_secs(3);

/// How often it is told that a collector takes nothing.
const TELL_EACH: Duration = Duration::from_secs(300);

/// The traces of this process, if there are any.
static TRACES: OnceLock<SdkTracerProvider> = OnceLock::new();

/// What sends them.
static RUNTIME: OnceLock<Handle> = OnceLock::new();

/// Where traces go, if anywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collector(Option<BackendUrl>);

impl FromStr for Collector {
    type Err = String;

    /// Reads an address; nothing is none (OpenTelemetry's rule for its variables).
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "" => Ok(Self(None)),
            text => text.parse().map(Some).map(Self),
        }
    }
}

/// Which traces are kept: OpenTelemetry's samplers, by its names for them. Those that go by the
/// parent do what a caller who is believed has decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Sampling {
    /// All.
    AlwaysOn,
    /// None.
    AlwaysOff,
    /// A part of them.
    #[value(name = "traceidratio")]
    Ratio,
    /// All, but for a parent's.
    ParentbasedAlwaysOn,
    /// None, but for a parent's.
    ParentbasedAlwaysOff,
    /// A part of them, but for a parent's.
    #[value(name = "parentbased_traceidratio")]
    ParentbasedRatio,
}

/// A part of the whole: 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio(f64);

impl Default for Ratio {
    fn default() -> Self {
        Self(1.0)
    }
}

impl FromStr for Ratio {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let ratio = text.parse().ok().filter(|it| (0.0..=1.0).contains(it));
        ratio.map(Self).ok_or("expected a number from 0 to 1")
    }
}

impl Sampling {
    fn sampler(self, Ratio(ratio): Ratio) -> Sampler {
        let by_parent = |root| Sampler::ParentBased(Box::new(root));
        match self {
            Self::AlwaysOn => Sampler::AlwaysOn,
            Self::AlwaysOff => Sampler::AlwaysOff,
            Self::Ratio => Sampler::TraceIdRatioBased(ratio),
            Self::ParentbasedAlwaysOn => by_parent(Sampler::AlwaysOn),
            Self::ParentbasedAlwaysOff => by_parent(Sampler::AlwaysOff),
            Self::ParentbasedRatio => by_parent(Sampler::TraceIdRatioBased(ratio)),
        }
    }
}

/// What makes the spans of this process, if a collector is configured.
pub(super) fn tracer(config: &TelemetryConfig, program: &str) -> Option<SdkTracer> {
    let Collector(url) = &config.otel_exporter_otlp_endpoint;
    let sampler = config.otel_traces_sampler;
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(Exporter::to(url.clone()?))
        .with_sampler(sampler.sampler(config.otel_traces_sampler_arg))
        .with_resource(resource(program))
        .build();
    let tracer = provider.tracer("mythoughts");
    TRACES.set(provider).ok()?;
    Some(tracer)
}

/// Whether this process makes traces.
pub(crate) fn is_tracing() -> bool {
    TRACES.get().is_some()
}

/// Has what is traced sent by the runtime that this is called in.
pub(crate) fn attach() {
    // A second one would be of a program that runs twice in a process: the first one serves both.
    let _ = RUNTIME.set(Handle::current());
}

/// Sends what has not been sent, for as long as the end of a program may take.
pub(crate) async fn stop() {
    let Some(traces) = TRACES.get().cloned() else {
        return;
    };
    let stopped = spawn_blocking(move || traces.shutdown_with_timeout(LAST_SPANS));
    if !matches!(stopped.await, Ok(Ok(()))) {
        tracing::warn!("the last spans could not be sent");
    }
}

/// What all spans have in common. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` come first.
fn resource(program: &str) -> Resource {
    let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder().with_attribute(version).build();
    let name = resource.get(&opentelemetry::Key::new("service.name"));
    if name.is_some_and(|name| !name.as_str().starts_with("unknown_service")) {
        return resource;
    }
    let attributes = resource
        .iter()
        .map(|(key, value)| opentelemetry::KeyValue::new(key.clone(), value.clone()));
    Resource::builder_empty()
        .with_attributes(attributes)
        .with_service_name(program.to_owned())
        .build()
}

/// Sends spans on the program's runtime, once there is one.
#[derive(Debug)]
struct Exporter {
    to: BackendUrl,
    resource: Resource,
    otlp: OnceLock<Arc<OtlpExporter>>,
    trouble: Mutex<Trouble>,
}

/// What is not taken.
#[derive(Debug, Default)]
struct Trouble {
    lost: usize,
    told: Option<Instant>,
}

impl Exporter {
    fn to(to: BackendUrl) -> Self {
        Self {
            to,
            resource: Resource::builder_empty().build(),
            otlp: OnceLock::new(),
            trouble: Mutex::default(),
        }
    }

    /// Nothing is connected before it is used.
    fn otlp(&self, runtime: &Handle) -> Result<Arc<OtlpExporter>, ExporterBuildError> {
        if let Some(otlp) = self.otlp.get() {
            return Ok(Arc::clone(otlp));
        }
        let _in_runtime = runtime.enter();
        let builder = OtlpExporter::builder()
            .with_tonic()
            .with_endpoint(self.to.to_string());
        let builder = match self.to.is_secure() {
            true => builder.with_tls_config(ClientTlsConfig::new().with_webpki_roots()),
            false => builder,
        };
        let mut otlp = builder.build()?;
        otlp.set_resource(&self.resource);
        Ok(Arc::clone(self.otlp.get_or_init(|| Arc::new(otlp))))
    }

    /// Tells of spans that are lost: at once, and then now and then.
    fn tell(&self, count: usize, sent: &OTelSdkResult) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let Err(error) = sent else {
            if trouble.lost > 0 {
                tracing::info!(lost = trouble.lost, "traces are sent again");
                *trouble = Trouble::default();
            }
            return;
        };
        trouble.lost += count;
        let now = Instant::now();
        if trouble.told.is_none_or(|told| now >= told + TELL_EACH) {
            trouble.told = Some(now);
            tracing::warn!(collector = %self.to, lost = trouble.lost, %error, "traces cannot be sent");
        }
    }
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        // No request has come in before there is one.
        let Some(runtime) = RUNTIME.get() else {
            return Ok(());
        };
        let failed =
            |error: &dyn std::fmt::Display| OTelSdkError::InternalFailure(error.to_string());
        let count = batch.len();
        let sent = match self.otlp(runtime) {
            Ok(otlp) => {
                let sending = runtime.spawn(async move { otlp.export(batch).await });
                sending.await.unwrap_or_else(|error| Err(failed(&error)))
            }
            Err(error) => Err(failed(&error)),
        };
        self.tell(count, &sent);
        sent
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samplers_have_the_names_of_the_specification() {
        let names: Vec<_> = Sampling::value_variants()
            .iter()
            .filter_map(|it| Some(it.to_possible_value()?.get_name().to_owned()))
            .collect();
        assert_eq!(
            names,
            [
                "always_on",
                "always_off",
                "traceidratio",
                "parentbased_always_on",
                "parentbased_always_off",
                "parentbased_traceidratio"
            ]
        );
    }

    #[test]
    fn a_collector_is_an_address_or_none_and_a_ratio_a_part() {
        assert_eq!("".parse(), Ok(Collector(None)));
        assert!("http://collector:4317".parse::<Collector>().is_ok());
        for wrong in ["collector:4317", "http://collector", "http://a:1/v1/traces"] {
            assert!(wrong.parse::<Collector>().is_err(), "{wrong}");
        }
        assert_eq!("0.01".parse(), Ok(Ratio(0.01)));
        for wrong in ["", "-1", "1.1", "NaN", "inf", "all"] {
            assert!(wrong.parse::<Ratio>().is_err(), "{wrong}");
        }
    }
}
