//! The key that tokens are signed with, and the tokens themselves: access tokens of people who have
//! signed in, and the tokens by which our services know each other.

use std::{fmt, str::FromStr, time::Duration};

use aws_lc_rs::{
    error::Unspecified,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use runtime::{
    auth::{
        AUDIENCE, Claims, ISSUER, SERVICE_TOKEN_TYPE, ServiceClaims, THOUGHTS_BACKEND, TOKEN_TYPE,
        USERS_BACKEND, key_id,
    },
    clock::{Clock, Timestamp},
};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::user::User;

/// How long an access token is accepted.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// No token is accepted for longer.
pub const LONGEST_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// An Ed25519 private key. It is never shown: `Debug` gives its id alone.
#[derive(Clone)]
pub struct SigningKey {
    private: EncodingKey,
    public: Vec<u8>,
    id: String,
}

/// The text or bytes are no Ed25519 private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an Ed25519 private key as PKCS#8 in PEM (-----BEGIN PRIVATE KEY-----)")]
pub struct SigningKeyError;

/// By which token one of our services is known to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServicePass {
    /// This service calls the thoughts backend.
    ToThoughts,
    /// The thoughts backend calls this service. It is handed over, so it lives for longer: the
    /// thoughts backend goes on with it while this service restarts.
    FromThoughts,
}

/// A signed token.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedToken {
    /// The token, for `authorization: Bearer`.
    pub text: String,
    /// From when it is refused.
    pub expire_time: Timestamp,
}

impl SigningKey {
    /// A new key, as PKCS#8.
    ///
    /// # Errors
    ///
    /// The system has no randomness.
    pub fn generate_pkcs8() -> Result<Vec<u8>, Unspecified> {
        Ok(Ed25519KeyPair::generate()?.to_pkcs8v1()?.as_ref().to_vec())
    }

    /// Reads a key from PKCS#8.
    ///
    /// # Errors
    ///
    /// It holds no Ed25519 key.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, SigningKeyError> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|_| SigningKeyError)?;
        let public = pair.public_key().as_ref().to_vec();
        Ok(Self {
            private: EncodingKey::from_ed_der(pkcs8),
            id: key_id(&public),
            public,
        })
    }

    /// The RFC 7638 thumbprint, by which tokens name the key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A token of a session that says who `user` is, from now until [`TOKEN_LIFETIME`] later.
    ///
    /// # Errors
    ///
    /// Signing failed: a defect.
    pub fn issue(
        &self,
        user: &User,
        session_id: Uuid,
        clock: &Clock,
    ) -> Result<SignedToken, jsonwebtoken::errors::Error> {
        let now = clock.now().as_seconds();
        let expire_time = Timestamp::from_seconds(now) + TOKEN_LIFETIME;
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user.id,
            exp: expire_time.as_seconds(),
            nbf: now,
            iat: now,
            jti: clock.new_id(),
            sid: Some(session_id),
            username: user.username.to_string(),
            role: user.role,
        };
        let text = self.sign(TOKEN_TYPE, &claims)?;
        Ok(SignedToken { text, expire_time })
    }

    /// A token of a service, from now on.
    ///
    /// # Errors
    ///
    /// Signing failed: a defect.
    pub fn issue_service(
        &self,
        pass: ServicePass,
        clock: &Clock,
    ) -> Result<SignedToken, jsonwebtoken::errors::Error> {
        let now = clock.now().as_seconds();
        let expire_time = Timestamp::from_seconds(now) + pass.lifetime();
        let (subject, audience) = pass.ends();
        let claims = ServiceClaims {
            iss: ISSUER.to_owned(),
            aud: audience.to_owned(),
            sub: subject.to_owned(),
            exp: expire_time.as_seconds(),
            nbf: now,
            iat: now,
            jti: clock.new_id(),
        };
        let text = self.sign(SERVICE_TOKEN_TYPE, &claims)?;
        Ok(SignedToken { text, expire_time })
    }

    fn sign(
        &self,
        typ: &str,
        claims: &impl Serialize,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(typ.to_owned());
        header.kid = Some(self.id.clone());
        encode(&header, claims, &self.private)
    }

    /// The JSON Web Key Set (RFC 7517, RFC 8037) that holds this key's public half alone.
    pub fn key_set_json(&self) -> String {
        key_set_json([self])
    }

    fn jwk(&self) -> Value {
        json!({
            "kty": "OKP",
            "crv": "Ed25519",
            "x": URL_SAFE_NO_PAD.encode(&self.public),
            "use": "sig",
            "alg": "EdDSA",
            "kid": self.id,
        })
    }
}

impl ServicePass {
    /// How long a token of it is accepted.
    fn lifetime(self) -> Duration {
        match self {
            Self::ToThoughts => TOKEN_LIFETIME,
            Self::FromThoughts => LONGEST_LIFETIME,
        }
    }

    /// Who may use it, and with whom.
    fn ends(self) -> (&'static str, &'static str) {
        match self {
            Self::ToThoughts => (USERS_BACKEND, THOUGHTS_BACKEND),
            Self::FromThoughts => (THOUGHTS_BACKEND, USERS_BACKEND),
        }
    }
}

/// The JSON Web Key Set (RFC 7517, RFC 8037) of the public halves of keys.
pub fn key_set_json<'a>(keys: impl IntoIterator<Item = &'a SigningKey>) -> String {
    let keys: Vec<_> = keys.into_iter().map(SigningKey::jwk).collect();
    json!({ "keys": keys }).to_string()
}

impl FromStr for SigningKey {
    type Err = SigningKeyError;

