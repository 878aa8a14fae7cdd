//! Everything of the caller's, out and in.

use std::future::ready;

use futures_util::{
    Stream, StreamExt as _, TryStreamExt as _,
    stream::{self, try_unfold},
};
use runtime::auth::Caller;

use super::Thoughts;
use crate::{
    error::Error,
    page::{PageRequest, Place},
    porting::{Exported, Outcome, Record},
    store::Store,
    thought::{Author, Thought},
};

/// So many thoughts are read at a time.
const PAGE: usize = 1_000;

/// So many revisions go with a thought: with the longest texts, a message can still be read by a
/// client that takes no more than gRPC's usual 4 MiB.
const REVISIONS: usize = 50;

impl Thoughts {
    /// Everything of the caller's, oldest first; with what is in the trash, if so. However much it
    /// is, two pages are in memory: one is read while the one before it is on its way.
    pub fn export(
        &self,
        caller: &Caller,
        trash: bool,
    ) -> impl Stream<Item = Result<Exported, Error>> + Send + use<> {
        let author = Author {
            id: caller.user_id,
            username: caller.username.clone(),
        };
        let first = self.exported_behind(author.clone(), trash, None);
        let thoughts = self.clone();
        let pages = try_unfold(Some(first), move |page| {
            let (thoughts, author) = (thoughts.clone(), author.clone());
            async move {
                let Some(page) = page else {
                    return Ok(None);
                };
                let page = page.await?;
                let last = page.last().map(|(last, _)| Place::of(last));
                let last = last.filter(|_| page.len() == PAGE);
                let next = last.map(|last| thoughts.exported_behind(author, trash, Some(last)));
                Ok::<_, Error>(Some((page, next)))
            }
        });
        let store = self.store.clone();
        pages
            .map_ok(|page| stream::iter(page.into_iter().map(Ok::<_, Error>)))
            .try_flatten()
            .map_ok(move |(thought, changed)| parts(&store, thought, changed))
            .try_flatten()
    }

    fn exported_behind(
        &self,
        author: Author,
        trash: bool,
        behind: Option<Place>,
    ) -> impl Future<Output = Result<Vec<(Thought, bool)>, database::Error>> + Send + use<> {
        let limit = i64::try_from(PAGE).unwrap_or(i64::MAX);
        let now = self.clock.now();
        self.store.export_ahead(author, trash, behind, limit, now)
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
}

/// A thought with its revisions, several times if they are many.
fn parts(
    store: &Store,
    thought: Thought,
    changed: bool,
) -> impl Stream<Item = Result<Exported, Error>> + Send + use<> {
    if !changed {
        let revisions = Vec::new();
        let alone = Exported { thought, revisions };
        return stream::once(ready(Ok(alone))).left_stream();
    }
    let store = store.clone();
    let parts = try_unfold(Some(None), move |before: Option<Option<Place>>| {
        let (store, thought) = (store.clone(), thought.clone());
        async move {
            let Some(before) = before else {
                return Ok(None);
            };
            let page = PageRequest {
                size: REVISIONS,
                before,
            };
            let page = store.revisions(thought.id, page).await?;
            let revisions = page.revisions;
            let part = Exported { thought, revisions };
            Ok(Some((part, page.next.map(Some))))
        }
    });
    // Whatever is not boxed is moved about with every thought, changed or not.
    parts.boxed().right_stream()
}
