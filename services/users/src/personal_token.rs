//! Personal access tokens: what scripts and other services speak for their owner with.
//!
//! A token is a [`Secret`] behind a prefix. The database keeps the digest alone and finds the token
//! by that, so how long a look-up takes tells nothing of the secret.

use std::{str::FromStr, time::Duration};

use aws_lc_rs::error::Unspecified;
use runtime::{
    auth::{PERSONAL_TOKEN_PREFIX, Scope},
    clock::Timestamp,
};
use uuid::Uuid;

use crate::{
    secret::{Digest, Secret},
    text::{is_seen, misleads},
    user::User,
};

/// So many tokens an account has at most.
pub const MAX_TOKENS: i64 = 50;

/// A token is accepted for this long at most: a year, whichever.
pub const MAX_LIFETIME: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// The last use is written no oftener than this.
pub const USE_NOTED_EVERY: Duration = Duration::from_secs(60);

/// The longest name, in characters.
const MAX_NAME: usize = 100;

/// The token itself. It is never shown: `Debug` gives nothing of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonalToken(Secret);

/// The text is no personal access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a personal access token ({PERSONAL_TOKEN_PREFIX}…)")]
pub struct PersonalTokenError;

/// What its owner calls a token: 1 to 100 characters, some of which can be seen, and none of which is
/// a control character or changes the line or the direction of the text around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayName(String);

/// The text is no name of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DisplayNameError {
    /// Nothing but white space, or too long.
    #[error("must have 1 to {MAX_NAME} characters")]
    Length,
    /// A character that would not be seen, or would change what is seen around it.
    #[error("must not contain control characters")]
    Control,
    /// Nothing but characters that show nothing by themselves.
    #[error("must have a character that can be seen")]
    Unseen,
}

/// When a token ends: later than the time it was parsed at, by 366 days at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenTime(Timestamp);

/// The time is none that a token can end at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be in the future, by at most 366 days")]
pub struct TokenTimeError;

/// A token about to be made.
#[derive(Debug, Clone)]
pub struct NewPersonalToken {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub user_id: Uuid,
    /// What its owner calls it.
    pub display_name: DisplayName,
    /// What is stored of it.
    pub digest: Digest,
    /// What it is good for.
    pub scope: Scope,
    /// When it is made.
    pub create_time: Timestamp,
    /// From when it is refused.
    pub expire_time: TokenTime,
}

/// A token as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonalTokenInfo {
    /// Its id.
    pub id: Uuid,
    /// What its owner calls it.
    pub display_name: DisplayName,
    /// What it is good for.
    pub scope: Scope,
    /// When it was made.
    pub create_time: Timestamp,
    /// From when it is refused.
    pub expire_time: Timestamp,
    /// When it was last used, to the minute.
    pub last_use_time: Option<Timestamp>,
}

/// A token that somebody came with, and that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// The token's id.
    pub id: Uuid,
    /// Whose it is, as the account is now.
    pub user: User,
    /// What it is good for.
    pub scope: Scope,
    /// From when it is refused.
    pub expire_time: Timestamp,
    /// When it was last used, to the minute.
    pub last_use_time: Option<Timestamp>,
}

/// What came of the attempt to make a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creation {
    /// It is made.
    Made,
    /// The account has as many as it may.
    TooMany,
    /// The session that it was asked for in is over.
    SessionOver,
}

impl PersonalToken {
    /// A new one.
    ///
    /// # Errors
    ///
    /// The system has no randomness.
    pub fn generate() -> Result<Self, Unspecified> {
        Secret::generate().map(Self)
    }

    /// What is stored of it.
    pub fn digest(&self) -> Digest {
        self.0.digest()
    }

    /// The token as its holder keeps it.
    pub fn expose(&self) -> String {
        format!("{PERSONAL_TOKEN_PREFIX}{}", self.0.expose())
    }
}

impl FromStr for PersonalToken {
    type Err = PersonalTokenError;

    fn from_str(text: &str) -> Result<Self, PersonalTokenError> {
        let secret = text.strip_prefix(PERSONAL_TOKEN_PREFIX);
        let secret = secret.and_then(|text| text.parse().ok());
        secret.map(Self).ok_or(PersonalTokenError)
    }
}

