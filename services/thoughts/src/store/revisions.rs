//! What thoughts were before they were changed.

use database::Error;
use runtime::clock::Timestamp;
use uuid::Uuid;

use super::{Store, read::visibility};
use crate::{
    page::{PageRequest, Place},
    revision::{Revision, RevisionPage},
};

const LIST: &str = "
    SELECT text, visibility, create_time, end_time
    FROM thought_revisions WHERE thought_id = $1 AND create_time < $2
    ORDER BY create_time DESC LIMIT $3";

#[derive(sqlx::FromRow)]
struct Row {
    text: String,
    visibility: i16,
    create_time: i64,
    end_time: i64,
}

impl Store {
    /// A page of a thought's revisions, wherever it is.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn revisions(&self, thought: Uuid, page: PageRequest) -> Result<RevisionPage, Error> {
        let rows: Vec<Row> = database::read!(self.database, |conn| {
            sqlx::query_as(LIST)
                .bind(thought)
                .bind(page.bound().time)
                .bind(page.limit())
                .fetch_all(&mut *conn)
                .await
        })?;
        let more = rows.len() > page.size;
        let revisions: Vec<_> = rows
            .into_iter()
            .take(page.size)
            .map(Revision::from)
            .collect();
        let last = revisions.last().map(|last| last.create_time.as_micros());
        Ok(RevisionPage {
            revisions,
            next: last.filter(|_| more).map(Place::before),
        })
    }
}

impl From<Row> for Revision {
    fn from(row: Row) -> Self {
        Self {
            text: row.text,
            visibility: visibility(row.visibility),
            create_time: Timestamp::from_micros(row.create_time),
            end_time: Timestamp::from_micros(row.end_time),
        }
    }
}
