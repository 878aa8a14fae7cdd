//! How the pools are used, for Prometheus.

use std::{fmt, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder},
    metrics::{MetricType, gauge::ConstGauge},
    registry::Registry,
};

use crate::{
    Database,
    measured::{Pool, Usage},
};

/// Adds the metrics of the pools of these databases, each pool with its name as a label.
pub fn register(registry: &mut Registry, databases: impl IntoIterator<Item = Database>) {
    registry.register_collector(Box::new(Pools(databases.into_iter().collect())));
}

impl Database {
    fn snapshots(&self) -> Vec<Snapshot> {
        match self {
            Self::Sqlite { writer, readers } => vec![Snapshot::of(writer), Snapshot::of(readers)],
            Self::Postgres(pool) => vec![Snapshot::of(pool)],
        }
    }
}

/// One pool at this moment.
struct Snapshot {
    usage: Arc<Usage>,
    open: u32,
    idle: u32,
    most: u32,
}

impl Snapshot {
    fn of<D: sqlx::Database>(pool: &Pool<D>) -> Self {
        let open = pool.size();
        // The two are not read at once.
        let idle = u32::try_from(pool.num_idle()).unwrap_or(open).min(open);
        Self {
            usage: Arc::clone(&pool.usage),
            open,
            idle,
            most: pool.options().get_max_connections(),
        }
    }
}

/// What is asked when somebody reads the metrics.
#[derive(Debug)]
struct Pools(Vec<Database>);

impl Collector for Pools {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        let mut page = Page {
            encoder,
            pools: self.0.iter().flat_map(Database::snapshots).collect(),
        };
        page.write(
            "mythoughts_database_connections",
            "Connections that are open, by whether somebody uses them",
            MetricType::Gauge,
            |pool, metric| {
                for (state, count) in [("used", pool.open - pool.idle), ("idle", pool.idle)] {
                    let labels = [("pool", pool.usage.name), ("state", state)];
                    ConstGauge::new(i64::from(count)).encode(metric.encode_family(&labels)?)?;
                }
                Ok(())
            },
        )?;
        page.write(
            "mythoughts_database_max_connections",
            "So many connections may be open",
            MetricType::Gauge,
            |pool, metric| {
                let most = ConstGauge::new(i64::from(pool.most));
                most.encode(metric.encode_family(&[("pool", pool.usage.name)])?)
            },
        )?;
        page.write(
            "mythoughts_database_waiting",
            "Calls that wait for a connection",
            MetricType::Gauge,
            |pool, metric| {
                let waiting = &pool.usage.waiting;
                waiting.encode(metric.encode_family(&[("pool", pool.usage.name)])?)
            },
        )?;
        page.write(
            "mythoughts_database_acquire_seconds",
            "How long calls waited for a connection",
            MetricType::Histogram,
            |pool, metric| {
                let seconds = &pool.usage.seconds;
                seconds.encode(metric.encode_family(&[("pool", pool.usage.name)])?)
            },
        )?;
        page.write(
            "mythoughts_database_acquire_failures",
            "Calls that got no connection",
            MetricType::Counter,
            |pool, metric| {
                let failures = &pool.usage.failures;
                failures.encode(metric.encode_family(&[("pool", pool.usage.name)])?)
            },
        )?;
        page.write(
            "mythoughts_database_retries",
            "Transactions that met another one and were made again",
            MetricType::Counter,
            |pool, metric| {
                let retries = &pool.usage.retries;
                retries.encode(metric.encode_family(&[("pool", pool.usage.name)])?)
            },
        )
    }
}

struct Page<'a> {
    encoder: DescriptorEncoder<'a>,
    pools: Vec<Snapshot>,
}

impl Page<'_> {
    fn write(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        each: impl Fn(&Snapshot, &mut MetricEncoder) -> fmt::Result,
    ) -> fmt::Result {
        let mut metric = self.encoder.encode_descriptor(name, help, None, kind)?;
        self.pools
            .iter()
            .try_for_each(|pool| each(pool, &mut metric))
    }
}
