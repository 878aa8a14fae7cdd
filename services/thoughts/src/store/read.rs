//! One thought, and lists.

use database::Error;
use runtime::clock::Timestamp;
use uuid::Uuid;

use super::{
    Store,
    lists::{self, COLUMNS, List, Part, Whose},
    search::{Statement, bound_to},
};
use crate::{
    page::{Page, PageRequest},
    thought::{Author, Thought, Visibility},
};

pub(super) const GET: &str = "
    SELECT position, moved_by, id, author_id, author, text, visibility, update_time
    FROM thoughts WHERE id = $1 AND (visibility = 1 OR author_id = $2)";

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
        let list = List {
            whose: author.map_or(Whose::Everyones, Whose::Authors),
            everyones: true,
            own: viewer,
        };
        let part = self.before(page.bound()).await?;
        let mut listed = self.listed(list, &part, page.limit()).await?;
        if let Some(unread) = lists::unread(&listed).filter(|_| listed.len() > page.size) {
            let rest = part.at(unread);
            listed.extend(self.listed(list, &rest, page.limit()).await?);
        }
        lists::sort(&mut listed);
        Ok(Page::of(listed, page))
    }

    async fn listed(&self, list: List<'_>, part: &Part, limit: i64) -> Result<Vec<Thought>, Error> {
        let statement = statement(list, part, limit);
        let rows: Vec<Row> = database::read!(self.database, |conn| {
            bound_to!(sqlx::query_as(statement.safe()), statement)
                .fetch_all(&mut *conn)
                .await
        })?;
        Ok(rows.into_iter().map(Thought::from).collect())
    }
}

/// A part of a list, at most so many.
pub(super) fn statement(list: List<'_>, part: &Part, limit: i64) -> Statement {
    let mut statement = Statement::default();
    let (bounds, limit) = (part.bounds(&mut statement), statement.number(limit));
    let arms = list.arms(&mut statement, &bounds, &limit, COLUMNS);
    let (of_author, order) = (list.of_author(&mut statement), bounds.order("listed"));
    statement.sql =
        format!("SELECT * FROM ({arms}) AS listed {of_author} ORDER BY {order} LIMIT {limit}");
    statement
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
