//! One thought, and lists.

use database::Error;
use runtime::clock::Timestamp;
use uuid::Uuid;

use super::Store;
use crate::{
    page::{Page, PageRequest},
    thought::{Author, Thought, Visibility},
};

pub(super) const GET: &str = "
    SELECT position, moved_by, id, author_id, author, text, visibility, update_time
    FROM thoughts WHERE id = $1 AND (visibility = 1 OR author_id = $2)";

/// Two arms, each of which an index serves in order: what everyone may see, and what only the
/// caller may. An OR of both would read through everyone else's private ones.
pub(super) const LIST: &str = "
    SELECT * FROM (
        SELECT position, moved_by, id, author_id, author, text, visibility, update_time
        FROM thoughts WHERE visibility = 1 AND position < $1
        ORDER BY position DESC LIMIT $3
    ) AS everyones
    UNION ALL
    SELECT * FROM (
        SELECT position, moved_by, id, author_id, author, text, visibility, update_time
        FROM thoughts WHERE visibility = 2 AND author_id = $2 AND -position > -$1
        ORDER BY -position LIMIT $3
    ) AS own
    ORDER BY position DESC LIMIT $3";

/// As [`LIST`], of one author.
pub(super) const LIST_OF_AUTHOR: &str = "
    SELECT * FROM (
        SELECT position, moved_by, id, author_id, author, text, visibility, update_time
        FROM thoughts WHERE visibility = 1 AND author = $4 AND -position > -$1
        ORDER BY -position LIMIT $3
    ) AS everyones
    UNION ALL
    SELECT * FROM (
        SELECT position, moved_by, id, author_id, author, text, visibility, update_time
        FROM thoughts WHERE visibility = 2 AND author_id = $2 AND author = $4 AND -position > -$1
        ORDER BY -position LIMIT $3
    ) AS own
    ORDER BY position DESC LIMIT $3";

/// A row of the table, without its folded text.
#[derive(sqlx::FromRow)]
pub(super) struct Row {
    position: i64,
    moved_by: i64,
    id: Uuid,
    author_id: Uuid,
    author: String,
    text: String,
    visibility: i16,
    update_time: i64,
}

impl Store {
    /// The thought of that id, if `viewer` may see it.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn get(&self, id: Uuid, viewer: Option<Uuid>) -> Result<Option<Thought>, Error> {
        let row: Option<Row> = database::read!(self.database, |conn| {
            sqlx::query_as(GET)
                .bind(id)
                .bind(viewer)
                .fetch_optional(&mut *conn)
                .await
        })?;
        Ok(row.map(Thought::from))
    }

    /// A page of all that `viewer` may see, or of what `author` wrote of it.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn list(
        &self,
        viewer: Option<Uuid>,
        author: Option<&str>,
        page: PageRequest,
    ) -> Result<Page, Error> {
        let rows: Vec<Row> = database::read!(self.database, |conn| {
            let sql = if author.is_some() {
                LIST_OF_AUTHOR
            } else {
                LIST
            };
            let mut list = sqlx::query_as(sql)
                .bind(page.bound())
                .bind(viewer)
                .bind(page.limit());
            if let Some(author) = author {
                list = list.bind(author);
            }
            list.fetch_all(&mut *conn).await
        })?;
        Ok(Page::of(
            rows.into_iter().map(Thought::from).collect(),
            page,
        ))
    }
}

impl From<Row> for Thought {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            author: Author {
                id: row.author_id,
                username: row.author,
            },
            text: row.text,
            visibility: visibility(row.visibility),
            create_time: Timestamp::from_micros(row.position - row.moved_by),
            position: row.position,
            update_time: Timestamp::from_micros(row.update_time),
            trashed: None,
        }
    }
}

/// Whatever is not known to be public is shown to its author alone.
pub(super) fn visibility(number: i16) -> Visibility {
    if number == 1 {
        Visibility::Public
    } else {
        Visibility::Private
    }
}
