//! How a search goes about it: a few steps, each of which finds the next matches, newest first. What is
//! said of positions in `lists` holds here as well.
//!
//! A *walk* looks through the newest thoughts of one list: everyone's, an author's or a tag's. It
//! serves what is frequent. The *index* of words, which differs by engine, serves what is rare.
//! Each step goes on where the one before ended, and looks at so many thoughts at most, so that no
//! search reads through all thoughts. A page that has not filled by then ends there, and the next
//! one goes on.

mod pieces;
mod statement;
mod walk;

use std::cmp::Reverse;

use database::{Database, Engine, Error};
use runtime::clock::Timestamp;
use uuid::Uuid;

pub(super) use self::{
    pieces::{PIECE, required, windows},
    statement::{Argument, Statement, bound_to},
    walk::{COLUMNS, List, Search, before_end},
};
use super::{
    Store,
    lists::{self, Part},
    postgres,
    read::Row,
    sqlite,
};
use crate::{
    page::{Page, PageRequest, Place},
    query::SearchQuery,
    thought::Thought,
};

/// How many thoughts a search looks at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    /// At first, to see whether they fill the page.
    pub(super) first: usize,
    /// In the last step, before it answers with what it has.
    pub(super) last: usize,
    /// One in so many is in the sample that PostgreSQL's index is asked for first.
    pub(super) sampled: usize,
}

impl Default for Effort {
    fn default() -> Self {
        Self {
            first: 2_000,
            last: 20_000,
            sampled: postgres::SAMPLED,
        }
    }
}

/// A part of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Ends after so many candidates.
    Walk(Source, usize),
    /// PostgreSQL's, asked for about so many; where thoughts lie too close together for that, a walk
    /// through the list.
    Gin(List, usize),
}

/// What is walked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    List(List),
    /// SQLite's index; asked for the words alone, or for who may see them as well.
    Pieces(sqlite::Asked),
}

