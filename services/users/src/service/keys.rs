//! The signing keys, made, followed and dropped while the service runs.

use std::sync::Arc;

use arc_swap::ArcSwap;
use runtime::clock::{Clock, Timestamp};
use uuid::Uuid;

use super::Accounts;
use crate::{
    audit,
    error::Error,
    key_encryption::{KeyEncryption, is_plain, pkcs8},
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
    source: Source,
}

/// Where the signing keys come from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// The configuration has the one that there is.
    Configured(SigningKey),
    /// The database, where they are encrypted if there is something to encrypt them with.
    Database(Option<KeyEncryption>),
}

impl Keys {
    /// The configured key, which stays; or else those of the database, brought up to date.
    pub(crate) async fn open(store: &Store, clock: &Clock, source: Source) -> Result<Self, Error> {
        let ring = match &source {
            Source::Configured(key) => key.clone().into(),
            Source::Database(encryption) => {
                up_to_date(store, encryption.as_ref(), clock.now()).await?
            }
        };
        Ok(Self {
            ring: Arc::new(ArcSwap::from_pointee(ring)),
            source,
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
        if let Source::Database(encryption) = &self.keys.source {
            let ring = up_to_date(&self.store, encryption.as_ref(), self.clock.now()).await?;
            self.keys.ring.store(Arc::new(ring));
        }
        Ok(())
    }
}

/// The keys of a database, after the next one was made and the last ones dropped if it is time.
async fn up_to_date(
    store: &Store,
    encryption: Option<&KeyEncryption>,
    now: Timestamp,
) -> Result<KeyRing, Error> {
    let ring = stored(store, encryption).await?;
    let due = ring.as_ref().map_or(Some(FIRST), |ring| ring.due(now));
    let retired = ring.as_ref().and_then(|ring| ring.retired(now));
    if let Some(generation) = due {
        make(store, encryption, generation, now).await?;
    }
    if let Some(generation) = retired
        && store.drop_signing_keys(generation).await? > 0
    {
        audit::signing_keys_dropped(generation);
    }
    match ring {
        Some(ring) if due.is_none() && retired.is_none() => Ok(ring),
        _ => stored(store, encryption).await?.ok_or(Error::NoSigningKey),
    }
}

/// Makes the key of a generation. Of several replicas that make one at once, one does.
async fn make(
    store: &Store,
    encryption: Option<&KeyEncryption>,
    generation: i64,
    now: Timestamp,
) -> Result<(), Error> {
    let pkcs8 = SigningKey::generate_pkcs8().map_err(Error::defect)?;
    let stored = match encryption {
        Some(encryption) => encryption.seal(generation, &pkcs8).map_err(Error::defect)?,
        None => pkcs8,
    };
    if store.add_signing_key(generation, &stored, now).await? {
        audit::signing_key_made(generation);
    }
    Ok(())
}

/// The keys of a database, if it has some. Those that lie open there are encrypted on the way, if
/// there is something to encrypt them with.
async fn stored(
    store: &Store,
    encryption: Option<&KeyEncryption>,
) -> Result<Option<KeyRing>, Error> {
    let mut keys = Vec::new();
    for (generation, stored, create_time) in store.signing_keys().await? {
        let pkcs8 = pkcs8(encryption, generation, &stored)?;
        let key = SigningKey::from_pkcs8(&pkcs8).map_err(|_| Error::NoSigningKey)?;
        keys.push(DatedKey {
            generation,
            key,
            create_time,
        });
        if let Some(encryption) = encryption.filter(|_| is_plain(&stored)) {
            encrypt(store, encryption, generation, &stored).await?;
        }
    }
    Ok(KeyRing::new(keys))
}

/// Encrypts a key where it lies. Of several replicas that do so at once, one does.
async fn encrypt(
    store: &Store,
    encryption: &KeyEncryption,
    generation: i64,
    plain: &[u8],
) -> Result<(), Error> {
    let sealed = encryption.seal(generation, plain).map_err(Error::defect)?;
    if store
        .replace_signing_key(generation, plain, &sealed)
        .await?
    {
        audit::signing_key_encrypted(generation);
    }
    Ok(())
}
