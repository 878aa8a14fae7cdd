//! Creating.

use database::Error;
use uuid::Uuid;

use super::{
    Created, CreationRequest, Store,
    read::{GET, Row},
};
use crate::{
    fold::fold,
    thought::{Thought, Visibility},
};

/// A thought in the trash keeps its position, so that it comes back to where it was.
pub(super) const INSERT: &str = "
    INSERT INTO thoughts
        (position, moved_by, id, author_id, author, text, folded, visibility, update_time)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9
    WHERE NOT EXISTS (SELECT 1 FROM trash WHERE position = $1)
    ON CONFLICT (position) DO NOTHING";

const ANY: &str = "
    SELECT EXISTS (SELECT 1 FROM thoughts) OR EXISTS (SELECT 1 FROM trash)";

const CLAIM_REQUEST: &str = "
    INSERT INTO creation_requests (author_id, request_id, thought_id, request_hash)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING";

const FIND_REQUEST: &str = "
    SELECT thought_id, request_hash FROM creation_requests
    WHERE author_id = $1 AND request_id = $2";

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
        change!(self, |conn| {
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
                        move_on!(conn, thought);
                    }
                    Ok(Created::New(thought))
                }
            }
        })
    }

    /// Stores many thoughts in one transaction, each at its `create_time` or as many microseconds
    /// later as are taken.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn create_all(&self, thoughts: &[Thought]) -> Result<(), Error> {
        let engine = self.database.engine();
        change!(self, |conn| {
            for thought in thoughts {
                let folded = &fold(&thought.text);
                let mut thought = thought.clone();
                while !insert!(conn, engine, &thought, folded) {
                    move_on!(conn, thought);
                }
            }
            Ok(())
        })
    }

    /// Stores thoughts that have fixed ids and times, if there are no thoughts at all yet, not even
    /// in the trash, and none of their authors was purged. Several processes may do this at once.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn create_examples(&self, thoughts: &[Thought]) -> Result<(), Error> {
        let engine = self.database.engine();
        let stored = change!(self, |conn| {
            let any: bool = sqlx::query_scalar(ANY).fetch_one(&mut *conn).await?;
            if !any {
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
