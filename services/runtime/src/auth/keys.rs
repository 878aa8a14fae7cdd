//! The public keys that tokens are checked with: configured ones, and the users backend's key set.

use std::{collections::HashMap, fmt, str::FromStr, sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::BoxFuture;
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{
        AlgorithmParameters, CommonParameters, EllipticCurve, Jwk, JwkSet, OctetKeyPairParameters,
        OctetKeyPairType, ThumbprintHash,
    },
};
use tokio::{sync::Mutex, time::Instant};
use tonic::Status;

/// A fetched key set is asked for again once it is this old.
const REFRESH_AFTER: Duration = Duration::from_secs(60);

/// Tokens of unknown keys make the key set be fetched, but not more often than this.
const FETCH_INTERVAL: Duration = Duration::from_secs(2);

/// Where the users backend's key set comes from: a call that answers with its JSON.
pub type KeySource =
    Arc<dyn Fn() -> BoxFuture<'static, Result<String, Status>> + Send + Sync + 'static>;

type KeyMap = HashMap<String, Arc<DecodingKey>>;

/// The id of an Ed25519 public key: its RFC 7638 thumbprint with SHA-256, in base64url.
pub fn key_id(public_key: &[u8]) -> String {
    let jwk = Jwk {
        common: CommonParameters::default(),
        algorithm: AlgorithmParameters::OctetKeyPair(OctetKeyPairParameters {
            key_type: OctetKeyPairType::OctetKeyPair,
            curve: EllipticCurve::Ed25519,
            x: URL_SAFE_NO_PAD.encode(public_key),
        }),
    };
    // An octet key pair on Ed25519 always has a thumbprint.
    jwk.thumbprint(ThumbprintHash::SHA256).unwrap_or_default()
}

/// Public keys from the configuration: PEM, one key or several.
#[derive(Clone, Default)]
pub struct FixedKeys(KeyMap);

impl FromStr for FixedKeys {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected =
            || "expected Ed25519 public keys in PEM (-----BEGIN PUBLIC KEY-----)".to_owned();
        let blocks = pem::parse_many(text).map_err(|_| expected())?;
        if blocks.is_empty() {
            return Err(expected());
        }
        let mut keys = KeyMap::new();
        for block in &blocks {
            let key =
                DecodingKey::from_ed_pem(pem::encode(block).as_bytes()).map_err(|_| expected())?;
            let id = key_id(key.try_get_as_bytes().map_err(|_| expected())?);
            keys.insert(id, Arc::new(key));
        }
        Ok(Self(keys))
    }
}

impl fmt::Debug for FixedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// All keys that are accepted now.
pub(super) struct Keys {
    fixed: FixedKeys,
    fetched: ArcSwapOption<Fetched>,
    source: KeySource,
    /// Held while the key set is being fetched; when that was last tried.
    last_fetch: Mutex<Option<Instant>>,
}

struct Fetched {
    keys: KeyMap,
    at: Instant,
}

/// No key can be had to check a token with.
#[derive(Debug)]
pub(super) struct NoKeys;

impl Keys {
    pub(super) fn new(fixed: FixedKeys, source: KeySource) -> Self {
        Self {
            fixed,
            fetched: ArcSwapOption::empty(),
            source,
            last_fetch: Mutex::new(None),
        }
    }

    /// Whether tokens of that key are accepted now, by the keys at hand.
    pub(super) fn accept(self: &Arc<Self>, id: &str) -> bool {
        self.refresh_if_old();
        self.known(id).is_some()
    }

    /// The key of that id, if the users backend or the configuration vouches for it.
    pub(super) async fn find(
        self: &Arc<Self>,
        id: &str,
    ) -> Result<Option<Arc<DecodingKey>>, NoKeys> {
        if let Some(key) = self.known(id) {
            self.refresh_if_old();
            return Ok(Some(key));
        }
        self.fetch().await;
        match self.known(id) {
            Some(key) => Ok(Some(key)),
            None if self.fixed.0.is_empty() && self.fetched.load().is_none() => Err(NoKeys),
            None => Ok(None),
        }
    }

    fn known(&self, id: &str) -> Option<Arc<DecodingKey>> {
        let fetched = self.fetched.load();
        let fetched = fetched.as_ref().and_then(|fetched| fetched.keys.get(id));
        fetched.or_else(|| self.fixed.0.get(id)).cloned()
    }

    /// A key set is renewed in the background: calls go on with the one that is there.
    fn refresh_if_old(self: &Arc<Self>) {
        let fetched = self.fetched.load();
        let old = fetched
            .as_ref()
            .is_some_and(|fetched| fetched.at.elapsed() > REFRESH_AFTER);
        if old && self.last_fetch.try_lock().is_ok() {
            let keys = Arc::clone(self);
            tokio::spawn(async move { keys.fetch().await });
        }
    }

    async fn fetch(&self) {
        // Whoever waits here finds what the one before has fetched.
        let mut last = self.last_fetch.lock().await;
        if last.is_some_and(|at| at.elapsed() < FETCH_INTERVAL) {
            return;
        }
        *last = Some(Instant::now());
        match (self.source)().await {
            Ok(json) => self.replace(&json),
            Err(status) => tracing::warn!(
                code = ?status.code(),
                message = status.message(),
                "the key set could not be fetched; tokens are checked with the keys at hand"
            ),
        }
    }

    fn replace(&self, json: &str) {
        match serde_json::from_str::<JwkSet>(json) {
            Ok(set) => self.fetched.store(Some(Arc::new(Fetched {
                keys: usable(&set),
                at: Instant::now(),
            }))),
            Err(error) => tracing::error!(%error, "the fetched key set is not a JSON Web Key Set"),
        }
    }
}

/// The Ed25519 keys of a set, each under the id that its own bytes give it.
fn usable(set: &JwkSet) -> KeyMap {
    let ed25519 = set.keys.iter().filter(|jwk| {
        jwk.common.key_algorithm.is_none_or(|algorithm| {
            Algorithm::try_from(algorithm).is_ok_and(|algorithm| algorithm == Algorithm::EdDSA)
        }) && matches!(&jwk.algorithm, AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519)
    });
    ed25519
        .filter_map(|jwk| {
            let key = DecodingKey::from_jwk(jwk).ok()?;
            Some((key_id(key.try_get_as_bytes().ok()?), Arc::new(key)))
        })
        .collect()
}
