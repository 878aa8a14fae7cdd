//! Sessions that are being renewed: each once, however many requests need it at the same time.
//!
//! A browser asks for several things at once, and each finds the same access token expired. The
//! first one has the session renewed, the others wait for its answer. Those that come a little
//! late, still with the old cookies, get the same answer for as long as the users backend itself
//! would give it. Over several gateways that grace alone does the same.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use runtime::clock::{Clock, Timestamp};
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tracing::Instrument as _;

use crate::{backends::NewSession, error::Problem, session::Token};

/// How long a used refresh token is still answered with its successor, as the contract says.
const GRACE: Duration = Duration::from_secs(10);

/// A session with its new tokens, or why there is none.
pub(crate) type Answer = Result<NewSession, Problem>;

/// The renewals under way, and those of the last seconds.
#[derive(Debug, Default)]
pub(crate) struct Renewals(Mutex<HashMap<Key, Renewal>>);

/// The SHA-256 of the refresh token that is used up.
type Key = [u8; 32];

/// The answer, once it is there, and when it came.
#[derive(Clone, Debug)]
struct Renewal(watch::Receiver<Option<(Answer, Timestamp)>>);

impl Renewals {
    /// Renews the session of a refresh token by `ask`, unless that is being done or has just been
    /// done. Failures are not kept: the next request tries again.
    pub(crate) async fn renew(
        &self,
        clock: &Clock,
        refresh_token: &Token,
        ask: impl Future<Output = Answer> + Send + 'static,
    ) -> Answer {
        let renewal = {
            let now = clock.now();
            let mut renewals = self.renewals();
            renewals.retain(|_, renewal| renewal.is_of_use(now));
            let renewal = renewals.entry(key(refresh_token));
            renewal
                .or_insert_with(|| Renewal::start(clock.clone(), ask))
                .clone()
        };
        renewal.answer().await
    }

    /// Drops the kept answers that lead to or from this refresh token: a session that has ended
    /// must not come back with a request that was late.
    pub(crate) fn forget(&self, refresh_token: &Token) {
        let from = key(refresh_token);
        self.renewals()
            .retain(|key, renewal| *key != from && !renewal.has(refresh_token));
    }

    fn renewals(&self) -> MutexGuard<'_, HashMap<Key, Renewal>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Renewal {
    /// In a task of its own: a browser that goes away in the middle must not undo what the users
    /// backend has done, or the successor would be lost and the session with it.
    fn start(clock: Clock, ask: impl Future<Output = Answer> + Send + 'static) -> Self {
        let (answered, answer) = watch::channel(None);
        let asking = async move {
            let answer = ask.await;
            answered.send_replace(Some((answer, clock.now())));
        };
        tokio::spawn(asking.in_current_span());
        Self(answer)
    }

    async fn answer(mut self) -> Answer {
        let answer = self.0.wait_for(Option::is_some).await;
        let answer = answer.ok().and_then(|answer| answer.clone());
        // Without an answer the task has panicked.
        answer.map_or(Err(Problem::Defect), |(answer, _)| answer)
    }

    /// Whether the answer is still to come, or good and not too old.
    fn is_of_use(&self, now: Timestamp) -> bool {
        match &*self.0.borrow() {
            None => self.0.has_changed().is_ok(),
            Some((Ok(_), at)) => now < *at + GRACE,
            Some((Err(_), _)) => false,
        }
    }

    fn has(&self, refresh_token: &Token) -> bool {
        match &*self.0.borrow() {
            Some((Ok(session), _)) => session.refresh.token.expose() == refresh_token.expose(),
            _ => false,
        }
    }
}

