//! Checks tokens.

use std::{sync::Arc, time::Duration};

use quick_cache::sync::Cache;
use serde::de::DeserializeOwned;
use tonic::{Code, Status, metadata::MetadataMap};

use super::{
    AUDIENCE, Caller, Claims, FixedKeys, KeySource, PersonalTokenSource, SERVICE_TOKEN_TYPE,
    Service, ServiceClaims, TOKEN_TYPE, jwt,
    keys::{Keys, NoKeys},
    personal::{PersonalTokens, is_personal},
};
use crate::{
    clock::{Clock, Timestamp},
    status,
};

/// So many tokens are remembered, so that a signature is checked once and not with every call.
const REMEMBERED: usize = 4_096;

/// By how much the clocks of two machines may differ before a fresh token is refused.
const CLOCK_SKEW: Duration = Duration::from_secs(5);

/// Checks tokens with the public keys at hand. Clones share what they have fetched.
#[derive(Clone)]
pub struct Verifier {
    keys: Arc<Keys>,
    known: Arc<Cache<Box<str>, Known>>,
    personal: Option<Arc<PersonalTokens>>,
    clock: Clock,
}

/// A token whose signature and claims were found good; only its time and its key can still end.
#[derive(Clone)]
struct Known {
    key_id: Arc<str>,
    not_before: Timestamp,
    caller: Caller,
}

/// Why nobody can be named from a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The token is none of ours, has been altered, or its time is over. Callers see
    /// `UNAUTHENTICATED`; which of them it was is nobody's business.
    #[error("the token is not valid")]
    Rejected,
    /// There is no key to check it with: the users backend has not been reached yet. Callers see
    /// `UNAVAILABLE`.
    #[error("no keys to check tokens with")]
    KeysUnavailable,
}

impl Verifier {
    /// A verifier that accepts the `fixed` keys and those that `source` answers with. Without a
    /// source of theirs it accepts no personal access tokens.
    pub fn new(clock: Clock, fixed: FixedKeys, source: KeySource) -> Self {
        Self {
            keys: Arc::new(Keys::new(fixed, source)),
            known: Arc::new(Cache::new(REMEMBERED)),
            personal: None,
            clock,
        }
    }

    /// Accepts the personal access tokens that `source` knows, and believes an answer for a minute.
    #[must_use]
    pub fn with_personal_tokens(mut self, source: PersonalTokenSource) -> Self {
        let tokens = PersonalTokens::cached(self.clock.clone(), source);
        self.personal = Some(Arc::new(tokens));
        self
    }

    /// Accepts the personal access tokens that `source` knows at that moment.
    #[must_use]
    pub fn with_personal_tokens_uncached(mut self, source: PersonalTokenSource) -> Self {
        let tokens = PersonalTokens::uncached(self.clock.clone(), source);
        self.personal = Some(Arc::new(tokens));
        self
    }

    /// Checks an access token and says whose it is.
    ///
    /// # Errors
    ///
    /// See [`VerifyError`].
    pub async fn verify(&self, token: &str) -> Result<Caller, VerifyError> {
        let remembered = self.known.get(token);
        let remembered = remembered.filter(|known| self.keys.accept(&known.key_id));
        let known = match remembered {
            Some(known) => known,
            None => self.check(token).await?,
        };
        if self.in_time(known.not_before, known.caller.expires) {
            Ok(known.caller)
        } else {
            Err(VerifyError::Rejected)
        }
    }

    /// Checks a service token for `audience` and says whose it is, and from when it is refused.
    ///
    /// # Errors
    ///
    /// See [`VerifyError`].
    pub async fn verify_service(
        &self,
        token: &str,
        audience: &str,
    ) -> Result<(Service, Timestamp), VerifyError> {
        let (_, claims) = self
            .signed::<ServiceClaims>(token, SERVICE_TOKEN_TYPE, audience)
            .await?;
        let expires = Timestamp::from_seconds(claims.exp);
        if self.in_time(Timestamp::from_seconds(claims.nbf), expires) {
            Ok((Service { name: claims.sub }, expires))
        } else {
            Err(VerifyError::Rejected)
        }
    }

