//! The signing keys, made, followed and dropped while the service runs.

use std::sync::Arc;

use arc_swap::ArcSwap;
use runtime::clock::{Clock, Timestamp};
use uuid::Uuid;

use super::Accounts;
use crate::{
    audit,
    error::Error,
    key_ring::{DatedKey, FIRST, KeyRing},
    signing::{ServicePass, SignedToken, SigningKey},
    store::Store,
    user::User,
};

#[cfg(test)]
mod tests;

/// The keys that are known now. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    ring: Arc<ArcSwap<KeyRing>>,
    rotating: bool,
}

impl Keys {
    /// The configured key, which stays; or else those of the database, brought up to date.
    pub(crate) async fn open(
        store: &Store,
        clock: &Clock,
        configured: Option<SigningKey>,
    ) -> Result<Self, Error> {
        let rotating = configured.is_none();
        let ring = match configured {
            Some(key) => key.into(),
            None => up_to_date(store, clock.now()).await?,
        };
        Ok(Self {
            ring: Arc::new(ArcSwap::from_pointee(ring)),
            rotating,
        })
    }

    /// A token of a session, signed with the key of the moment.
    pub(super) fn issue(
        &self,
        user: &User,
        session_id: Uuid,
        clock: &Clock,
    ) -> Result<SignedToken, Error> {
        let ring = self.ring.load();
        let token = ring.signer(clock.now()).issue(user, session_id, clock);
        token.map_err(Error::defect)
    }
}

impl Accounts {
    /// The public keys that tokens are checked with, as a JSON Web Key Set.
    pub fn key_set_json(&self) -> String {
        self.keys.ring.load().key_set_json(self.clock.now())
    }

    /// A token by which one service is known to another.
    pub fn service_token(&self, pass: ServicePass) -> Result<SignedToken, Error> {
        let ring = self.keys.ring.load();
        let token = ring
            .signer(self.clock.now())
            .issue_service(pass, &self.clock);
        token.map_err(Error::defect)
    }

    /// Makes the next signing key when it is time, drops those that are over, and follows what
    /// other replicas have done. Without its database the service goes on with the keys it knows.
    pub async fn keep_keys(&self) -> Result<(), Error> {
        if self.keys.rotating {
            let ring = up_to_date(&self.store, self.clock.now()).await?;
            self.keys.ring.store(Arc::new(ring));
        }
        Ok(())
    }
}

/// The keys of a database, after the next one was made and the last ones dropped if it is time.
async fn up_to_date(store: &Store, now: Timestamp) -> Result<KeyRing, Error> {
    let ring = read(store).await?;
    let due = ring.as_ref().map_or(Some(FIRST), |ring| ring.due(now));
    let retired = ring.as_ref().and_then(|ring| ring.retired(now));
    if let Some(generation) = due {
        let fresh = SigningKey::generate_pkcs8().map_err(Error::defect)?;
        // Of several replicas that make one at once, one does.
        if store.add_signing_key(generation, &fresh, now).await? {
            audit::signing_key_made(generation);
        }
    }
    if let Some(generation) = retired
        && store.drop_signing_keys(generation).await? > 0
    {
        audit::signing_keys_dropped(generation);
    }
    match ring {
        Some(ring) if due.is_none() && retired.is_none() => Ok(ring),
        _ => read(store).await?.ok_or(Error::NoSigningKey),
    }
}

async fn read(store: &Store) -> Result<Option<KeyRing>, Error> {
    let stored = store.signing_keys().await?;
    let keys = stored.into_iter().map(|(generation, pkcs8, create_time)| {
        let key = SigningKey::from_pkcs8(&pkcs8).map_err(|_| Error::NoSigningKey)?;
        Ok(DatedKey {
            generation,
            key,
            create_time,
        })
    });
    Ok(KeyRing::new(keys.collect::<Result<_, Error>>()?))
}
