//! The signing keys of a database, and when each of them signs and is published.
//!
//! A key is published as soon as it is made, so that everybody who checks tokens has it long before
//! the first token that it signs. It signs for a month, until the next one does, and is published
//! until the last token that it signed is over. All that follows from when it was made; replicas
//! with the same keys agree without a word.

use std::time::Duration;

use runtime::clock::Timestamp;

use crate::signing::{LONGEST_LIFETIME, SigningKey, key_set_json};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A new key is published for this long before it signs. Whoever checks tokens asks for the keys
/// once a minute, and a replica reads them once a minute; the rest is for outages.
const PUBLISHED_AHEAD: Duration = DAY;

/// For this long a key signs.
const SIGNS_FOR: Duration = Duration::from_secs(30 * DAY.as_secs());

/// For this long a key that signs no more is published: its last token's time, and a while for
/// clocks that differ.
const PUBLISHED_AFTER: Duration = Duration::from_secs(LONGEST_LIFETIME.as_secs() + 10 * 60);

/// The generation of a database's first key.
pub const FIRST: i64 = 1;

/// A key, and what the database knows of it.
#[derive(Debug, Clone)]
pub struct DatedKey {
    /// Counts up from the database's first key.
    pub generation: i64,
    /// The key itself.
    pub key: SigningKey,
    /// When it was made.
    pub create_time: Timestamp,
}

/// All keys of a database, of which there is at least one.
#[derive(Debug, Clone)]
pub struct KeyRing {
    oldest: DatedKey,
    later: Vec<DatedKey>,
}

impl KeyRing {
    /// The keys of a database, in the order of their generations; `None` if there is none.
    pub fn new(keys: Vec<DatedKey>) -> Option<Self> {
        let mut keys = keys.into_iter();
        Some(Self {
            oldest: keys.next()?,
            later: keys.collect(),
        })
    }

    /// The key that signs at a time.
    pub fn signer(&self, now: Timestamp) -> &SigningKey {
        &self.signing(now).key
    }

    /// The JSON Web Key Set (RFC 7517, RFC 8037) of everything that is published at a time.
    pub fn key_set_json(&self, now: Timestamp) -> String {
        let retired = self.retired(now);
        let published = self
            .keys()
            .filter(|key| retired.is_none_or(|retired| key.generation > retired));
        key_set_json(published.map(|key| &key.key))
    }

    /// The generation of the key that is to be made now, if it is time for one.
    pub fn due(&self, now: Timestamp) -> Option<i64> {
        let newest = self.later.last().unwrap_or(&self.oldest);
        let made = self.signs_from(newest) + SIGNS_FOR - PUBLISHED_AHEAD;
        (now >= made).then_some(newest.generation + 1)
    }

    /// The last generation that is not published any more, if there is one.
    pub fn retired(&self, now: Timestamp) -> Option<i64> {
        let successors = self.later.iter().rev();
        let successor = successors
            .into_iter()
            .find(|key| now >= self.signs_from(key) + PUBLISHED_AFTER)?;
        Some(successor.generation - 1)
    }

    fn signing(&self, now: Timestamp) -> &DatedKey {
        let mut newest_first = self.later.iter().rev();
        let signing = newest_first.find(|key| now >= self.signs_from(key));
        signing.unwrap_or(&self.oldest)
    }

    /// From when a key signs. A database's first one has no other to wait behind.
    fn signs_from(&self, key: &DatedKey) -> Timestamp {
        if key.generation == FIRST {
            key.create_time
        } else {
            key.create_time + PUBLISHED_AHEAD
        }
    }

    fn keys(&self) -> impl Iterator<Item = &DatedKey> {
        std::iter::once(&self.oldest).chain(&self.later)
    }
}

impl From<SigningKey> for KeyRing {
    /// A key that signs for ever.
    fn from(key: SigningKey) -> Self {
        let oldest = DatedKey {
            generation: FIRST,
            key,
            create_time: Timestamp::from_micros(i64::MAX),
        };
        Self {
            oldest,
            later: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn key(generation: i64, create_time: Timestamp) -> DatedKey {
        let pkcs8 = SigningKey::generate_pkcs8().unwrap();
        DatedKey {
            generation,
            key: SigningKey::from_pkcs8(&pkcs8).unwrap(),
            create_time,
        }
    }

    #[test]
    fn s09_a_key_is_published_a_day_before_it_signs_and_until_its_tokens_are_over() {
        let first = key(1, START);
        let moment = Duration::from_micros(1);
        let alone = KeyRing::new(vec![first.clone()]).unwrap();
        assert_eq!(alone.due(START + DAY * 29 - moment), None);
        let made = START + DAY * 29;
        assert_eq!(alone.due(made), Some(2));
        assert_eq!(alone.signer(START + DAY * 300).id(), first.key.id());

        let second = key(2, made);
        let both = KeyRing::new(vec![first.clone(), second.clone()]).unwrap();
        assert_eq!(both.due(made), None, "one is enough");
        let published = |time, key: &DatedKey| both.key_set_json(time).contains(key.key.id());
        assert!(published(made, &first) && published(made, &second));
        let turn = made + PUBLISHED_AHEAD;
        assert_eq!(both.signer(turn - moment).id(), first.key.id());
        assert_eq!(both.signer(turn).id(), second.key.id());
        let end = turn + PUBLISHED_AFTER;
        assert_eq!(both.retired(end - moment), None);
        assert!(published(end - moment, &first) && published(end - moment, &second));
        assert_eq!(both.retired(end), Some(1));
        assert!(!published(end, &first) && published(end, &second));
        assert_eq!(both.due(turn + DAY * 29), Some(3));
        assert!(PUBLISHED_AFTER > LONGEST_LIFETIME);
    }

    #[test]
    fn a_configured_key_signs_for_ever() {
        let key = key(7, START).key;
        let ring = KeyRing::from(key.clone());
        let far = START + DAY * 100_000;
        assert_eq!(ring.signer(far).id(), key.id());
        assert_eq!((ring.due(far), ring.retired(far)), (None, None));
        assert_eq!(ring.key_set_json(far), key.key_set_json());
    }
}
