//! The token by which the users backend knows this one: handed over to one replica, used by all.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use runtime::clock::Clock;

use crate::{error::Error, service_token::ServiceToken, store::Store};

/// A token that ends sooner is exchanged for what the database has by now.
const ABOUT_TO_END: Duration = Duration::from_secs(60);

/// Keeps the service token. Clones share it.
#[derive(Clone, Debug)]
pub struct ServiceTokens {
    store: Store,
    clock: Clock,
    /// The one last read, so that the database is asked seldom.
    held: Arc<Mutex<Option<ServiceToken>>>,
}

impl ServiceTokens {
    /// Those of one database.
    #[must_use]
    pub fn new(store: Store, clock: Clock) -> Self {
        Self {
            store,
            clock,
            held: Arc::default(),
        }
    }

    /// Takes up a token for all replicas, unless they have one that ends later.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn put(&self, token: &ServiceToken) -> Result<(), Error> {
        Ok(self.store.put_service_token(token).await?)
    }

    /// The token to use now; `None` while nobody has handed one over.
    ///
    /// # Errors
    ///
    /// The database's, if no token is at hand.
    pub async fn current(&self) -> Result<Option<ServiceToken>, Error> {
        let held = self.held();
        if let Some(token) = &held
            && self.clock.now() + ABOUT_TO_END < token.expires()
        {
            return Ok(held);
        }
        let kept = self.store.service_token().await?;
        let kept = kept.filter(|token| self.clock.now() < token.expires());
        self.hold(kept.clone());
        Ok(kept)
    }

    /// The users backend did not take `token`, so it is not used again unless the database has
    /// nothing else.
    pub fn refused(&self, token: &ServiceToken) {
        if self.held().as_ref() == Some(token) {
            self.hold(None);
        }
    }

    fn held(&self) -> Option<ServiceToken> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.clone()
    }

    fn hold(&self, token: Option<ServiceToken>) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = token;
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use database::testing::Fresh;
    use runtime::clock::Timestamp;

    use super::*;

    fn token(text: &str, expires: i64) -> ServiceToken {
        ServiceToken::new(text.to_owned(), Timestamp::from_seconds(expires))
    }

    async fn current(tokens: &ServiceTokens) -> Option<String> {
        let current = tokens.current().await.expect("read");
        current.map(|token| token.text().to_owned())
    }

    #[tokio::test]
    async fn the_token_at_hand_is_used_until_it_is_about_to_end_or_refused() {
        let fresh = Fresh::sqlite();
        let store = Store::open(fresh.url(), pending()).await.expect("opened");
        let clock = Clock::manual(Timestamp::from_seconds(0));
        let tokens = ServiceTokens::new(store.clone(), clock.clone());
        let others = ServiceTokens::new(store, clock.clone());
        assert_eq!(current(&tokens).await, None);
        others.put(&token("first", 900)).await.expect("put");
        assert_eq!(current(&tokens).await.as_deref(), Some("first"));
        others.put(&token("second", 1_000)).await.expect("put");
        clock.advance(Duration::from_secs(839));
        assert_eq!(current(&tokens).await.as_deref(), Some("first"));
        clock.advance(Duration::from_secs(1));
        assert_eq!(current(&tokens).await.as_deref(), Some("second"));

        // Of another than the one at hand nothing follows.
        others.put(&token("third", 2_000)).await.expect("put");
        tokens.refused(&token("first", 900));
        assert_eq!(current(&tokens).await.as_deref(), Some("second"));
        tokens.refused(&token("second", 1_000));
        assert_eq!(current(&tokens).await.as_deref(), Some("third"));

        // The last one is good to its end, and nothing after it.
        clock.advance(Duration::from_secs(1_159));
        assert_eq!(current(&tokens).await.as_deref(), Some("third"));
        clock.advance(Duration::from_secs(1));
        assert_eq!(current(&tokens).await, None);
    }
}
