//! Everything of the caller's, out and in.

use futures_util::{
    Stream, TryStreamExt as _,
    stream::{self, try_unfold},
};
use runtime::auth::Caller;

use super::Thoughts;
use crate::{
    error::Error,
    page::PageRequest,
    porting::{Exported, Outcome, Record},
    thought::Thought,
};

/// So many thoughts are read at a time.
const PAGE: usize = 500;

/// So many revisions go with a thought: with the longest texts, a message can still be read by a
/// client that takes no more than gRPC's usual 4 MiB.
const REVISIONS: usize = 50;

impl Thoughts {
    /// Everything of the caller's, oldest first; with what is in the trash, if so. However much it
    /// is, a few hundred are in memory.
    pub fn export(
        &self,
        caller: &Caller,
        trash: bool,
    ) -> impl Stream<Item = Result<Exported, Error>> + Send + use<> {
        let (thoughts, author) = (self.clone(), caller.user_id);
        let pages = try_unfold(Some(None), move |behind: Option<Option<i64>>| {
            let thoughts = thoughts.clone();
            async move {
                let Some(behind) = behind else {
                    return Ok(None);
                };
                let now = thoughts.clock.now();
                let limit = i64::try_from(PAGE).unwrap_or(i64::MAX);
                let page = thoughts.store.export(author, trash, behind, limit, now);
                let page = page.await?;
                let last = page.last().map(|(last, _)| last.create_time.as_micros());
                let next = last.filter(|_| page.len() == PAGE).map(Some);
                Ok::<_, Error>(Some((page, next)))
            }
        });
        let thoughts = self.clone();
        pages
            .map_ok(|page| stream::iter(page.into_iter().map(Ok::<_, Error>)))
            .try_flatten()
            .map_ok(move |(thought, changed)| thoughts.parts(thought, changed))
            .try_flatten()
    }

    /// Stores thoughts of the caller's, each unless it is there; what became of each.
    ///
    /// # Errors
    ///
    /// [`Error::AccountGone`] when the caller's account has been deleted.
    pub async fn import(&self, caller: &Caller, records: &[Record]) -> Result<Vec<Outcome>, Error> {
        let now = self.clock.now();
        let outcomes = self.store.import(caller.user_id, records, now).await?;
        outcomes.ok_or(Error::AccountGone)
    }

    /// A thought with its revisions, several times if they are many.
    fn parts(
        &self,
        thought: Thought,
        changed: bool,
    ) -> impl Stream<Item = Result<Exported, Error>> + Send + use<> {
        let store = self.store.clone();
        try_unfold(Some(None), move |before: Option<Option<i64>>| {
            let (store, thought) = (store.clone(), thought.clone());
            async move {
                let page = match before {
                    None => return Ok(None),
                    Some(before) if changed => {
                        let page = PageRequest {
                            size: REVISIONS,
                            before,
                        };
                        let page = store.revisions(thought.id, page).await?;
                        (page.revisions, page.next)
                    }
                    Some(_) => (Vec::new(), None),
                };
                let (revisions, next) = page;
                Ok(Some((Exported { thought, revisions }, next.map(Some))))
            }
        })
    }
}
