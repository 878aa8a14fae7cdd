//! What administrators change about accounts, and the end of one.

use database::{Error, write};
use runtime::clock::Timestamp;
use uuid::Uuid;

use super::{Store, accounts::role_number};
use crate::user::{Actor, Outcome, User, UserChange};

/// Whether somebody else is left who is an administrator and not disabled. Asked while the row of
/// `setup` is held, so that of two replicas one asks after the other is done.
macro_rules! is_last_administrator {
    ($conn:ident, $user:expr) => {
        async {
            let user: &User = $user;
            if !user.is_administrator() {
                return Ok(false);
            }
            sqlx::query_scalar::<_, bool>(
                "SELECT NOT EXISTS (SELECT 1 FROM users WHERE role = $1 AND id <> $2
                 AND NOT EXISTS (SELECT 1 FROM disabled_users WHERE user_id = users.id))",
            )
            .bind(role_number(runtime::auth::Role::Admin))
            .bind(user.id)
            .fetch_one(&mut *$conn)
            .await
        }
        .await
    };
}

/// Notes on an account whether it is disabled.
macro_rules! set_disabled {
    ($conn:ident, $user:expr, $now:expr) => {
        if $user.disabled {
            sqlx::query(
                "INSERT INTO disabled_users (user_id, disable_time) VALUES ($1, $2)
                 ON CONFLICT (user_id) DO NOTHING",
            )
            .bind($user.id)
            .bind($now.as_micros())
            .execute(&mut *$conn)
            .await
        } else {
            sqlx::query("DELETE FROM disabled_users WHERE user_id = $1")
                .bind($user.id)
                .execute(&mut *$conn)
                .await
        }
    };
}

/// Ends what an administrator has handed out: whoever is none any more must not come back by it.
macro_rules! end_invitations_of {
    ($conn:ident, $user_id:expr) => {
        async {
            sqlx::query("DELETE FROM invitations WHERE inviter_id = $1")
                .bind($user_id)
                .execute(&mut *$conn)
                .await?;
            sqlx::query("DELETE FROM password_resets WHERE maker_id = $1")
                .bind($user_id)
                .execute(&mut *$conn)
                .await
        }
        .await
    };
}

impl Store {
    /// Changes an account for an administrator, and gives it as it was and as it is. Disabling ends
    /// its sessions, and whoever is no administrator any more has invited nobody. Of several changes
    /// at once, by whatever replica, none takes the last administrator away, and none is made by
    /// somebody whom another one has taken the role.
    pub async fn update_user(
        &self,
        id: Uuid,
        change: UserChange,
        by: Actor,
        now: Timestamp,
    ) -> Result<Outcome<(User, User)>, Error> {
        write!(self.database, |conn| {
            lock_setup!(conn)?;
            administrators_only!(conn, by, now);
            let Some(account) = hold_account!(conn, id)? else {
                return Ok(Outcome::NotFound);
            };
            let before = account.user;
            let after = User {
                role: change.role.unwrap_or(before.role),
                disabled: change.disabled.unwrap_or(before.disabled),
                ..before.clone()
            };
            if !after.is_administrator() && is_last_administrator!(conn, &before)? {
                return Ok(Outcome::LastAdministrator);
            }
            sqlx::query("UPDATE users SET role = $1 WHERE id = $2")
                .bind(role_number(after.role))
                .bind(id)
                .execute(&mut *conn)
                .await?;
            set_disabled!(conn, &after, now)?;
            if after.disabled {
                end_access!(conn, id)?;
            }
            if !after.is_administrator() {
                end_invitations_of!(conn, id)?;
            }
            Ok(Outcome::Done((before, after)))
        })
    }

    /// Deletes an account for its owner or an administrator, with all that belongs to it here, keeps
    /// its name from being given out again, and leaves it to be purged elsewhere: all of it or
    /// nothing.
    pub async fn delete_user(
        &self,
        id: Uuid,
        by: Actor,
        now: Timestamp,
    ) -> Result<Outcome<User>, Error> {
        write!(self.database, |conn| {
            lock_setup!(conn)?;
            match hold_actor!(conn, by, now)? {
                None => return Ok(Outcome::SessionOver),
                Some(by) if by.id != id && !by.is_administrator() => {
                    return Ok(Outcome::NotAdministrator);
                }
                Some(_) => {}
            }
            let Some(account) = hold_account!(conn, id)? else {
                return Ok(Outcome::NotFound);
            };
            let user = account.user;
            if is_last_administrator!(conn, &user)? {
                return Ok(Outcome::LastAdministrator);
            }
            // An older program adds accounts without noting their names.
            sqlx::query("INSERT INTO usernames (username) VALUES ($1) ON CONFLICT DO NOTHING")
                .bind(user.username.as_str())
                .execute(&mut *conn)
                .await?;
            sqlx::query("INSERT INTO purges (user_id, attempts, due_time) VALUES ($1, 0, $2)")
                .bind(id)
                .bind(now.as_micros())
                .execute(&mut *conn)
                .await?;
            // Sessions, invitations and the like go with it.
            sqlx::query("DELETE FROM users WHERE id = $1")
                .bind(id)
                .execute(&mut *conn)
                .await?;
            Ok(Outcome::Done(user))
        })
    }
}
