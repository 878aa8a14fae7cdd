//! Every statement on each engine.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use database::{
    Engine, read,
    testing::{Fresh, on_each_engine},
    write,
};
use runtime::{
    auth::Role,
    clock::{Clock, Timestamp},
};
use uuid::Uuid;

use super::{accounts::role_number, *};
use crate::{
    setup::SetupCode,
    user::{Actor, Credentials, User},
};

mod administrators;
mod copying;
mod dump;
mod invitations;
mod people;
mod personal_tokens;
mod sessions;
mod upgrade;

async fn store(fresh: &Fresh) -> Store {
    Store::new(fresh.open(&migrations()).await)
}

fn account(name: &str, role: Role, create_time: i64) -> Credentials {
    Credentials {
        user: User {
            id: Clock::system().new_id(),
            username: name.parse().unwrap(),
            role,
            create_time: Timestamp::from_micros(create_time),
            disabled: false,
        },
        password_hash: format!("hash of {name}"),
    }
}

fn member(name: &str, create_time: i64) -> Credentials {
    account(name, Role::Member, create_time)
}

/// Somebody in a session of its own.
async fn acting(store: &Store, account: &Credentials) -> Actor {
    Actor {
        user_id: account.user.id,
        session_id: sessions::begin(store, account).await.session_id(),
    }
}

impl Store {
    /// How many buckets there are.
    pub(crate) async fn limits(&self) -> i64 {
        let count = read!(self.database, |conn| {
            sqlx::query_scalar("SELECT count(*) FROM sign_in_limits")
                .fetch_one(&mut *conn)
                .await
        });
        count.unwrap()
    }

    /// Gives an account another role.
    pub(crate) async fn set_role(&self, username: &str, role: Role) {
        let done = write!(self.database, |conn| {
            sqlx::query("UPDATE users SET role = $1 WHERE username = $2")
                .bind(role_number(role))
                .bind(username)
                .execute(&mut *conn)
                .await
                .map(drop)
        });
        done.unwrap();
    }
}

fn code(text: &str) -> SetupCode {
    text.parse().unwrap()
}

fn names(users: &[User]) -> Vec<&str> {
    users.iter().map(|user| user.username.as_str()).collect()
}

