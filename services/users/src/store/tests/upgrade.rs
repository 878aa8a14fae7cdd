//! An older program and a newer one on one database.

use database::{testing::on_each_engine, write};
use sqlx::migrate::Migrator;

use super::*;
use crate::user::Outcome;

/// The schema as the first version of this program made it.
fn first_version() -> Migrations {
    let first = |mut all: Migrator| {
        all.migrations.to_mut().truncate(1);
        all
    };
    Migrations::new(
        first(sqlx::migrate!("migrations/sqlite")),
        first(sqlx::migrate!("migrations/postgres")),
    )
}

/// Makes an account and looks for it as the first version did.
async fn works_as_before(old: &Database, name: &str, create_time: i64) {
    let account = member(name, create_time);
    write!(old, |conn| {
        sqlx::query(
            "INSERT INTO users (id, username, password_hash, role, create_time)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        )
        .bind(account.user.id)
        .bind(account.user.username.as_str())
        .bind(account.password_hash.as_str())
        .bind(1_i16)
        .bind(create_time)
        .execute(&mut *conn)
        .await
        .map(drop)
    })
    .unwrap();
    // The columns that a statement answers with must not change while a connection has it
    // prepared.
    let found = read!(old, |conn| {
        sqlx::query_as::<_, (Uuid, String, String, i16, i64)>(
            "SELECT * FROM users WHERE username = $1",
        )
        .bind(name)
        .fetch_one(&mut *conn)
        .await
    });
    assert_eq!(found.unwrap().0, account.user.id);
    let key = write!(old, |conn| {
        sqlx::query(
            "INSERT INTO signing_keys (generation, pkcs8, create_time) VALUES (1, $1, $2)
             ON CONFLICT (generation) DO NOTHING",
        )
        .bind([7_u8].as_slice())
        .bind(create_time)
        .execute(&mut *conn)
        .await?;
        sqlx::query_scalar::<_, Vec<u8>>(
            "SELECT pkcs8 FROM signing_keys ORDER BY generation DESC LIMIT 1",
        )
        .fetch_one(&mut *conn)
        .await
    });
    assert_eq!(key.unwrap(), [7]);
}

#[tokio::test]
async fn r16_two_replicas_upgrade_at_once_and_the_old_program_goes_on() {
    on_each_engine(async |fresh| {
        let old = fresh.open(&first_version()).await;
        works_as_before(&old, "bruce", 1).await;
        let (one, other) = tokio::join!(store(fresh), store(fresh));
        works_as_before(&old, "stephen", 2).await;
        for store in [&one, &other] {
            let users = store.users_before(None, 10).await.unwrap();
            assert_eq!(names(&users), ["stephen", "bruce"]);
            // Names that were given out before are known.
            let again = store.add(&member("bruce", 9)).await.unwrap();
            assert_eq!(again, Added::UsernameTaken);
        }
        // Names of deleted accounts stay taken, also of those that the old program made.
        let stephen = one.credentials(Some("stephen")).await.unwrap().unwrap();
        let himself = acting(&one, &stephen).await;
        let now = Timestamp::from_seconds(1);
        let deleted = one
            .delete_user(stephen.user.id, himself, now)
            .await
            .unwrap();
        assert_eq!(deleted, Outcome::Done(stephen.user));
        let again = other.add(&member("stephen", 9)).await.unwrap();
        assert_eq!(again, Added::UsernameTaken);
        // It may also start again on the newer schema.
        let old = fresh.open(&first_version()).await;
        works_as_before(&old, "tony", 3).await;
    })
    .await;
}
