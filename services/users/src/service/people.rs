//! Roles, disabling and deletion.

use runtime::auth::{Caller, Role};

use super::Accounts;
use crate::{
    audit,
    error::Error,
    user::{Outcome, User, UserChange},
    username::Username,
};

#[cfg(test)]
mod tests;

impl Accounts {
    /// Changes somebody's role, or whether the account is disabled. Disabling ends its sessions.
    pub async fn update_user(
        &self,
        caller: &Caller,
        username: &Username,
        change: UserChange,
    ) -> Result<User, Error> {
        let (by, actor) = self.administrator(caller).await?;
        let id = self.user(username).await?.id;
        let now = self.clock.now();
        let outcome = self.store.update_user(id, change, actor, now).await?;
        let (before, after) = decided(outcome, &by, username)?;
        if before.role != after.role {
            audit::role_changed(&by, &before, &after);
        }
        if before.disabled != after.disabled {
            audit::disabled_changed(&by, &after);
        }
        Ok(after)
    }

    /// Deletes an account; what it has written goes as soon as can be. For its owner and for
    /// administrators, with a session that goes on. Others do not learn whether there is such an
    /// account.
    pub async fn delete_user(&self, caller: &Caller, username: &Username) -> Result<(), Error> {
        let (by, actor) = self.own_session(caller).await?;
        let id = if by.username == *username {
            by.id
        } else if by.role == Role::Admin {
            self.user(username).await?.id
        } else {
            return Err(Error::NotAdministrator);
        };
        let outcome = self.store.delete_user(id, actor, self.clock.now()).await?;
        let user = decided(outcome, &by, username)?;
        audit::account_deleted(&by, &user);
        self.deletions.notify_one();
        Ok(())
    }
}

fn decided<T>(outcome: Outcome<T>, by: &User, username: &Username) -> Result<T, Error> {
    let decided = outcome.into_result();
    if let Err(Error::LastAdministrator) = decided {
        audit::last_administrator_kept(by, username);
    }
    decided
}
