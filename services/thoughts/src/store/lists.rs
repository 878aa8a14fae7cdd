//! Lists in their order: by time and, among thoughts of one time, by id, newest first.
//!
//! What serves them are indexes by position, which is a thought's time or, of what was imported when
//! somebody had that, a little after it. So what comes before a place in a list is looked for from as
//! far after its time as any thought has been moved. When enough has been read, those that lie between
//! the last of it and the oldest time among it may still come before some of it, and are read as well:
//! see [`unread`]. Mostly there are none.
//!
//! Positions are told to nobody. Thoughts that the reader cannot see have a part in them, so they are
//! neither what a list goes by nor where a page ends.

use std::{cmp::Reverse, ops::Range};

use database::Error;
use uuid::Uuid;

use super::{Store, search::Statement};
use crate::{page::Place, thought::Thought};

/// What is read of a thought.
pub(super) const COLUMNS: &str =
    "position, moved_by, id, author_id, author, text, visibility, update_time";

/// By how much any thought has been moved at most.
const FURTHEST: &str = "
    SELECT coalesce(max(moved_by), 0) FROM (
        SELECT max(moved_by) AS moved_by FROM thoughts WHERE moved_by > 0
        UNION ALL
        SELECT max(moved_by) AS moved_by FROM trash WHERE moved_by > 0
    ) AS moved";

/// A list, and who looks at it.
#[derive(Clone, Copy, Debug)]
pub(super) struct List<'a> {
    pub(super) whose: Whose<'a>,
    /// Whether what everyone may see is in it.
    pub(super) everyones: bool,
    /// Whose private thoughts are in it.
    pub(super) own: Option<Uuid>,
}

/// Which thoughts are in a list.
#[derive(Clone, Copy, Debug)]
pub(super) enum Whose<'a> {
    Everyones,
    Authors(&'a str),
    /// All that carry a tag.
    Tagged(&'a str),
}

/// What is read of a list.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// Only what comes before this place.
    pub(super) before: Place,
    /// By how much any thought has been moved at most; of no matter where `before` is the end.
    pub(super) furthest: i64,
    /// Only what is at these positions.
    pub(super) at: Option<Range<i64>>,
}

/// [`Part`] in a statement.
pub(super) struct Bounds {
    /// Lowest and highest, of which the second is not among them.
    positions: (Option<String>, String),
    /// Unless the positions say it.
    place: Option<(String, String)>,
}

impl Store {
    /// What comes before a place.
    pub(super) async fn before(&self, before: Place) -> Result<Part, Error> {
        let furthest = match before {
            Place::END => 0,
            _ => self.furthest().await?,
        };
        Ok(Part {
            before,
            furthest,
            at: None,
        })
    }

    /// By how much any thought has been moved at most.
    pub(super) async fn furthest(&self) -> Result<i64, Error> {
        database::read!(self.database, |conn| {
            sqlx::query_scalar(FURTHEST).fetch_one(&mut *conn).await
        })
    }
}

impl Part {
    /// Of it, what is at some positions.
    pub(super) fn at(&self, positions: Range<i64>) -> Self {
        Self {
            at: Some(positions.start..positions.end.min(self.end())),
            ..self.clone()
        }
    }

    /// The first position that is not looked at.
    pub(super) fn end(&self) -> i64 {
        let (before, furthest) = (self.before, self.furthest);
        match &self.at {
            Some(at) => at.end,
            None => before.time + furthest + i64::from(!before.is_between_times()),
        }
    }

    pub(super) fn bounds(&self, statement: &mut Statement) -> Bounds {
        let before = self.before;
        let low = self.at.as_ref().map(|at| statement.number(at.start));
        let positions = (low, statement.number(self.end()));
        let alone = self.furthest == 0 && before.is_between_times();
        let place = (!alone).then(|| (statement.number(before.time), statement.id(before.id)));
        Bounds { positions, place }
    }
}

impl Bounds {
    /// What holds for the positions, if they are named so.
    pub(super) fn positions(&self, position: &str) -> String {
        match &self.positions {
            (None, end) => format!("{position} < {end}"),
            (Some(low), end) => format!("{position} >= {low} AND {position} < {end}"),
        }
    }

    /// The same by an index of `-position`.
    fn falling(&self) -> String {
        match &self.positions {
            (None, end) => format!("-position > -{end}"),
            (Some(low), end) => format!("-position <= -{low} AND -position > -{end}"),
        }
    }

    /// What else holds for a thought before the place.
    fn place(&self) -> String {
        let place = self.place.as_ref();
        let place =
            place.map(|(time, id)| format!("AND (position - moved_by, id) < ({time}, {id})"));
        place.unwrap_or_default()
    }

