//! Personal access tokens: making them, ending them, and whose somebody came with.

use std::sync::Arc;

use runtime::{
    auth::{Caller, Scope},
    clock::Timestamp,
};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::Accounts;
use crate::{
    audit,
    error::Error,
    personal_token::{
        Creation, DisplayName, NewPersonalToken, PersonalToken, PersonalTokenInfo, Presented,
        TokenTime, USE_NOTED_EVERY,
    },
    throttle::UnknownTokens,
};

#[cfg(test)]
mod tests;

/// So many uses may wait to be written. One that finds no place is left out: the next use of that
/// token is written instead.
const NOTES: usize = 64;

/// What this process knows of the tokens that people come with. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Presentations {
    /// What those who come with unknown tokens have to pass.
    unknown: Arc<UnknownTokens>,
    /// Places for uses that wait to be written.
    notes: Arc<Semaphore>,
}

impl Default for Presentations {
    fn default() -> Self {
        Self {
            unknown: Arc::default(),
            notes: Arc::new(Semaphore::new(NOTES)),
        }
    }
}

impl Accounts {
    /// Makes a token for the caller, who sees it this once.
    pub async fn create_personal_token(
        &self,
        caller: &Caller,
        display_name: DisplayName,
        scope: Scope,
        expire_time: Timestamp,
    ) -> Result<(PersonalTokenInfo, PersonalToken), Error> {
        let session_id = caller.session_id.ok_or(Error::SessionRequired)?;
        let now = self.clock.now();
        let token = PersonalToken::generate().map_err(Error::defect)?;
        let new = NewPersonalToken {
            id: self.clock.new_id(),
            user_id: caller.user_id,
            display_name,
            digest: token.digest(),
            scope,
            create_time: now,
            expire_time: TokenTime::parse(expire_time, now)?,
        };
        match self.store.create_personal_token(&new, session_id).await? {
            Creation::Made => {
                audit::personal_token_made(&new);
                Ok((new.into(), token))
            }
            Creation::TooMany => Err(Error::TooManyPersonalTokens),
            Creation::SessionOver => Err(Error::SessionOver),
        }
    }

    /// The caller's tokens that have not ended, newest first.
    pub async fn personal_tokens(&self, caller: &Caller) -> Result<Vec<PersonalTokenInfo>, Error> {
        self.own_session(caller).await?;
        let now = self.clock.now();
        Ok(self.store.personal_tokens_of(caller.user_id, now).await?)
    }

    /// Ends one of the caller's tokens.
    pub async fn revoke_personal_token(&self, caller: &Caller, id: Uuid) -> Result<(), Error> {
        self.own_session(caller).await?;
        let (user_id, now) = (caller.user_id, self.clock.now());
        if !self.store.revoke_personal_token(user_id, id, now).await? {
            return Err(Error::PersonalTokenNotFound);
        }
        audit::personal_token_revoked(user_id, id);
        Ok(())
    }

    /// Whose token it is that somebody came with. A known one is never held up, however many
    /// unknown ones come; that it was used is written once in a while.
    pub async fn present(&self, token: &str) -> Result<Presented, Error> {
        let now = self.clock.now();
        let found = match token.parse::<PersonalToken>() {
            Ok(token) => self.store.presented(&token.digest(), now).await?,
            // What cannot be a token costs no query.
            Err(_) => None,
        };
        let Some(found) = found else {
            return Err(self.unknown(now));
        };
        self.note_use(&found, now);
        Ok(found)
    }

    /// How somebody with an unknown token is sent away.
    fn unknown(&self, now: Timestamp) -> Error {
        match self.presentations.unknown.count(now) {
            Ok(()) => {
                audit::personal_token_unknown();
                Error::UnknownPersonalToken
            }
            Err(wait) => {
                audit::personal_tokens_throttled();
                Error::TooManyUnknownTokens(wait)
            }
        }
    }

    /// Has it written that a token was used, and waits for nothing: a database that is busy with
    /// other writes must not hold up those who read.
    fn note_use(&self, token: &Presented, now: Timestamp) {
        let noted = token.last_use_time;
        if noted.is_some_and(|last| now < last + USE_NOTED_EVERY) {
            return;
        }
        let notes = Arc::clone(&self.presentations.notes);
        let Ok(place) = notes.try_acquire_owned() else {
            return;
        };
        let (store, id) = (self.store.clone(), token.id);
        tokio::spawn(async move {
            if let Err(error) = store.note_use(id, now).await {
                tracing::warn!(%error, token_id = %id, "a use of a token is not noted");
            }
            drop(place);
        });
    }
}

impl From<NewPersonalToken> for PersonalTokenInfo {
    fn from(new: NewPersonalToken) -> Self {
        Self {
            id: new.id,
            display_name: new.display_name,
            scope: new.scope,
            create_time: new.create_time,
            expire_time: new.expire_time.get(),
            last_use_time: None,
        }
    }
}
