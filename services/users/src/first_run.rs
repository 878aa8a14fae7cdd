//! What a database is given when the service starts on it: the example accounts and the
//! first administrator. All of it is safe when several replicas start at once.

use runtime::{auth::Role, clock::Timestamp, lifecycle::StartError};
use uuid::{Uuid, uuid};

use crate::{
    audit,
    error::Error,
    password::{NewPassword, Password},
    service::Accounts,
    setup::SetupCode,
    store::{Added, Store},
    user::{Credentials, User},
    username::Username,
};

/// The accounts of the example data: id, name and creation time in seconds since 1970. Their
/// passwords are their names. The thoughts backend's examples name the same ids.
const EXAMPLES: [(Uuid, &str, i64); 2] = [
    (
        uuid!("00f7de00-0501-7000-8000-000000000001"),
        "bruce",
        -242_092_800,
    ),
    (
        uuid!("00f7de00-0601-7000-8000-000000000002"),
        "stephen",
        -207_878_400,
    ),
];

/// The code that makes the first administrator: the configured one, or else the one that the
/// database keeps, made now if it has none; `None` once there is an administrator.
pub(crate) async fn setup_code(
    store: &Store,
    configured: Option<&SetupCode>,
) -> Result<Option<SetupCode>, StartError> {
    let code = match configured {
        Some(_) if store.has_administrator().await.map_err(StartError::new)? => None,
        Some(code) => Some(code.clone()),
        None => {
            let fresh = SetupCode::generate().map_err(StartError::new)?;
            store.setup_code_or(&fresh).await.map_err(StartError::new)?
        }
    };
    Ok(code)
}

impl Accounts {
    /// Adds the example accounts to a database without any account.
    pub(crate) async fn add_examples(&self) -> Result<(), Error> {
        // Asked before the transaction asks again, to spare every later start the hashing.
        if !self.store.is_empty().await? {
            return Ok(());
        }
        let mut examples = Vec::new();
        for (id, name, seconds) in EXAMPLES {
            let username: Username = name.parse().map_err(Error::defect)?;
            let password: Password = name.parse().map_err(Error::defect)?;
            let account = self.account(username, password, Role::Member).await?;
            let create_time = Timestamp::from_seconds(seconds);
            let user = User {
                id,
                create_time,
                ..account.user
            };
            examples.push(Credentials { user, ..account });
        }
        if self.store.add_to_empty(&examples).await? {
            examples
                .iter()
                .for_each(|example| audit::account_made(&example.user));
        }
        Ok(())
    }

    /// Makes the configured first administrator while there is no administrator.
    pub(crate) async fn add_administrator(
        &self,
        username: Username,
        password: NewPassword,
    ) -> Result<(), StartError> {
        if self
            .store
            .has_administrator()
            .await
            .map_err(StartError::new)?
        {
            return Ok(());
        }
        let password = password
            .for_account(&username)
            .map_err(|error| StartError::new(format!("ADMIN_PASSWORD: {error}")))?;
        let account = self
            .account(username, password, Role::Admin)
            .await
            .map_err(StartError::new)?;
        match self
            .store
            .add_first_administrator(&account)
            .await
            .map_err(StartError::new)?
        {
            Added::Account(user) => audit::account_made(&user),
            // Another replica was faster.
            Added::AdministratorExists => {}
            Added::UsernameTaken => {
                return Err(StartError::setting(
                    "ADMIN_USERNAME",
                    &account.user.username,
                    "expected a name that no member has yet",
                ));
            }
        }
        Ok(())
    }
}
