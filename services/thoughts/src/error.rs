//! Why a use case was refused.

/// What keeps a caller from what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thought, or the caller may not see it. Callers see `NOT_FOUND`.
    #[error("there is no such thought")]
    NotFound,
    /// The thought can be seen, but is somebody else's. Callers see `PERMISSION_DENIED`.
    #[error("the thought is somebody else's")]
    NotYours,
    /// The thought has to be taken out of the trash first. Callers see `FAILED_PRECONDITION`.
    #[error("the thought is in the trash")]
    InTrash,
    /// An administrator removed the thought. Callers see `PERMISSION_DENIED`.
    #[error("an administrator removed the thought")]
    Removed,
    /// The thought is not what the change was made from. Callers see `ABORTED`.
    #[error("the thought has been changed in the meantime")]
    Changed,
    /// The request id stands for another text or visibility. Callers see `ALREADY_EXISTS`.
    #[error("this request_id was used for another text or visibility")]
    OtherText,
    /// The request id stands for a thought that has been deleted. Callers see `ALREADY_EXISTS`:
    /// repeating a creation does not bring it back.
    #[error("this request_id was used for a thought that has been deleted since")]
    Gone,
    /// The caller's account has been deleted, and the caller's token not ended yet. Callers see
    /// `UNAUTHENTICATED`.
    #[error("this account has been deleted")]
    AccountGone,
    /// The database does not do its part. Callers see `UNAVAILABLE`, or `INTERNAL` if it is our
    /// doing.
    #[error(transparent)]
    Database(database::Error),
}

/// What the schema says when it refuses what a purged author writes.
const ACCOUNT_GONE: &str = "ACCOUNT_GONE";

impl From<database::Error> for Error {
    fn from(error: database::Error) -> Self {
        match error {
            database::Error::Refused(reason) if reason == ACCOUNT_GONE => Self::AccountGone,
            error => Self::Database(error),
        }
    }
}
