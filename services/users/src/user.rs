//! Accounts.

use runtime::{auth::Role, clock::Timestamp};
use uuid::Uuid;

use crate::username::Username;

/// An account, as everybody may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Never changes and never decides an order.
    pub id: Uuid,
    /// Unique.
    pub username: Username,
    /// What the account may do.
    pub role: Role,
    /// When it was made, to the microsecond. No two accounts of one database share it: lists go by
    /// it and page by it.
    pub create_time: Timestamp,
}

/// An account together with what its password is checked against.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The account.
    pub user: User,
    /// A PHC string of [`PasswordHasher`](crate::hashing::PasswordHasher).
    pub password_hash: String,
}
