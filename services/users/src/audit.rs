//! The audit log: who did what to accounts and sessions, as structured events of target `audit`.
//!
//! Each event carries `event`, `outcome` and whose account it was; the request id comes from the
//! span around it. No secret is ever part of one.

use uuid::Uuid;

use crate::user::{Credentials, User};

/// Somebody signed in.
pub(crate) fn sign_in(user: &User, session_id: Uuid) {
    tracing::info!(target: "audit", event = "sign_in", outcome = "success",
        username = %user.username, user_id = %user.id, %session_id, "signed in");
}

/// Somebody did not get in. A name that no account can have is left out: it may well be a password
/// in the wrong field.
pub(crate) fn sign_in_refused(username: Option<&str>, account: Option<&Credentials>) {
    let user_id = account.map(|account| tracing::field::display(account.user.id));
    tracing::warn!(target: "audit", event = "sign_in", outcome = "refused",
        username = username.unwrap_or("(not a username)"), user_id, "sign-in refused");
}

/// Somebody has failed too often to be let try now.
pub(crate) fn sign_in_throttled(username: Option<&str>) {
    tracing::warn!(target: "audit", event = "sign_in", outcome = "throttled",
        username = username.unwrap_or("(not a username)"), "too many failed sign-ins");
}

/// A refresh token was used a second time, late: somebody else may have it.
pub(crate) fn refresh_token_reused(user_id: Uuid, session_id: Uuid) {
    tracing::warn!(target: "audit", event = "refresh_token_reuse", outcome = "session_ended",
        %user_id, %session_id, "a refresh token was used again");
}

/// Somebody signed out.
pub(crate) fn sign_out(user_id: Uuid, session_id: Uuid) {
    tracing::info!(target: "audit", event = "sign_out", outcome = "success",
        %user_id, %session_id, "signed out");
}

/// Somebody ended another session of his own.
pub(crate) fn session_revoked(user_id: Uuid, session_id: Uuid) {
    tracing::info!(target: "audit", event = "revoke_session", outcome = "success",
        %user_id, %session_id, "session ended");
}

/// A password was changed by its owner.
pub(crate) fn password_changed(user: &User) {
    tracing::info!(target: "audit", event = "change_password", outcome = "success",
        username = %user.username, user_id = %user.id, "password changed");
}

/// A password was replaced by whoever runs the service.
pub(crate) fn password_reset(user: &User) {
    tracing::warn!(target: "audit", event = "reset_password", outcome = "success",
        username = %user.username, user_id = %user.id, "password reset");
}

/// Somebody who is signed in gave a wrong password for a new one.
pub(crate) fn password_change_refused(user: &User) {
    tracing::warn!(target: "audit", event = "change_password", outcome = "refused",
        username = %user.username, user_id = %user.id, "wrong password");
}

/// A signing key was made, which will sign in a while.
pub(crate) fn signing_key_made(generation: i64) {
    tracing::info!(target: "audit", event = "make_signing_key", outcome = "success", generation,
        "signing key made");
}

/// Signing keys whose last token is over were dropped.
pub(crate) fn signing_keys_dropped(generation: i64) {
    tracing::info!(target: "audit", event = "drop_signing_keys", outcome = "success",
        up_to_generation = generation, "old signing keys dropped");
}

/// An account was made.
pub(crate) fn account_made(user: &User) {
    tracing::info!(target: "audit", event = "create_user", outcome = "success",
        username = %user.username, user_id = %user.id, role = ?user.role, "account made");
}

/// Somebody tried a wrong set-up code.
pub(crate) fn wrong_setup_code() {
    tracing::warn!(target: "audit", event = "set_up", outcome = "refused", "wrong set-up code");
}
