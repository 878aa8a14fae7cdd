//! Answers that change rarely, kept for a minute.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use runtime::clock::Timestamp;

/// How long an answer is good without being asked for again.
const FRESH: Duration = Duration::from_secs(60);

/// One answer of a backend. When it cannot be had anew, the old one goes on being used.
#[derive(Debug)]
pub(crate) struct Cached<T>(Mutex<Option<(T, Timestamp)>>);

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Cached<T> {
    /// The answer: the kept one while it is fresh, else the one that `ask` gets, else the kept
    /// one however old.
    ///
    /// # Errors
    ///
    /// What `ask` fails with, if nothing was ever kept.
    pub(crate) async fn get<E>(
        &self,
        now: Timestamp,
        ask: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let kept = self.kept();
        if let Some((answer, until)) = &kept
            && now < *until
        {
            return Ok(answer.clone());
        }
        match (ask.await, kept) {
            (Ok(answer), _) => {
                *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some((answer.clone(), now + FRESH));
                Ok(answer)
            }
            (Err(_), Some((answer, _))) => Ok(answer),
            (Err(error), None) => Err(error),
        }
    }

    /// The last answer, of whatever age.
    pub(crate) fn last(&self) -> Option<T> {
        self.kept().map(|(answer, _)| answer)
    }

    fn kept(&self) -> Option<(T, Timestamp)> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    #[tokio::test]
    async fn an_answer_lasts_a_minute_and_outlives_failures() {
        let start = Timestamp::from_seconds(0);
        let cached = Cached::default();
        assert_eq!(cached.get(start, ready(Err("away"))).await, Err("away"));
        assert_eq!(cached.get(start, ready(Ok::<_, &str>(1))).await, Ok(1));
        assert_eq!(
            cached.get(start + FRESH / 2, ready(Ok::<_, &str>(2))).await,
            Ok(1)
        );
        assert_eq!(cached.get(start + FRESH, ready(Err("away"))).await, Ok(1));
        assert_eq!(
            cached.get(start + FRESH, ready(Ok::<_, &str>(2))).await,
            Ok(2)
        );
    }
}
