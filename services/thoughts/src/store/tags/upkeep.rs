//! What is done for tags in the background.

use std::collections::BTreeMap;

use database::{Engine, Error};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{EVERYONE, Tagged, index_row};
use crate::{store::Store, tag::tags_of_folded};

/// How many rows a statement inserts, far below what either engine takes.
const ROWS: usize = 500;

const UNTAGGED: &str = "
    SELECT t.position, t.author_id, t.visibility, t.folded
    FROM untagged_thoughts AS u JOIN thoughts AS t ON t.position = u.position
    ORDER BY t.position DESC LIMIT $1";

const TAKE_CHANGES: &str = "
    DELETE FROM tag_changes
    WHERE id IN (SELECT id FROM tag_changes ORDER BY id LIMIT $1)
    RETURNING author_id, visibility, tag, change";

impl Store {
    /// Whether there is anything for [`Store::tag_untagged`] or [`Store::count_tags`] to do.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn has_tags_to_do(&self) -> Result<bool, Error> {
        let one: Option<(i64,)> = database::read!(self.database, |conn| {
            sqlx::query_as(
                "SELECT * FROM (SELECT id FROM tag_changes LIMIT 1) AS change
                 UNION ALL SELECT * FROM (SELECT position FROM untagged_thoughts LIMIT 1) AS thought",
            )
            .fetch_optional(&mut *conn)
            .await
        })?;
        Ok(one.is_some())
    }

    /// Notes the tags of some thoughts that another release has stored, at most `limit`; how many
    /// there were. Several processes may do this at once.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn tag_untagged(&self, limit: usize) -> Result<usize, Error> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql = match self.database.engine() {
            Engine::Sqlite => UNTAGGED.to_owned(),
            // Whoever changes one of them meanwhile comes before or after.
            Engine::Postgres => format!("{UNTAGGED} FOR UPDATE"),
        };
        database::write!(self.database, |conn| {
            let rows: Vec<(i64, Uuid, i16, String)> = sqlx::query_as(AssertSqlSafe(sql.clone()))
                .bind(limit)
                .fetch_all(&mut *conn)
                .await?;
            for (position, author_id, visibility, folded) in &rows {
                let row = Tagged {
                    position: *position,
                    author_id: *author_id,
                    visibility: *visibility,
                    tags: tags_of_folded(folded),
                    may_be_untagged: true,
                };
                index_row!(conn, row);
            }
            Ok(rows.len())
        })
    }

    /// Counts the oldest changes that have not been counted yet, at most `limit`; how many there
    /// were. Several processes may do this at once.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn count_tags(&self, limit: usize) -> Result<usize, Error> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        database::write!(self.database, |conn| {
            let changes: Vec<(Uuid, i16, String, i16)> = sqlx::query_as(TAKE_CHANGES)
                .bind(limit)
                .fetch_all(&mut *conn)
                .await?;
            let sums = sums(&changes);
            for some in sums.chunks(ROWS) {
                let mut add = sqlx::query(AssertSqlSafe(add(some.len())));
                for ((author_id, visibility, tag), sum) in some {
                    add = add.bind(*author_id).bind(*visibility).bind(*tag).bind(*sum);
                }
                add.execute(&mut *conn).await?;
            }
            for ((author_id, visibility, tag), _) in sums.iter().filter(|(_, sum)| *sum < 0) {
                sqlx::query(
                    "DELETE FROM tag_counts WHERE author_id = $1 AND visibility = $2 AND tag = $3
                     AND thought_count = 0",
                )
                .bind(*author_id)
                .bind(*visibility)
                .bind(*tag)
                .execute(&mut *conn)
                .await?;
            }
            Ok(changes.len())
        })
    }
}

/// Whose, who may see it, and which tag.
type Key<'a> = (Uuid, i16, &'a str);

/// What is to be added to each count, always in the same order, so that no two who count wait for
/// each other for ever.
fn sums(changes: &[(Uuid, i16, String, i16)]) -> Vec<(Key<'_>, i64)> {
    let mut sums: BTreeMap<Key<'_>, i64> = BTreeMap::new();
    for (author_id, visibility, tag, change) in changes {
        let mut add = |whose| {
            *sums.entry((whose, *visibility, tag)).or_default() += i64::from(*change);
        };
        add(*author_id);
        if *visibility == 1 {
            add(EVERYONE);
        }
    }
    sums.into_iter().filter(|(_, sum)| *sum != 0).collect()
}

/// The statement that adds so many numbers, four parameters each.
fn add(rows: usize) -> String {
    let rows: Vec<String> = (0..rows)
        .map(|n| 4 * n)
        .map(|n| format!("(${}, ${}, ${}, ${})", n + 1, n + 2, n + 3, n + 4))
        .collect();
    format!(
        "INSERT INTO tag_counts (author_id, visibility, tag, thought_count) VALUES {}
         ON CONFLICT (author_id, visibility, tag)
         DO UPDATE SET thought_count = tag_counts.thought_count + excluded.thought_count",
        rows.join(", ")
    )
}
