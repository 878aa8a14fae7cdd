//! Why a use case was refused.

/// What keeps a caller from what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thought, or the caller may not see it. Callers see `NOT_FOUND`.
    #[error("there is no such thought")]
    NotFound,
    /// The thought can be seen, but is somebody else's. Callers see `PERMISSION_DENIED`.
    #[error("only its author or an administrator may delete a thought")]
    NotYours,
    /// The request id stands for another text or visibility. Callers see `ALREADY_EXISTS`.
    #[error("this request_id was used for another text or visibility")]
    OtherText,
    /// The request id stands for a thought that has been deleted. Callers see `ALREADY_EXISTS`:
    /// repeating a creation does not bring it back.
    #[error("this request_id was used for a thought that has been deleted since")]
    Gone,
    /// The database does not do its part. Callers see `UNAVAILABLE`, or `INTERNAL` if it is our
    /// doing.
    #[error(transparent)]
    Database(#[from] database::Error),
}
