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
    /// Nobody may sign in to it. Administrators alone are told.
    pub disabled: bool,
}

/// What is to become of an account; `None` stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserChange {
    /// Another role.
    pub role: Option<Role>,
    /// Whether nobody may sign in to it.
    pub disabled: Option<bool>,
}

/// What came of changing or deleting an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<T> {
    /// It was done.
    Done(T),
    /// It was not: nobody would be left who is an administrator and not disabled.
    LastAdministrator,
    /// There is no such account.
    NotFound,
}

impl User {
    /// Whether it is an account of somebody who may manage others.
    pub fn is_administrator(&self) -> bool {
        self.role == Role::Admin && !self.disabled
    }
}

/// An account together with what its password is checked against.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The account.
    pub user: User,
    /// A PHC string of [`PasswordHasher`](crate::hashing::PasswordHasher).
    pub password_hash: String,
}
