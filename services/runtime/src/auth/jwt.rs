//! The rules of RFC 8725 for one token, whichever kind it is.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::de::DeserializeOwned;

use super::ISSUER;

/// Tokens of ours take some 500 bytes; what is much longer is not looked into.
const MAX_TOKEN_LENGTH: usize = 4 * 1024;

/// The key that a token says it is signed with, if its header is one that we write for tokens of
/// type `typ`. Whatever else a header may offer (`jwk`, `jku`, `x5c`, …) is never looked at.
pub(super) fn key_id(token: &str, typ: &str) -> Option<String> {
    if token.len() > MAX_TOKEN_LENGTH {
        return None;
    }
    let header = decode_header(token).ok()?;
    let ours = header.alg == Algorithm::EdDSA
        && header.typ.is_some_and(|it| it.eq_ignore_ascii_case(typ))
        && header.crit.is_none();
    header.kid.filter(|_| ours)
}

/// The claims of a token that `key` has signed for `audience`. Their times are not looked at.
pub(super) fn claims<C: DeserializeOwned + Clone>(
    token: &str,
    key: &DecodingKey,
    audience: &str,
) -> Option<C> {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[audience]);
    // Times are compared with the injected clock, not with the machine's.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    Some(decode(token, key, &validation).ok()?.claims)
}
