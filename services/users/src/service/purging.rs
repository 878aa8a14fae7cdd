//! The other half of a deletion: the thoughts backend deletes what the account had written. The
//! database remembers what is left to do, so it is done whatever happens in between.

use std::{error::Error as StdError, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokio::{select, time::interval};
use tokio_util::sync::CancellationToken;

use super::Accounts;
use crate::{audit, error::Error, purge::Purge};

#[cfg(test)]
mod tests;

/// Has an author's thoughts deleted, within the attempt's patience. Doing it again does no harm.
pub(crate) type PurgeAuthor = Arc<
    dyn Fn(Purge) -> BoxFuture<'static, Result<(), Box<dyn StdError + Send + Sync>>> + Send + Sync,
>;

/// Completes deletions while the service runs.
pub(crate) struct Purging {
    pub(crate) accounts: Accounts,
    pub(crate) purge_author: PurgeAuthor,
    /// Is told how many deletions are not complete.
    pub(crate) pending: Arc<dyn Fn(i64) + Send + Sync>,
}

impl Purging {
    /// Completes what is due: now, after each deletion here, and each time that `every` has passed,
    /// until `shutdown`. What other replicas have left is taken up as well.
    pub(crate) async fn run(self, every: Duration, shutdown: CancellationToken) {
        let mut tick = interval(every);
        loop {
            let due = async {
                select! {
                    _ = tick.tick() => {}
                    () = self.accounts.deletions.notified() => {}
                }
            };
            if shutdown.run_until_cancelled(due).await.is_none() {
                return;
            }
            if let Err(error) = self.complete(&shutdown).await {
                tracing::warn!(%error, "deleted accounts keep their thoughts for now");
            }
        }
    }

    /// Completes everything that is due, up to the first failure: where one call fails, the next is
    /// likely to.
    async fn complete(&self, shutdown: &CancellationToken) -> Result<(), Error> {
        let (store, clock) = (&self.accounts.store, &self.accounts.clock);
        let mut pending = store.pending_purges().await?;
        (self.pending)(pending);
        while pending > 0
            && let Some(purge) = store.take_purge(clock.now()).await?
        {
            tracing::debug!(user_id = %purge.user_id, attempt = purge.attempt,
                "asking for the thoughts of a deleted account to be deleted");
            let attempt = (self.purge_author)(purge);
            match shutdown.run_until_cancelled(attempt).await {
                Some(Ok(())) => {
                    if store.finish_purge(purge.user_id).await? {
                        audit::author_purged(purge.user_id);
                    }
                }
                Some(Err(error)) => {
                    let (user_id, attempt) = (purge.user_id, purge.attempt);
                    tracing::warn!(%error, %user_id, attempt,
                        "a deleted account keeps its thoughts for now");
                    let until = clock.now() + purge.pause();
                    store.postpone_purge(purge, until).await?;
                    break;
                }
                // Nobody has to wait for the lease.
                None => {
                    store.postpone_purge(purge, clock.now()).await?;
                    break;
                }
            }
            pending = store.pending_purges().await?;
            (self.pending)(pending);
        }
        Ok(())
    }
}