impl Store {
    /// A page of what `viewer` may see and the query matches. It may be short, even empty, and not
    /// the last one.
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
        let search = Search {
            viewer,
            query,
            engine: self.database.engine(),
        };
        if query.is_impossible() || (!search.everyones() && search.own().is_none()) {
            return Ok(Page::empty());
        }
        if query.is_empty() {
            return self.list(viewer, None, page).await;
        }
        let mut found = Vec::new();
        let mut part = self.before(search.bound(page)).await?;
        for step in self.steps(&search).await? {
            let wanted = page.size + 1 - found.len();
            let (some, end) = self.take(&search, step, &mut part, wanted).await?;
            let is_full = some.len() >= wanted;
            if step.meets_what_is_hidden() && !is_full && end.is_some() {
                continue;
            }
            found.extend(some);
            match end.filter(|_| !is_full) {
                Some(end) if end > search.floor() => part.before = Place::before(end),
                _ => return Ok(Page::of(found, page)),
            }
        }
        Ok(Page {
            thoughts: found,
            next: Some(part.before),
        })
    }

    async fn steps(&self, search: &Search<'_>) -> Result<Vec<Step>, Error> {
        let (query, Effort { first, last, .. }) = (search.query, self.effort);
        let of_tag = match query.tags.all.len() {
            0 => None,
            _ => Some(List::OfTag(self.rarest_tag(search).await?)),
        };
        let of_author = query.author().map(|_| List::OfAuthor);
        let shortest = of_author.or(of_tag);
        Ok(match search.engine {
            _ if query.words.all.is_empty() => [
                (shortest.unwrap_or(List::Everyone), first),
                (of_tag.or(of_author).unwrap_or(List::Everyone), last),
            ]
            .map(|(list, reach)| Step::Walk(Source::List(list), reach))
            .into(),
            // The index has its rows in order, so it serves what is frequent as well.
            Engine::Sqlite => {
                let walk = of_author.map(|list| (Source::List(list), first));
                let pieces = [
                    (Source::Pieces(sqlite::Asked::Words), first),
                    (Source::Pieces(sqlite::Asked::WordsAndViewer), last),
                ];
                let steps = walk.into_iter().chain(pieces);
                steps
                    .map(|(source, reach)| Step::Walk(source, reach))
                    .collect()
            }
            Engine::Postgres => {
                let list = shortest.unwrap_or(List::Everyone);
                vec![
                    Step::Walk(Source::List(list), first),
                    Step::Gin(list, first),
                    Step::Gin(list, last),
                ]
            }
        })
    }

    /// The next matches of a step in order, and down to which time they are all; `None` if there are
    /// none left behind them. They may be more than wanted.
    async fn take(
        &self,
        search: &Search<'_>,
        step: Step,
        part: &mut Part,
        wanted: usize,
    ) -> Result<(Vec<Thought>, Option<i64>), Error> {
        match step {
            Step::Walk(source, reach) => self.walk(search, source, reach, part, wanted).await,
            Step::Gin(list, reach) => self.by_gin(search, list, reach, part, wanted).await,
        }
    }

    async fn walk(
        &self,
        search: &Search<'_>,
        source: Source,
        reach: usize,
        part: &mut Part,
        wanted: usize,
    ) -> Result<(Vec<Thought>, Option<i64>), Error> {
        let matches = source.matches(search, reach, part, wanted);
        let mut found = self.rows(&matches).await?;
        let (end, unread) = if found.len() >= wanted {
            let oldest = found.iter().map(|thought| thought.create_time).min();
            (oldest.map(Timestamp::as_micros), lists::unread(&found))
        } else {
            let end = self.end(search, source, reach, part).await?;
            let unread = end.map(|(position, time)| time..position);
            let unread = unread.filter(|unread| !unread.is_empty());
            (end.map(|(_, time)| time), unread)
        };
        if let Some(unread) = unread {
            let matches = source.matches(search, reach, &part.at(unread), wanted);
            found.extend(self.rows(&matches).await?);
        }
        lists::sort(&mut found);
        found.retain(|thought| Some(thought.create_time.as_micros()) >= end);
        Ok((found, end))
    }

    /// The last of the next `reach` candidates by position, if there are as many, with the time of the
    /// last of as many by time and id: where a step ends is not to be told by positions. What comes
    /// before that can be asked for from then on, by how far thoughts have been moved.
    async fn end(
        &self,
        search: &Search<'_>,
        source: Source,
        reach: usize,
        part: &mut Part,
    ) -> Result<Option<(i64, i64)>, Error> {
        let end = source.end(search, reach, part);
        let end: Option<i64> = database::read!(self.database, |conn| {
            bound_to!(sqlx::query_scalar(end.safe()), end)
                .fetch_optional(&mut *conn)
                .await
        })?;
        let Some(position) = end else { return Ok(None) };
        if part.before == Place::END {
            part.furthest = self.furthest().await?;
        }
        let furthest = part.furthest;
        if furthest == 0 {
            return Ok(Some((position, position)));
        }
        // Whatever has been moved past it, in the one direction or the other.
        let around = part.at(position - furthest..position + furthest);
        let around = source.places(search, &around);
        let mut around: Vec<(i64, i64, Uuid)> = database::read!(self.database, |conn| {
            bound_to!(sqlx::query_as(around.safe()), around)
                .fetch_all(&mut *conn)
                .await
        })?;
        around.sort_unstable_by_key(|&(_, time, id)| Reverse(Place { time, id }));
        let read = around.iter().filter(|(it, ..)| *it >= position).count();
        let last = read.checked_sub(1).map_or(position, |last| around[last].1);
        Ok(Some((position, last)))
    }

    async fn by_gin(
        &self,
        search: &Search<'_>,
        list: List,
        rows: usize,
        part: &mut Part,
        wanted: usize,
    ) -> Result<(Vec<Thought>, Option<i64>), Error> {
        let Database::Postgres(pool) = &self.database else {
            // Not a step of SQLite's.
            return Ok((Vec::new(), None));
        };
        let sampled = self.effort.sampled;
        let reach = postgres::Reach { rows, sampled };
        fn here() {}
        let found = async { Ok(postgres::search(pool, search, reach, part.before, wanted).await?) };
        match database::trace::traced(Engine::Postgres, "read", here, found).await? {
            postgres::Found::Rows(rows, end) => Ok((thoughts(rows), end)),
            postgres::Found::Crowded => {
                let list = Source::List(list);
                self.walk(search, list, rows, part, wanted).await
            }
        }
    }

    async fn rows(&self, statement: &Statement) -> Result<Vec<Thought>, Error> {
        let rows = database::read!(self.database, |conn| {
            bound_to!(sqlx::query_as(statement.safe()), statement)
                .fetch_all(&mut *conn)
                .await
        })?;
        Ok(thoughts(rows))
    }

    /// The number of the tag that the fewest thoughts carry, as far as has been counted.
    async fn rarest_tag(&self, search: &Search<'_>) -> Result<usize, Error> {
        let tags = &search.query.tags.all;
        let mut rarest = (0, i64::MAX);
        for (number, tag) in tags.iter().enumerate().filter(|_| tags.len() > 1) {
            let count = self.counted(tag).await?;
            if count < rarest.1 {
                rarest = (number, count);
            }
        }
        Ok(rarest.0)
    }
}

impl Step {
    /// Whether thoughts that the viewer may not see are among the candidates. How far such a step gets
    /// is a matter of what they say, so it counts only where it gets to the end or fills the page.
    fn meets_what_is_hidden(self) -> bool {
        matches!(self, Self::Walk(Source::Pieces(sqlite::Asked::Words), _))
    }
}

impl Source {
    /// The matches in a part of it: see [`Search::walk`].
    fn matches(self, search: &Search<'_>, reach: usize, part: &Part, wanted: usize) -> Statement {
        match self {
            Self::List(list) => search.walk(list, reach, part, wanted),
            Self::Pieces(asked) => sqlite::search(search, asked, reach, part, wanted),
        }
    }

    /// The position of its last candidate: see [`Search::end_of_walk`].
    fn end(self, search: &Search<'_>, reach: usize, part: &Part) -> Statement {
        match self {
            Self::List(list) => search.end_of_walk(list, reach, part),
            Self::Pieces(asked) => sqlite::end_of_search(search, asked, reach, part),
        }
    }

    /// The candidates at some positions: these, their times and ids.
    fn places(self, search: &Search<'_>, part: &Part) -> Statement {
        let mut statement = match self {
            Self::List(list) => search.positions(list, part),
            Self::Pieces(asked) => sqlite::positions(search, asked, part),
        };
        statement.sql = format!(
            "SELECT t.position, t.position - t.moved_by, t.id
             FROM ({}) AS found JOIN thoughts AS t ON t.position = found.position",
            statement.sql
        );
        statement
    }
}

fn thoughts(rows: Vec<Row>) -> Vec<Thought> {
    rows.into_iter().map(Thought::from).collect()
}
