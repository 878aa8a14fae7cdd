//! The use cases: making accounts and looking at them here, signing in and staying signed in in
//! `sessions`, personal access tokens in `personal_tokens`; and who may do what.

use std::sync::Arc;

use runtime::{
    auth::{Caller, Role},
    clock::{Clock, Timestamp},
};
use tokio::sync::Notify;

use crate::{
    audit,
    config::SignUp,
    error::Error,
    hashing::PasswordHasher,
    password::{NewPassword, Password},
    secret::Digest,
    setup::SetupCode,
    store::{Added, Store},
    user::{Actor, Credentials, User},
    username::Username,
};

mod invitations;
pub(crate) mod keys;
mod people;
mod personal_tokens;
pub(crate) mod purging;
pub(crate) mod reset;
mod sessions;
#[cfg(test)]
mod tests;
mod upkeep;

use self::keys::Keys;
pub(crate) use self::personal_tokens::Presentations;
pub use self::sessions::Session;

/// The accounts of one database, with everything that is done to them. Clones are the same.
#[derive(Debug, Clone)]
pub struct Accounts {
    pub(crate) store: Store,
    pub(crate) hasher: PasswordHasher,
    pub(crate) clock: Clock,
    pub(crate) keys: Keys,
    pub(crate) policy: Arc<Policy>,
    /// Rings when an account was deleted here.
    pub(crate) deletions: Arc<Notify>,
    pub(crate) presentations: Presentations,
}

/// Who may make an account.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Whether anyone may.
    pub sign_up: SignUp,
    /// A configured set-up code, which stands in for the database's own.
    pub setup_code: Option<SetupCode>,
}

/// How accounts come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignUpState {
    /// Anyone may make an account.
    pub open: bool,
    /// The set-up code still makes the first administrator.
    pub administrator_missing: bool,
    /// The invitation that was asked about can be used.
    pub invitation_valid: bool,
}

/// The right to make one account, and what kind of account it may be. Only [`Accounts::admit`],
/// [`Accounts::admit_with_code`] and [`Accounts::admit_invited`] give it.
#[derive(Debug)]
pub struct Admission(Way);

#[derive(Debug)]
enum Way {
    /// An administrator adds somebody.
    Administrator(Actor),
    /// Somebody signs up.
    SignUp,
    /// Somebody has the set-up code.
    SetupCode,
    /// Somebody has been invited, to have a role.
    Invitation(Digest, Role),
}

impl Accounts {
    /// Whether whoever calls may make accounts without the set-up code.
    pub async fn admit(&self, caller: Option<&Caller>) -> Result<Admission, Error> {
        let open = self.policy.sign_up == SignUp::Open;
        let Some(caller) = caller else {
            return if open {
                Ok(Admission(Way::SignUp))
            } else {
                Err(Error::SignInRequired)
            };
        };
        match self.current_user(caller).await?.role {
            Role::Admin => {
                let (_, actor) = self.own_session(caller).await?;
                Ok(Admission(Way::Administrator(actor)))
            }
            Role::Member if open => Ok(Admission(Way::SignUp)),
            Role::Member => Err(Error::NotAdministrator),
        }
    }

    /// Whether the set-up code is right, and there is still an administrator to be made with it.
    pub async fn admit_with_code(&self, offered: &str) -> Result<Admission, Error> {
        // The code before the administrator who uses it up: asked the other way round, a code that
        // is used up in between would seem to be a wrong one.
        let code = match &self.policy.setup_code {
            Some(code) => Some(code.clone()),
            None => self.store.setup_code().await?,
        };
        if self.store.has_administrator().await? {
            return Err(Error::AdministratorExists);
        }
        if code.is_some_and(|code| code.matches(offered)) {
            return Ok(Admission(Way::SetupCode));
        }
        audit::wrong_setup_code();
        Err(Error::WrongSetupCode)
    }

