//! gRPC errors with `google.rpc` details, made by services and read by their callers.
//!
//! A message here is for whoever called: it names what was wrong with the request and nothing of
//! the inside. What went wrong inside is logged where it is turned into a [`Status`].

use std::{collections::HashMap, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// The domain of every `google.rpc.ErrorInfo`.
pub const DOMAIN: &str = "mythoughts";

/// How long a caller should wait before it tries a busy or absent part again.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// `INVALID_ARGUMENT` for one field of the request, as a `google.rpc.BadRequest`.
pub fn invalid_argument(field: &str, description: impl Into<String>) -> Status {
    let description = description.into();
    let message = format!("{field}: {description}");
    let mut details = ErrorDetails::with_bad_request_violation(field, description);
    details.set_error_info("INVALID_FIELD", DOMAIN, HashMap::new());
    Status::with_error_details(Code::InvalidArgument, message, details)
}

/// An error of `code` whose `google.rpc.ErrorInfo` carries `reason`, in `UPPER_SNAKE_CASE`.
pub fn error(code: Code, reason: &str, message: impl Into<String>) -> Status {
    let details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
    Status::with_error_details(code, message, details)
}

/// `UNAVAILABLE`: something that the service needs is away for the moment.
pub fn unavailable(reason: &str, message: impl Into<String>) -> Status {
    retryable(Code::Unavailable, reason, message)
}

/// `RESOURCE_EXHAUSTED`: there is too much to do for the moment.
pub fn exhausted(reason: &str, message: impl Into<String>) -> Status {
    retryable(Code::ResourceExhausted, reason, message)
}

/// `RESOURCE_EXHAUSTED`: the caller has asked too often, and may come back after `wait`.
pub fn throttled(reason: &str, message: impl Into<String>, wait: Duration) -> Status {
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
    details.set_retry_info(Some(wait));
    Status::with_error_details(Code::ResourceExhausted, message, details)
}

/// `INTERNAL`: a defect. Log the cause before; the caller learns nothing of it.
pub fn internal() -> Status {
    error(Code::Internal, "INTERNAL", "internal error")
}

/// `UNAUTHENTICATED`: the rpc needs a token, and none came.
pub fn sign_in_required() -> Status {
    error(
        Code::Unauthenticated,
        "SIGN_IN_REQUIRED",
        "sign in first: this needs a token",
    )
}

/// The fields that an `INVALID_ARGUMENT` names, each with what was expected of it.
pub fn field_violations(status: &Status) -> Vec<(String, String)> {
    let violations = status.get_details_bad_request();
    violations
        .into_iter()
        .flat_map(|request| request.field_violations)
        .map(|violation| (violation.field, violation.description))
        .collect()
}

/// The reason in the error's `google.rpc.ErrorInfo`, if there is one.
pub fn reason(status: &Status) -> Option<String> {
    status.get_details_error_info().map(|info| info.reason)
}

/// How long the service asks to be left alone.
pub fn retry_after(status: &Status) -> Option<Duration> {
    status.get_details_retry_info()?.retry_delay
}

fn retryable(code: Code, reason: &str, message: impl Into<String>) -> Status {
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
    details.set_retry_info(Some(RETRY_DELAY));
    Status::with_error_details(code, message, details)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_field_can_be_read_back() {
        let status = invalid_argument("text", "must not be empty");
        assert_eq!(status.message(), "text: must not be empty");
        assert_eq!(
            field_violations(&status),
            [("text".to_owned(), "must not be empty".to_owned())]
        );
    }

    #[test]
    fn reasons_and_delays_can_be_read_back() {
        let status = unavailable("DATABASE_UNAVAILABLE", "the database is away");
        assert_eq!(reason(&status).as_deref(), Some("DATABASE_UNAVAILABLE"));
        assert_eq!(retry_after(&status), Some(RETRY_DELAY));
        assert_eq!(retry_after(&internal()), None);
    }
}
