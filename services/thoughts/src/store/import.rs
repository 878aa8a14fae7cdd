//! Storing what was exported, many at a time.

use std::collections::{HashMap, HashSet};

use database::{Engine, Error};
use runtime::clock::Timestamp;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{
    Store,
    places::{FIRST, MOST, Stretch, TAKEN, by_time, taken_among},
    purge::FIND_MARK,
    read::visibility,
    write::number,
};
use crate::{
    fold::fold,
    porting::{Ids, Outcome, Record},
    thought::{Thought, Visibility},
};

/// One import at a time, over all replicas: an id that is free stays so until it is taken, in
/// whichever of the two tables.
const TAKE_TURNS: &str = "SELECT pg_advisory_xact_lock(8246150613470562)";

const KEEP_REVISION: &str = "
    INSERT INTO thought_revisions (thought_id, create_time, end_time, author_id, text, visibility)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (thought_id, create_time) DO NOTHING";

/// What the ids of imported thoughts are made with. It is made by the first import, so a database that
/// another one is copied to has none.
const SECRET: &str = "SELECT secret FROM import_secret WHERE id = 1";

const MAKE_SECRET: &str = "
    INSERT INTO import_secret (id, secret) VALUES (1, $1) ON CONFLICT (id) DO NOTHING";

/// Moves thoughts on whose positions are taken, so that no two have the same and they stay in order.
macro_rules! make_room {
    ($conn:expr, $thoughts:expr) => {
        let sql = taken_among($thoughts.len());
        let mut find = sqlx::query_scalar(AssertSqlSafe(sql)).persistent(false);
        for (thought, _) in &$thoughts {
            find = find.bind(thought.position);
        }
        let taken: Vec<i64> = find.fetch_all(&mut *$conn).await?;
        let taken: HashSet<i64> = taken.into_iter().collect();
        let (mut stretch, mut next) = (Stretch::none(), i64::MIN);
        for thought in by_time(&mut $thoughts) {
            let mut position = thought.position.max(next);
            let mut limit = FIRST;
            // Only the positions asked for have been looked up yet.
            while position != thought.position || taken.contains(&position) {
                if stretch.has(position) {
                    position = stretch.free(position);
                    if stretch.has(position) {
                        break;
                    }
                }
                let taken = sqlx::query_scalar(TAKEN).bind(position).bind(limit);
                stretch = Stretch::new(position, limit, taken.fetch_all(&mut *$conn).await?);
                limit = (limit * 4).min(MOST);
            }
            thought.position = position;
            next = position + 1;
        }
    };
}

/// Inserts thoughts, each with its folded text, but for those whose position somebody has taken since;
/// the ids of all that are in by then.
macro_rules! insert_free {
    ($conn:expr, $thoughts:expr, $stored:expr) => {
        for place in [Place::Kept, Place::Trash] {
            let some = $thoughts.iter().filter(|(new, _)| place.is_of(new));
            let some: Vec<&(Thought, String)> = some.collect();
            if some.is_empty() {
                continue;
            }
            let sql = place.insert(some.len());
            let mut insert = sqlx::query_scalar(AssertSqlSafe(sql)).persistent(false);
            for (thought, folded) in some {
                insert = insert
                    .bind(thought.position)
                    .bind(thought.moved_by())
                    .bind(thought.id)
                    .bind(thought.author.id)
                    .bind(&thought.author.username)
                    .bind(&thought.text)
                    .bind(number(thought.visibility))
                    .bind(thought.update_time.as_micros());
                insert = match thought.trashed {
                    None => insert.bind(folded),
                    Some(trashed) => insert
                        .bind(trashed.delete_time.as_micros())
                        .bind(trashed.expire_time.as_micros())
                        .bind(trashed.removed),
                };
            }
            let ids: Vec<Uuid> = insert.fetch_all(&mut *$conn).await?;
            $stored.extend(ids);
        }
    };
}

