//! How a search goes about it: a few steps, each of which finds the next matches, newest first.
//!
//! A *walk* looks through the newest thoughts of one list: everyone's, an author's or a tag's. It
//! serves what is frequent. The *index* of words, which differs by engine, serves what is rare.
//! Each step goes on where the one before ended, and looks at so many thoughts at most, so that no
//! search reads through all thoughts. A page that has not filled by then ends there, and the next
//! one goes on.

mod pieces;
mod statement;
mod walk;

use database::{Database, Engine, Error};
use uuid::Uuid;

pub(super) use self::{
    pieces::{PIECE, required, windows},
    statement::{Argument, Statement, bound_to},
    walk::{List, Search},
};
use super::{Store, postgres, read::Row, sqlite};
use crate::{
    page::{Page, PageRequest},
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
    Walk(List, usize),
    /// SQLite's index, which ends after so many candidates; asked for the words alone, or for who may
    /// see them as well.
    Pieces(sqlite::Asked, usize),
    /// PostgreSQL's, asked for about so many; where thoughts lie too close together for that, a walk
    /// through the list.
    Gin(List, usize),
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
        let mut bound = search.bound(page);
        for step in self.steps(&search).await? {
            let wanted = page.size + 1 - found.len();
            let (rows, end) = self.take(&search, step, bound, wanted).await?;
            found.extend(rows);
            match end.filter(|_| found.len() <= page.size) {
                Some(end) if end > search.floor() => bound = end,
                _ => return Ok(Page::of(thoughts(found), page)),
            }
        }
        Ok(Page {
            thoughts: thoughts(found),
            next: Some(bound),
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
            _ if query.words.all.is_empty() => vec![
                Step::Walk(shortest.unwrap_or(List::Everyone), first),
                Step::Walk(of_tag.or(of_author).unwrap_or(List::Everyone), last),
            ],
            // The index has its rows in order, so it serves what is frequent as well.
            Engine::Sqlite => {
                let walk = of_author.map(|list| Step::Walk(list, first));
                let pieces = [
                    Step::Pieces(sqlite::Asked::Words, first),
                    Step::Pieces(sqlite::Asked::WordsAndViewer, last),
                ];
                walk.into_iter().chain(pieces).collect()
            }
            Engine::Postgres => {
                let list = shortest.unwrap_or(List::Everyone);
                vec![
                    Step::Walk(list, first),
                    Step::Gin(list, first),
                    Step::Gin(list, last),
                ]
            }
        })
    }

    /// The next matches of a step, and the last position that it looked at; `None` if there are none
    /// left behind them. It may be `None` if they are as many as wanted.
    async fn take(
        &self,
        search: &Search<'_>,
        step: Step,
        bound: i64,
        wanted: usize,
    ) -> Result<(Vec<Row>, Option<i64>), Error> {
        let (matches, end) = match step {
            Step::Walk(list, reach) => (
                search.walk(list, reach, bound, wanted),
                search.end_of_walk(list, reach, bound),
            ),
            Step::Pieces(asked, reach) => (
                sqlite::search(search, asked, reach, bound, wanted),
                sqlite::end_of_search(search, asked, reach, bound),
            ),
            Step::Gin(list, reach) => {
                return self.by_gin(search, list, reach, bound, wanted).await;
            }
        };
        let rows = self.rows(&matches).await?;
        if rows.len() >= wanted {
            return Ok((rows, None));
        }
        let end: Option<(i64,)> = database::read!(self.database, |conn| {
            bound_to!(sqlx::query_as(end.safe()), end)
                .fetch_optional(&mut *conn)
                .await
        })?;
        Ok((rows, end.map(|(position,)| position)))
    }

    async fn by_gin(
        &self,
        search: &Search<'_>,
        list: List,
        rows: usize,
        bound: i64,
        wanted: usize,
    ) -> Result<(Vec<Row>, Option<i64>), Error> {
        let Database::Postgres(pool) = &self.database else {
            // Not a step of SQLite's.
            return Ok((Vec::new(), None));
        };
        let sampled = self.effort.sampled;
        let reach = postgres::Reach { rows, sampled };
        fn here() {}
        let found = async { Ok(postgres::search(pool, search, reach, bound, wanted).await?) };
        match database::trace::traced(Engine::Postgres, "read", here, found).await? {
            postgres::Found::Rows(rows, end) => Ok((rows, end)),
            postgres::Found::Crowded => {
                let walk = Step::Walk(list, rows);
                Box::pin(self.take(search, walk, bound, wanted)).await
            }
        }
    }

    async fn rows(&self, statement: &Statement) -> Result<Vec<Row>, Error> {
        database::read!(self.database, |conn| {
            bound_to!(sqlx::query_as(statement.safe()), statement)
                .fetch_all(&mut *conn)
                .await
        })
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

fn thoughts(rows: Vec<Row>) -> Vec<Thought> {
    rows.into_iter().map(Thought::from).collect()
}
