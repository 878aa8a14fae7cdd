//! What is done now and then, for no call in particular.

use std::time::Duration;

use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use super::Thoughts;

impl Thoughts {
    /// Empties the trash of what has been there for its time, now and each time that `every` has
    /// passed, until `shutdown`. What fails is done next time; meanwhile nobody is shown it.
    pub(crate) async fn keep_up(&self, every: Duration, shutdown: CancellationToken) {
        let mut tick = interval(every);
        while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
            if let Err(error) = self.store.empty_trash(self.clock.now()).await {
                tracing::warn!(%error, "the trash stays as it is for now");
            }
        }
    }
}
