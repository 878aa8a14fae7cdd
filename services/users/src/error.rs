//! What can go wrong in a use case.

use crate::{
    hashing::HashError,
    invitation::ExpireTimeError,
    key_encryption::Unreadable,
    password::PasswordError,
    personal_token::{MAX_TOKENS, TokenTimeError},
    throttle::Wait,
    user::Outcome,
};

/// Why a use case was refused or failed. `grpc.rs` says which code each becomes.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name is unknown or the password wrong; the caller never learns which.
    #[error("the username or the password is wrong")]
    WrongCredentials,
    /// The rpc is for people who are signed in, and no token came.
    #[error("sign in first")]
    SignInRequired,
    /// The token is genuine, but its account is not in this database any more.
    #[error("the account of this token does not exist any more")]
    AccountGone,
    /// The password is right, but the account is disabled.
    #[error("an administrator has disabled this account")]
    AccountDisabled,
    /// Too many sign-ins have failed; nobody looks at the password before the wait is over.
    #[error("too many failed sign-ins: try again in {} seconds", .0.0.as_secs_f64().ceil())]
    Throttled(Wait),
    /// The session is over, or what came is no refresh token of it; the caller never learns which.
    #[error("the session is over: sign in again")]
    SessionOver,
    /// The refresh token was used before, so the session has been ended.
    #[error("the session was ended, because its refresh token was used twice: sign in again")]
    RefreshTokenReused,
    /// The rpc is for people who have signed in, and the token was made for something else.
    #[error("this needs a token that was got by signing in")]
    SessionRequired,
    /// The current password, asked for again, is not the account's.
    #[error("the current password is wrong")]
    WrongPassword,
    /// The caller has no session of that id.
    #[error("there is no such session")]
    SessionNotFound,
    /// The account has as many personal access tokens as it may.
    #[error("there are {MAX_TOKENS} personal access tokens already: revoke one first")]
    TooManyPersonalTokens,
    /// A personal access token cannot end then.
    #[error("{0}")]
    TokenTimeRefused(#[from] TokenTimeError),
    /// The caller has no personal access token of that id.
    #[error("there is no such personal access token")]
    PersonalTokenNotFound,
    /// What came is nobody's personal access token, or one that has ended; the caller never learns
    /// which.
    #[error("the personal access token is nobody's, or not any more")]
    UnknownPersonalToken,
    /// The same, after too many others.
    #[error("too many unknown tokens: try again in {} seconds", .0.0.as_secs_f64().ceil())]
    TooManyUnknownTokens(Wait),
    /// The rpc, or the role that was asked for, is for administrators.
    #[error("only administrators may do this")]
    NotAdministrator,
    /// The set-up code is not the one of this database.
    #[error("the set-up code is wrong")]
    WrongSetupCode,
    /// A set-up code came, but the first administrator has been made.
    #[error("there is an administrator already")]
    AdministratorExists,
    /// The set-up code came together with the role of a member.
    #[error("the set-up code makes an administrator")]
    SetupMakesAdministrator,
    /// The new password is none for this account.
    #[error("{0}")]
    PasswordRefused(#[from] PasswordError),
    /// Without this account nobody would be an administrator, or all who are would be disabled.
    #[error("the last administrator has to stay one")]
    LastAdministrator,
    /// The invitation cannot be used: it never was one, was used or taken back, or is over.
    #[error("the invitation is not valid, or not any more")]
    NotInvited,
    /// No invitation that can be used has the id.
    #[error("there is no such invitation")]
    InvitationNotFound,
    /// An invitation cannot end then.
    #[error("{0}")]
    ExpireTimeRefused(#[from] ExpireTimeError),
    /// The code sets no password: it never did, was used or replaced, or is over.
    #[error("the code is not valid, or not any more")]
    WrongResetCode,
    /// Another account has the name, or had it.
    #[error("the username is taken")]
    UsernameTaken,
    /// No account has the name.
    #[error("there is no such user")]
    UserNotFound,
    /// Too many passwords are being checked. The caller may come back in a moment.
    #[error("too busy with other sign-ins")]
    Busy,
    /// The database has no signing key that can be read: somebody has altered it.
    #[error("the signing keys in the database cannot be read")]
    NoSigningKey,
    /// The signing keys in the database are encrypted, and there is no secret to read them with.
    #[error(
        "KEY_ENCRYPTION_SECRET is not set: the signing keys in the database are encrypted with it"
    )]
    KeysEncrypted,
    /// The signing keys in the database are encrypted with another secret, or were altered.
    #[error(
        "KEY_ENCRYPTION_SECRET: expected the secret that the signing keys in the database are \
         encrypted with; if it is lost or to be replaced, delete all rows of signing_keys, and \
         new keys are made"
    )]
    KeysEncryptedOtherwise,
    /// The database is away or too busy. The caller may come back in a moment.
    #[error("the database is away: {0}")]
    DatabaseAway(#[source] database::Error),
    /// A defect of ours. The caller learns no more than that there is one.
    #[error("{0}")]
    Defect(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// A defect, with what showed it.
    pub fn defect(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Defect(Box::new(cause))
    }
}

impl<T> Outcome<T> {
    /// What was done, or why it was not.
    pub(crate) fn into_result(self) -> Result<T, Error> {
        match self {
            Self::Done(done) => Ok(done),
            Self::SessionOver => Err(Error::SessionOver),
            Self::NotAdministrator => Err(Error::NotAdministrator),
            Self::LastAdministrator => Err(Error::LastAdministrator),
            Self::NotFound => Err(Error::UserNotFound),
        }
    }
}

impl From<database::Error> for Error {
    fn from(error: database::Error) -> Self {
        if error.is_unavailable() {
            Self::DatabaseAway(error)
        } else {
            Self::defect(error)
        }
    }
}

impl From<Unreadable> for Error {
    fn from(why: Unreadable) -> Self {
        match why {
            Unreadable::NoSecret => Self::KeysEncrypted,
            Unreadable::OtherSecret => Self::KeysEncryptedOtherwise,
            Unreadable::Unknown => Self::NoSigningKey,
        }
    }
}

impl From<HashError> for Error {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => Self::Busy,
            HashError::Failed(_)
            | HashError::Unreadable(_)
            | HashError::NoThread(_)
            | HashError::Interrupted => Self::defect(error),
        }
    }
}
