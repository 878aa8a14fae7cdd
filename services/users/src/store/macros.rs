//! Steps that several transactions share: each is written once for both engines, as `read!` and
//! `write!` are.

/// The accounts of which something is true, for a [`Row`](super::accounts::Row) each.
macro_rules! account_where {
    ($condition:literal) => {
        concat!(
            "SELECT id, username, password_hash, role, create_time, EXISTS
             (SELECT 1 FROM disabled_users WHERE user_id = users.id) AS disabled FROM users WHERE ",
            $condition
        )
    };
}

/// An account by its id, whose row is held to the end of the transaction; `None` if there is none.
/// Whatever decides over an account, or by it, holds the row first, so that it goes one by one.
macro_rules! hold_account {
    ($conn:ident, $id:expr) => {
        async {
            sqlx::query("UPDATE users SET role = role WHERE id = $1")
                .bind($id)
                .execute(&mut *$conn)
                .await?;
            // A statement of its own, which sees what whoever held it before has done.
            sqlx::query_as::<_, $crate::store::accounts::Row>(account_where!("id = $1"))
                .bind($id)
                .fetch_optional(&mut *$conn)
                .await?
                .map($crate::store::accounts::Row::into_credentials)
                .transpose()
        }
        .await
    };
}

/// Whether there is an administrator, on one connection.
macro_rules! has_administrator {
    ($conn:ident) => {
        sqlx::query_scalar::<_, bool>("SELECT EXISTS (SELECT 1 FROM users WHERE role = $1)")
            .bind($crate::store::accounts::role_number(
                runtime::auth::Role::Admin,
            ))
            .fetch_one(&mut *$conn)
            .await
    };
}

/// Lets one transaction at a time set the database up: it holds the one row of `setup`.
macro_rules! lock_setup {
    ($conn:ident) => {
        sqlx::query(
            "INSERT INTO setup (id, code) VALUES (1, NULL)
             ON CONFLICT (id) DO UPDATE SET code = setup.code",
        )
        .execute(&mut *$conn)
        .await
    };
}

/// Adds an account within a transaction: `Ok(None)` when its name or id is taken, or the name was
/// ever. The creation time moves on by a microsecond while another account has it.
macro_rules! insert {
    ($conn:ident, $account:expr) => {
        async {
            let account: &$crate::user::Credentials = $account;
            let user = &account.user;
            let named =
                sqlx::query("INSERT INTO usernames (username) VALUES ($1) ON CONFLICT DO NOTHING")
                    .bind(user.username.as_str())
                    .execute(&mut *$conn)
                    .await?;
            if named.rows_affected() == 0 {
                return Ok(None);
            }
            let mut create_time = user.create_time.as_micros();
            loop {
                let inserted = sqlx::query(
                    "INSERT INTO users (id, username, password_hash, role, create_time)
                     VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                )
                .bind(user.id)
                .bind(user.username.as_str())
                .bind(account.password_hash.as_str())
                .bind($crate::store::accounts::role_number(user.role))
                .bind(create_time)
                .execute(&mut *$conn)
                .await?;
                if inserted.rows_affected() == 1 {
                    let create_time = runtime::clock::Timestamp::from_micros(create_time);
                    break Ok(Some($crate::user::User {
                        create_time,
                        ..user.clone()
                    }));
                }
                let taken: bool = sqlx::query_scalar(
                    "SELECT EXISTS (SELECT 1 FROM users WHERE username = $1 OR id = $2)",
                )
                .bind(user.username.as_str())
                .bind(user.id)
                .fetch_one(&mut *$conn)
                .await?;
                if taken {
                    break Ok::<_, sqlx::Error>(None);
                }
                create_time += 1;
            }
        }
        .await
    };
}

/// A session on one connection, if there is one: locked until the transaction's end, so that of
/// two that come at once one waits for what the other makes of it.
macro_rules! lock_session {
    ($conn:ident, $id:expr) => {
        sqlx::query_as::<_, $crate::store::sessions::LockedSession>(
            "UPDATE sessions SET user_id = user_id WHERE id = $1
             RETURNING user_id, create_time, expire_time, reuse_time",
        )
        .bind($id)
        .fetch_optional(&mut *$conn)
        .await
    };
}

/// Whoever does something, if that account is there and not disabled, and its session goes on. Both
/// are held to the end of the transaction: whoever ends one of them waits, or has been.
macro_rules! hold_actor {
    ($conn:ident, $actor:expr, $now:expr) => {
        async {
            let actor: $crate::user::Actor = $actor;
            let account = hold_account!($conn, actor.user_id)?;
            let session = lock_session!($conn, actor.session_id)?;
            let goes_on = session.is_some_and(|it| it.user_id == actor.user_id && it.goes_on($now));
            let user = account.map(|account| account.user);
            Ok::<_, sqlx::Error>(user.filter(|user| goes_on && !user.disabled))
        }
        .await
    };
}

/// Gives the transaction's outcome unless whoever acts is an administrator still.
macro_rules! administrators_only {
    ($conn:ident, $actor:expr, $now:expr) => {
        match hold_actor!($conn, $actor, $now)? {
            None => return Ok($crate::user::Outcome::SessionOver),
            Some(user) if !user.is_administrator() => {
                return Ok($crate::user::Outcome::NotAdministrator);
            }
            Some(_) => {}
        }
    };
}

/// Ends every session of an account but one, if one is to stay, every personal access token, the code
/// by which its password could be set, and what it has handed out that leads further: invitations of
/// administrators and codes for other passwords. Whoever had got in must not come back by any of
/// them. It takes a transaction that holds the account's row. What reuse has ended is still told.
macro_rules! end_access {
    ($conn:ident, $user_id:expr) => {
        end_access!($conn, $user_id, but None::<uuid::Uuid>)
    };
    ($conn:ident, $user_id:expr, but $kept:expr) => {
        async {
            sqlx::query("DELETE FROM password_resets WHERE user_id = $1 OR maker_id = $1")
                .bind($user_id)
                .execute(&mut *$conn)
                .await?;
            sqlx::query("DELETE FROM invitations WHERE inviter_id = $1 AND role = $2")
                .bind($user_id)
                .bind($crate::store::accounts::role_number(
                    runtime::auth::Role::Admin,
                ))
                .execute(&mut *$conn)
                .await?;
            sqlx::query(
                "DELETE FROM sessions
                 WHERE user_id = $1 AND id IS DISTINCT FROM $2 AND reuse_time IS NULL",
            )
            .bind($user_id)
            .bind($kept)
            .execute(&mut *$conn)
            .await?;
            sqlx::query("DELETE FROM access_tokens WHERE user_id = $1")
                .bind($user_id)
                .execute(&mut *$conn)
                .await
        }
        .await
    };
}
