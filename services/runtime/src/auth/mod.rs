//! Tokens: what they say and who checks them.
//!
//! - An *access token* ([`Claims`]) names a person who has signed in. It is a JSON Web Token
//!   (RFC 7519) of type `at+jwt` (RFC 9068).
//! - A *service token* ([`ServiceClaims`]) names a service, of type `st+jwt`, each for one audience.
//! - A *personal access token* ([`PersonalToken`]) is a random text, for scripts and other services,
//!   which says nothing by itself: the users backend knows whose it is.
//!
//! Both kinds of JSON Web Tokens are signed with Ed25519 by the users backend and checked by
//! everybody else with its public keys, after the rules of RFC 8725: one algorithm, an explicit
//! type, and `iss`, `aud`, `sub`, `exp`, `nbf` and `kid` all checked. Type and audience both differ
//! between them, so that neither ever passes for the other. Nothing in this crate can sign.

mod caller;
mod claims;
mod jwt;
mod keys;
mod personal;
mod verifier;

pub use caller::{Caller, Role, Scope, Service};
pub use claims::{
    AUDIENCE, Claims, ISSUER, SERVICE_TOKEN_TYPE, ServiceClaims, THOUGHTS_BACKEND, TOKEN_TYPE,
    USERS_BACKEND,
};
pub use keys::{FixedKeys, KeySource, key_id};
pub use personal::{PERSONAL_TOKEN_PREFIX, PersonalToken, PersonalTokenSource};
pub use verifier::{Verifier, VerifyError};
