//! How this process is: the metrics that every Prometheus client has, where Linux tells them.

use prometheus_client::registry::Registry;

#[cfg(target_os = "linux")]
pub(super) fn register(registry: &mut Registry) {
    registry.register_collector(Box::new(linux::Process));
}

#[cfg(not(target_os = "linux"))]
pub(super) fn register(_: &mut Registry) {}

#[cfg(target_os = "linux")]
mod linux {
    use std::fmt;

    use procfs::{CurrentSI as _, KernelStats, ProcResult, WithCurrentSystemInfo as _, process};
    use prometheus_client::{
        collector::Collector,
        encoding::{DescriptorEncoder, EncodeMetric},
        metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    };

    /// What is asked when somebody reads the metrics.
    #[derive(Debug)]
    pub(super) struct Process;

    /// The process at one moment.
    struct Snapshot {
        cpu_seconds: f64,
        start_seconds: f64,
        resident_bytes: u64,
        virtual_bytes: u64,
        threads: i64,
        open_files: usize,
        max_files: Option<u64>,
    }

    impl Snapshot {
        #[allow(
            clippy::cast_precision_loss,
            reason = "seconds with so many digits are exact enough"
        )]
        fn take() -> ProcResult<Self> {
            let process = process::Process::myself()?;
            let stat = process.stat()?;
            let ticks = procfs::ticks_per_second() as f64;
            let limit = process.limits()?.max_open_files.soft_limit;
            Ok(Self {
                cpu_seconds: (stat.utime + stat.stime) as f64 / ticks,
                start_seconds: KernelStats::current()?.btime as f64 + stat.starttime as f64 / ticks,
                resident_bytes: stat.rss_bytes().get(),
                virtual_bytes: stat.vsize,
                threads: stat.num_threads,
                open_files: process.fd_count()?,
                max_files: match limit {
                    process::LimitValue::Value(limit) => Some(limit),
                    process::LimitValue::Unlimited => None,
                },
            })
        }
    }

    impl Collector for Process {
        fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
            // Where /proc is hidden there is nothing to tell.
            let Ok(now) = Snapshot::take() else {
                return Ok(());
            };
            let cpu = ConstCounter::new(now.cpu_seconds);
            let help = "Seconds that cores have worked for this process";
            let kind = MetricType::Counter;
            cpu.encode(encoder.encode_descriptor("process_cpu_seconds", help, None, kind)?)?;
            let max_files = now.max_files.map(|max| {
                let help = "So many files and sockets may be open";
                (
                    "process_max_fds",
                    help,
                    i64::try_from(max).unwrap_or(i64::MAX),
                )
            });
            let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
            let gauges = [
                (
                    "process_resident_memory_bytes",
                    "Memory in use",
                    count(now.resident_bytes),
                ),
                (
                    "process_virtual_memory_bytes",
                    "Memory that is addressed",
                    count(now.virtual_bytes),
                ),
                ("process_threads", "Threads", now.threads),
                (
                    "process_open_fds",
                    "Files and sockets that are open",
                    count(now.open_files as u64),
                ),
            ];
            for (name, help, value) in gauges.into_iter().chain(max_files) {
                let gauge = ConstGauge::new(value);
                gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
            }
            let start = ConstGauge::new(now.start_seconds);
            let (name, help) = ("process_start_time_seconds", "When it started, since 1970");
            start.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
        }
    }
}
