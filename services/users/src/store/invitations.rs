//! Invitations, and codes by which a password can be set. Codes themselves are never stored.

use database::{Error, read, write};
use runtime::{auth::Role, clock::Timestamp};
use sqlx::FromRow;
use uuid::Uuid;

use super::{
    Added, Store,
    accounts::{role, role_number},
};
use crate::{
    invitation::{Invitation, NewInvitation, NewReset},
    secret::Digest,
    user::{Actor, Credentials, Outcome},
};

/// So many rows are forgotten in one transaction, so that none takes long.
const FORGOTTEN_AT_ONCE: i64 = 500;

impl Store {
    /// Adds an invitation of an administrator's. Gives the creation time that it has got, which moves
    /// on by a microsecond while another one has it.
    pub async fn add_invitation(&self, new: &NewInvitation) -> Result<Outcome<Timestamp>, Error> {
        write!(self.database, |conn| {
            administrators_only!(conn, new.inviter, new.create_time);
            let mut create_time = new.create_time.as_micros();
            loop {
                let added = sqlx::query(
                    "INSERT INTO invitations
                     (id, digest, role, inviter_id, create_time, expire_time)
                     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (create_time) DO NOTHING",
                )
                .bind(new.id)
                .bind(new.digest.as_bytes())
                .bind(role_number(new.role))
                .bind(new.inviter.user_id)
                .bind(create_time)
                .bind(new.expire_time.as_micros())
                .execute(&mut *conn)
                .await?;
                if added.rows_affected() == 1 {
                    return Ok(Outcome::Done(Timestamp::from_micros(create_time)));
                }
                create_time += 1;
            }
        })
    }

    /// The role that an invitation gives, if it can be used.
    pub async fn invited_as(&self, code: Digest, now: Timestamp) -> Result<Option<Role>, Error> {
        read!(self.database, |conn| {
            sqlx::query_scalar::<_, i16>(
                "SELECT role FROM invitations WHERE digest = $1 AND expire_time > $2",
            )
            .bind(code.as_bytes())
            .bind(now.as_micros())
            .fetch_optional(&mut *conn)
            .await?
            .map(role)
            .transpose()
        })
    }

    /// Adds an account by an invitation, which that uses up; `None` if it cannot be used any more. Of
    /// several attempts at once, by whatever replica, one succeeds.
    pub async fn add_invited(
        &self,
        account: &Credentials,
        code: Digest,
        now: Timestamp,
    ) -> Result<Option<Added>, Error> {
        write!(self.database, |conn| {
            let held = sqlx::query(
                "UPDATE invitations SET role = role
                 WHERE digest = $1 AND expire_time > $2 AND role = $3",
            )
            .bind(code.as_bytes())
            .bind(now.as_micros())
            .bind(role_number(account.user.role))
            .execute(&mut *conn)
            .await?;
            if held.rows_affected() == 0 {
                return Ok(None);
            }
            let Some(user) = insert!(conn, account)? else {
                return Ok(Some(Added::UsernameTaken));
            };
            sqlx::query("DELETE FROM invitations WHERE digest = $1")
                .bind(code.as_bytes())
                .execute(&mut *conn)
                .await?;
            Ok(Some(Added::Account(user)))
        })
    }

