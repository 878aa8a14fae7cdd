//! The audit log: who did what to accounts and sessions, as structured events of target `audit`.
//!
//! Each event carries `event`, `outcome` and whose account it was; the request id comes from the
//! span around it. Those about signing in carry the client's address as well, where it is known, and
//! no other line of the log does. No secret is ever part of one.

use std::net::IpAddr;

use runtime::auth::Role;
use tracing::field::{DisplayValue, display};
use uuid::Uuid;

use crate::{
    client::Client,
    personal_token::NewPersonalToken,
    user::{Credentials, User},
    username::Username,
};

/// Somebody signed in.
pub(crate) fn sign_in(user: &User, session_id: Uuid, client: &Client) {
    tracing::info!(target: "audit", event = "sign_in", outcome = "success",
        username = %user.username, user_id = %user.id, %session_id, address = address(client),
        "signed in");
}

/// Somebody did not get in. A name that no account can have is left out: it may well be a password
/// in the wrong field.
pub(crate) fn sign_in_refused(
    username: Option<&str>,
    account: Option<&Credentials>,
    client: &Client,
) {
    let user_id = account.map(|account| display(account.user.id));
    tracing::warn!(target: "audit", event = "sign_in", outcome = "refused",
        username = username.unwrap_or("(not a username)"), user_id, address = address(client),
        "sign-in refused");
}

/// Somebody has failed too often to be let try now.
pub(crate) fn sign_in_throttled(username: Option<&str>, client: &Client) {
    tracing::warn!(target: "audit", event = "sign_in", outcome = "throttled",
        username = username.unwrap_or("(not a username)"), address = address(client),
        "too many failed sign-ins");
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

/// Somebody made a personal access token.
pub(crate) fn personal_token_made(token: &NewPersonalToken) {
    tracing::info!(target: "audit", event = "create_access_token", outcome = "success",
        user_id = %token.user_id, token_id = %token.id, scope = ?token.scope,
        "personal access token made");
}

/// Somebody ended a personal access token of his own.
pub(crate) fn personal_token_revoked(user_id: Uuid, token_id: Uuid) {
    tracing::info!(target: "audit", event = "revoke_access_token", outcome = "success",
        %user_id, %token_id, "personal access token revoked");
}

/// Somebody came with a personal access token that is nobody's, or not any more.
pub(crate) fn personal_token_unknown() {
    tracing::warn!(target: "audit", event = "use_access_token", outcome = "refused",
        "unknown personal access token");
}

/// The same, after too many others.
pub(crate) fn personal_tokens_throttled() {
    tracing::warn!(target: "audit", event = "use_access_token", outcome = "throttled",
        "too many unknown personal access tokens");
}

/// A signing key was made, which will sign in a while.
pub(crate) fn signing_key_made(generation: i64) {
    tracing::info!(target: "audit", event = "make_signing_key", outcome = "success", generation,
        "signing key made");
}

/// A signing key that lay open in the database was encrypted there.
pub(crate) fn signing_key_encrypted(generation: i64) {
    tracing::info!(target: "audit", event = "encrypt_signing_key", outcome = "success", generation,
        "signing key encrypted");
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

/// Somebody came with the right password to an account that is disabled.
pub(crate) fn sign_in_disabled(user: &User, client: &Client) {
    tracing::warn!(target: "audit", event = "sign_in", outcome = "disabled",
        username = %user.username, user_id = %user.id, address = address(client),
        "sign-in to a disabled account refused");
}

/// An administrator gave an account another role.
pub(crate) fn role_changed(by: &User, before: &User, after: &User) {
    tracing::warn!(target: "audit", event = "change_role", outcome = "success",
        username = %after.username, user_id = %after.id, from = ?before.role, role = ?after.role,
        by = %by.username, by_id = %by.id, "role changed");
}

/// An administrator disabled an account, or made it usable again.
pub(crate) fn disabled_changed(by: &User, user: &User) {
    let event = if user.disabled {
        "disable_user"
    } else {
        "enable_user"
    };
    tracing::warn!(target: "audit", event, outcome = "success",
        username = %user.username, user_id = %user.id, by = %by.username, by_id = %by.id,
        "account disabled or enabled");
}

/// An account was deleted, by its owner or an administrator.
pub(crate) fn account_deleted(by: &User, user: &User) {
    tracing::warn!(target: "audit", event = "delete_user", outcome = "success",
        username = %user.username, user_id = %user.id, by = %by.username, by_id = %by.id,
        "account deleted");
}

/// Somebody was refused to change or delete an account.
pub(crate) fn last_administrator_kept(by: &User, username: &Username) {
    tracing::warn!(target: "audit", event = "last_administrator", outcome = "refused",
        %username, by = %by.username, by_id = %by.id, "the last administrator stays");
}

/// What a deleted account had written is gone as well.
pub(crate) fn author_purged(user_id: Uuid) {
    tracing::info!(target: "audit", event = "purge_author", outcome = "success",
        %user_id, "thoughts of a deleted account deleted");
}

/// An administrator made an invitation.
pub(crate) fn invitation_made(by: &User, id: Uuid, role: Role) {
    tracing::info!(target: "audit", event = "create_invitation", outcome = "success",
        invitation_id = %id, ?role, by = %by.username, by_id = %by.id, "invitation made");
}

/// An administrator took an invitation back.
pub(crate) fn invitation_revoked(by: &User, id: Uuid) {
    tracing::info!(target: "audit", event = "revoke_invitation", outcome = "success",
        invitation_id = %id, by = %by.username, by_id = %by.id, "invitation taken back");
}

/// Somebody made an account by an invitation.
pub(crate) fn invitation_used(user: &User) {
    tracing::info!(target: "audit", event = "use_invitation", outcome = "success",
        username = %user.username, user_id = %user.id, "invitation used");
}

/// Somebody came with what is no invitation, or none any more.
pub(crate) fn invitation_refused() {
    tracing::warn!(target: "audit", event = "use_invitation", outcome = "refused",
        "no such invitation");
}

/// An administrator made a code by which somebody's password can be set.
pub(crate) fn reset_made(by: &User, user: &User) {
    tracing::warn!(target: "audit", event = "create_password_reset", outcome = "success",
        username = %user.username, user_id = %user.id, by = %by.username, by_id = %by.id,
        "password reset made");
}

/// Somebody set a password by a code.
pub(crate) fn reset_used(user: &User) {
    tracing::warn!(target: "audit", event = "use_password_reset", outcome = "success",
        username = %user.username, user_id = %user.id, "password set by a code");
}

/// Somebody came with what sets no password, or none any more.
pub(crate) fn reset_refused() {
    tracing::warn!(target: "audit", event = "use_password_reset", outcome = "refused",
        "no such code");
}

/// Somebody tried a wrong set-up code.
pub(crate) fn wrong_setup_code() {
    tracing::warn!(target: "audit", event = "set_up", outcome = "refused", "wrong set-up code");
}

/// An address is one that was parsed, so it can hold nothing that would harm a log.
fn address(client: &Client) -> Option<DisplayValue<IpAddr>> {
    client.address.map(display)
}
