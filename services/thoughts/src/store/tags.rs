//! Tags: which thought carries which, and how many do.
//!
//! `thought_tags` says which, and is written with the thought. Triggers log its changes, of which
//! [`Store::count_tags`] makes counts in the background; a list adds what has not been counted yet.
//! So writers never wait for each other, and a list never reads through all thoughts.

mod upkeep;

use database::Error;
use uuid::Uuid;

use super::{Store, write::number};
use crate::{
    page::{TagCount, TagPage, TagPageRequest},
    tag::{Tag, tags_of_folded},
    thought::Thought,
};

/// Whose public thoughts are counted together.
const EVERYONE: Uuid = Uuid::nil();

const AUTHOR: &str = "SELECT author_id FROM thoughts WHERE author = $1 AND visibility = 1 LIMIT 1";

/// The counts of $1's public thoughts (everyone's, if that is $6), and of $2's private ones, from
/// behind the tag $4 with the negated count $3 on. `others` are those tags whose number is not in
/// `tag_counts` as it stands: few, but for somebody who has used many tags privately.
pub(super) const LIST: &str = "
    WITH others AS (
        SELECT tag, CAST(sum(n) AS BIGINT) AS n FROM (
            SELECT tag, change AS n FROM tag_changes
            WHERE visibility = 1 AND ($1 = $6 OR author_id = $1)
            UNION ALL
            SELECT tag, change AS n FROM tag_changes WHERE visibility = 2 AND author_id = $2
            UNION ALL
            SELECT tag, thought_count AS n FROM tag_counts
            WHERE visibility = 2 AND author_id = $2
        ) AS each_one GROUP BY tag
    ), counted AS (
        SELECT tag, n + coalesce((
            SELECT thought_count FROM tag_counts AS c
            WHERE c.author_id = $1 AND c.visibility = 1 AND c.tag = others.tag
        ), 0) AS thought_count
        FROM others
        UNION ALL
        SELECT * FROM (
            SELECT tag, thought_count FROM tag_counts
            WHERE author_id = $1 AND visibility = 1 AND (-thought_count, tag) > ($3, $4)
                AND tag NOT IN (SELECT tag FROM others)
            ORDER BY -thought_count, tag LIMIT $5
        ) AS settled
    )
    SELECT tag, thought_count FROM counted
    WHERE thought_count > 0 AND (-thought_count, tag) > ($3, $4)
    ORDER BY -thought_count, tag LIMIT $5";

/// Notes the tags of a thought that has just been stored or has come back, in the transaction that
/// does so. `$folded` is its folded text.
macro_rules! index_tags {
    ($conn:expr, $thought:expr, $folded:expr) => {{
        let thought: &$crate::thought::Thought = $thought;
        let row = $crate::store::tags::Tagged::of(thought, $folded);
        $crate::store::tags::index_row!($conn, row);
    }};
}
pub(super) use index_tags;

/// Forgets the tags of the thought at a position that stays in the table but is to be found no
/// more, or has another text or visibility now. What is deleted from the table takes its tags along
/// by itself.
macro_rules! unindex_tags {
    ($conn:expr, $position:expr) => {{
        let position: i64 = $position;
        for table in ["thought_tags", "untagged_thoughts"] {
            let sql = format!("DELETE FROM {table} WHERE position = $1");
            sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(position)
                .execute(&mut *$conn)
                .await?;
        }
    }};
}
pub(super) use unindex_tags;

macro_rules! index_row {
    ($conn:expr, $row:expr) => {{
        let row: &$crate::store::tags::Tagged = &$row;
        if let Some(sql) = row.insert() {
            let mut insert = sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(row.position)
                .bind(row.author_id)
                .bind(row.visibility);
            for tag in &row.tags {
                insert = insert.bind(tag.as_str());
            }
            insert.execute(&mut *$conn).await?;
        }
        if row.may_be_untagged {
            sqlx::query("DELETE FROM untagged_thoughts WHERE position = $1")
                .bind(row.position)
                .execute(&mut *$conn)
                .await?;
        }
    }};
}
pub(super) use index_row;

/// What is noted of a thought.
pub(super) struct Tagged {
    pub(super) position: i64,
    pub(super) author_id: Uuid,
    pub(super) visibility: i16,
    pub(super) tags: Vec<Tag>,
    /// Whether it is noted as untagged when it is stored: see the migration.
    pub(super) may_be_untagged: bool,
}

impl Tagged {
    pub(super) fn of(thought: &Thought, folded: &str) -> Self {
        Self {
            position: thought.position,
            author_id: thought.author.id,
            visibility: number(thought.visibility),
            tags: tags_of_folded(folded),
            may_be_untagged: folded.contains(crate::tag::SIGN),
        }
    }

    /// The statement that notes its tags, if it has any: they are the parameters from $4 on.
    pub(super) fn insert(&self) -> Option<String> {
        let rows: Vec<String> = (4..self.tags.len() + 4)
            .map(|n| format!("($1, ${n}, $2, $3)"))
            .collect();
        (!rows.is_empty()).then(|| {
            format!(
                "INSERT INTO thought_tags (position, tag, author_id, visibility) VALUES {}
                 ON CONFLICT (position, tag) DO NOTHING",
                rows.join(", ")
            )
        })
    }
}

impl Store {
    /// A page of the tags on what `viewer` may see, or on what `author` wrote of it; the most
    /// frequent first, then by the tag.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn tags(
        &self,
        viewer: Option<Uuid>,
        author: Option<&str>,
        page: &TagPageRequest,
    ) -> Result<TagPage, Error> {
        let (most, behind) = match &page.behind {
            Some(last) => (-last.thought_count, last.tag.as_str()),
            None => (i64::MIN, ""),
        };
        let limit = i64::try_from(page.size)
            .unwrap_or(i64::MAX)
            .saturating_add(1);
        let rows: Vec<(String, i64)> = database::read!(self.database, |conn| {
            let whose = match author {
                None => Some(EVERYONE),
                Some(author) => {
                    let found: Option<(Uuid,)> = sqlx::query_as(AUTHOR)
                        .bind(author)
                        .fetch_optional(&mut *conn)
                        .await?;
                    // Somebody who has written nothing public may still look at the rest.
                    found.map(|(id,)| id).or(viewer)
                }
            };
            match whose {
                None => Ok(Vec::new()),
                Some(whose) => {
                    sqlx::query_as(LIST)
                        .bind(whose)
                        .bind(viewer)
                        .bind(most)
                        .bind(behind)
                        .bind(limit)
                        .bind(EVERYONE)
                        .fetch_all(&mut *conn)
                        .await
                }
            }
        })?;
        let counts = rows
            .into_iter()
            .map(|(tag, thought_count)| TagCount { tag, thought_count });
        Ok(TagPage::of(counts.collect(), page))
    }

    /// How many thoughts of everyone's carry a tag, as far as that has been counted.
    pub(super) async fn counted(&self, tag: &Tag) -> Result<i64, Error> {
        let count: Option<(i64,)> = database::read!(self.database, |conn| {
            sqlx::query_as(
                "SELECT thought_count FROM tag_counts
                 WHERE author_id = $1 AND visibility = 1 AND tag = $2",
            )
            .bind(EVERYONE)
            .bind(tag.as_str())
            .fetch_optional(&mut *conn)
            .await
        })?;
        Ok(count.map_or(0, |(count,)| count))
    }
}
