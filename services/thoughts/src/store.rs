//! Every SQL statement, and what becomes of rows.
//!
//! One text serves both engines, except for search: what each does for it is in `postgres` and
//! `sqlite`, which lie beside each other.

mod postgres;
mod sqlite;

use database::{Database, DatabaseUrl, Engine, Error, Migrations};
use runtime::clock::Timestamp;
use uuid::Uuid;

use crate::{
    fold::fold,
    page::{Page, PageRequest},
    query::SearchQuery,
    thought::{Author, Thought, Visibility},
};

const INSERT: &str = "
    INSERT INTO thoughts (position, id, author_id, author, text, folded, visibility, update_time)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $1)
    ON CONFLICT (position) DO NOTHING";

const CLAIM_REQUEST: &str = "
    INSERT INTO creation_requests (author_id, request_id, thought_id, text_hash)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING";

const FIND_REQUEST: &str = "
    SELECT thought_id, text_hash FROM creation_requests
    WHERE author_id = $1 AND request_id = $2";

const GET: &str = "
    SELECT position, id, author_id, author, text, visibility, update_time
    FROM thoughts WHERE id = $1 AND (visibility = 1 OR author_id = $2)";

/// Two arms, each of which an index serves in order: what everyone may see, and what only the
/// caller may. An OR of both would read through everyone else's private ones.
const LIST: &str = "
    SELECT * FROM (
        SELECT position, id, author_id, author, text, visibility, update_time
        FROM thoughts WHERE visibility = 1 AND position < $1
        ORDER BY position DESC LIMIT $3
    ) AS everyones
    UNION ALL
    SELECT * FROM (
        SELECT position, id, author_id, author, text, visibility, update_time
        FROM thoughts WHERE visibility = 2 AND author_id = $2 AND -position > -$1
        ORDER BY -position LIMIT $3
    ) AS own
    ORDER BY position DESC LIMIT $3";

/// As [`LIST`], of one author.
const LIST_OF_AUTHOR: &str = "
    SELECT * FROM (
        SELECT position, id, author_id, author, text, visibility, update_time
        FROM thoughts WHERE visibility = 1 AND author = $4 AND -position > -$1
        ORDER BY -position LIMIT $3
    ) AS everyones
    UNION ALL
    SELECT * FROM (
        SELECT position, id, author_id, author, text, visibility, update_time
        FROM thoughts WHERE visibility = 2 AND author_id = $2 AND author = $4 AND -position > -$1
        ORDER BY -position LIMIT $3
    ) AS own
    ORDER BY position DESC LIMIT $3";

/// The thoughts of one database.
#[derive(Clone, Debug)]
pub struct Store {
    database: Database,
}

/// A repeatable creation: the same author and id never make a second thought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreationRequest {
    /// The caller's id for it.
    pub id: Uuid,
    /// SHA-256 of the text, which a repeat is compared with.
    pub text_hash: [u8; 32],
}

/// What became of a creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// The thought is there now, with the time it was given.
    New(Thought),
    /// An earlier call with the same request id and text made this thought.
    Before(Thought),
    /// The request id stands for another text.
    OtherText,
    /// An earlier call made a thought, which has been deleted since.
    Gone,
}

/// The steps that bring a database to the schema of this store.
#[must_use]
pub fn migrations() -> Migrations {
    Migrations::new(
        sqlx::migrate!("migrations/sqlite"),
        sqlx::migrate!("migrations/postgres"),
    )
}

#[derive(sqlx::FromRow)]
struct Row {
    position: i64,
    id: Uuid,
    author_id: Uuid,
    author: String,
    text: String,
    visibility: i16,
    update_time: i64,
}

/// Inserts a thought within a transaction; false when its position is taken.
macro_rules! insert {
    ($conn:expr, $engine:expr, $thought:expr, $folded:expr) => {{
        let thought: &Thought = $thought;
        let inserted = sqlx::query(INSERT)
            .bind(thought.create_time.as_micros())
            .bind(thought.id)
            .bind(thought.author.id)
            .bind(&thought.author.username)
            .bind(&thought.text)
            .bind($folded)
            .bind(number(thought.visibility))
            .execute(&mut *$conn)
            .await?
            .rows_affected()
            == 1;
        if inserted && $engine == Engine::Sqlite {
            sqlx::query(sqlite::INDEX)
                .bind(thought.create_time.as_micros())
                .bind(sqlite::document(thought, $folded))
                .execute(&mut *$conn)
                .await?;
        }
        inserted
    }};
}

