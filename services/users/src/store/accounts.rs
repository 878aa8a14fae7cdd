//! Accounts.

use database::{Error, read, write};
use runtime::{auth::Role, clock::Timestamp};
use sqlx::FromRow;
use uuid::Uuid;

use super::Store;
use crate::user::{Actor, Credentials, Outcome, User};

/// What came of the attempt to add an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// It was added, with the creation time that it has got.
    Account(User),
    /// Another one has the name, or had it.
    UsernameTaken,
    /// It was to be the first administrator, and there is one.
    AdministratorExists,
}

impl Store {
    /// The account that somebody wants to sign in to. `None`, for a name that no account can have,
    /// asks the database as well: it takes as long as an unknown name.
    pub async fn credentials(&self, username: Option<&str>) -> Result<Option<Credentials>, Error> {
        read!(self.database, |conn| {
            sqlx::query_as::<_, Row>(account_where!("username = $1"))
                .bind(username)
                .fetch_optional(&mut *conn)
                .await?
                .map(Row::into_credentials)
                .transpose()
        })
    }

    /// The account with an id, and what its password is checked against.
    pub async fn credentials_by_id(&self, id: Uuid) -> Result<Option<Credentials>, Error> {
        read!(self.database, |conn| {
            sqlx::query_as::<_, Row>(account_where!("id = $1"))
                .bind(id)
                .fetch_optional(&mut *conn)
                .await?
                .map(Row::into_credentials)
                .transpose()
        })
    }

    /// The account with an id.
    pub async fn user_by_id(&self, id: Uuid) -> Result<Option<User>, Error> {
        let found = self.credentials_by_id(id).await?;
        Ok(found.map(|account| account.user))
    }

    /// At most `limit` accounts made before a time (`None`: the newest), newest first.
    pub async fn users_before(
        &self,
        time: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<User>, Error> {
        let before = time.map_or(i64::MAX, Timestamp::as_micros);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        read!(self.database, |conn| {
            sqlx::query_as::<_, Row>(account_where!(
                "create_time < $1 ORDER BY create_time DESC LIMIT $2"
            ))
            .bind(before)
            .bind(limit)
            .fetch_all(&mut *conn)
            .await?
            .into_iter()
            .map(|row| Ok(row.into_credentials()?.user))
            .collect()
        })
    }

    /// Adds an account.
    pub async fn add(&self, account: &Credentials) -> Result<Added, Error> {
        write!(self.database, |conn| {
            let added = insert!(conn, account)?;
            Ok(added.map_or(Added::UsernameTaken, Added::Account))
        })
    }

    /// Adds an account for an administrator.
    pub async fn add_for(
        &self,
        by: Actor,
        account: &Credentials,
        now: Timestamp,
    ) -> Result<Outcome<Added>, Error> {
        write!(self.database, |conn| {
            administrators_only!(conn, by, now);
            let added = insert!(conn, account)?;
            let added = added.map_or(Added::UsernameTaken, Added::Account);
            Ok(Outcome::Done(added))
        })
    }
}

/// A row of `users`.
#[derive(FromRow)]
pub(super) struct Row {
    pub(super) id: Uuid,
    username: String,
    password_hash: String,
    role: i16,
    create_time: i64,
    disabled: bool,
}

impl Row {
    pub(super) fn into_credentials(self) -> Result<Credentials, sqlx::Error> {
        Ok(Credentials {
            user: User {
                id: self.id,
                username: self
                    .username
                    .parse()
                    .map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
                role: role(self.role)?,
                create_time: Timestamp::from_micros(self.create_time),
                disabled: self.disabled,
            },
            password_hash: self.password_hash,
        })
    }
}

/// How a role is stored.
pub(super) fn role_number(role: Role) -> i16 {
    match role {
        Role::Member => 1,
        Role::Admin => 2,
    }
}

pub(super) fn role(number: i16) -> Result<Role, sqlx::Error> {
    match number {
        1 => Ok(Role::Member),
        2 => Ok(Role::Admin),
        other => Err(sqlx::Error::Decode(
            format!("there is no role {other}").into(),
        )),
    }
}
