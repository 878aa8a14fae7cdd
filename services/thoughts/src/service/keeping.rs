//! Changing, deleting and bringing back, so that nothing written is lost.
//!
//! Each tries first, in one transaction, and looks for the reason only if that found nothing. Where
//! there is no reason, the thought was on its way into the trash or out of it, and is tried again.

use runtime::auth::Caller;
use uuid::Uuid;

use super::{Thoughts, kept, user_id};
use crate::{
    error::Error,
    etag::Etag,
    page::{Page, PageRequest},
    revision::RevisionPage,
    store::Updated,
    thought::{Change, Thought},
    trash::{Reach, TrashList},
};

impl Thoughts {
    /// Changes a thought of the caller's, if it has that etag. One that is so already stays as it
    /// is, whatever the etag: a call whose answer was lost can be made again.
    ///
    /// # Errors
    ///
    /// [`Error::Changed`] for another etag, [`Error::InTrash`], [`Error::NotFound`],
    /// [`Error::NotYours`].
    pub async fn update(
        &self,
        caller: &Caller,
        id: Uuid,
        change: &Change,
        etag: Option<Etag>,
    ) -> Result<Thought, Error> {
        loop {
            let now = self.clock.now();
            let updated = self.store.update(id, caller.user_id, change, etag, now);
            match updated.await? {
                Some(Updated::Done(thought)) => return Ok(thought),
                Some(Updated::Stale) => return Err(Error::Changed),
                None => {}
            }
            if self.own(caller, id).await?.trashed.is_some() {
                return Err(Error::InTrash);
            }
        }
    }

    /// Moves a thought to its author's trash: the author any of theirs, an administrator any public
    /// one.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for what the caller cannot see or has in the trash already,
    /// [`Error::NotYours`] for what others wrote, [`Error::AccountGone`] when the account of the
    /// administrator has been deleted.
    pub async fn delete(&self, caller: &Caller, id: Uuid) -> Result<(), Error> {
        let reach = if caller.is_admin() {
            Reach::Public
        } else {
            Reach::Own
        };
        loop {
            let now = self.clock.now();
            if self
                .store
                .move_to_trash(id, caller.user_id, reach, now)
                .await?
            {
                return Ok(());
            }
            let thought = self.get(Some(caller), id).await?;
            if thought.trashed.is_some() {
                return Err(Error::NotFound);
            }
            if thought.author.id != caller.user_id {
                if reach == Reach::Own {
                    return Err(Error::NotYours);
                }
                if self.store.is_purged(caller.user_id).await? {
                    return Err(Error::AccountGone);
                }
            }
        }
    }

    /// Deletes a thought of the caller's for ever, wherever it is.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::NotYours`].
    pub async fn delete_permanently(&self, caller: &Caller, id: Uuid) -> Result<(), Error> {
        loop {
            let now = self.clock.now();
            if self.store.delete(id, caller.user_id, now).await? {
                return Ok(());
            }
            self.own(caller, id).await?;
        }
    }

    /// Takes a thought of the caller's out of the trash. One that is not there stays as it is.
    ///
    /// # Errors
    ///
    /// [`Error::Removed`], [`Error::NotFound`], [`Error::NotYours`].
    pub async fn undelete(&self, caller: &Caller, id: Uuid) -> Result<Thought, Error> {
        loop {
            let now = self.clock.now();
            let taken = self.store.take_from_trash(id, caller.user_id, now);
            if let Some(thought) = taken.await? {
                return Ok(thought);
            }
            let thought = self.own(caller, id).await?;
            match thought.trashed {
                None => return Ok(thought),
                Some(trashed) if trashed.removed => return Err(Error::Removed),
                Some(_) => {}
            }
        }
    }

    /// What a thought of the caller's was before it was changed, wherever it is now.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::NotYours`].
    pub async fn revisions(
        &self,
        caller: &Caller,
        id: Uuid,
        page: PageRequest,
    ) -> Result<RevisionPage, Error> {
        self.own(caller, id).await?;
        Ok(self.store.revisions(id, page).await?)
    }

    /// What the caller may see and has in the trash, of everyone or of one author. Who is not signed
    /// in has no trash.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn list_trash(
        &self,
        caller: Option<&Caller>,
        author: Option<&str>,
        list: TrashList,
        page: PageRequest,
    ) -> Result<Page, Error> {
        let Some(viewer) = user_id(caller) else {
            return match list {
                TrashList::Beside => self.list(caller, author, page).await,
                TrashList::Alone => Ok(Page::empty()),
            };
        };
        let author = author.map(kept);
        let now = self.clock.now();
        let listed = self
            .store
            .list_trash(viewer, author.as_deref(), list, page, now);
        Ok(listed.await?)
    }

    /// A thought of the caller's, wherever it is.
    async fn own(&self, caller: &Caller, id: Uuid) -> Result<Thought, Error> {
        let thought = self.get(Some(caller), id).await?;
        if thought.author.id == caller.user_id {
            Ok(thought)
        } else {
            Err(Error::NotYours)
        }
    }
}
