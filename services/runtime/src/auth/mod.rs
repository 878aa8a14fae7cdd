//! Access tokens: what they say and who checks them.
//!
//! A token is a JSON Web Token (RFC 7519) of type `at+jwt` (RFC 9068), signed with Ed25519 by the
//! users backend and checked by everybody else with its public keys, after the rules of RFC 8725:
//! one algorithm, an explicit type, and `iss`, `aud`, `sub`, `exp`, `nbf` and `kid` all checked.
//! Nothing in this crate can sign.

mod keys;
mod verifier;

pub use keys::{FixedKeys, KeySource, key_id};
pub use verifier::{Verifier, VerifyError};

use serde::{Deserialize, Serialize};
use tonic::Status;
use uuid::Uuid;

use crate::{clock::Timestamp, status};

/// Who signs access tokens: their `iss`.
pub const ISSUER: &str = "mythoughts-users";

/// Whom access tokens are for: their `aud`.
pub const AUDIENCE: &str = "mythoughts";

/// The `typ` of an access token (RFC 9068), so that no other kind of token passes for one.
pub const TOKEN_TYPE: &str = "at+jwt";

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

/// What a user may do beyond writing thoughts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Writes, lists and searches thoughts.
    Member,
    /// Manages accounts and removes public thoughts as well.
    Admin,
}

/// Whoever made a call, as a checked token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user's id; it never changes.
    pub user_id: Uuid,
    /// The user's name.
    pub username: String,
    /// What the user may do.
    pub role: Role,
    /// The session that the caller signed in to. It may be over: its tokens live on to their end.
    pub session_id: Option<Uuid>,
    /// When the token stops being accepted.
    pub expires: Timestamp,
}

impl Caller {
    /// Whether the caller is an administrator.
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }

    /// The caller of an rpc that nobody may call without signing in.
    ///
    /// # Errors
    ///
    /// `UNAUTHENTICATED` without a caller.
    pub fn required(caller: Option<Self>) -> Result<Self, Status> {
        caller.ok_or_else(status::sign_in_required)
    }
}
