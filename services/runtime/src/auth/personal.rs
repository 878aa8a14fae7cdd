//! Personal access tokens: asked about where they are kept.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use quick_cache::sync::{Cache, EntryAction, EntryResult};
use sha2::{Digest as _, Sha256};
use tonic::Status;
use uuid::Uuid;

use super::{Caller, Role, Scope};
use crate::clock::{Clock, Timestamp};

/// What every personal access token begins with, so that scanners find those that have leaked.
pub const PERSONAL_TOKEN_PREFIX: &str = "mt_";

/// Tokens of ours have 46 characters; what is much longer is nobody's.
const MAX_LENGTH: usize = 128;

/// How long an answer is believed: a token that is revoked is dead within that time.
const BELIEVED: Duration = Duration::from_secs(60);

/// So many answers are remembered, the most asked for longest.
const REMEMBERED: usize = 4_096;

/// What a personal access token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonalToken {
    /// Its owner's id.
    pub user_id: Uuid,
    /// Its owner's name.
    pub username: String,
    /// What it is good for.
    pub scope: Scope,
    /// From when it is refused.
    pub expires: Timestamp,
}

/// Who knows personal access tokens: a call that answers with what one stands for, or with nothing
/// if it is nobody's. Its errors reach whoever sent the token.
pub type PersonalTokenSource = Arc<
    dyn Fn(String) -> BoxFuture<'static, Result<Option<PersonalToken>, Status>>
        + Send
        + Sync
        + 'static,
>;

/// Checks personal access tokens by their source.
pub(super) struct PersonalTokens {
    source: PersonalTokenSource,
    clock: Clock,
    /// By the SHA-256 of the token. None: the source is asked each time.
    answers: Option<Cache<[u8; 32], Answer>>,
}

#[derive(Clone)]
struct Answer {
    caller: Option<Caller>,
    /// When the question was put: the answer is of that moment or later.
    asked: Timestamp,
}

/// Whether a token is meant to be a personal access token.
pub(super) fn is_personal(token: &str) -> bool {
    token.starts_with(PERSONAL_TOKEN_PREFIX)
}

impl PersonalTokens {
    /// Believes an answer of the source, also that a token is nobody's, for a minute.
    pub(super) fn cached(clock: Clock, source: PersonalTokenSource) -> Self {
        Self {
            answers: Some(Cache::new(REMEMBERED)),
            ..Self::uncached(clock, source)
        }
    }

    /// Asks the source each time.
    pub(super) fn uncached(clock: Clock, source: PersonalTokenSource) -> Self {
        Self {
            source,
            clock,
            answers: None,
        }
    }

    /// Whose token it is; `None` if it is nobody's, or its time is over.
    pub(super) async fn find(&self, token: &str) -> Result<Option<Caller>, Status> {
        if !is_possible(token) {
            return Ok(None);
        }
        let caller = match &self.answers {
            Some(answers) => self.remembered(answers, token).await?,
            None => self.ask(token).await?.caller,
        };
        Ok(caller.filter(|caller| self.clock.now() < caller.expires))
    }

    /// Of several at once that need an answer one asks, and the others wait for it.
    async fn remembered(
        &self,
        answers: &Cache<[u8; 32], Answer>,
        token: &str,
    ) -> Result<Option<Caller>, Status> {
        let digest: [u8; 32] = Sha256::digest(token).into();
        let entry = answers.entry_async(&digest, |_, answer| {
            if self.is_believed(answer) {
                EntryAction::Retain(answer.caller.clone())
            } else {
                EntryAction::ReplaceWithGuard
            }
        });
        match entry.await {
            EntryResult::Retained(caller) => Ok(caller),
            EntryResult::Vacant(place) | EntryResult::Replaced(place, _) => {
                let answer = self.ask(token).await?;
                let caller = answer.caller.clone();
                // Refused only where the place was taken away meanwhile: then it is not remembered.
                let _ = place.insert(answer);
                Ok(caller)
            }
            // Neither is ever given: nothing above removes, and there is no time limit.
            EntryResult::Removed(..) | EntryResult::Timeout => Ok(self.ask(token).await?.caller),
        }
    }

    async fn ask(&self, token: &str) -> Result<Answer, Status> {
        let asked = self.clock.now();
        let known = (self.source)(token.to_owned()).await?;
        let caller = known.map(Caller::from);
        Ok(Answer { caller, asked })
    }

    /// A clock that was put back makes answers old, not young.
    fn is_believed(&self, answer: &Answer) -> bool {
        let now = self.clock.now();
        (answer.asked..answer.asked + BELIEVED).contains(&now)
    }
}

/// A personal access token speaks for its owner as a member, whatever the owner is.
impl From<PersonalToken> for Caller {
    fn from(token: PersonalToken) -> Self {
        Self {
            user_id: token.user_id,
            username: token.username,
            role: Role::Member,
            session_id: None,
            personal_token: Some(token.scope),
            expires: token.expires,
        }
    }
}

/// Whether the text may be one of ours (base64url, RFC 4648): nobody is asked about other ones.
fn is_possible(token: &str) -> bool {
    token
        .strip_prefix(PERSONAL_TOKEN_PREFIX)
        .is_some_and(|rest| {
            (1..=MAX_LENGTH).contains(&rest.len())
                && rest
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        })
}