    /// At most `limit` invitations that can be used, made before a time (`None`: the newest), newest
    /// first.
    pub async fn invitations_before(
        &self,
        time: Option<Timestamp>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Invitation>, Error> {
        let before = time.map_or(i64::MAX, Timestamp::as_micros);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        read!(self.database, |conn| {
            sqlx::query_as::<_, InvitationRow>(
                "SELECT i.id, i.role, u.username, i.create_time, i.expire_time
                 FROM invitations i JOIN users u ON u.id = i.inviter_id
                 WHERE i.create_time < $1 AND i.expire_time > $2
                 ORDER BY i.create_time DESC LIMIT $3",
            )
            .bind(before)
            .bind(now.as_micros())
            .bind(limit)
            .fetch_all(&mut *conn)
            .await?
            .into_iter()
            .map(InvitationRow::into_invitation)
            .collect()
        })
    }

    /// Takes an invitation back for an administrator; whether it could still be used.
    pub async fn remove_invitation(
        &self,
        id: Uuid,
        by: Actor,
        now: Timestamp,
    ) -> Result<Outcome<bool>, Error> {
        write!(self.database, |conn| {
            administrators_only!(conn, by, now);
            sqlx::query("DELETE FROM invitations WHERE id = $1 AND expire_time > $2")
                .bind(id)
                .bind(now.as_micros())
                .execute(&mut *conn)
                .await
                .map(|done| Outcome::Done(done.rows_affected() == 1))
        })
    }

    /// Adds a code of an administrator's by which a password can be set, in the place of an older one.
    pub async fn add_reset(&self, new: &NewReset) -> Result<Outcome<()>, Error> {
        write!(self.database, |conn| {
            administrators_only!(conn, new.maker, new.create_time);
            let added = sqlx::query(
                "INSERT INTO password_resets (user_id, digest, maker_id, expire_time)
                 SELECT id, $2, $3, $4 FROM users WHERE id = $1
                 ON CONFLICT (user_id) DO UPDATE SET digest = excluded.digest,
                 maker_id = excluded.maker_id, expire_time = excluded.expire_time",
            )
            .bind(new.user_id)
            .bind(new.digest.as_bytes())
            .bind(new.maker.user_id)
            .bind(new.expire_time.as_micros())
            .execute(&mut *conn)
            .await?;
            Ok(match added.rows_affected() {
                0 => Outcome::NotFound,
                _ => Outcome::Done(()),
            })
        })
    }

    /// Whose password a code sets, if it can be used.
    pub async fn reset_of(&self, code: Digest, now: Timestamp) -> Result<Option<Uuid>, Error> {
        read!(self.database, |conn| {
            sqlx::query_scalar(
                "SELECT user_id FROM password_resets WHERE digest = $1 AND expire_time > $2",
            )
            .bind(code.as_bytes())
            .bind(now.as_micros())
            .fetch_optional(&mut *conn)
            .await
        })
    }

    /// Replaces an account's hash by a code, which that uses up, and ends all of its sessions; whether
    /// the code could still be used.
    pub async fn use_reset(
        &self,
        user_id: Uuid,
        code: Digest,
        new: &str,
        now: Timestamp,
    ) -> Result<bool, Error> {
        write!(self.database, |conn| {
            // The account's row before the code's, as everywhere.
            hold_account!(conn, user_id)?;
            let used = sqlx::query(
                "DELETE FROM password_resets
                 WHERE user_id = $1 AND digest = $2 AND expire_time > $3",
            )
            .bind(user_id)
            .bind(code.as_bytes())
            .bind(now.as_micros())
            .execute(&mut *conn)
            .await?;
            if used.rows_affected() == 0 {
                return Ok(false);
            }
            sqlx::query("UPDATE users SET password_hash = $1 WHERE id = $2")
                .bind(new)
                .bind(user_id)
                .execute(&mut *conn)
                .await?;
            end_access!(conn, user_id)?;
            Ok(true)
        })
    }

    /// Deletes invitations and codes that cannot be used any more, not all of them at once; how many.
    pub async fn forget_invitations(&self, now: Timestamp) -> Result<u64, Error> {
        write!(self.database, |conn| {
            let invitations = sqlx::query(
                "DELETE FROM invitations WHERE id IN
                 (SELECT id FROM invitations WHERE expire_time <= $1 LIMIT $2)",
            )
            .bind(now.as_micros())
            .bind(FORGOTTEN_AT_ONCE)
            .execute(&mut *conn)
            .await?;
            let resets = sqlx::query(
                "DELETE FROM password_resets WHERE expire_time <= $1 AND user_id IN
                 (SELECT user_id FROM password_resets WHERE expire_time <= $1 LIMIT $2)",
            )
            .bind(now.as_micros())
            .bind(FORGOTTEN_AT_ONCE)
            .execute(&mut *conn)
            .await?;
            Ok(invitations.rows_affected() + resets.rows_affected())
        })
    }
}

/// A row of `invitations`, with its maker's name.
#[derive(FromRow)]
struct InvitationRow {
    id: Uuid,
    role: i16,
    username: String,
    create_time: i64,
    expire_time: i64,
}

impl InvitationRow {
    fn into_invitation(self) -> Result<Invitation, sqlx::Error> {
        let inviter = self.username.parse();
        Ok(Invitation {
            id: self.id,
            role: role(self.role)?,
            inviter: inviter.map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
            create_time: Timestamp::from_micros(self.create_time),
            expire_time: Timestamp::from_micros(self.expire_time),
        })
    }
}
