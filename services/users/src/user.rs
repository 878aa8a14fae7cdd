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

/// Who does something, and in which session. A token tells of both as they were when it was signed,
/// and what was looked up a moment ago may have changed since: the transaction that does it looks
/// again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    /// Who.
    pub user_id: Uuid,
    /// In which session.
    pub session_id: Uuid,
}

/// What came of what somebody wanted done to accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<T> {
    /// It was done.
    Done(T),
    /// It was not: the actor's session is over, or the account disabled or gone.
    SessionOver,
    /// It was not: the actor is no administrator, or not any more.
    NotAdministrator,
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
