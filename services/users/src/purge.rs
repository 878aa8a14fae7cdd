//! What is left to do of a deletion: the thoughts of an account that is gone.

use std::time::Duration;

use uuid::Uuid;

/// How much longer each attempt may take than the one before.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long an attempt may take at most.
const MAX_PATIENCE: Duration = Duration::from_secs(60);

/// For how much longer than its attempt may take a purge is nobody else's.
const MARGIN: Duration = Duration::from_secs(5);

/// The pause after a first attempt. Each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// An attempt to have somebody's thoughts deleted, of one replica at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purge {
    /// Whose account it was.
    pub user_id: Uuid,
    /// Which attempt this is, from one.
    pub attempt: u32,
}

impl Purge {
    /// How long this attempt may take: the first ones not long, so that what dies with its process
    /// is soon tried again; later ones longer, in case there is very much to delete.
    pub fn patience(&self) -> Duration {
        PATIENCE.saturating_mul(self.attempt).min(MAX_PATIENCE)
    }

    /// For how long nobody else is to try.
    pub fn lease(&self) -> Duration {
        self.patience() + MARGIN
    }

    /// How long to wait after this attempt has failed.
    pub fn pause(&self) -> Duration {
        let doubled = 2_u32.saturating_pow(self.attempt.saturating_sub(1));
        FIRST_PAUSE.saturating_mul(doubled).min(MAX_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_take_longer_and_pauses_grow_up_to_a_minute() {
        let times = |attempt| {
            let user_id = Uuid::nil();
            let purge = Purge { user_id, attempt };
            let seconds = [purge.patience(), purge.lease(), purge.pause()];
            seconds.map(|time| time.as_secs())
        };
        assert_eq!(times(1), [10, 15, 1]);
        assert_eq!(times(2), [20, 25, 2]);
        assert_eq!(times(5), [50, 55, 16]);
        assert_eq!(times(7), [60, 65, 60]);
        assert_eq!(times(u32::MAX), [60, 65, 60]);
    }
}
