//! What is written in signed tokens.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Role;

/// Who signs tokens: their `iss`.
pub const ISSUER: &str = "mythoughts-users";

/// Whom access tokens are for: their `aud`.
pub const AUDIENCE: &str = "mythoughts";

/// The `typ` of an access token (RFC 9068), so that no other kind of token passes for one.
pub const TOKEN_TYPE: &str = "at+jwt";

/// The `typ` of a service token.
pub const SERVICE_TOKEN_TYPE: &str = "st+jwt";

/// The users backend, as a `sub` or `aud` of service tokens.
pub const USERS_BACKEND: &str = "users-backend";

/// The thoughts backend, as a `sub` or `aud` of service tokens.
pub const THOUGHTS_BACKEND: &str = "thoughts-backend";

/// The claims of an access token. Times are whole seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// [`ISSUER`].
    pub iss: String,
    /// [`AUDIENCE`].
    pub aud: String,
    /// The user's id.
    pub sub: Uuid,
    /// From when the token is refused.
    pub exp: i64,
    /// Until when the token is not accepted yet.
    pub nbf: i64,
    /// When the token was made.
    pub iat: i64,
    /// The token's own id.
    pub jti: Uuid,
    /// The session that the token belongs to, if its user signed in to get it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<Uuid>,
    /// The user's name.
    pub username: String,
    /// What the user may do.
    pub role: Role,
}

/// The claims of a service token, by which one service knows another. Times are whole seconds since
/// 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceClaims {
    /// [`ISSUER`].
    pub iss: String,
    /// The service that the token is for: [`USERS_BACKEND`] or [`THOUGHTS_BACKEND`].
    pub aud: String,
    /// The service that may use the token, by the same names.
    pub sub: String,
    /// From when the token is refused.
    pub exp: i64,
    /// Until when the token is not accepted yet.
    pub nbf: i64,
    /// When the token was made.
    pub iat: i64,
    /// The token's own id.
    pub jti: Uuid,
}
