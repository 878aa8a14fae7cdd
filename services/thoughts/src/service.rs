//! The use cases, and who may do what.

mod service_tokens;

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
            update_time: now,
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

    /// The thought of that id.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], for somebody else's private one too.
    pub async fn get(&self, caller: Option<&Caller>, id: Uuid) -> Result<Thought, Error> {
        let found = self.store.get(id, user_id(caller)).await?;
        found.ok_or(Error::NotFound)
    }

    /// Deletes a thought: the author any of theirs, an administrator any public one.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for what the caller cannot see, [`Error::NotYours`] for what others
    /// wrote, [`Error::AccountGone`] when the account of the administrator has been deleted.
    pub async fn delete(&self, caller: &Caller, id: Uuid) -> Result<(), Error> {
        let thought = self.get(Some(caller), id).await?;
        if thought.author.id != caller.user_id {
            if !caller.is_admin() {
                return Err(Error::NotYours);
            }
            if self.store.is_purged(caller.user_id).await? {
                return Err(Error::AccountGone);
            }
        }
        if self.store.delete(id).await? {
            Ok(())
        } else {
            Err(Error::NotFound)
        }
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
        // No name has such a character, and PostgreSQL takes no text with it.
        if author.is_some_and(|author| author.contains('\0')) {
            return Ok(Page::empty());
        }
        // Names are unique without regard to case, and kept in lower case.
        let author = author.map(str::to_ascii_lowercase);
        Ok(self
            .store
            .list(user_id(caller), author.as_deref(), page)
            .await?)
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
        Ok(self.store.search(user_id(caller), query, page).await?)
    }
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
