//! Errors to codes.

use runtime::status;
use tonic::{Code, Status};

use crate::{error::Error, throttle::Wait};

/// The reasons of `RESOURCE_EXHAUSTED`.
pub(crate) const REFUSED_FOR_NOW: [&str; 3] =
    ["BUSY", "SIGN_IN_THROTTLED", "UNKNOWN_TOKENS_THROTTLED"];

/// What a caller sees of an error. What is ours alone is logged here, where it stops.
pub(super) fn to_status(error: Error) -> Status {
    let message = error.to_string();
    match error {
        Error::WrongCredentials => {
            status::error(Code::Unauthenticated, "WRONG_CREDENTIALS", message)
        }
        Error::SignInRequired => status::sign_in_required(),
        Error::Throttled(Wait(wait)) => status::throttled("SIGN_IN_THROTTLED", message, wait),
        Error::SessionOver => status::error(Code::Unauthenticated, "SESSION_OVER", message),
        Error::RefreshTokenReused => {
            status::error(Code::Unauthenticated, "REFRESH_TOKEN_REUSED", message)
        }
        Error::AccountGone => status::error(Code::Unauthenticated, "ACCOUNT_GONE", message),
        Error::TooManyPersonalTokens => {
            status::error(Code::FailedPrecondition, "TOO_MANY_ACCESS_TOKENS", message)
        }
        Error::TokenTimeRefused(_) => status::invalid_argument("expire_time", message),
        Error::PersonalTokenNotFound | Error::UnknownPersonalToken => {
            status::error(Code::NotFound, "ACCESS_TOKEN_NOT_FOUND", message)
        }
        Error::TooManyUnknownTokens(Wait(wait)) => {
            status::throttled("UNKNOWN_TOKENS_THROTTLED", message, wait)
        }
        Error::NotAdministrator => {
            status::error(Code::PermissionDenied, "NOT_ADMINISTRATOR", message)
        }
        Error::SessionRequired => {
            status::error(Code::PermissionDenied, "SESSION_REQUIRED", message)
        }
        Error::WrongPassword => status::error(Code::PermissionDenied, "WRONG_PASSWORD", message),
        Error::WrongSetupCode => status::error(Code::PermissionDenied, "WRONG_SETUP_CODE", message),
        Error::AdministratorExists => {
            status::error(Code::FailedPrecondition, "ADMINISTRATOR_EXISTS", message)
        }
        Error::AccountDisabled => {
            status::error(Code::PermissionDenied, "ACCOUNT_DISABLED", message)
        }
        Error::LastAdministrator => {
            status::error(Code::FailedPrecondition, "LAST_ADMINISTRATOR", message)
        }
        Error::NotInvited => status::error(Code::PermissionDenied, "NOT_INVITED", message),
        Error::InvitationNotFound => status::error(Code::NotFound, "INVITATION_NOT_FOUND", message),
        Error::ExpireTimeRefused(_) => status::invalid_argument("expire_time", message),
        Error::WrongResetCode => status::error(Code::PermissionDenied, "WRONG_RESET_CODE", message),
        Error::SetupMakesAdministrator => status::invalid_argument("role", message),
        Error::PasswordRefused(_) => status::invalid_argument("password", message),
        Error::UsernameTaken => status::error(Code::AlreadyExists, "USERNAME_TAKEN", message),
        Error::SessionNotFound => status::error(Code::NotFound, "SESSION_NOT_FOUND", message),
        Error::UserNotFound => status::error(Code::NotFound, "USER_NOT_FOUND", message),
        Error::Busy => status::exhausted("BUSY", message),
        Error::DatabaseAway(cause) => {
            tracing::warn!(%cause, "the database is away");
            status::unavailable("DATABASE_UNAVAILABLE", "the database is away")
        }
        Error::NoSigningKey | Error::KeysEncrypted | Error::KeysEncryptedOtherwise => {
            tracing::error!(cause = message, "internal error");
            status::internal()
        }
        Error::Defect(cause) => {
            tracing::error!(%cause, "internal error");
            status::internal()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use database::testing::Fresh;

    use super::*;
    use crate::store::{Store, migrations};

    #[test]
    fn s15_what_goes_wrong_inside_stays_inside() {
        let status = to_status(Error::defect(io::Error::other("the secret cause")));
        assert_eq!(status.code(), Code::Internal);
        assert!(!format!("{status:?}").contains("secret"));
    }

    #[tokio::test]
    async fn without_its_database_the_service_is_unavailable_for_now() {
        let store = Store::new(Fresh::sqlite().open(&migrations()).await);
        store.close().await;
        let away = store.has_administrator().await.unwrap_err();
        let status = to_status(away.into());
        assert_eq!(status.code(), Code::Unavailable);
        assert!(status::retry_after(&status).is_some());
    }

    #[test]
    fn who_meets_a_busy_service_is_told_when_to_come_back() {
        let status = to_status(Error::Busy);
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert!(status::retry_after(&status).is_some());
    }
}
