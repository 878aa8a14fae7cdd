//! How often somebody may fail to sign in.
//!
//! Failures are counted in four buckets: of a name from an address, of a name from anywhere, of an
//! address with any name, and in all. Each lets a burst of failures through and then one in a
//! while, so nobody is locked out for good, and a right password costs nothing. Somebody who has
//! signed in from an address before is not held up by what others do to the name from elsewhere.
//!
//! A name that nobody has is counted like any other: who is throttled learns nothing from it.
//!
//! Personal access tokens that nobody has are counted as well, by each replica for itself.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use aws_lc_rs::digest;
use runtime::clock::Timestamp;

use crate::username::Username;

/// For this long after signing in a name is known at an address.
const KNOWN: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Failures of a name from an address: ten, then one in twenty seconds.
const PAIR: Limit = Limit::new(10, Duration::from_secs(20));
/// Failures of a name from anywhere: NIST SP 800-63B, section 3.2.2, asks for at most 100 in a row.
const NAME: Limit = Limit::new(50, Duration::from_secs(30));
/// Failures from an address, which a whole company may share: a hundred, then one a second.
const ADDRESS: Limit = Limit::new(100, Duration::from_secs(1));
/// Failures in all: a thousand, then twenty a second.
const ALL: Limit = Limit::new(1_000, Duration::from_millis(50));
/// Personal access tokens that nobody has: a hundred, then ten a second.
const UNKNOWN_TOKENS: Limit = Limit::new(100, Duration::from_millis(100));

/// The buckets that a sign-in is counted in.
#[derive(Debug, Clone)]
pub struct Buckets([Bucket; 4]);

/// One of the things that are limited.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// What the database knows it by.
    pub key: [u8; 32],
    limit: Limit,
}

#[derive(Debug, Clone, Copy)]
struct Limit {
    burst: u32,
    every: Duration,
}

/// What the database has of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// When every failure is made up for.
    pub free_time: Timestamp,
    /// Until when the name is known at the address.
    pub known_time: Option<Timestamp>,
}

/// How many have come with a personal access token that nobody has, to this process.
#[derive(Debug)]
pub struct UnknownTokens(Mutex<Timestamp>);

/// Too many have failed: the next one is not looked at before this has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait(pub Duration);

impl Buckets {
    /// Those of a name (`None`: one that no account can have) and an address.
    pub fn new(username: Option<&Username>, address: Option<IpAddr>) -> Self {
        let name = username.map_or("", Username::as_str);
        let address = address.map(|it| network(it).to_string());
        let address = address.unwrap_or_default();
        Self([
            Bucket::new("all", &[], ALL),
            Bucket::new("address", &[&address], ADDRESS),
            Bucket::new("name", &[name], NAME),
            Bucket::new("pair", &[name, &address], PAIR),
        ])
    }

    /// The buckets: first that of all, last that of the name from the address.
    pub fn each(&self) -> &[Bucket; 4] {
        &self.0
    }

    /// The bucket that also remembers that the name is known at the address.
    pub fn pair(&self) -> &Bucket {
        &self.0[3]
    }

    /// The levels of the buckets after one more sign-in that may fail, or how long to wait. `levels`
    /// are those of [`Buckets::each`]; `None` is an empty bucket.
    ///
    /// # Errors
    ///
    /// The longest [`Wait`] of the buckets that are full.
    pub fn take(
        &self,
        levels: &[Option<Level>; 4],
        now: Timestamp,
    ) -> Result<[Timestamp; 4], Wait> {
        let known = levels[3].and_then(|pair| pair.known_time);
        let known = known.is_some_and(|until| now < until);
        let mut after = [now; 4];
        let mut wait = None;
        for (index, (bucket, level)) in self.0.iter().zip(levels).enumerate() {
            let free = level.map_or(now, |level| level.free_time.max(now));
            // What others do to the name from elsewhere is not held against its owner.
            if index == 2 && known {
                after[index] = free;
                continue;
            }
            match bucket.limit.take(free, now) {
                Ok(free) => after[index] = free,
                Err(Wait(longer)) => wait = wait.max(Some(longer)),
            }
        }
        wait.map_or(Ok(after), |longest| Err(Wait(longest)))
    }
}

