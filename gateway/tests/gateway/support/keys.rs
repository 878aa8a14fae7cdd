//! Tokens of the tests' own making.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use runtime::{
    auth::{AUDIENCE, ISSUER, TOKEN_TYPE, key_id},
    clock::Clock,
};
use serde_json::json;

/// How long an access token lasts, in seconds.
pub(crate) const LIFETIME: i64 = 43_200;

/// How long a session lasts without being renewed, in seconds.
pub(crate) const REFRESH_LIFETIME: i64 = 2_592_000;

/// A signing key, and what others know of it.
#[derive(Clone)]
pub(crate) struct Keys {
    signing: EncodingKey,
    public: Vec<u8>,
}

impl Keys {
    pub(crate) fn generate() -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        Self {
            signing: EncodingKey::from_ed_der(pair.to_pkcs8v1().unwrap().as_ref()),
            public: pair.public_key().as_ref().to_vec(),
        }
    }

    /// The key set as the users backend publishes it.
    pub(crate) fn key_set(&self) -> String {
        let x = URL_SAFE_NO_PAD.encode(&self.public);
        let kid = key_id(&self.public);
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": x}]}).to_string()
    }

    /// The public key in PEM, as `TOKENS_PUBLIC_KEY` takes it.
    pub(crate) fn pem(&self) -> String {
        // The fixed beginning of every Ed25519 SubjectPublicKeyInfo (RFC 8410).
        let prefix = [
            0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
        ];
        let der = [prefix.as_slice(), &self.public].concat();
        let body = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
    }

    /// A token that ends in so many seconds.
    pub(crate) fn token(&self, username: &str, role: &str, seconds: i64) -> String {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TOKEN_TYPE.to_owned());
        header.kid = Some(key_id(&self.public));
        let clock = Clock::system();
        let now = clock.now().as_seconds();
        let claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": clock.new_id(), "jti": clock.new_id(),
            "iat": now - 3_600, "nbf": now - 3_600, "exp": now + seconds,
            "username": username, "role": role,
        });
        encode(&header, &claims, &self.signing).unwrap()
    }
}
