//! The time, injected, so that tests can move it.

use std::{
    ops::{Add, Sub},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use uuid::{NoContext, Uuid};

const MICROS_PER_SECOND: i64 = 1_000_000;

/// A point in time, in whole microseconds since 1970-01-01T00:00:00Z; negative before.
///
/// Microseconds are what both databases keep exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The time that many microseconds after the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The time that many whole seconds after the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(MICROS_PER_SECOND))
    }

    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down, as JSON Web Tokens want them.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(MICROS_PER_SECOND)
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }
}

impl From<Timestamp> for prost_types::Timestamp {
    fn from(timestamp: Timestamp) -> Self {
        let rest = timestamp.0.rem_euclid(MICROS_PER_SECOND);
        Self {
            seconds: timestamp.as_seconds(),
            nanos: i32::try_from(rest * 1_000).unwrap_or_default(),
        }
    }
}

impl From<prost_types::Timestamp> for Timestamp {
    fn from(timestamp: prost_types::Timestamp) -> Self {
        let seconds = Self::from_seconds(timestamp.seconds);
        Self(seconds.0.saturating_add(i64::from(timestamp.nanos) / 1_000))
    }
}

/// Where the time comes from. Clones show the same time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until it is moved with [`Clock::advance`] or [`Clock::set`].
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(start.0))))
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => system_now(),
            Source::Manual(micros) => Timestamp(micros.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock on; the machine's clock is left alone.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(now) = &self.0 {
            now.fetch_add(micros(by), Ordering::SeqCst);
        }
    }

    /// Puts a manual clock to a time, which may be an earlier one; the machine's is left alone.
    pub fn set(&self, time: Timestamp) {
        if let Source::Manual(now) = &self.0 {
            now.store(time.0, Ordering::SeqCst);
        }
    }

    /// A new UUID of version 7, of this clock's time.
    pub fn new_id(&self) -> Uuid {
        let now = self.now();
        let seconds = u64::try_from(now.as_seconds()).unwrap_or_default();
        let rest = now.0.rem_euclid(MICROS_PER_SECOND) * 1_000;
        let nanos = u32::try_from(rest).unwrap_or_default();
        Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, nanos))
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "the one place that asks the machine for the time"
)]
fn system_now() -> Timestamp {
    let now = SystemTime::now();
    let since = match now.duration_since(UNIX_EPOCH) {
        Ok(after) => micros(after),
        Err(before) => -micros(before.duration()),
    };
    Timestamp(since)
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_round_down_and_survive_the_wire() {
        let time = Timestamp::from_micros(-1);
        assert_eq!(time.as_seconds(), -1);
        let wire = prost_types::Timestamp::from(time);
        assert_eq!((wire.seconds, wire.nanos), (-1, 999_999_000));
        assert_eq!(Timestamp::from(wire), time);
    }

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = Clock::manual(Timestamp::from_seconds(10));
        clock.clone().advance(Duration::from_millis(1_500));
        assert_eq!(clock.now(), Timestamp::from_micros(11_500_000));
    }

    #[test]
    fn ids_are_of_version_7_even_before_1970() {
        let clock = Clock::manual(Timestamp::from_seconds(-5));
        assert_eq!(clock.new_id().get_version_num(), 7);
        assert_ne!(clock.new_id(), clock.new_id());
    }
}
