//! Storing what was exported, many at a time.

use std::collections::HashMap;

use database::{Engine, Error};
use runtime::clock::Timestamp;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{Store, purge::FIND_MARK, read::visibility, trash::PUT, write::number};
use crate::{
    fold::fold,
    porting::{Outcome, Record},
    thought::{Thought, Visibility},
};

/// One import at a time, over all replicas: an id that is free stays so until it is taken, in
/// whichever of the two tables.
const TAKE_TURNS: &str = "SELECT pg_advisory_xact_lock(8246150613470562)";

/// So many positions are looked at in one go.
const RUN: i64 = 1_000;

/// The next positions from one on that are taken.
const TAKEN: &str = "
    SELECT position FROM (
        SELECT * FROM (
            SELECT position FROM thoughts WHERE position >= $1 ORDER BY position LIMIT $2
        ) AS kept
        UNION
        SELECT * FROM (
            SELECT position FROM trash WHERE position >= $1 ORDER BY position LIMIT $2
        ) AS lying
    ) AS taken
    ORDER BY position LIMIT $2";

const KEEP_REVISION: &str = "
    INSERT INTO thought_revisions (thought_id, create_time, end_time, author_id, text, visibility)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (thought_id, create_time) DO NOTHING";

/// Puts a thought to the next position that is free, from its own on.
macro_rules! insert_behind {
    ($conn:expr, $engine:expr, $thought:expr, $folded:expr, $ends:expr) => {{
        let thought: &mut Thought = $thought;
        let asked = thought.create_time.as_micros();
        let mut from = $ends.get(&asked).map_or(asked, |end| end + 1);
        loop {
            let taken: Vec<i64> = sqlx::query_scalar(TAKEN)
                .bind(from)
                .bind(RUN)
                .fetch_all(&mut *$conn)
                .await?;
            let free = first_gap(from, &taken);
            if free - from < RUN {
                move_to(thought, free);
                let stored = match thought.trashed {
                    None => insert!($conn, $engine, thought, $folded),
                    Some(trashed) => {
                        sqlx::query(PUT)
                            .bind(free)
                            .bind(thought.id)
                            .bind(thought.author.id)
                            .bind(&thought.author.username)
                            .bind(&thought.text)
                            .bind(number(thought.visibility))
                            .bind(thought.update_time.as_micros())
                            .bind(trashed.delete_time.as_micros())
                            .bind(trashed.expire_time.as_micros())
                            .bind(trashed.removed)
                            .execute(&mut *$conn)
                            .await?
                            .rows_affected()
                            == 1
                    }
                };
                if stored {
                    break;
                }
            }
            from = free;
        }
        $ends.insert(asked, thought.create_time.as_micros());
    }};
}

impl Store {
    /// Stores thoughts of one author's in one transaction, each unless the author has it; what
    /// became of each. `None` if the author was purged.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn import(
        &self,
        author: Uuid,
        records: &[Record],
        now: Timestamp,
    ) -> Result<Option<Vec<Outcome>>, Error> {
        if records.is_empty() {
            return Ok(Some(Vec::new()));
        }
        // What has left the trash must not stand in the way.
        self.empty_trash(now).await?;
        // Those who wait for their turn do so here, and not with a connection each.
        let _turn = self.importing.lock().await;
        let engine = self.database.engine();
        change!(self, |conn| {
            hold_off_purge!(conn, engine, author);
            if engine == Engine::Postgres {
                sqlx::query(TAKE_TURNS).execute(&mut *conn).await?;
            }
            let mark: Option<(i64,)> = sqlx::query_as(FIND_MARK)
                .bind(author)
                .fetch_optional(&mut *conn)
                .await?;
            if mark.is_some() {
                return Ok(None);
            }
            let mut find = sqlx::query_as(AssertSqlSafe(find(records.len() * 2))).persistent(false);
            for id in records.iter().flat_map(|record| record.ids) {
                find = find.bind(id);
            }
            let mut plan = Plan::new(author, find.fetch_all(&mut *conn).await?);
            for record in records {
                plan.add(record);
            }
            let folded: Vec<String> = plan.new.iter().map(|new| fold(&new.text)).collect();
            let mut stored = HashMap::new();
            let kept = plan.new.iter().zip(&folded);
            let kept: Vec<_> = kept.filter(|(new, _)| new.trashed.is_none()).collect();
            if !kept.is_empty() {
                let sql = insert_all(kept.len());
                let mut insert = sqlx::query_scalar(AssertSqlSafe(sql)).persistent(false);
                for (thought, folded) in kept {
                    insert = insert
                        .bind(thought.create_time.as_micros())
                        .bind(thought.id)
                        .bind(thought.author.id)
                        .bind(&thought.author.username)
                        .bind(&thought.text)
                        .bind(folded)
                        .bind(number(thought.visibility))
                        .bind(thought.update_time.as_micros());
                }
                let ids: Vec<Uuid> = insert.fetch_all(&mut *conn).await?;
                stored.extend(ids.into_iter().map(|id| (id, ())));
            }
            let mut ends = HashMap::new();
            for (thought, folded) in plan.new.iter_mut().zip(&folded) {
                if stored.contains_key(&thought.id) {
                    index!(conn, engine, thought, folded);
                } else {
                    insert_behind!(conn, engine, thought, folded, ends);
                }
            }
            for (thought_id, revision) in plan.revisions {
                sqlx::query(KEEP_REVISION)
                    .bind(thought_id)
                    .bind(revision.create_time.as_micros())
                    .bind(revision.end_time.as_micros())
                    .bind(author)
                    .bind(&revision.text)
                    .bind(number(revision.visibility))
                    .execute(&mut *conn)
                    .await?;
            }
            Ok(Some(plan.outcomes))
        })
    }
}

