//! One thought and lists, wherever they are: in the trash or not.

use database::Error;
use runtime::clock::Timestamp;
use uuid::Uuid;

use super::{
    Store,
    lists::{self, COLUMNS, List, Part, Whose},
    read::Row,
    search::{Statement, bound_to},
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

/// What is read of a thought in the trash.
const TRASHED: &str = "position, moved_by, id, author_id, author, text, visibility, update_time,
    delete_time, expire_time, removed";

/// The same of one that is not there.
const NOT_TRASHED: &str =
    "position, moved_by, id, author_id, author, text, visibility, update_time,
    CAST(NULL AS BIGINT) AS delete_time, CAST(NULL AS BIGINT) AS expire_time, FALSE AS removed";

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
        let trash = Trash {
            viewer,
            author,
            list,
            now,
        };
        let part = self.before(page.bound()).await?;
        let mut listed = self.listed_trash(trash, &part, page.limit()).await?;
        if let Some(unread) = lists::unread(&listed).filter(|_| listed.len() > page.size) {
            let rest = part.at(unread);
            listed.extend(self.listed_trash(trash, &rest, page.limit()).await?);
        }
        lists::sort(&mut listed);
        Ok(Page::of(listed, page))
    }

    async fn listed_trash(
        &self,
        trash: Trash<'_>,
        part: &Part,
        limit: i64,
    ) -> Result<Vec<Thought>, Error> {
        let statement = trash.statement(part, limit);
        let rows: Vec<MaybeTrashed> = database::read!(self.database, |conn| {
            bound_to!(sqlx::query_as(statement.safe()), statement)
                .fetch_all(&mut *conn)
                .await
        })?;
        Ok(rows.into_iter().map(Thought::from).collect())
    }
}

/// A list that looks into the viewer's trash.
#[derive(Clone, Copy)]
pub(super) struct Trash<'a> {
    pub(super) viewer: Uuid,
    pub(super) author: Option<&'a str>,
    pub(super) list: TrashList,
    pub(super) now: Timestamp,
}

impl Trash<'_> {
    /// A part of it, at most so many.
    pub(super) fn statement(self, part: &Part, limit: i64) -> Statement {
        let mut statement = Statement::default();
        let (bounds, limit) = (part.bounds(&mut statement), statement.number(limit));
        let whose = (self.viewer, self.author);
        let now = self.now.as_micros();
        let trash = lists::trash(&mut statement, &bounds, &limit, whose, now);
        let order = bounds.order("found");
        let mut all = format!("SELECT * FROM (SELECT {TRASHED} FROM {trash}) AS lying");
        if self.list == TrashList::Beside {
            let list = List {
                whose: self.author.map_or(Whose::Everyones, Whose::Authors),
                everyones: true,
                own: Some(self.viewer),
            };
            let arms = list.arms(&mut statement, &bounds, &limit, COLUMNS);
            let newest = bounds.first("position DESC", &limit);
            let of_author = list.of_author(&mut statement);
            all = format!(
                "{all} UNION ALL SELECT * FROM (
                     SELECT {NOT_TRASHED} FROM ({arms}) AS listed {of_author} {newest}
                 ) AS others"
            );
        }
        statement.sql = format!("SELECT * FROM ({all}) AS found ORDER BY {order} LIMIT {limit}");
        statement
    }
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
