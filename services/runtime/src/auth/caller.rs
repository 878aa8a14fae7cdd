//! Whoever made a call.

use serde::{Deserialize, Serialize};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{clock::Timestamp, status};

/// What a user may do beyond writing thoughts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Writes, lists and searches thoughts.
    Member,
    /// Manages accounts and removes public thoughts as well.
    Admin,
}

/// What a personal access token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Reading what its owner may read.
    Read,
    /// Writing and deleting the owner's thoughts as well.
    ReadWrite,
}

/// The person who made a call, as a checked token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user's id; it never changes.
    pub user_id: Uuid,
    /// The user's name.
    pub username: String,
    /// What the user may do. Whoever comes with a personal access token is a member.
    pub role: Role,
    /// The session that the caller signed in to. It may be over: its tokens live on to their end.
    pub session_id: Option<Uuid>,
    /// What the token is good for, if it is a personal access token.
    pub personal_token: Option<Scope>,
    /// When the token stops being accepted.
    pub expires: Timestamp,
}

/// The service that made a call, as a checked service token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name: [`USERS_BACKEND`](super::USERS_BACKEND) or
    /// [`THOUGHTS_BACKEND`](super::THOUGHTS_BACKEND).
    pub name: String,
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

    /// The caller of an rpc about accounts, sessions or tokens, which scripts have no business with.
    ///
    /// # Errors
    ///
    /// `PERMISSION_DENIED` for whoever comes with a personal access token.
    pub fn in_person(self) -> Result<Self, Status> {
        match self.personal_token {
            None => Ok(self),
            Some(Scope::Read | Scope::ReadWrite) => Err(status::error(
                Code::PermissionDenied,
                "PERSONAL_TOKEN",
                "a personal access token is no good for this: sign in instead",
            )),
        }
    }

    /// Whether the caller's token is good for writing.
    ///
    /// # Errors
    ///
    /// `PERMISSION_DENIED` for a personal access token that may only read.
    pub fn may_write(&self) -> Result<(), Status> {
        match self.personal_token {
            None | Some(Scope::ReadWrite) => Ok(()),
            Some(Scope::Read) => Err(status::error(
                Code::PermissionDenied,
                "READ_ONLY_TOKEN",
                "this personal access token may only read",
            )),
        }
    }
}