impl Store {
    /// Opens the database at `url`; see [`Database::open`].
    ///
    /// # Errors
    ///
    /// One line that says why the database cannot be used.
    pub async fn open(
        url: &DatabaseUrl,
        cancelled: impl Future<Output = ()>,
    ) -> Result<Self, String> {
        let opened = Database::open(url, &migrations(), cancelled).await;
        let store = Self {
            database: opened.map_err(|error| error.to_string())?,
        };
        match postgres::finds_every_script(&store.database).await {
            Ok(true) => Ok(store),
            Ok(false) => Err(format!(
                "cannot use {url}: its LC_CTYPE knows no letters beyond ASCII, so searches would \
                 find nothing; create the database with LOCALE 'C.UTF-8'"
            )),
            Err(error) => Err(format!("cannot use {url}: {error}")),
        }
    }

    /// Stores a thought, at its `create_time` or as many microseconds later as are taken.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn create(
        &self,
        thought: &Thought,
        request: Option<CreationRequest>,
    ) -> Result<Created, Error> {
        let folded = &fold(&thought.text);
        let engine = self.database.engine();
        database::write!(self.database, |conn| {
            let first = match request {
                // Of two at once the second waits here until the first has committed.
                Some(request) => {
                    sqlx::query(CLAIM_REQUEST)
                        .bind(thought.author.id)
                        .bind(request.id)
                        .bind(thought.id)
                        .bind(request.text_hash.as_slice())
                        .execute(&mut *conn)
                        .await?
                        .rows_affected()
                        == 1
                }
                None => true,
            };
            match request {
                Some(request) if !first => {
                    let (made, text_hash): (Uuid, Vec<u8>) = sqlx::query_as(FIND_REQUEST)
                        .bind(thought.author.id)
                        .bind(request.id)
                        .fetch_one(&mut *conn)
                        .await?;
                    let made: Option<Row> = sqlx::query_as(GET)
                        .bind(made)
                        .bind(thought.author.id)
                        .fetch_optional(&mut *conn)
                        .await?;
                    Ok(Created::again(text_hash == request.text_hash, made))
                }
                _ => {
                    let mut thought = thought.clone();
                    while !insert!(conn, engine, &thought, folded) {
                        thought.move_on();
                    }
                    Ok(Created::New(thought))
                }
            }
        })
    }

    /// Stores thoughts that have fixed ids and times, if there are no thoughts at all yet. Several
    /// processes may do this at once.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn create_examples(&self, thoughts: &[Thought]) -> Result<(), Error> {
        let engine = self.database.engine();
        database::write!(self.database, |conn| {
            let any: Option<(i64,)> = sqlx::query_as("SELECT position FROM thoughts LIMIT 1")
                .fetch_optional(&mut *conn)
                .await?;
            if any.is_none() {
                for thought in thoughts {
                    insert!(conn, engine, thought, &fold(&thought.text));
                }
            }
            Ok(())
        })
    }

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

    /// Deletes the thought of that id; false if there is none.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn delete(&self, id: Uuid) -> Result<bool, Error> {
        let engine = self.database.engine();
        database::write!(self.database, |conn| {
            let deleted: Option<(i64,)> =
                sqlx::query_as("DELETE FROM thoughts WHERE id = $1 RETURNING position")
                    .bind(id)
                    .fetch_optional(&mut *conn)
                    .await?;
            if let (Some((position,)), Engine::Sqlite) = (deleted, engine) {
                sqlx::query(sqlite::REMOVE)
                    .bind(position)
                    .execute(&mut *conn)
                    .await?;
            }
            Ok(deleted.is_some())
        })
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

    /// A page of what `viewer` may see and the query matches.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn search(
        &self,
        viewer: Option<Uuid>,
        query: &SearchQuery,
        page: PageRequest,
    ) -> Result<Page, Error> {
        if query.words().is_empty() {
            return self.list(viewer, None, page).await;
        }
        let rows = match &self.database {
            Database::Sqlite { readers, .. } => {
                sqlite::search(readers, viewer, query, page).await?
            }
            Database::Postgres(pool) => postgres::search(pool, viewer, query, page).await?,
        };
        Ok(Page::of(
            rows.into_iter().map(Thought::from).collect(),
            page,
        ))
    }

    /// Whether the database answers.
    pub async fn is_there(&self) -> bool {
        self.database.ping().await.is_ok()
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

impl Created {
    fn again(same_text: bool, made: Option<Row>) -> Self {
        match made {
            _ if !same_text => Self::OtherText,
            Some(row) => Self::Before(row.into()),
            None => Self::Gone,
        }
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
            // Whatever is not known to be public is shown to its author alone.
            visibility: if row.visibility == 1 {
                Visibility::Public
            } else {
                Visibility::Private
            },
            create_time: Timestamp::from_micros(row.position),
            update_time: Timestamp::from_micros(row.update_time),
        }
    }
}

/// How the database spells a visibility.
fn number(visibility: Visibility) -> i16 {
    match visibility {
        Visibility::Public => 1,
        Visibility::Private => 2,
    }
}

#[cfg(test)]
mod plans;
#[cfg(test)]
mod search_tests;
#[cfg(test)]
mod tests;