    /// The same of the thought at a position of another table. Only those after the place have to be
    /// looked at. OFFSET keeps PostgreSQL from looking at all thoughts for that, once.
    pub(super) fn place_at(&self, position: &str) -> String {
        let place = self.place.as_ref();
        let place = place.map(|(time, _)| {
            format!(
                "AND ({position} < {time} OR EXISTS (
                     SELECT 1 FROM thoughts AS moved
                     WHERE moved.position = {position} {} LIMIT 1 OFFSET 0
                 ))",
                self.place()
            )
        });
        place.unwrap_or_default()
    }

    /// How a statement ends that reads by position, unless all that is at some positions is read.
    pub(super) fn first(&self, order: &str, limit: &str) -> String {
        match self.positions.0 {
            None => format!("ORDER BY {order} LIMIT {limit}"),
            Some(_) => String::new(),
        }
    }

    /// The order that a statement over all arms of `rows` reads in.
    pub(super) fn order(&self, rows: &str) -> String {
        match self.positions.0 {
            None => format!("{rows}.position DESC"),
            Some(_) => by_time(rows),
        }
    }
}

impl List<'_> {
    /// Two arms, each of which an index serves in order: what everyone may see, and what only the
    /// viewer may. An OR of both would read through everyone else's private ones.
    ///
    /// The first `limit` of each by position, unless all at some positions are asked for. Of an
    /// author's list the second has to be checked for whether it is theirs: asked for that at once,
    /// PostgreSQL guesses that there is little of it, and sorts all.
    pub(super) fn arms(
        &self,
        statement: &mut Statement,
        bounds: &Bounds,
        limit: &str,
        columns: &str,
    ) -> String {
        let everyones = self.everyones.then_some(None);
        let arms: Vec<String> = (everyones.into_iter().chain(self.own.map(Some)))
            .map(|own| {
                let arm = self.arm(statement, bounds, limit, own);
                format!("SELECT * FROM (SELECT {columns} FROM {arm}) AS arm")
            })
            .collect();
        arms.join(" UNION ALL ")
    }

    /// What checks that of its arms.
    pub(super) fn of_author(&self, statement: &mut Statement) -> String {
        match self.whose {
            Whose::Authors(author) => format!("WHERE author = {}", statement.text(author)),
            _ => String::new(),
        }
    }

    /// What everyone may see of a list, or what only its author may.
    ///
    /// Those of an author go by an index of `-position`: see the first migration.
    fn arm(
        &self,
        statement: &mut Statement,
        bounds: &Bounds,
        limit: &str,
        own: Option<Uuid>,
    ) -> String {
        let visible = match own {
            None => "visibility = 1".to_owned(),
            Some(own) => format!("visibility = 2 AND author_id = {}", statement.id(own)),
        };
        let (rising, falling) = (bounds.positions("position"), bounds.falling());
        let newest = bounds.first("position DESC", limit);
        let newest_of_author = bounds.first("-position", limit);
        let place = bounds.place();
        match (self.whose, own) {
            (Whose::Everyones, None) => {
                format!("thoughts WHERE {visible} AND {rising} {place} {newest}")
            }
            (Whose::Everyones | Whose::Authors(_), Some(_)) => {
                format!("thoughts WHERE {visible} AND {falling} {place} {newest_of_author}")
            }
            (Whose::Authors(author), None) => {
                let author = statement.text(author);
                format!(
                    "thoughts WHERE {visible} AND author = {author} AND {falling} {place}
                         {newest_of_author}"
                )
            }
            (Whose::Tagged(tag), _) => {
                let tag = statement.text(tag);
                let place = bounds.place_at("thought_tags.position");
                format!(
                    "thought_tags WHERE {visible} AND tag = {tag} AND {rising} {place} {newest}"
                )
            }
        }
    }
}

/// The viewer's trash, as a further arm of a list or alone: of everyone or of one author, as it is at
/// a time.
pub(super) fn trash(
    statement: &mut Statement,
    bounds: &Bounds,
    limit: &str,
    (own, author): (Uuid, Option<&str>),
    now: i64,
) -> String {
    let (own, now) = (statement.id(own), statement.number(now));
    let author = author.map_or_else(String::new, |author| {
        format!("AND author = {}", statement.text(author))
    });
    let (falling, place) = (bounds.falling(), bounds.place());
    let newest = bounds.first("-position", limit);
    format!(
        "trash WHERE author_id = {own} AND expire_time > {now} {author} AND {falling} {place}
             {newest}"
    )
}

/// The order of lists, which no index has.
pub(super) fn by_time(rows: &str) -> String {
    format!("{rows}.position - {rows}.moved_by DESC, {rows}.id DESC")
}

/// The positions at which there may be thoughts that come before some of these, which are all down to
/// the last of them by position.
pub(super) fn unread(thoughts: &[Thought]) -> Option<Range<i64>> {
    let last = thoughts.iter().map(|thought| thought.position).min()?;
    let oldest = thoughts.iter().map(|thought| thought.create_time).min()?;
    let unread = oldest.as_micros()..last;
    (!unread.is_empty()).then_some(unread)
}

/// Puts thoughts in the order of lists.
pub(super) fn sort(thoughts: &mut [Thought]) {
    thoughts.sort_unstable_by_key(|thought| Reverse(Place::of(thought)));
}
