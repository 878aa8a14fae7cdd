//! A new password for somebody who has forgotten the old one: by whoever runs the service, or by a
//! code of an administrator's.

use runtime::{auth::Caller, clock::Timestamp};

use super::Accounts;
use crate::{
    audit,
    error::Error,
    hashing::PasswordHasher,
    invitation::{NewReset, RESET_LIFETIME},
    password::NewPassword,
    secret::Secret,
    store::Store,
    user::User,
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

impl Accounts {
    /// Makes the code by which somebody sets another password, in the place of an older one; and
    /// until when that is possible. The code is not kept.
    pub async fn create_reset(
        &self,
        caller: &Caller,
        username: &Username,
    ) -> Result<(Secret, Timestamp), Error> {
        let (by, maker) = self.administrator(caller).await?;
        let user = self.user(username).await?;
        let code = Secret::generate().map_err(Error::defect)?;
        let now = self.clock.now();
        let new = NewReset {
            user_id: user.id,
            digest: code.digest(),
            maker,
            create_time: now,
            expire_time: now + RESET_LIFETIME,
        };
        self.store.add_reset(&new).await?.into_result()?;
        audit::reset_made(&by, &user);
        Ok((code, new.expire_time))
    }

    /// Sets somebody's password by a code, which is used up, and ends every session of the account.
    /// It signs nobody in, and a disabled account stays so.
    pub async fn reset_by_code(&self, code: &str, password: NewPassword) -> Result<(), Error> {
        // Looked for before anything is hashed: only who has a code keeps a core busy.
        let code = code.parse::<Secret>().map(|code| code.digest()).ok();
        let found = match code {
            Some(code) => {
                let owner = self.store.reset_of(code, self.clock.now()).await?;
                owner.map(|user_id| (code, user_id))
            }
            None => None,
        };
        let Some((code, user_id)) = found else {
            audit::reset_refused();
            return Err(Error::WrongResetCode);
        };
        let user = self.store.user_by_id(user_id).await?;
        let user = user.ok_or(Error::WrongResetCode)?;
        let hash = self
            .hasher
            .hash(password.for_account(&user.username)?.into())
            .await?;
        let now = self.clock.now();
        if !self.store.use_reset(user_id, code, &hash, now).await? {
            audit::reset_refused();
            return Err(Error::WrongResetCode);
        }
        audit::reset_used(&user);
        Ok(())
    }
}