#[tokio::test]
async fn an_account_is_found_as_it_was_added() {
    on_each_engine(async |fresh| {
        let store = store(fresh).await;
        store.is_there().await.unwrap();
        assert!(store.is_empty().await.unwrap());
        let bruce = account("bruce", Role::Admin, -242_092_800_000_001);
        assert_eq!(
            store.add(&bruce).await.unwrap(),
            Added::Account(bruce.user.clone())
        );
        assert!(!store.is_empty().await.unwrap());
        let found = store.credentials(Some("bruce")).await.unwrap().unwrap();
        assert_eq!(found.user, bruce.user);
        assert_eq!(found.password_hash, "hash of bruce");
        assert_eq!(
            store.user_by_id(bruce.user.id).await.unwrap(),
            Some(bruce.user)
        );
        assert_eq!(store.user_by_id(Uuid::nil()).await.unwrap(), None);
        assert!(store.credentials(Some("stephen")).await.unwrap().is_none());
        assert!(store.credentials(None).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn a_name_and_an_id_are_given_once() {
    on_each_engine(async |fresh| {
        let store = store(fresh).await;
        let bruce = member("bruce", 1);
        store.add(&bruce).await.unwrap();
        assert_eq!(
            store.add(&member("bruce", 2)).await.unwrap(),
            Added::UsernameTaken
        );
        let mut same_id = member("stephen", 3);
        same_id.user.id = bruce.user.id;
        assert_eq!(store.add(&same_id).await.unwrap(), Added::UsernameTaken);
        assert_eq!(
            names(&store.users_before(None, 10).await.unwrap()),
            ["bruce"]
        );
    })
    .await;
}

#[tokio::test]
async fn of_equal_names_at_once_one_is_added() {
    on_each_engine(async |fresh| {
        let (one, other) = (store(fresh).await, store(fresh).await);
        let attempts = (0..20).map(|n| {
            let store = if n % 2 == 0 {
                one.clone()
            } else {
                other.clone()
            };
            tokio::spawn(async move { store.add(&member("bruce", n)).await.unwrap() })
        });
        let mut added = 0;
        for attempt in attempts.collect::<Vec<_>>() {
            match attempt.await.unwrap() {
                Added::Account(_) => added += 1,
                refused => assert_eq!(refused, Added::UsernameTaken),
            }
        }
        assert_eq!(added, 1);
    })
    .await;
}

#[tokio::test]
async fn creation_times_move_on_while_they_are_taken() {
    on_each_engine(async |fresh| {
        let store = store(fresh).await;
        let attempts = (0..10).map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.add(&member(&format!("user{n}"), 7)).await.unwrap() })
        });
        for attempt in attempts.collect::<Vec<_>>() {
            assert!(matches!(attempt.await.unwrap(), Added::Account(_)));
        }
        let users = store.users_before(None, 20).await.unwrap();
        let times: Vec<_> = users
            .iter()
            .map(|user| user.create_time.as_micros())
            .collect();
        assert_eq!(times, (7..17).rev().collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test]
async fn lists_go_newest_first_from_a_time_on() {
    on_each_engine(async |fresh| {
        let store = store(fresh).await;
        for (name, time) in [("old", -5), ("oldest", -9), ("new", 5), ("newest", 9)] {
            store.add(&member(name, time)).await.unwrap();
        }
        let list = async |before: Option<i64>, limit| {
            store
                .users_before(before.map(Timestamp::from_micros), limit)
                .await
                .unwrap()
        };
        assert_eq!(
            names(&list(None, 10).await),
            ["newest", "new", "old", "oldest"]
        );
        assert_eq!(names(&list(None, 2).await), ["newest", "new"]);
        assert_eq!(names(&list(Some(5), 10).await), ["old", "oldest"]);
        assert!(list(Some(-9), 10).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn of_many_first_administrators_at_once_one_is_made() {
    on_each_engine(async |fresh| {
        let (one, other) = (store(fresh).await, store(fresh).await);
        assert!(one.setup_code_or(&code("open")).await.unwrap().is_some());
        let attempts = (0..20).map(|n| {
            let store = if n % 2 == 0 {
                one.clone()
            } else {
                other.clone()
            };
            let account = account(&format!("admin{n}"), Role::Admin, n);
            tokio::spawn(async move { store.add_first_administrator(&account).await.unwrap() })
        });
        let mut made = 0;
        for attempt in attempts.collect::<Vec<_>>() {
            match attempt.await.unwrap() {
                Added::Account(_) => made += 1,
                refused => assert_eq!(refused, Added::AdministratorExists),
            }
        }
        assert_eq!(made, 1);
        assert_eq!(one.users_before(None, 30).await.unwrap().len(), 1);
        assert!(
            one.setup_code().await.unwrap().is_none(),
            "the code is used up"
        );
    })
    .await;
}

#[tokio::test]
async fn a_first_administrator_without_a_free_name_leaves_the_code() {
    on_each_engine(async |fresh| {
        let store = store(fresh).await;
        store.setup_code_or(&code("open sesame")).await.unwrap();
        store.add(&member("bruce", 1)).await.unwrap();
        let refused = store
            .add_first_administrator(&account("bruce", Role::Admin, 2))
            .await;
        assert_eq!(refused.unwrap(), Added::UsernameTaken);
        assert!(!store.has_administrator().await.unwrap());
        assert!(
            store
                .setup_code()
                .await
                .unwrap()
                .unwrap()
                .matches("open sesame")
        );
        store
            .add_first_administrator(&account("ada", Role::Admin, 2))
            .await
            .unwrap();
        assert!(store.has_administrator().await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_database_has_one_set_up_code_until_there_is_an_administrator() {
    on_each_engine(async |fresh| {
        let store = store(fresh).await;
        assert!(store.setup_code().await.unwrap().is_none());
        let asked = (0..10).map(|n| {
            let store = store.clone();
            let fresh = code(&format!("code {n}"));
            tokio::spawn(async move { store.setup_code_or(&fresh).await.unwrap().unwrap() })
        });
        let mut codes = Vec::new();
        for answer in asked.collect::<Vec<_>>() {
            codes.push(answer.await.unwrap());
        }
        let kept = store.setup_code().await.unwrap().unwrap();
        assert!(codes.iter().all(|code| code.matches(kept.expose())));
        store
            .add_first_administrator(&account("ada", Role::Admin, 1))
            .await
            .unwrap();
        assert!(store.setup_code_or(&code("late")).await.unwrap().is_none());
        assert!(store.setup_code().await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn examples_go_into_an_empty_database_only_and_once() {
    on_each_engine(async |fresh| {
        let (one, other) = (store(fresh).await, store(fresh).await);
        let examples = [member("bruce", 1), member("stephen", 2)];
        let (first, second) =
            tokio::join!(one.add_to_empty(&examples), other.add_to_empty(&examples));
        assert!(first.unwrap() ^ second.unwrap());
        assert!(!one.add_to_empty(&[member("late", 3)]).await.unwrap());
        assert_eq!(
            names(&one.users_before(None, 10).await.unwrap()),
            ["stephen", "bruce"]
        );
    })
    .await;
}

#[tokio::test]
async fn replicas_that_start_at_once_end_with_one_signing_key() {
    on_each_engine(async |fresh| {
        let (one, other) = (store(fresh).await, store(fresh).await);
        let attempts = (0..10u8).map(|n| {
            let store = if n % 2 == 0 {
                one.clone()
            } else {
                other.clone()
            };
            let now = Timestamp::from_seconds(1);
            tokio::spawn(async move {
                store.add_signing_key(1, &[n], now).await.unwrap();
                store.signing_keys().await.unwrap()
            })
        });
        let mut kept = Vec::new();
        for attempt in attempts.collect::<Vec<_>>() {
            kept.push(attempt.await.unwrap());
        }
        kept.dedup();
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0].len(), 1);
        let later = Timestamp::from_seconds(2);
        assert!(!one.add_signing_key(1, &[77], later).await.unwrap());
        assert!(one.add_signing_key(2, &[77], later).await.unwrap());
        assert_eq!(other.drop_signing_keys(1).await.unwrap(), 1);
        let left = one.signing_keys().await.unwrap();
        assert_eq!(left, [(2, vec![77], later)]);
    })
    .await;
}

#[tokio::test]
async fn a_closed_database_is_not_there() {
    on_each_engine(async |fresh| {
        let store = store(fresh).await;
        store.close().await;
        assert!(store.is_there().await.unwrap_err().is_unavailable());
        assert!(
            store
                .has_administrator()
                .await
                .unwrap_err()
                .is_unavailable()
        );
    })
    .await;
}

/// Columns as (table, column, type, nullable), the types in SQLite's words; and what is unique or
/// indexed as (table, unique, columns).
type Schema = (
    Vec<(String, String, String, bool)>,
    Vec<(String, bool, String)>,
);

async fn schema(fresh: &Fresh) -> Schema {
    let database = fresh.open(&migrations()).await;
    let (columns, indexes) = match fresh.engine() {
        Engine::Sqlite => (
            "SELECT t.name, c.name, c.type, c.\"notnull\" = 0
             FROM sqlite_schema t JOIN pragma_table_info(t.name) c
             WHERE t.type = 'table' AND t.name NOT LIKE '\\_sqlx%' ESCAPE '\\' ORDER BY 1, 2",
            // A column that is the row id has no index of its own, so that one is added.
            "SELECT t.name, i.\"unique\" = 1, (SELECT group_concat(c.name) FROM pragma_index_info(i.name) c)
             FROM sqlite_schema t JOIN pragma_index_list(t.name) i
             WHERE t.type = 'table' AND t.name NOT LIKE '\\_sqlx%' ESCAPE '\\'
             UNION SELECT t.name, 1, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
             WHERE t.type = 'table' AND c.pk = 1 AND t.name NOT LIKE '\\_sqlx%' ESCAPE '\\' ORDER BY 1, 3",
        ),
        Engine::Postgres => (
            "SELECT table_name::text, column_name::text, CASE data_type
                 WHEN 'uuid' THEN 'BLOB' WHEN 'bytea' THEN 'BLOB' WHEN 'text' THEN 'TEXT'
                 WHEN 'bigint' THEN 'INTEGER' WHEN 'smallint' THEN 'INTEGER' ELSE data_type END,
                 is_nullable = 'YES'
             FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name NOT LIKE '\\_sqlx%'
             ORDER BY table_name COLLATE \"C\", column_name COLLATE \"C\"",
            "SELECT t.relname::text, i.indisunique, string_agg(a.attname::text, ',' ORDER BY a.attnum)
             FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
             JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY (i.indkey)
             WHERE t.relnamespace = 'public'::regnamespace AND t.relname NOT LIKE '\\_sqlx%'
             GROUP BY i.indexrelid, t.relname, i.indisunique
             ORDER BY t.relname::text COLLATE \"C\", 3",
        ),
    };
    let columns = read!(database, |conn| sqlx::query_as(columns)
        .fetch_all(&mut *conn)
        .await);
    let indexes = read!(database, |conn| sqlx::query_as(indexes)
        .fetch_all(&mut *conn)
        .await);
    (columns.unwrap(), indexes.unwrap())
}

#[tokio::test]
async fn both_engines_have_the_same_schema() {
    let mut schemas = Vec::new();
    on_each_engine(async |fresh| {
        let schema = schema(fresh).await;
        assert_eq!(schema.0.len(), 50, "{schema:?}");
        assert_eq!(schema.1.len(), 30, "{schema:?}");
    })
    .await;
    for fresh in database::testing::each_engine().await {
        schemas.push(schema(&fresh).await);
    }
    for other in &schemas[1..] {
        assert_eq!(&schemas[0], other);
    }
}