fn key(refresh_token: &Token) -> Key {
    Sha256::digest(refresh_token.expose()).into()
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tokio::sync::oneshot;

    use super::*;
    use crate::{backends::NewToken, model::Viewer};

    const OLD: &str = "used up";

    fn session(refresh_token: &str) -> NewSession {
        NewSession {
            viewer: Viewer {
                username: "bruce".to_owned(),
                administrator: false,
            },
            access: token("access"),
            refresh: token(refresh_token),
        }
    }

    fn token(text: &str) -> NewToken {
        NewToken {
            token: Token::new(text),
            expires: Timestamp::from_seconds(300),
        }
    }

    /// A users backend that counts.
    #[derive(Default)]
    struct Users(Arc<AtomicUsize>);

    impl Users {
        fn answers(&self, answer: Answer) -> impl Future<Output = Answer> + Send + use<> {
            let asked = Arc::clone(&self.0);
            async move {
                asked.fetch_add(1, Ordering::SeqCst);
                answer
            }
        }

        fn asked(&self) -> usize {
            self.0.load(Ordering::SeqCst)
        }
    }

    fn start() -> (Renewals, Clock, Users, Token) {
        let clock = Clock::manual(Timestamp::from_seconds(0));
        (
            Renewals::default(),
            clock,
            Users::default(),
            Token::new(OLD),
        )
    }

    #[tokio::test]
    async fn s07_an_answer_is_given_again_for_ten_seconds() {
        let (renewals, clock, users, old) = start();
        for (seconds, asked) in [(0, 1), (9, 1), (1, 2)] {
            clock.advance(Duration::from_secs(seconds));
            let ask = users.answers(Ok(session("next")));
            let answer = renewals.renew(&clock, &old, ask).await.unwrap();
            assert_eq!(answer.refresh.token.expose(), "next");
            assert_eq!(users.asked(), asked);
        }
        let ask = users.answers(Ok(session("other")));
        renewals
            .renew(&clock, &Token::new("another's"), ask)
            .await
            .unwrap();
        assert_eq!(users.asked(), 3);
    }

    #[tokio::test]
    async fn failures_are_told_to_all_who_wait_and_then_forgotten() {
        let (renewals, clock, users, old) = start();
        let ask = || users.answers(Err(Problem::SignIn));
        let (one, other) = tokio::join!(
            renewals.renew(&clock, &old, ask()),
            renewals.renew(&clock, &old, ask()),
        );
        assert!(one.is_err() && other.is_err());
        assert_eq!(users.asked(), 1);
        assert!(renewals.renew(&clock, &old, ask()).await.is_err());
        assert_eq!(users.asked(), 2);
    }

    #[tokio::test]
    async fn whoever_goes_away_in_the_middle_finds_the_answer_on_coming_back() {
        let (renewals, clock, users, old) = start();
        let (answer, answered) = oneshot::channel::<()>();
        let slow = users.answers(Ok(session("next")));
        let slow = async move {
            answered.await.unwrap();
            slow.await
        };
        let gone = tokio::time::timeout(Duration::ZERO, renewals.renew(&clock, &old, slow));
        assert!(gone.await.is_err());
        answer.send(()).unwrap();
        let again = users.answers(Ok(session("a second successor")));
        let found = renewals.renew(&clock, &old, again).await.unwrap();
        assert_eq!(found.refresh.token.expose(), "next");
        assert_eq!(users.asked(), 1);
    }

    #[tokio::test]
    async fn an_ended_session_does_not_come_back() {
        let (renewals, clock, users, old) = start();
        for ended in [OLD, "next"] {
            let ask = users.answers(Ok(session("next")));
            renewals.renew(&clock, &old, ask).await.unwrap();
            renewals.forget(&Token::new(ended));
            let ask = users.answers(Err(Problem::SignIn));
            assert!(renewals.renew(&clock, &old, ask).await.is_err());
        }
    }

    #[tokio::test]
    async fn a_panic_is_a_failure_like_others() {
        let (renewals, clock, users, old) = start();
        let broken = async { panic!("broken") };
        assert_eq!(
            renewals.renew(&clock, &old, broken).await.unwrap_err(),
            Problem::Defect
        );
        let ask = users.answers(Ok(session("next")));
        assert!(renewals.renew(&clock, &old, ask).await.is_ok());
    }
}