/// Keeps revisions of a plan's to what is the author's: what has been found may be deleted before this
/// transaction ends, and somebody else may have its id by then. Of what is new, none may be there yet.
macro_rules! keep_revisions_of {
    ($conn:expr, $engine:expr, $plan:expr) => {
        let new: HashSet<Uuid> = $plan.new.iter().map(|new| new.id).collect();
        if !new.is_empty() {
            let sql = format!(
                "DELETE FROM thought_revisions WHERE thought_id IN ({})",
                parameters(1, new.len())
            );
            let mut delete = sqlx::query(AssertSqlSafe(sql)).persistent(false);
            for id in &new {
                delete = delete.bind(*id);
            }
            delete.execute(&mut *$conn).await?;
        }
        let revised = $plan.revisions.iter().map(|(id, _)| *id);
        let there: HashSet<Uuid> = revised.filter(|id| !new.contains(id)).collect();
        let mut held = HashSet::new();
        // One on its way out of the trash or into it is in one of them.
        let tables = ["thoughts", "trash", "thoughts"];
        for table in tables.iter().filter(|_| !there.is_empty()) {
            let sql = hold(table, there.len(), $engine);
            let mut hold = sqlx::query_scalar(AssertSqlSafe(sql)).persistent(false);
            hold = hold.bind($plan.author);
            for id in &there {
                hold = hold.bind(*id);
            }
            let ids: Vec<Uuid> = hold.fetch_all(&mut *$conn).await?;
            held.extend(ids);
        }
        let is_ours = |id: &Uuid| new.contains(id) || held.contains(id);
        $plan.revisions.retain(|(id, _)| is_ours(id));
    };
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
            sqlx::query(MAKE_SECRET)
                .bind(Uuid::new_v4())
                .execute(&mut *conn)
                .await?;
            let secret: Uuid = sqlx::query_scalar(SECRET).fetch_one(&mut *conn).await?;
            let named: Vec<_> = records.iter().map(|record| record.ids(secret)).collect();
            let ids: HashSet<Uuid> = named.iter().flat_map(|ids| ids.all()).collect();
            let mut find = sqlx::query_as(AssertSqlSafe(find(ids.len()))).persistent(false);
            for id in ids {
                find = find.bind(id);
            }
            let mut plan = Plan::new(author, find.fetch_all(&mut *conn).await?);
            for (record, ids) in records.iter().zip(named) {
                plan.add(record, ids);
            }
            keep_revisions_of!(conn, engine, plan);
            let new = plan.new.into_iter().map(|new| (fold(&new.text), new));
            let mut new: Vec<_> = new.map(|(folded, new)| (new, folded)).collect();
            while !new.is_empty() {
                make_room!(conn, new);
                let mut stored = HashSet::new();
                insert_free!(conn, new, stored);
                for (thought, folded) in new.extract_if(.., |(new, _)| stored.contains(&new.id)) {
                    if thought.trashed.is_none() {
                        index!(conn, engine, &thought, &folded);
                    }
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

    fn add(&mut self, record: &'a Record, ids: Ids) {
        let own = |id: &Uuid| {
            let known = self.known.get(id);
            known.is_some_and(|known| known.author == self.author)
        };
        let there = ids.all().find(own);
        let free = ids.new.into_iter().find(|id| !self.known.contains_key(id));
        let outcome = match (there, free) {
            (Some(id), _) if self.known[&id].says_as(&record.thought) => Outcome::Unchanged,
            (Some(_), _) => Outcome::Differs,
            (None, Some(_)) => Outcome::Imported,
            (None, None) => Outcome::NoId,
        };
        self.outcomes.push(outcome);
        let (Outcome::Imported | Outcome::Unchanged, Some(id)) = (outcome, there.or(free)) else {
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

/// So many parameters, from one on.
pub(super) fn parameters(first: usize, number: usize) -> String {
    let parameters: Vec<String> = (first..first + number).map(|n| format!("${n}")).collect();
    parameters.join(", ")
}

/// Those of an author that have one of so many ids, which nobody deletes until the transaction ends. On
/// SQLite nobody else writes anyway.
fn hold(table: &str, ids: usize, engine: Engine) -> String {
    let places = parameters(2, ids);
    let lock = match engine {
        Engine::Sqlite => "",
        Engine::Postgres => "FOR KEY SHARE",
    };
    format!("SELECT id FROM {table} WHERE author_id = $1 AND id IN ({places}) {lock}")
}

/// Whatever has one of so many ids, wherever it is.
fn find(ids: usize) -> String {
    let places = parameters(1, ids);
    format!(
        "SELECT id, author_id, text, visibility FROM thoughts WHERE id IN ({places})
         UNION ALL
         SELECT id, author_id, text, visibility FROM trash WHERE id IN ({places})"
    )
}

/// Where a thought is put.
#[derive(Clone, Copy)]
enum Place {
    Kept,
    Trash,
}

impl Place {
    fn is_of(self, thought: &Thought) -> bool {
        thought.trashed.is_some() == matches!(self, Self::Trash)
    }

    /// Inserts so many thoughts, but for those whose position is taken; see `INSERT` in `write.rs`.
    /// OFFSET keeps PostgreSQL from making it a join, which might insert them in another order than
    /// that of the file, by which they are told to those who watch.
    fn insert(self, thoughts: usize) -> String {
        let (table, other, own) = match self {
            Self::Kept => ("thoughts", "trash", &["folded"][..]),
            Self::Trash => (
                "trash",
                "thoughts",
                &["delete_time", "expire_time", "removed"][..],
            ),
        };
        let columns = 8 + own.len();
        let own = own.join(", ");
        let row = |n: usize| {
            let first = n * columns + 1;
            format!("({})", parameters(first, columns))
        };
        let rows: Vec<String> = (0..thoughts).map(row).collect();
        format!(
            "INSERT INTO {table} (
                 position, moved_by, id, author_id, author, text, visibility, update_time, {own}
             )
             SELECT * FROM (VALUES {}) AS new
             WHERE NOT EXISTS (
                 SELECT 1 FROM {other} WHERE position = new.column1 LIMIT 1 OFFSET 0
             )
             ON CONFLICT (position) DO NOTHING
             RETURNING id",
            rows.join(", ")
        )
    }
}
