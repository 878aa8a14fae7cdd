//! Sessions: from signing in to signing out.

use std::time::Duration;

use runtime::clock::Timestamp;
use uuid::Uuid;

use crate::{client::UserAgent, refresh_token::RefreshToken, secret::Digest, user::User};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A session that is not renewed for this long is over.
pub const IDLE_LIFETIME: Duration = Duration::from_secs(30 * DAY.as_secs());

/// However often it is renewed, a session is over after this long.
pub const LIFETIME: Duration = Duration::from_secs(180 * DAY.as_secs());

/// For this long a used refresh token is answered with its successor again: two tabs may come at
/// once, and an answer may get lost on its way.
pub const GRACE: Duration = Duration::from_secs(10);

/// For this long its owner is told of a session that was ended because a token was used again.
pub const REUSE_TOLD: Duration = Duration::from_secs(30 * DAY.as_secs());

/// A session about to begin.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Its id.
    pub id: Uuid,
    /// Who signed in.
    pub user_id: Uuid,
    /// With which program.
    pub user_agent: UserAgent,
    /// What is stored of its first refresh token.
    pub digest: Digest,
    /// When it begins.
    pub create_time: Timestamp,
}

/// A session as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInfo {
    /// Its id.
    pub id: Uuid,
    /// With which program its owner signed in.
    pub user_agent: UserAgent,
    /// When it began.
    pub create_time: Timestamp,
    /// When it was last renewed, or began.
    pub last_use_time: Timestamp,
    /// When it ends unless it is renewed before.
    pub expire_time: Timestamp,
    /// When one of its refresh tokens was used again, late, which ended it.
    pub reuse_time: Option<Timestamp>,
}

/// What became of a refresh token that somebody used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renewal {
    /// The session goes on.
    Renewed {
        /// Whose it is, as the account is now.
        user: User,
        /// The next refresh token.
        successor: RefreshToken,
        /// When the session ends unless it is renewed before.
        expire_time: Timestamp,
    },
    /// There is no such session, or it is over, or the token is none of its.
    Over,
    /// The token was used before, and not just now: the session has been ended.
    Reused {
        /// Whose session it was.
        user_id: Uuid,
    },
}

/// What became of a change of password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordChange {
    /// It is changed, and every session but the caller's is over.
    Changed {
        /// When the caller's session ends unless it is renewed before.
        expire_time: Timestamp,
    },
    /// The stored hash is not the one any more that the password was checked against.
    HashReplaced,
    /// The caller's session is over.
    SessionOver,
}

/// When a session that began at one time and was renewed at another ends unless it is renewed.
pub fn expire_time(create_time: Timestamp, renewed: Timestamp) -> Timestamp {
    (renewed + IDLE_LIFETIME).min(create_time + LIFETIME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_after_30_idle_days_and_after_180_in_any_case() {
        let start = Timestamp::from_seconds(0);
        let day = |days: u32| start + DAY * days;
        assert_eq!(expire_time(start, start), day(30));
        assert_eq!(expire_time(start, day(100)), day(130));
        assert_eq!(expire_time(start, day(170)), day(180));
    }
}
