//! Tags: listing them, and what is done for them in the background.

use std::time::Duration;

use runtime::auth::Caller;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use super::{Thoughts, kept, viewer};
use crate::{
    error::Error,
    page::{TagPage, TagPageRequest},
    store::Store,
};

/// How many thoughts are tagged in one transaction: it keeps others from writing on SQLite.
const UNTAGGED: usize = 500;
/// How many changes are counted in one transaction.
const CHANGES: usize = 5_000;

impl Thoughts {
    /// The tags on what the caller may see, of everyone or of one author, the most frequent first.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn tags(
        &self,
        caller: Option<&Caller>,
        author: Option<&str>,
        page: &TagPageRequest,
    ) -> Result<TagPage, Error> {
        let author = author.map(kept);
        let viewer = viewer(caller, author.as_deref());
        let author = author.as_deref();
        let read = |store: Store| async move { store.tags(viewer, author, page).await };
        self.read(caller, viewer, read).await
    }

    /// Tags what another release has stored, and counts tags, every so often until `shutdown`.
    pub(crate) async fn keep_tags(&self, every: Duration, shutdown: CancellationToken) {
        let mut tick = interval(every);
        let mut works = true;
        while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
            let kept = shutdown.run_until_cancelled(self.bring_tags_up_to_date());
            match kept.await {
                Some(Err(error)) if works => {
                    tracing::warn!(%error, "tags are not kept up for now");
                    works = false;
                }
                Some(Ok(())) => works = true,
                _ => {}
            }
        }
    }

    /// Does all that there is to do, in small transactions.
    async fn bring_tags_up_to_date(&self) -> Result<(), Error> {
        while self.store.has_tags_to_do().await? {
            self.store.tag_untagged(UNTAGGED).await?;
            self.store.count_tags(CHANGES).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use database::testing::on_each_engine;
    use runtime::clock::Clock;
    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::thought::MaxLength;

    #[tokio::test]
    async fn a_running_service_counts_by_itself_and_ends_when_told() {
        on_each_engine(async |fresh| {
            let thoughts = Thoughts {
                store: Store::open(fresh.url(), pending()).await.unwrap(),
                clock: Clock::system(),
                max_length: MaxLength::default(),
            };
            let shutdown = CancellationToken::new();
            let kept = tokio::spawn({
                let (thoughts, shutdown) = (thoughts.clone(), shutdown.clone());
                async move { thoughts.keep_tags(Duration::from_millis(5), shutdown).await }
            });
            let mut written = crate::example::thoughts().remove(0);
            written.text = "#tag".to_owned();
            thoughts.store.create(&written, None).await.unwrap();
            let counted = async {
                while thoughts.store.has_tags_to_do().await.unwrap() {
                    sleep(Duration::from_millis(5)).await;
                }
            };
            timeout(Duration::from_secs(10), counted).await.unwrap();
            let page = TagPageRequest {
                size: 1,
                behind: None,
            };
            let listed = thoughts.tags(None, None, &page).await.unwrap();
            assert_eq!(listed.tags[0].thought_count, 1);
            shutdown.cancel();
            timeout(Duration::from_secs(10), kept)
                .await
                .unwrap()
                .unwrap();
            thoughts.store.close().await;
        })
        .await;
    }
}
