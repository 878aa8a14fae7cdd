//! The move from SQLite to PostgreSQL: no table is forgotten.

use std::future::pending;

use database::testing::each_engine;

use super::{
    dump::hex,
    sessions::{begin, with_bruce},
    *,
};

/// A row in every table that [`with_bruce`] and a session of bruce's have left empty.
const REST: &str = "
    INSERT INTO signing_keys VALUES (3, x'0102ff', -7);
    INSERT INTO setup VALUES (1, NULL);
    INSERT INTO sign_in_limits VALUES (x'aa', 1, NULL, 3), (x'bb', 1, 2, 3);
    INSERT INTO disabled_users SELECT id, 5 FROM users LIMIT 1;
    INSERT INTO usernames VALUES ('gone');
    INSERT INTO invitations SELECT x'00112233445566778899aabbccddeeff', x'cc', 2, id, 1, 2
        FROM users LIMIT 1;
    INSERT INTO password_resets SELECT id, x'dd', id, 4 FROM users LIMIT 1;
    INSERT INTO purges VALUES (x'ffeeddccbbaa99887766554433221100', 2, 9);
    INSERT INTO access_tokens
        SELECT x'0f112233445566778899aabbccddeeff', id, 'script ✨', x'ee', 1, 1, 2, NULL
        FROM users LIMIT 1";

#[tokio::test]
async fn every_table_is_moved() {
    for to in each_engine().await {
        if to.engine() == Engine::Sqlite {
            continue;
        }
        let from = Fresh::sqlite();
        let (store, bruce) = with_bruce(&from).await;
        begin(&store, &bruce).await;
        let filled = database::write!(store.database, |conn| {
            sqlx::raw_sql("DELETE FROM setup")
                .execute(&mut *conn)
                .await?;
            sqlx::raw_sql(REST).execute(&mut *conn).await.map(drop)
        });
        filled.unwrap();
        let sessions = store
            .sessions_of(bruce.user.id, Timestamp::from_micros(0))
            .await;
        store.close().await;

        let schema = migrations();
        let copied = database::copy(from.url(), to.url(), &schema, &[], pending());
        for table in copied.await.unwrap() {
            let name = &table.table;
            assert!(
                table.rows > 0,
                "nothing was in {name}: put something there above"
            );
        }
        let store = Store::new(to.open(&migrations()).await);
        let found = store.credentials(Some("bruce")).await.unwrap().unwrap();
        assert_eq!(found.password_hash, bruce.password_hash);
        assert!(found.user.disabled);
        let moved = store
            .sessions_of(bruce.user.id, Timestamp::from_micros(0))
            .await;
        assert_eq!(
            format!("{:?}", moved.unwrap()),
            format!("{:?}", sessions.unwrap())
        );
        let keys = store.signing_keys().await.unwrap();
        assert_eq!(keys, [(3, vec![1, 2, 255], Timestamp::from_micros(-7))]);
        let dumped = dump::dump(&store).await;
        for kept in [
            hex(b"\xaa"),
            hex(b"\xee"),
            "script ✨".to_owned(),
            "gone".to_owned(),
        ] {
            assert!(dumped.contains(&kept), "{kept}");
        }
        store.close().await;
    }
}