    /// Makes an account. Without a `role` it is the one that the admission stands for.
    pub async fn create_user(
        &self,
        admission: Admission,
        username: Username,
        password: NewPassword,
        role: Option<Role>,
    ) -> Result<User, Error> {
        let role = admission.role(role)?;
        let password = password.for_account(&username)?;
        let account = self.account(username, password, role).await?;
        let added = match admission.0 {
            Way::Administrator(by) => {
                let added = self.store.add_for(by, &account, self.clock.now());
                added.await?.into_result()?
            }
            Way::SignUp => self.store.add(&account).await?,
            Way::SetupCode => self.store.add_first_administrator(&account).await?,
            Way::Invitation(code, _) => self.add_invited(&account, code).await?,
        };
        match added {
            Added::Account(user) => {
                audit::account_made(&user);
                Ok(user)
            }
            Added::UsernameTaken => Err(Error::UsernameTaken),
            Added::AdministratorExists => Err(Error::AdministratorExists),
        }
    }

    /// How accounts come about here, for everybody to know, and whether somebody is invited.
    pub async fn sign_up_state(&self, invitation: Option<&str>) -> Result<SignUpState, Error> {
        let invited = match invitation {
            Some(code) => self.invitation(code).await?,
            None => None,
        };
        Ok(SignUpState {
            invitation_valid: invited.is_some(),
            open: self.policy.sign_up == SignUp::Open,
            administrator_missing: !self.store.has_administrator().await?,
        })
    }

    /// The caller's own account as it is now, whatever the token says of it. A token may be good for
    /// minutes after its account was disabled; here it is not.
    pub async fn current_user(&self, caller: &Caller) -> Result<User, Error> {
        let user = self.store.user_by_id(caller.user_id).await?;
        match user.ok_or(Error::AccountGone)? {
            user if user.disabled => Err(Error::SessionOver),
            user => Ok(user),
        }
    }

    /// The account with a name.
    pub async fn user(&self, username: &Username) -> Result<User, Error> {
        let found = self.store.credentials(Some(username.as_str())).await?;
        found.map(|account| account.user).ok_or(Error::UserNotFound)
    }

    /// The caller, who has to be an administrator still, with a session that goes on: an access token
    /// outlives its session by minutes, in which a thief could hand out rights that last. Whatever
    /// then writes asks again for the actor, since both may end at any time.
    pub async fn administrator(&self, caller: &Caller) -> Result<(User, Actor), Error> {
        let (user, actor) = self.own_session(caller).await?;
        match user.role {
            Role::Admin => Ok((user, actor)),
            Role::Member => Err(Error::NotAdministrator),
        }
    }

    /// At most `size` accounts made before a time (`None`: the newest), newest first, and where the
    /// next page begins if there is one.
    pub async fn page(
        &self,
        before: Option<Timestamp>,
        size: usize,
    ) -> Result<(Vec<User>, Option<Timestamp>), Error> {
        let mut users = self.store.users_before(before, size + 1).await?;
        let more = users.len() > size;
        users.truncate(size);
        let next = users.last().filter(|_| more).map(|last| last.create_time);
        Ok((users, next))
    }

    /// An account that is not in the database yet.
    pub(crate) async fn account(
        &self,
        username: Username,
        password: impl Into<Password>,
        role: Role,
    ) -> Result<Credentials, Error> {
        let password_hash = self.hasher.hash(password.into()).await?;
        let user = User {
            id: self.clock.new_id(),
            username,
            role,
            create_time: self.clock.now(),
            disabled: false,
        };
        Ok(Credentials {
            user,
            password_hash,
        })
    }
}

impl Admission {
    /// The role of the account to be made.
    fn role(&self, requested: Option<Role>) -> Result<Role, Error> {
        match (&self.0, requested) {
            (Way::Administrator(_), requested) => Ok(requested.unwrap_or(Role::Member)),
            (Way::SignUp, None | Some(Role::Member)) => Ok(Role::Member),
            (Way::SignUp, Some(Role::Admin)) => Err(Error::NotAdministrator),
            (Way::SetupCode, None | Some(Role::Admin)) => Ok(Role::Admin),
            (Way::SetupCode, Some(Role::Member)) => Err(Error::SetupMakesAdministrator),
            // The invitation says it; grpc refuses another.
            (Way::Invitation(_, role), _) => Ok(*role),
        }
    }
}
