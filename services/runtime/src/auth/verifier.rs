//! Checks access tokens.

use std::{sync::Arc, time::Duration};

use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use quick_cache::sync::Cache;
use tonic::{Code, Status, metadata::MetadataMap};

use super::{
    AUDIENCE, Caller, Claims, FixedKeys, ISSUER, KeySource, TOKEN_TYPE,
    keys::{Keys, NoKeys},
};
use crate::{
    clock::{Clock, Timestamp},
    status,
};

/// Tokens of ours take some 500 bytes; what is much longer is not looked into.
const MAX_TOKEN_LENGTH: usize = 4 * 1024;

/// So many tokens are remembered, so that a signature is checked once and not with every call.
const REMEMBERED: usize = 4_096;

/// By how much the clocks of two machines may differ before a fresh token is refused.
const CLOCK_SKEW: Duration = Duration::from_secs(5);

/// Checks access tokens with the public keys at hand. Clones share what they have fetched.
#[derive(Clone)]
pub struct Verifier {
    keys: Arc<Keys>,
    known: Arc<Cache<Box<str>, Known>>,
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
    /// A verifier that accepts the `fixed` keys and those that `source` answers with.
    pub fn new(clock: Clock, fixed: FixedKeys, source: KeySource) -> Self {
        Self {
            keys: Arc::new(Keys::new(fixed, source)),
            known: Arc::new(Cache::new(REMEMBERED)),
            clock,
        }
    }

    /// Checks a token and says whose it is.
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
        if self.in_time(&known) {
            Ok(known.caller)
        } else {
            Err(VerifyError::Rejected)
        }
    }

    async fn check(&self, token: &str) -> Result<Known, VerifyError> {
        let id = key_id_of(token).ok_or(VerifyError::Rejected)?;
        let key = match self.keys.find(&id).await {
            Ok(Some(key)) => key,
            Ok(None) => return Err(VerifyError::Rejected),
            Err(NoKeys) => return Err(VerifyError::KeysUnavailable),
        };
        let claims = decode::<Claims>(token, &key, &validation())
            .map_err(|_| VerifyError::Rejected)?
            .claims;
        let known = Known {
            key_id: id.into(),
            not_before: Timestamp::from_seconds(claims.nbf),
            caller: caller(claims),
        };
        self.known.insert(token.into(), known.clone());
        Ok(known)
    }

    /// The caller that a request's `authorization` metadata names; `None` without it.
    ///
    /// # Errors
    ///
    /// `UNAUTHENTICATED` for a token that is not valid, `UNAVAILABLE` while there is no key.
    pub async fn caller(&self, metadata: &MetadataMap) -> Result<Option<Caller>, Status> {
        let Some(token) = bearer(metadata)? else {
            return Ok(None);
        };
        match self.verify(token).await {
            Ok(caller) => Ok(Some(caller)),
            Err(VerifyError::Rejected) => Err(invalid_token()),
            Err(VerifyError::KeysUnavailable) => Err(status::unavailable(
                "KEYS_UNAVAILABLE",
                "tokens cannot be checked yet: the users backend is out of reach",
            )),
        }
    }

    fn in_time(&self, known: &Known) -> bool {
        let now = self.clock.now();
        now < known.caller.expires && now + CLOCK_SKEW >= known.not_before
    }
}

/// The key that a token says it is signed with, if its header is one that we write. Whatever else
/// a header may offer (`jwk`, `jku`, `x5c`, …) is never looked at.
fn key_id_of(token: &str) -> Option<String> {
    if token.len() > MAX_TOKEN_LENGTH {
        return None;
    }
    let header = decode_header(token).ok()?;
    let ours = header.alg == Algorithm::EdDSA
        && header
            .typ
            .is_some_and(|typ| typ.eq_ignore_ascii_case(TOKEN_TYPE))
        && header.crit.is_none();
    header.kid.filter(|_| ours)
}

fn validation() -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    // Times are compared with the injected clock, not with the machine's.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}

fn caller(claims: Claims) -> Caller {
    Caller {
        user_id: claims.sub,
        username: claims.username,
        role: claims.role,
        session_id: claims.sid,
        expires: Timestamp::from_seconds(claims.exp),
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
