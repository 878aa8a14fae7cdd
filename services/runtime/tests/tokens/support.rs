//! Whoever signs tokens in these tests, and when.

use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::FutureExt as _;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use runtime::{
    auth::{
        AUDIENCE, FixedKeys, ISSUER, KeySource, SERVICE_TOKEN_TYPE, THOUGHTS_BACKEND, TOKEN_TYPE,
        USERS_BACKEND, Verifier, key_id,
    },
    clock::{Clock, Timestamp},
};
use serde_json::{Value, json};
use tonic::metadata::MetadataMap;
use uuid::Uuid;

pub(crate) const NOW: i64 = 1_700_000_000;

pub(crate) struct Issuer {
    pub(crate) key: EncodingKey,
    pub(crate) public: Vec<u8>,
}

impl Issuer {
    pub(crate) fn new() -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let der = pair.to_pkcs8v1().unwrap();
        Self {
            key: EncodingKey::from_ed_der(der.as_ref()),
            public: pair.public_key().as_ref().to_vec(),
        }
    }

    pub(crate) fn pem(&self) -> String {
        // RFC 8410: the algorithm, then the key.
        let spki = [
            &[
                0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
            ],
            self.public.as_slice(),
        ]
        .concat();
        pem::encode(&pem::Pem::new("PUBLIC KEY", spki))
    }

    pub(crate) fn key_set(&self) -> String {
        let x = URL_SAFE_NO_PAD.encode(&self.public);
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": key_id(&self.public), "x": x}]}).to_string()
    }

    pub(crate) fn header(&self) -> Header {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TOKEN_TYPE.to_owned());
        header.kid = Some(key_id(&self.public));
        header
    }

    pub(crate) fn sign(&self, header: &Header, claims: &Value) -> String {
        encode(header, claims, &self.key).unwrap()
    }

    pub(crate) fn token(&self) -> String {
        self.sign(&self.header(), &claims())
    }

    /// The header of a service token.
    pub(crate) fn service_header(&self) -> Header {
        let mut header = self.header();
        header.typ = Some(SERVICE_TOKEN_TYPE.to_owned());
        header
    }

    /// The users backend's token for the thoughts backend.
    pub(crate) fn service_token(&self) -> String {
        self.sign(&self.service_header(), &service_claims())
    }

    pub(crate) fn verifier(&self) -> Verifier {
        let fixed: FixedKeys = self.pem().parse().unwrap();
        Verifier::new(clock(), fixed, no_source())
    }
}

pub(crate) fn clock() -> Clock {
    Clock::manual(Timestamp::from_seconds(NOW))
}

pub(crate) fn no_source() -> KeySource {
    Arc::new(|| async { Err(tonic::Status::unavailable("away")) }.boxed())
}

pub(crate) fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": Uuid::nil(), "exp": NOW + 60, "nbf": NOW, "iat": NOW,
        "jti": Uuid::nil(), "username": "bruce", "role": "member",
    })
}

/// The claims of the users backend's token for the thoughts backend.
pub(crate) fn service_claims() -> Value {
    json!({
        "iss": ISSUER, "aud": THOUGHTS_BACKEND, "sub": USERS_BACKEND, "exp": NOW + 60, "nbf": NOW,
        "iat": NOW, "jti": Uuid::nil(),
    })
}

/// A request's metadata with that token.
pub(crate) fn bearer(token: &str) -> MetadataMap {
    let mut metadata = MetadataMap::new();
    metadata.insert("authorization", format!("Bearer {token}").parse().unwrap());
    metadata
}
