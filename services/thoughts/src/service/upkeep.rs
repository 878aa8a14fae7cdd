//! What is done now and then, for no call in particular.

use std::time::Duration;

use database::Error;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use super::Thoughts;

/// For how long a watcher can be away and go on from where it was.
const CHANGES_KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);

impl Thoughts {
    /// Empties the trash of what has been there for its time, and the log of changes of what nobody
    /// has to go on from any more, and merges what searches look into, now and each time that `every` has passed, until `shutdown`. What
    /// fails is done next time; meanwhile nobody is shown it.
    pub(crate) async fn keep_up(&self, every: Duration, shutdown: CancellationToken) {
        let mut tick = interval(every);
        while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
            if let Err(error) = self.store.empty_trash(self.clock.now()).await {
                tracing::warn!(%error, "the trash stays as it is for now");
            }
            if let Err(error) = self.merge_index(&shutdown).await {
                tracing::warn!(%error, "the index of words stays in its parts for now");
            }
            let old = self.clock.now() - CHANGES_KEPT_FOR;
            if let Err(error) = self.store.trim_changes(old).await {
                tracing::warn!(%error, "the log of changes stays as it is for now");
            }
        }
    }

    /// In steps, between which others write.
    async fn merge_index(&self, shutdown: &CancellationToken) -> Result<(), Error> {
        while !shutdown.is_cancelled() && self.store.merge_index().await? {}
        Ok(())
    }
}
