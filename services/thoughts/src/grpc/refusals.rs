//! Errors to codes.

use runtime::status;
use tonic::{Code, Status};

use crate::error::Error;

/// The one place where an error becomes a code; what the caller is not told is logged here.
pub(super) fn to_status(error: Error) -> Status {
    let message = error.to_string();
    match error {
        Error::NotFound => status::error(Code::NotFound, "THOUGHT_NOT_FOUND", message),
        Error::NotYours => status::error(Code::PermissionDenied, "NOT_THE_AUTHOR", message),
        Error::InTrash => status::error(Code::FailedPrecondition, "THOUGHT_IN_TRASH", message),
        Error::Removed => {
            status::error(Code::PermissionDenied, "REMOVED_BY_ADMINISTRATOR", message)
        }
        Error::Changed => status::error(Code::Aborted, "STALE_ETAG", message),
        Error::OtherText => status::error(Code::AlreadyExists, "REQUEST_ID_REUSED", message),
        Error::Gone => status::error(Code::AlreadyExists, "THOUGHT_DELETED", message),
        Error::AccountGone => status::error(Code::Unauthenticated, "ACCOUNT_GONE", message),
        Error::Database(error) if error.is_unavailable() => {
            tracing::warn!(%error, "the database is unavailable");
            status::unavailable("DATABASE_UNAVAILABLE", "the database is unavailable")
        }
        Error::Database(error) => {
            tracing::error!(%error, "a statement failed");
            status::internal()
        }
    }
}
