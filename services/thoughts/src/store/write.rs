//! Creating and deleting.

use database::{Engine, Error};
use uuid::Uuid;

use super::{
    Created, CreationRequest, Store,
    read::{GET, Row},
    sqlite,
};
use crate::{
    fold::fold,
    thought::{Thought, Visibility},
};

pub(super) const INSERT: &str = "
    INSERT INTO thoughts (position, id, author_id, author, text, folded, visibility, update_time)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $1)
    ON CONFLICT (position) DO NOTHING";

const CLAIM_REQUEST: &str = "
    INSERT INTO creation_requests (author_id, request_id, thought_id, request_hash)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING";

const FIND_REQUEST: &str = "
    SELECT thought_id, request_hash FROM creation_requests
    WHERE author_id = $1 AND request_id = $2";

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
#[cfg(test)]
pub(super) use insert;

impl Store {
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
                        .bind(request.request_hash.as_slice())
                        .execute(&mut *conn)
                        .await?
                        .rows_affected()
                        == 1
                }
                None => true,
            };
            match request {
                Some(request) if !first => {
                    let (made, request_hash): (Uuid, Vec<u8>) = sqlx::query_as(FIND_REQUEST)
                        .bind(thought.author.id)
                        .bind(request.id)
                        .fetch_one(&mut *conn)
                        .await?;
                    let made: Option<Row> = sqlx::query_as(GET)
                        .bind(made)
                        .bind(thought.author.id)
                        .fetch_optional(&mut *conn)
                        .await?;
                    Ok(Created::again(request_hash == request.request_hash, made))
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

    /// Stores thoughts that have fixed ids and times, if there are no thoughts at all yet and none
    /// of their authors was purged. Several processes may do this at once.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn create_examples(&self, thoughts: &[Thought]) -> Result<(), Error> {
        let engine = self.database.engine();
        let stored = database::write!(self.database, |conn| {
            let any: Option<(i64,)> = sqlx::query_as("SELECT position FROM thoughts LIMIT 1")
                .fetch_optional(&mut *conn)
                .await?;
            if any.is_none() {
                for thought in thoughts {
                    insert!(conn, engine, thought, &fold(&thought.text));
                }
            }
            Ok(())
        });
        match stored {
            // Another process has stored the same ones in the meantime; or the schema refuses
            // what a purged author is said to have written.
            Err(Error::Unique(_) | Error::Refused(_)) => Ok(()),
            stored => stored,
        }
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

/// How the database spells a visibility.
pub(super) fn number(visibility: Visibility) -> i16 {
    match visibility {
        Visibility::Public => 1,
        Visibility::Private => 2,
    }
}
