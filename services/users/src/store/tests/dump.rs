//! What somebody finds who has stolen the database.

use sqlx::AssertSqlSafe;

use super::*;

/// Every value of every table as text, bytes in hexadecimal.
pub(super) async fn dump(store: &Store) -> String {
    let tables = match store.database.engine() {
        Engine::Sqlite => {
            "SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
             WHERE t.type = 'table' AND t.name NOT LIKE '\\_sqlx%' ESCAPE '\\'"
        }
        Engine::Postgres => {
            "SELECT table_name::text, column_name::text FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name NOT LIKE '\\_sqlx%'"
        }
    };
    let columns: Vec<(String, String)> = read!(store.database, |conn| {
        sqlx::query_as(tables).fetch_all(&mut *conn).await
    })
    .unwrap();
    assert!(columns.len() > 20, "{columns:?}");
    let mut dump = String::new();
    for (table, column) in columns {
        let value = match store.database.engine() {
            Engine::Sqlite => format!(
                "CASE typeof({column}) WHEN 'blob' THEN lower(hex({column}))
                 ELSE CAST({column} AS TEXT) END"
            ),
            Engine::Postgres => format!("{column}::text"),
        };
        let sql = format!("SELECT COALESCE({value}, 'NULL') FROM {table}");
        let values: Vec<String> = read!(store.database, |conn| {
            sqlx::query_scalar(AssertSqlSafe(sql.clone()))
                .fetch_all(&mut *conn)
                .await
        })
        .unwrap();
        for value in values {
            dump += &format!("{table}.{column}: {value}\n");
        }
    }
    dump
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
