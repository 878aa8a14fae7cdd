//! What a database is set up with: the code for the first administrator, that administrator, and
//! the example accounts.

use database::{Error, read, write};

use super::{Added, Store};
use crate::{setup::SetupCode, user::Credentials};

impl Store {
    /// Whether there is an administrator.
    pub async fn has_administrator(&self) -> Result<bool, Error> {
        read!(self.database, |conn| has_administrator!(conn))
    }

    /// The set-up code of this database, which is `fresh` from now on if there was none; `None`
    /// when there is an administrator.
    pub async fn setup_code_or(&self, fresh: &SetupCode) -> Result<Option<SetupCode>, Error> {
        let code: Option<String> = write!(self.database, |conn| {
            lock_setup!(conn)?;
            if has_administrator!(conn)? {
                return Ok(None);
            }
            sqlx::query_scalar("UPDATE setup SET code = COALESCE(code, $1) RETURNING code")
                .bind(fresh.expose())
                .fetch_one(&mut *conn)
                .await
        })?;
        Ok(code.and_then(|code| code.parse().ok()))
    }

    /// The set-up code of this database, if it has one and it has not been used.
    pub async fn setup_code(&self) -> Result<Option<SetupCode>, Error> {
        let code: Option<Option<String>> = read!(self.database, |conn| {
            sqlx::query_scalar("SELECT code FROM setup")
                .fetch_optional(&mut *conn)
                .await
        })?;
        Ok(code.flatten().and_then(|code| code.parse().ok()))
    }

    /// Adds the first administrator and uses the set-up code up. Of several attempts at once, by
    /// whatever replica, one succeeds.
    pub async fn add_first_administrator(&self, account: &Credentials) -> Result<Added, Error> {
        write!(self.database, |conn| {
            lock_setup!(conn)?;
            if has_administrator!(conn)? {
                return Ok(Added::AdministratorExists);
            }
            let Some(user) = insert!(conn, account)? else {
                return Ok(Added::UsernameTaken);
            };
            sqlx::query("UPDATE setup SET code = NULL")
                .execute(&mut *conn)
                .await?;
            Ok(Added::Account(user))
        })
    }

    /// Adds these accounts if there has never been any, and tells whether it did.
    pub async fn add_to_empty(&self, accounts: &[Credentials]) -> Result<bool, Error> {
        write!(self.database, |conn| {
            lock_setup!(conn)?;
            let some: bool = sqlx::query_scalar(
                "SELECT EXISTS (SELECT 1 FROM users) OR EXISTS (SELECT 1 FROM usernames)",
            )
            .fetch_one(&mut *conn)
            .await?;
            if some {
                return Ok(false);
            }
            for account in accounts {
                insert!(conn, account)?;
            }
            Ok(true)
        })
    }

    /// Whether there has never been an account: a deleted one does not come back with the examples.
    pub async fn is_empty(&self) -> Result<bool, Error> {
        read!(self.database, |conn| {
            sqlx::query_scalar(
                "SELECT NOT (EXISTS (SELECT 1 FROM users) OR EXISTS (SELECT 1 FROM usernames))",
            )
            .fetch_one(&mut *conn)
            .await
        })
    }
}