/// What is to be done for some records.
struct Plan<'a> {
    author: Uuid,
    known: HashMap<Uuid, Known<'a>>,
    outcomes: Vec<Outcome>,
    new: Vec<Thought>,
    revisions: Vec<(Uuid, &'a crate::revision::Revision)>,
}

/// What has an id already.
struct Known<'a> {
    author: Uuid,
    text: std::borrow::Cow<'a, str>,
    visibility: Visibility,
}

impl<'a> Plan<'a> {
    fn new(author: Uuid, found: Vec<(Uuid, Uuid, String, i16)>) -> Self {
        let known = found.into_iter().map(|(id, author, text, number)| {
            let known = Known {
                author,
                text: text.into(),
                visibility: visibility(number),
            };
            (id, known)
        });
        Self {
            author,
            known: known.collect(),
            outcomes: Vec::new(),
            new: Vec::new(),
            revisions: Vec::new(),
        }
    }

    fn add(&mut self, record: &'a Record) {
        let own = |id: &&Uuid| {
            let known = self.known.get(*id);
            known.is_some_and(|known| known.author == self.author)
        };
        let there = record.ids.iter().find(own);
        let free = record.ids.iter().find(|id| !self.known.contains_key(*id));
        let outcome = match (there, free) {
            (Some(id), _) if self.known[id].says_as(&record.thought) => Outcome::Unchanged,
            (Some(_), _) => Outcome::Differs,
            (None, Some(_)) => Outcome::Imported,
            (None, None) => Outcome::NoId,
        };
        self.outcomes.push(outcome);
        let (Outcome::Imported | Outcome::Unchanged, Some(&id)) = (outcome, there.or(free)) else {
            return;
        };
        let revisions = record.revisions.iter().map(|revision| (id, revision));
        self.revisions.extend(revisions);
        if outcome == Outcome::Imported {
            let thought = &record.thought;
            let known = Known {
                author: self.author,
                text: thought.text.as_str().into(),
                visibility: thought.visibility,
            };
            self.known.insert(id, known);
            self.new.push(Thought {
                id,
                ..thought.clone()
            });
        }
    }
}

impl Known<'_> {
    fn says_as(&self, thought: &Thought) -> bool {
        self.text == thought.text && self.visibility == thought.visibility
    }
}

/// Whatever has one of so many ids, wherever it is.
fn find(ids: usize) -> String {
    let places: Vec<String> = (1..=ids).map(|n| format!("${n}")).collect();
    let places = places.join(", ");
    format!(
        "SELECT id, author_id, text, visibility FROM thoughts WHERE id IN ({places})
         UNION ALL
         SELECT id, author_id, text, visibility FROM trash WHERE id IN ({places})"
    )
}

/// Inserts so many thoughts, but for those whose position is taken; see `INSERT` in `write.rs`.
fn insert_all(thoughts: usize) -> String {
    let row = |n: usize| {
        let places: Vec<String> = (n * 8 + 1..=n * 8 + 8).map(|n| format!("${n}")).collect();
        format!("({})", places.join(", "))
    };
    let rows: Vec<String> = (0..thoughts).map(row).collect();
    format!(
        "INSERT INTO thoughts
             (position, id, author_id, author, text, folded, visibility, update_time)
         SELECT * FROM (VALUES {}) AS new
         WHERE NOT EXISTS (SELECT 1 FROM trash WHERE position = new.column1)
         ON CONFLICT (position) DO NOTHING
         RETURNING id",
        rows.join(", ")
    )
}

/// The first position from `from` on that is not among those `taken`, which go up.
fn first_gap(from: i64, taken: &[i64]) -> i64 {
    let positions = from..;
    let run = taken.iter().zip(positions);
    let end = run.take_while(|(taken, position)| **taken == *position);
    end.last().map_or(from, |(_, position)| position + 1)
}

fn move_to(thought: &mut Thought, position: i64) {
    let unchanged = thought.update_time == thought.create_time;
    thought.create_time = Timestamp::from_micros(position);
    if unchanged || thought.update_time < thought.create_time {
        thought.update_time = thought.create_time;
    }
}