    /// Reads a key from PKCS#8 in PEM.
    fn from_str(pem: &str) -> Result<Self, SigningKeyError> {
        let key = EncodingKey::from_ed_pem(pem.as_bytes()).map_err(|_| SigningKeyError)?;
        Self::from_pkcs8(key.as_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.id)
    }
}

impl fmt::Debug for SignedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedToken(until {:?})", self.expire_time)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use runtime::auth::{FixedKeys, Role, Verifier, VerifyError};
    use std::sync::Arc;

    use super::*;

    fn bruce() -> User {
        User {
            id: Clock::system().new_id(),
            username: "bruce".parse().unwrap(),
            role: Role::Admin,
            create_time: Timestamp::from_seconds(0),
            disabled: false,
        }
    }

    fn verifier(key: &SigningKey, clock: &Clock) -> Verifier {
        let json = key.key_set_json();
        let source = move || std::future::ready(Ok(json.clone())).boxed();
        Verifier::new(clock.clone(), FixedKeys::default(), Arc::new(source))
    }

    fn new_key() -> SigningKey {
        SigningKey::from_pkcs8(&SigningKey::generate_pkcs8().unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_token_is_accepted_with_the_published_keys_for_five_minutes() {
        let clock = Clock::manual(Timestamp::from_micros(1_700_000_000_999_999));
        let key = new_key();
        let verifier = verifier(&key, &clock);
        let token = key.issue(&bruce(), Uuid::from_u128(7), &clock).unwrap();
        assert_eq!(
            token.expire_time,
            Timestamp::from_seconds(1_700_000_000 + 300)
        );
        let caller = verifier.verify(&token.text).await.unwrap();
        assert_eq!(
            (caller.username.as_str(), caller.role),
            ("bruce", Role::Admin)
        );
        assert_eq!(caller.session_id, Some(Uuid::from_u128(7)));
        assert_eq!(caller.expires, token.expire_time);
        clock.advance(TOKEN_LIFETIME - Duration::from_secs(1));
        assert!(verifier.verify(&token.text).await.is_ok());
        clock.advance(Duration::from_secs(1));
        assert_eq!(
            verifier.verify(&token.text).await,
            Err(VerifyError::Rejected)
        );
    }

    #[tokio::test]
    async fn a_token_of_another_key_is_refused() {
        let clock = Clock::system();
        let token = new_key()
            .issue(&bruce(), Uuid::from_u128(7), &clock)
            .unwrap();
        let verifier = verifier(&new_key(), &clock);
        assert_eq!(
            verifier.verify(&token.text).await,
            Err(VerifyError::Rejected)
        );
    }

    #[tokio::test]
    async fn a_service_token_is_for_one_service_and_for_no_person() {
        let clock = Clock::manual(Timestamp::from_seconds(1_700_000_000));
        let key = new_key();
        let verifier = verifier(&key, &clock);
        let passes = [
            (ServicePass::ToThoughts, USERS_BACKEND, THOUGHTS_BACKEND, 5),
            (
                ServicePass::FromThoughts,
                THOUGHTS_BACKEND,
                USERS_BACKEND,
                15,
            ),
        ];
        for (pass, from, to, minutes) in passes {
            let token = key.issue_service(pass, &clock).unwrap();
            let minutes = Duration::from_secs(60 * minutes);
            assert_eq!(token.expire_time, clock.now() + minutes);
            let (service, expires) = verifier.verify_service(&token.text, to).await.unwrap();
            assert_eq!((service.name.as_str(), expires), (from, token.expire_time));
            let elsewhere = verifier.verify_service(&token.text, from).await;
            assert_eq!(elsewhere, Err(VerifyError::Rejected));
            let person = verifier.verify(&token.text).await;
            assert_eq!(person, Err(VerifyError::Rejected));
        }
        let person = key.issue(&bruce(), Uuid::from_u128(7), &clock).unwrap();
        for service in [USERS_BACKEND, THOUGHTS_BACKEND] {
            let passed = verifier.verify_service(&person.text, service).await;
            assert_eq!(passed, Err(VerifyError::Rejected));
        }
    }

    #[test]
    fn a_key_set_names_the_key_by_its_thumbprint_and_nothing_private() {
        // The key pair and thumbprint of RFC 8037, appendix A.
        let seed = URL_SAFE_NO_PAD
            .decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
            .unwrap();
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        let key = SigningKey::from_pkcs8(pair.to_pkcs8v1().unwrap().as_ref()).unwrap();
        let set: serde_json::Value = serde_json::from_str(&key.key_set_json()).unwrap();
        assert_eq!(
            set,
            json!({"keys": [{
                "kty": "OKP",
                "crv": "Ed25519",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                "use": "sig",
                "alg": "EdDSA",
                "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
            }]})
        );
    }

    #[test]
    fn a_pem_from_openssl_is_read_and_others_are_refused() {
        // RFC 8410, section 10.3.
        let pem = "-----BEGIN PRIVATE KEY-----\n\
                   MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
                   -----END PRIVATE KEY-----\n";
        let key: SigningKey = pem.parse().unwrap();
        assert!(
            !format!("{key:?}").contains("1O5y2"),
            "the private half is not shown"
        );
        for wrong in [
            "",
            "a key",
            &pem.replace("PRIVATE", "PUBLIC"),
            &pem.replace("MC4C", "MC4D"),
        ] {
            assert_eq!(
                wrong.parse::<SigningKey>().unwrap_err(),
                SigningKeyError,
                "{wrong}"
            );
        }
    }
}