    /// The person that a request's `authorization` metadata names; `None` without it.
    ///
    /// # Errors
    ///
    /// `UNAUTHENTICATED` for a token that is not valid (a service's is nobody's in person),
    /// `UNAVAILABLE` while there is no key; for a personal access token, its source's.
    pub async fn caller(&self, metadata: &MetadataMap) -> Result<Option<Caller>, Status> {
        match bearer(metadata)? {
            Some(token) => self.holder(token).await.map(Some),
            None => Ok(None),
        }
    }

    /// The service that a request's `authorization` metadata names, for rpcs that only services
    /// may call.
    ///
    /// # Errors
    ///
    /// `UNAUTHENTICATED` without a token or with one that is not valid for `audience`,
    /// `PERMISSION_DENIED` for a person's, `UNAVAILABLE` while there is no key.
    pub async fn service(&self, metadata: &MetadataMap, audience: &str) -> Result<Service, Status> {
        let token = bearer(metadata)?.ok_or_else(status::sign_in_required)?;
        match self.verify_service(token, audience).await {
            Ok((service, _)) => Ok(service),
            Err(VerifyError::Rejected) => {
                self.holder(token).await?;
                Err(service_token_required())
            }
            Err(error @ VerifyError::KeysUnavailable) => Err(error.into()),
        }
    }

    /// Whose token it is, whether got by signing in or a personal one.
    async fn holder(&self, token: &str) -> Result<Caller, Status> {
        match &self.personal {
            Some(tokens) if is_personal(token) => {
                tokens.find(token).await?.ok_or_else(invalid_token)
            }
            _ => Ok(self.verify(token).await?),
        }
    }

    async fn check(&self, token: &str) -> Result<Known, VerifyError> {
        let (key_id, claims) = self.signed::<Claims>(token, TOKEN_TYPE, AUDIENCE).await?;
        let known = Known {
            key_id: key_id.into(),
            not_before: Timestamp::from_seconds(claims.nbf),
            caller: claims.into(),
        };
        self.known.insert(token.into(), known.clone());
        Ok(known)
    }

    /// The claims of a token whose type, signature and audience are right, and its key's id. Its
    /// times are still to be looked at.
    async fn signed<C: DeserializeOwned + Clone>(
        &self,
        token: &str,
        typ: &str,
        audience: &str,
    ) -> Result<(String, C), VerifyError> {
        let id = jwt::key_id(token, typ).ok_or(VerifyError::Rejected)?;
        let key = match self.keys.find(&id).await {
            Ok(Some(key)) => key,
            Ok(None) => return Err(VerifyError::Rejected),
            Err(NoKeys) => return Err(VerifyError::KeysUnavailable),
        };
        let claims = jwt::claims(token, &key, audience).ok_or(VerifyError::Rejected)?;
        Ok((id, claims))
    }

    fn in_time(&self, not_before: Timestamp, expires: Timestamp) -> bool {
        let now = self.clock.now();
        now < expires && now + CLOCK_SKEW >= not_before
    }
}

impl From<VerifyError> for Status {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Rejected => invalid_token(),
            VerifyError::KeysUnavailable => status::unavailable(
                "KEYS_UNAVAILABLE",
                "tokens cannot be checked yet: the users backend is out of reach",
            ),
        }
    }
}

impl From<Claims> for Caller {
    fn from(claims: Claims) -> Self {
        Self {
            user_id: claims.sub,
            username: claims.username,
            role: claims.role,
            session_id: claims.sid,
            personal_token: None,
            expires: Timestamp::from_seconds(claims.exp),
        }
    }
}

fn bearer(metadata: &MetadataMap) -> Result<Option<&str>, Status> {
    let mut values = metadata.get_all("authorization").iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let value = value.to_str().map_err(|_| invalid_token())?;
    let scheme_and_token = value.split_once(' ');
    match scheme_and_token {
        Some((scheme, token))
            if scheme.eq_ignore_ascii_case("bearer") && values.next().is_none() =>
        {
            Ok(Some(token.trim()))
        }
        _ => Err(invalid_token()),
    }
}

fn invalid_token() -> Status {
    status::error(
        Code::Unauthenticated,
        "INVALID_TOKEN",
        "the token is not valid, or not any more: sign in again",
    )
}

fn service_token_required() -> Status {
    status::error(
        Code::PermissionDenied,
        "SERVICE_TOKEN_REQUIRED",
        "only services may call this, with a service token",
    )
}
