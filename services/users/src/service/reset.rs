//! A new password for somebody who has forgotten the old one, by whoever runs the service.

use crate::{
    audit, error::Error, hashing::PasswordHasher, password::NewPassword, store::Store, user::User,
    username::Username,
};

/// Gives an account another password and ends all of its sessions.
pub(crate) async fn reset_password(
    store: &Store,
    hasher: &PasswordHasher,
    username: &Username,
    password: NewPassword,
) -> Result<User, Error> {
    let account = store.credentials(Some(username.as_str())).await?;
    let user = account.ok_or(Error::UserNotFound)?.user;
    let password = password.for_account(username)?;
    let hash = hasher.hash(password.into()).await?;
    if !store.reset_password(user.id, &hash).await? {
        return Err(Error::UserNotFound);
    }
    audit::password_reset(&user);
    Ok(user)
}
