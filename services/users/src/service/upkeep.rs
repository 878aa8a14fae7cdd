//! What is done now and then, for no call in particular.

use std::time::Duration;

use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use super::Accounts;

impl Accounts {
    /// Looks after the signing keys and forgets what is over, now and each time that `every` has
    /// passed, until `shutdown`. What fails is done next time.
    pub(crate) async fn keep_up(&self, every: Duration, shutdown: CancellationToken) {
        let mut tick = interval(every);
        while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
            if let Err(error) = self.keep_keys().await {
                tracing::warn!(%error, "signing keys stay as they are for now");
            }
            if let Err(error) = self.forget().await {
                tracing::warn!(%error, "what is over stays for now");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use database::testing::Fresh;
    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::service::tests::accounts;

    #[tokio::test]
    async fn s09_a_running_service_makes_the_next_key_by_itself_and_ends_when_told() {
        let fresh = Fresh::sqlite();
        let accounts = accounts(&fresh).await;
        let shutdown = CancellationToken::new();
        let kept = tokio::spawn({
            let (accounts, shutdown) = (accounts.clone(), shutdown.clone());
            async move { accounts.keep_up(Duration::from_millis(5), shutdown).await }
        });
        let keys = || accounts.key_set_json().matches("\"kid\"").count();
        assert_eq!(keys(), 1);
        accounts
            .clock
            .advance(Duration::from_secs(29 * 24 * 60 * 60));
        let followed = async {
            while keys() < 2 {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(10), followed).await.unwrap();
        shutdown.cancel();
        timeout(Duration::from_secs(10), kept)
            .await
            .unwrap()
            .unwrap();
    }
}