impl DisplayName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DisplayName {
    type Err = DisplayNameError;

    /// White space around the name is no part of it.
    fn from_str(text: &str) -> Result<Self, DisplayNameError> {
        let name = text.trim();
        if name.is_empty() || name.chars().nth(MAX_NAME).is_some() {
            return Err(DisplayNameError::Length);
        }
        if name.chars().any(misleads) {
            return Err(DisplayNameError::Control);
        }
        if !is_seen(name) {
            return Err(DisplayNameError::Unseen);
        }
        Ok(Self(name.to_owned()))
    }
}

impl TokenTime {
    /// Reads the time at which a token that is made now is to end.
    ///
    /// # Errors
    ///
    /// It is over, or too far away.
    pub fn parse(asked: Timestamp, now: Timestamp) -> Result<Self, TokenTimeError> {
        if now < asked && asked <= now + MAX_LIFETIME {
            Ok(Self(asked))
        } else {
            Err(TokenTimeError)
        }
    }

    /// The time.
    pub fn get(self) -> Timestamp {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s05_a_token_is_256_bits_behind_a_prefix_that_scanners_know() {
        let token = PersonalToken::generate().unwrap();
        let text = token.expose();
        assert_eq!(text.len(), 3 + 43);
        assert!(text.starts_with("mt_"));
        assert_eq!(text.parse(), Ok(token.clone()));
        assert!(!format!("{token:?}").contains(&text[3..]));
        for wrong in [
            "",
            "mt_",
            &text[3..],
            &text[..45],
            &format!("{text}A"),
            &format!(" {text}"),
            &text.replacen("mt_", "mr_", 1),
            &text.replacen("mt_", "MT_", 1),
            &format!("mt_{}", "x".repeat(1 << 20)),
        ] {
            let parsed = wrong.parse::<PersonalToken>();
            assert_eq!(parsed, Err(PersonalTokenError), "{wrong:.60}");
        }
    }

    #[test]
    fn a_name_is_what_its_owner_reads() {
        let name = |text: &str| text.parse().map(|DisplayName(name)| name);
        assert_eq!(name("  back-up, daily "), Ok("back-up, daily".to_owned()));
        assert_eq!(name("咖啡馆 ☕"), Ok("咖啡馆 ☕".to_owned()));
        assert_eq!(name("גיבוי\u{200f}!"), Ok("גיבוי\u{200f}!".to_owned()));
        assert_eq!(name(&"é".repeat(100)), Ok("é".repeat(100)));
        for wrong in ["", " \t ", "\u{3000}", &"é".repeat(101)] {
            assert_eq!(name(wrong), Err(DisplayNameError::Length), "{wrong:?}");
        }
        for wrong in [
            "a\nb",
            "a\0b",
            "\u{1b}[31m",
            "a\u{9b}b",
            "a\u{7f}",
            "a\u{202e}b",
            "a\u{2066}b",
            "a\u{2028}b",
        ] {
            assert_eq!(name(wrong), Err(DisplayNameError::Control), "{wrong:?}");
        }
        for wrong in ["\u{200b}", "\u{200f} \u{2060}", "\u{3164}", "\u{2800}"] {
            assert_eq!(name(wrong), Err(DisplayNameError::Unseen), "{wrong:?}");
        }
    }

    #[test]
    fn a_token_ends_within_366_days() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let (moment, last) = (Duration::from_micros(1), now + MAX_LIFETIME);
        let parsed = |time| TokenTime::parse(time, now).map(TokenTime::get);
        assert_eq!(parsed(now + moment), Ok(now + moment));
        assert_eq!(parsed(last), Ok(last));
        for wrong in [
            now,
            now - moment,
            last + moment,
            Timestamp::from_seconds(0),
            Timestamp::from_micros(i64::MIN),
            Timestamp::from_micros(i64::MAX),
        ] {
            assert_eq!(parsed(wrong), Err(TokenTimeError), "{wrong:?}");
        }
    }
}
