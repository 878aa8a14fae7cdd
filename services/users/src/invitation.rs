//! Invitations: a code by which one person may make an account, once; and the code by which
//! somebody who has forgotten the password sets another.

use std::time::Duration;

use runtime::{auth::Role, clock::Timestamp};
use uuid::Uuid;

use crate::{secret::Digest, user::Actor, username::Username};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long an invitation can be used unless its maker says.
pub const DEFAULT_LIFETIME: Duration = Duration::from_secs(7 * DAY.as_secs());

/// How long an invitation can be used at most.
pub const MAX_LIFETIME: Duration = Duration::from_secs(30 * DAY.as_secs());

/// How long a password can be set with a code.
pub const RESET_LIFETIME: Duration = DAY;

/// An invitation about to be made.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    /// Its id.
    pub id: Uuid,
    /// What is stored of its code.
    pub digest: Digest,
    /// The role that the account will have.
    pub role: Role,
    /// The administrator who makes it. It ends with that.
    pub inviter: Actor,
    /// When it is made.
    pub create_time: Timestamp,
    /// From when it cannot be used any more.
    pub expire_time: Timestamp,
}

/// An invitation, as administrators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Its id.
    pub id: Uuid,
    /// The role that the account will have.
    pub role: Role,
    /// Who made it.
    pub inviter: Username,
    /// When it was made, to the microsecond. No two of one database share it: lists page by it.
    pub create_time: Timestamp,
    /// From when it cannot be used any more.
    pub expire_time: Timestamp,
}

/// A code about to be made by which the password of an account can be set.
#[derive(Debug, Clone)]
pub struct NewReset {
    /// Whose password.
    pub user_id: Uuid,
    /// What is stored of the code.
    pub digest: Digest,
    /// The administrator who makes it. It ends with that.
    pub maker: Actor,
    /// When it is made.
    pub create_time: Timestamp,
    /// From when it cannot be used any more.
    pub expire_time: Timestamp,
}

/// The time is none at which an invitation can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be in the future, and at most 30 days ahead")]
pub struct ExpireTimeError;

/// When an invitation ends that is made now.
///
/// # Errors
///
/// What was asked for is over already, or too far ahead.
pub fn expire_time(
    requested: Option<Timestamp>,
    now: Timestamp,
) -> Result<Timestamp, ExpireTimeError> {
    let expires = requested.unwrap_or(now + DEFAULT_LIFETIME);
    if now < expires && expires <= now + MAX_LIFETIME {
        Ok(expires)
    } else {
        Err(ExpireTimeError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_ends_within_30_days_and_after_a_week_unless_said() {
        let now = Timestamp::from_seconds(0);
        let second = Duration::from_secs(1);
        assert_eq!(expire_time(None, now), Ok(now + DAY * 7));
        for good in [now + second, now + DAY * 30] {
            assert_eq!(expire_time(Some(good), now), Ok(good));
        }
        for bad in [
            now - second,
            now,
            now + DAY * 30 + second,
            Timestamp::from_micros(i64::MAX),
            Timestamp::from_micros(i64::MIN),
        ] {
            assert_eq!(expire_time(Some(bad), now), Err(ExpireTimeError));
        }
    }
}
