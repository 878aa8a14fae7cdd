//! One thought and lists, wherever they are: in the trash or not.

use database::Error;
use runtime::clock::Timestamp;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{
    Store,
    read::{LIST, LIST_OF_AUTHOR, Row},
};
use crate::{
    page::{Page, PageRequest},
    thought::Thought,
    trash::{TrashList, Trashed},
};

/// Wherever it is: one statement sees a thought that is being moved in one of the two places.
const FIND: &str = "
    SELECT position, moved_by, id, author_id, author, text, visibility, update_time,
        CAST(NULL AS BIGINT) AS delete_time, CAST(NULL AS BIGINT) AS expire_time, FALSE AS removed
    FROM thoughts WHERE id = $1 AND (visibility = 1 OR author_id = $2)
    UNION ALL
    SELECT position, moved_by, id, author_id, author, text, visibility, update_time,
        delete_time, expire_time, removed
    FROM trash WHERE id = $1 AND author_id = $2 AND expire_time > $3";

/// The viewer's trash, as a further arm of a list (see `read.rs`) or alone.
pub(super) const LIST_TRASH: &str = "
    SELECT position, moved_by, id, author_id, author, text, visibility, update_time,
        delete_time, expire_time, removed
    FROM trash
    WHERE author_id = $2 AND -position > -$1 AND expire_time > $5 AND ($4 IS NULL OR author = $4)
    ORDER BY -position LIMIT $3";

/// A row of a list that looks into the trash.
#[derive(sqlx::FromRow)]
pub(super) struct MaybeTrashed {
    #[sqlx(flatten)]
    row: Row,
    delete_time: Option<i64>,
    expire_time: Option<i64>,
    removed: bool,
}

impl Store {
    /// The thought of that id, if `viewer` may see it, or has it in the trash.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn find(
        &self,
        id: Uuid,
        viewer: Uuid,
        now: Timestamp,
    ) -> Result<Option<Thought>, Error> {
        let row: Option<MaybeTrashed> = database::read!(self.database, |conn| {
            sqlx::query_as(FIND)
                .bind(id)
                .bind(viewer)
                .bind(now.as_micros())
                .fetch_optional(&mut *conn)
                .await
        })?;
        Ok(row.map(Thought::from))
    }

    /// A page of what `viewer` may see and has in the trash, or has in the trash alone, of everyone
    /// or of one author.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn list_trash(
        &self,
        viewer: Uuid,
        author: Option<&str>,
        list: TrashList,
        page: PageRequest,
        now: Timestamp,
    ) -> Result<Page, Error> {
        let sql = match list {
            TrashList::Alone => LIST_TRASH.to_owned(),
            TrashList::Beside => beside(author.map_or(LIST, |_| LIST_OF_AUTHOR)),
        };
        let rows: Vec<MaybeTrashed> = database::read!(self.database, |conn| {
            sqlx::query_as(AssertSqlSafe(sql.as_str()))
                .bind(page.bound())
                .bind(viewer)
                .bind(page.limit())
                .bind(author)
                .bind(now.as_micros())
                .fetch_all(&mut *conn)
                .await
        })?;
        Ok(Page::of(
            rows.into_iter().map(Thought::from).collect(),
            page,
        ))
    }
}

/// A list with the viewer's trash among it.
pub(super) fn beside(list: &str) -> String {
    format!(
        "SELECT * FROM (
            SELECT position, moved_by, id, author_id, author, text, visibility, update_time,
                CAST(NULL AS BIGINT) AS delete_time, CAST(NULL AS BIGINT) AS expire_time,
                FALSE AS removed
            FROM ({list}) AS listed
        ) AS others
        UNION ALL
        SELECT * FROM ({LIST_TRASH}) AS lying
        ORDER BY position DESC LIMIT $3"
    )
}

impl From<MaybeTrashed> for Thought {
    fn from(found: MaybeTrashed) -> Self {
        let times = found.delete_time.zip(found.expire_time);
        Self {
            trashed: times.map(|(delete_time, expire_time)| Trashed {
                delete_time: Timestamp::from_micros(delete_time),
                expire_time: Timestamp::from_micros(expire_time),
                removed: found.removed,
            }),
            ..found.row.into()
        }
    }
}
