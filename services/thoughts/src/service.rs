//! The use cases, and who may do what: writing and finding here, changing and deleting in
//! `keeping`, telling what becomes of thoughts in `live`, and in `upkeep` what is done for no call in
//! particular.

mod keeping;
mod live;
mod porting;
mod service_tokens;
mod tags;
mod upkeep;

#[cfg(test)]
mod live_tests;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod porting_tests;
#[cfg(test)]
mod tests;

pub use live::{Live, Told, WatchEnd, Watcher};
pub use service_tokens::ServiceTokens;

use runtime::{auth::Caller, clock::Clock};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    error::Error,
    page::{Page, PageRequest},
    query::SearchQuery,
    store::{Created, CreationRequest, Store},
    thought::{Author, MaxLength, Thought, ThoughtText, Visibility},
};

/// Writing, listing and searching thoughts. Clones share the database.
#[derive(Clone, Debug)]
pub struct Thoughts {
    /// Where they are.
    pub store: Store,
    /// What gives them their times and ids.
    pub clock: Clock,
    /// The longest text that is taken.
    pub max_length: MaxLength,
}

impl Thoughts {
    /// Writes a thought of the caller's. With a `request_id`, the same one again answers with the
    /// thought that it made, as that is now.
    ///
    /// # Errors
    ///
    /// [`Error::OtherText`] or [`Error::Gone`] when the request id stands for something else,
    /// [`Error::AccountGone`] when the caller's account has been deleted.
    pub async fn create(
        &self,
        caller: &Caller,
        text: &ThoughtText,
        visibility: Visibility,
        request_id: Option<Uuid>,
    ) -> Result<Thought, Error> {
        let now = self.clock.now();
        let thought = Thought {
            id: self.clock.new_id(),
            author: Author {
                id: caller.user_id,
                username: caller.username.clone(),
            },
            text: text.as_str().to_owned(),
            visibility,
            create_time: now,
            position: now.as_micros(),
            update_time: now,
            trashed: None,
        };
        let request = request_id.map(|id| CreationRequest {
            id,
            request_hash: hash(text, visibility),
        });
        match self.store.create(&thought, request).await? {
            Created::New(thought) | Created::Before(thought) => Ok(thought),
            Created::OtherText => Err(Error::OtherText),
            Created::Gone => Err(Error::Gone),
        }
    }

    /// The thought of that id. Its author finds it in the trash as well.
    ///
    /// Nobody in particular may read it from a replica, if that has it.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], for somebody else's private one too.
    pub async fn get(&self, caller: Option<&Caller>, id: Uuid) -> Result<Thought, Error> {
        let Some(viewer) = user_id(caller) else {
            let read = |store: Store| async move { store.get(id, None).await };
            let found = self.store.read_a_little_old(read);
            // Somebody may have just been given a link to what has just been written.
            let found = match found.await? {
                None => self.store.get(id, None).await?,
                found => found,
            };
            return found.ok_or(Error::NotFound);
        };
        let found = match self.store.get(id, Some(viewer)).await? {
            None => self.store.find(id, viewer, self.clock.now()).await?,
            found => found,
        };
        found.ok_or(Error::NotFound)
    }

    /// Deletes everything that an author wrote, and refuses what that author writes later, for
    /// ever. Whoever asks for it again, after a failure or for no reason, gets the same.
    ///
    /// # Errors
    ///
    /// The database's; the author cannot write any more even so, unless it was away from the start.
    pub async fn purge_author(&self, author: Uuid) -> Result<(), Error> {
        let now = self.clock.now();
        Ok(self.store.purge_author(author, now).await?)
    }

    /// What the caller may see, of everyone or of one author.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn list(
        &self,
        caller: Option<&Caller>,
        author: Option<&str>,
        page: PageRequest,
    ) -> Result<Page, Error> {
        let author = author.map(kept);
        let viewer = viewer(caller, author.as_deref());
        let author = author.as_deref();
        let read = |store: Store| async move { store.list(viewer, author, page).await };
        self.read(caller, viewer, read).await
    }

    /// What the caller may see and the query matches.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn search(
        &self,
        caller: Option<&Caller>,
        query: &SearchQuery,
        page: PageRequest,
    ) -> Result<Page, Error> {
        let viewer = viewer(caller, query.author());
        let read = |store: Store| async move { store.search(viewer, query, page).await };
        self.read(caller, viewer, read).await
    }

    /// Reads from a replica what the caller has no hand in: no thought of theirs can be among what is
    /// read, and they are no administrator, who may have just removed some of it. So everybody sees
    /// at once what they have done themselves.
    async fn read<T, F>(
        &self,
        caller: Option<&Caller>,
        viewer: Option<Uuid>,
        read: impl Fn(Store) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, database::Error>>,
    {
        let has_a_hand = viewer.is_some() || caller.is_some_and(Caller::is_admin);
        Ok(if has_a_hand {
            read(self.store.clone()).await?
        } else {
            self.store.read_a_little_old(read).await?
        })
    }
}

/// Whose thoughts are watched; `None` for everyone's.
pub(crate) fn watched_author(name: &str) -> Option<String> {
    (!name.is_empty()).then(|| kept(name))
}

/// What a repeat of a creation must be alike in: a thought that is meant for its author alone now
/// must not turn out to be everyone's.
fn hash(text: &ThoughtText, visibility: Visibility) -> [u8; 32] {
    let visibility = match visibility {
        Visibility::Public => b"public ",
        Visibility::Private => b"private",
    };
    Sha256::new()
        .chain_update(visibility)
        .chain_update(text.as_str())
        .finalize()
        .into()
}

fn user_id(caller: Option<&Caller>) -> Option<Uuid> {
    caller.map(|caller| caller.user_id)
}

/// A name as names are kept: unique without regard to case. PostgreSQL takes no text with U+0000;
/// nobody's name has that, nor what stands for it here.
fn kept(name: &str) -> String {
    name.to_ascii_lowercase().replace('\0', "\u{fffd}")
}

/// Whose private thoughts can be among those of `author`, or of everyone: asking for the caller's
/// among somebody else's would be looking through all of the caller's for nothing.
fn viewer(caller: Option<&Caller>, author: Option<&str>) -> Option<Uuid> {
    let can_be = |caller: &&Caller| author.is_none_or(|author| author == caller.username);
    user_id(caller.filter(can_be))
}