impl UnknownTokens {
    /// Counts one more, or tells how long to wait.
    ///
    /// # Errors
    ///
    /// There have been too many.
    pub fn count(&self, now: Timestamp) -> Result<(), Wait> {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // No fuller than full, where the clock was put back.
        *free = (*free).clamp(now, UNKNOWN_TOKENS.full(now));
        *free = UNKNOWN_TOKENS.take(*free, now)?;
        Ok(())
    }
}

impl Default for UnknownTokens {
    fn default() -> Self {
        Self(Mutex::new(Timestamp::from_micros(i64::MIN)))
    }
}

impl Bucket {
    fn new(kind: &str, parts: &[&str], limit: Limit) -> Self {
        // None of them has a line feed in it.
        let text = [&[kind], parts].concat().join("\n");
        let mut key = [0; 32];
        key.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
        Self { key, limit }
    }

    /// What one sign-in adds to the bucket, and takes out of it again when it did not fail.
    pub fn cost(&self) -> Duration {
        self.limit.every
    }
}

impl Limit {
    const fn new(burst: u32, every: Duration) -> Self {
        Self { burst, every }
    }

    /// GCRA: a bucket that is full is free in `burst` times `every`.
    fn take(self, free: Timestamp, now: Timestamp) -> Result<Timestamp, Wait> {
        let (after, most) = (free + self.every, self.full(now));
        if after <= most {
            return Ok(after);
        }
        let micros = after.as_micros() - most.as_micros();
        Err(Wait(Duration::from_micros(micros.unsigned_abs())))
    }

    /// When a bucket that is full now is free.
    fn full(self, now: Timestamp) -> Timestamp {
        now + self.every * self.burst
    }
}

/// Until when a name is known at an address that it signs in from now.
pub fn known_until(now: Timestamp) -> Timestamp {
    now + KNOWN
}

/// Who has one IPv6 address has the 64 bits below it as well.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let mut segments = v6.segments();
            segments[4..].fill(0);
            Ipv6Addr::from(segments).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn keys(name: &str, address: &str) -> [[u8; 32]; 4] {
        let buckets = Buckets::new(name.parse().ok().as_ref(), address.parse().ok());
        buckets.each().clone().map(|bucket| bucket.key)
    }

    #[test]
    fn addresses_of_one_network_are_one() {
        let same = |one: &str, other: &str| keys("bruce", one) == keys("bruce", other);
        assert!(same("2001:db8::1", "2001:db8::ffff:0:1"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(same("192.0.2.7", "::ffff:192.0.2.7"));
        assert!(!same("192.0.2.7", "192.0.2.8"));
        assert_eq!(keys("bruce", "192.0.2.7")[0], keys("eve", "")[0], "all");
    }

    #[test]
    fn after_a_burst_one_comes_through_in_a_while() {
        let buckets = Buckets::new(None, None);
        let mut levels = [None; 4];
        let take = |levels: &mut [Option<Level>; 4], now| {
            let after = buckets.take(levels, now)?;
            *levels = after.map(|free_time| {
                Some(Level {
                    free_time,
                    known_time: None,
                })
            });
            Ok(())
        };
        for _ in 0..10 {
            assert_eq!(take(&mut levels, NOW), Ok(()));
        }
        let wait = Duration::from_secs(20);
        assert_eq!(take(&mut levels, NOW), Err(Wait(wait)));
        assert_eq!(take(&mut levels, NOW + wait), Ok(()));
        assert_eq!(take(&mut levels, NOW + wait), Err(Wait(wait)));
        let later = NOW + wait * 20;
        for _ in 0..10 {
            assert_eq!(take(&mut levels, later), Ok(()));
        }
    }

    #[test]
    fn unknown_tokens_are_counted_by_the_hundred_and_a_clock_put_back_holds_nobody_up() {
        let (tokens, every) = (UnknownTokens::default(), Duration::from_millis(100));
        for _ in 0..100 {
            assert_eq!(tokens.count(NOW), Ok(()));
        }
        assert_eq!(tokens.count(NOW), Err(Wait(every)));
        assert_eq!(tokens.count(NOW + every), Ok(()));
        assert_eq!(tokens.count(NOW + every), Err(Wait(every)));
        let before = NOW - Duration::from_secs(3_600);
        assert_eq!(tokens.count(before), Err(Wait(every)));
        assert_eq!(tokens.count(before + every), Ok(()));
    }
}
