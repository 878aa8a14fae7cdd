//! What is told of the queue.

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
};

use super::PasswordHasher;

impl Collector for PasswordHasher {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let (running, waiting) = self.load();
        let gauges = [
            (
                "running",
                "Passwords that are hashed at this moment",
                running,
            ),
            ("waiting", "Passwords that wait to be hashed", waiting),
        ];
        for (what, help, count) in gauges {
            let name = format!("mythoughts_password_hashes_{what}");
            let gauge = ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(&name, help, None, MetricType::Gauge)?)?;
        }
        let (name, help) = (
            "mythoughts_password_hashes_refused",
            "Passwords that were not hashed because too many waited",
        );
        let refused = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        self.refused.encode(refused)
    }
}
