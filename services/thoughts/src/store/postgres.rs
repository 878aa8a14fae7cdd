//! Search on PostgreSQL: what its GIN index of pieces is asked for.
//!
//! Such an index finds all rows that have the pieces of a query, the oldest first, before any is
//! looked at: cheap for a rare word, and 100,000 rows for a frequent one. So it is asked first for a
//! sample of them, which tells how many there are and where the newest ones lie, and then for those
//! of a stretch of time that holds about as many as are to be looked at. It has the time as well
//! (see the migration), so what lies outside is passed over inside it.
//!
//! The figures are in docs/search.md.

use database::Pool;
use sqlx::{Connection as _, PgConnection, Postgres};

use super::{
    lists::by_time,
    read::Row,
    search::{COLUMNS, List, Search, Statement, bound_to, required},
};
use crate::page::Place;

/// One in so many thoughts is in the sample.
pub(super) const SAMPLED: usize = 256;

/// The planner guesses how often a word occurs only for the most frequent ones, and wrong by a
/// factor of a thousand for others: it may not choose to read the whole table, nor to be helped with
/// it. A plan is made with the values, as one for any values cannot know which word is the rare one.
const BEGIN_BY_INDEX: &str = "
    BEGIN READ ONLY;
    SET LOCAL plan_cache_mode = force_custom_plan;
    SET LOCAL enable_seqscan = off;
    SET LOCAL enable_indexscan = off;
    SET LOCAL enable_indexonlyscan = off;
    SET LOCAL max_parallel_workers_per_gather = 0";

/// How much of what the index has is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// About so many rows, if there are more.
    pub(super) rows: usize,
    /// [`SAMPLED`], or 1 to have each row in the sample.
    pub(super) sampled: usize,
}

/// What the index gave.
pub(super) enum Found {
    /// The next matches, in order, down to a time; `None` if there are none behind them.
    Rows(Vec<Row>, Option<i64>),
    /// Nothing: thoughts lie so close together that it cannot tell their times apart.
    Crowded,
}

/// What is looked at of what has the pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Window {
    /// All.
    Whole,
    /// What was written from the first time on and before the second, and some more around it.
    Between(i64, i64),
}

/// What a sample of the index says.
#[derive(sqlx::FromRow)]
struct Sample {
    /// How many of it have the pieces.
    count: i64,
    /// How many of those are among the next, at most as many as stand for the rows to be looked at.
    newest: i64,
    /// The times of the first and the last of those.
    first: Option<i64>,
    last: Option<i64>,
}

/// The next matches, all taken from the index.
pub(super) async fn search(
    pool: &Pool<Postgres>,
    search: &Search<'_>,
    reach: Reach,
    before: Place,
    wanted: usize,
) -> Result<Found, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let mut transaction = connection.begin_with(BEGIN_BY_INDEX).await?;
    let Some(window) = window(&mut transaction, search, reach, before).await? else {
        return Ok(Found::Crowded);
    };
    let statement = statement(search, window, before, wanted);
    let rows = bound_to!(
        sqlx::query_as(statement.safe()).persistent(false),
        statement
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(Found::Rows(rows, window.end()))
}

impl Window {
    /// The oldest time in it; `None` if nothing that is asked for lies behind it.
    fn end(self) -> Option<i64> {
        match self {
            Self::Between(start, _) => Some(start).filter(|&start| start > i64::MIN),
            Self::Whole => None,
        }
    }
}

/// The window to look at; `None` where thoughts lie too close together for one.
async fn window(
    connection: &mut PgConnection,
    search: &Search<'_>,
    reach: Reach,
    before: Place,
) -> Result<Option<Window>, sqlx::Error> {
    let statement = sample(search, reach, before);
    let sample: Sample = bound_to!(
        sqlx::query_as(statement.safe()).persistent(false),
        statement
    )
    .fetch_one(connection)
    .await?;
    let enough = sample_size(reach);
    let end = before.time.saturating_add(1);
    Ok(match (sample.first, sample.last) {
        _ if sample.count < enough => Some(Window::Whole),
        (Some(first), Some(last)) if sample.newest == enough => {
            let start = marks::round_up(last, first - last);
            (start <= first).then_some(Window::Between(start, end))
        }
        _ => Some(Window::Between(search.floor(), end)),
    })
}

/// How many of the sample stand for the rows that are to be looked at.
fn sample_size(reach: Reach) -> i64 {
    i64::try_from(reach.rows.div_ceil(reach.sampled)).unwrap_or(i64::MAX)
}

/// See [`Sample`].
fn sample(search: &Search<'_>, reach: Reach, before: Place) -> Statement {
    let mut statement = Statement::default();
    let mut indexed = conditions(&mut statement, search);
    if reach.sampled > 1 {
        indexed.push_str(" AND search_times(t.position - t.moved_by, t.id) @> ARRAY[0::BIGINT]");
    }
    let Place { time, id } = before;
    let (time, id) = (statement.number(time), statement.id(id));
    let floor = statement.number(search.floor());
    let enough = statement.number(sample_size(reach));
    statement.sql = format!(
        "WITH found AS MATERIALIZED (
             SELECT position - moved_by AS time, id FROM thoughts AS t WHERE {indexed}
         )
         SELECT (SELECT count(*) FROM found) AS count, count(*) AS newest,
             max(time) AS first, min(time) AS last
         FROM (
             SELECT time FROM found WHERE (time, id) < ({time}, {id}) AND time >= {floor}
             ORDER BY time DESC LIMIT {enough}
         ) AS newest"
    );
    statement
}

/// MATERIALIZED keeps the planner from walking the table in the order of the page instead.
fn statement(search: &Search<'_>, window: Window, before: Place, wanted: usize) -> Statement {
    let mut statement = Statement::default();
    let mut indexed = conditions(&mut statement, search);
    let mut checks = search.checks(&mut statement, List::Everyone);
    if let Window::Between(start, end) = window {
        let marks: Vec<String> = marks::between(start, end)
            .map(|mark| mark.to_string())
            .collect();
        let marks = marks.join(", ");
        indexed.push_str(&format!(
            " AND search_times(t.position - t.moved_by, t.id) && ARRAY[{marks}]::BIGINT[]"
        ));
        let start = statement.number(start);
        checks.push_str(&format!(" AND t.position - t.moved_by >= {start}"));
    }
    let visible = search.visible(&mut statement);
    let Place { time, id } = before;
    let (time, id) = (statement.number(time), statement.id(id));
    let (order, wanted) = (by_time("t"), statement.number(wanted));
    statement.sql = format!(
        "WITH found AS MATERIALIZED (
             SELECT position, moved_by, id, visibility, author_id FROM thoughts AS t
             WHERE {indexed} AND {checks}
         ), page AS MATERIALIZED (
             SELECT position FROM found AS t
             WHERE (position - moved_by, id) < ({time}, {id}) AND {visible}
             ORDER BY {order} LIMIT {wanted}
         )
         SELECT {COLUMNS} FROM page JOIN thoughts AS t USING (position) ORDER BY {order}"
    );
    statement
}

/// What the index is asked for: the pieces of all words, whose it is, and who may see it.
fn conditions(statement: &mut Statement, search: &Search<'_>) -> String {
    const OWNERS: &str = "(search_seen(t.author, t.author_id, t.visibility) COLLATE \"C\")";
    let words = search.needed_words();
    let pieces: Vec<String> = required(&words)
        .into_iter()
        .map(|piece| statement.text(piece))
        .collect();
    let pieces = pieces.join(", ");
    let everyones = search.everyones().then(|| "*".to_owned());
    let own = search.own().map(|own| format!("={own}"));
    let seen: Vec<String> = (everyones.into_iter().chain(own))
        .map(|owner| statement.text(owner))
        .collect();
    let seen = seen.join(", ");
    let mut conditions = format!(
        "(search_pieces(t.folded) COLLATE \"C\") @> ARRAY[{pieces}]::TEXT[]
         AND {OWNERS} && ARRAY[{seen}]::TEXT[]"
    );
    if let Some(author) = search.query.author() {
        let author = statement.text(author);
        conditions.push_str(&format!(" AND {OWNERS} @> ARRAY[{author}]::TEXT[]"));
    }
    conditions
}

/// Stretches of time, as `search_times` has them.
mod marks {
    const SHORTEST: u32 = 21;
    const LONGEST: u32 = 61;
    /// Each stretch consists of 2 to the power of so many shorter ones.
    const STEP: u32 = 4;

    /// A position, or one after it by at most an eighth of what is given or the shortest stretch,
    /// that few stretches lead down to.
    pub(super) fn round_up(position: i64, given: i64) -> i64 {
        let longer = (SHORTEST..LONGEST).step_by(STEP as usize);
        let exponent = longer
            .take_while(|exponent| 1 << exponent <= given / 8)
            .last();
        let exponent = exponent.unwrap_or(SHORTEST);
        position.saturating_add((1 << exponent) - 1) >> exponent << exponent
    }

    /// Marks such that the positions from `start` to before `end` have one of them, and few others.
    pub(super) fn between(start: i64, end: i64) -> impl Iterator<Item = i64> {
        let mut marks = Vec::new();
        let mut exponent = SHORTEST;
        let (mut from, mut to) = (start >> exponent, (end.saturating_sub(1) >> exponent) + 1);
        let whole = (1 << STEP) - 1;
        while from < to {
            let mut mark = |stretch: i64| marks.push(stretch << 6 | i64::from(exponent));
            while from < to && (from & whole != 0 || exponent == LONGEST) {
                mark(from);
                from += 1;
            }
            while from < to && to & whole != 0 {
                to -= 1;
                mark(to);
            }
            from >>= STEP;
            to >>= STEP;
            exponent += STEP;
        }
        marks.into_iter()
    }

    #[cfg(test)]
    mod tests {
        use proptest::prelude::*;

        use super::*;

        /// The shortest stretch, in microseconds.
        const FINEST: i64 = 1 << SHORTEST;

        /// As `search_times` has it.
        fn marks_of(position: i64) -> Vec<i64> {
            let exponents = (SHORTEST..=LONGEST).step_by(STEP as usize);
            exponents
                .map(|exponent| position >> exponent << 6 | i64::from(exponent))
                .collect()
        }

        proptest! {
            #[test]
            fn what_is_between_has_a_mark_and_nothing_far_away(
                start in any::<i64>(),
                width in prop_oneof![1..1_i64 << 20, 1..1_i64 << 40, 1..i64::MAX],
                other in any::<i64>(),
                near in -FINEST * 20..FINEST * 20,
            ) {
                let end = start.saturating_add(width);
                prop_assume!(start < end);
                let marks: Vec<i64> = between(start, end).collect();
                prop_assert!(marks.len() <= 330, "{} marks", marks.len());
                let near = start.saturating_add(near);
                for position in [start, end - 1, start + (end - start) / 2, other, near] {
                    let marked = marks_of(position).iter().filter(|mark| marks.contains(mark)).count();
                    let inside = (start..end).contains(&position);
                    let close = position >> SHORTEST == start >> SHORTEST
                        || position >> SHORTEST == (end - 1) >> SHORTEST;
                    prop_assert_eq!(marked, usize::from(inside || close), "{}", position);
                }
            }

            #[test]
            fn a_position_is_moved_by_an_eighth_of_what_is_given_or_the_shortest_stretch(
                position in -(1_i64 << 60)..1 << 60,
                given in prop_oneof![0..1_i64 << 33, 0..1_i64 << 45, 0..1_i64 << 60],
            ) {
                let rounded = round_up(position, given);
                prop_assert!(rounded >= position);
                prop_assert!(rounded - position < FINEST.max(given / 8));
            }
        }
    }
}

/// How the index is searched for the newest 2,000 that have the pieces: the sample and the rows, line
/// by line.
#[cfg(test)]
pub(super) async fn index_plans(
    pool: &Pool<Postgres>,
    search: &Search<'_>,
) -> Result<[Vec<String>; 2], sqlx::Error> {
    let reach = Reach {
        rows: 2_000,
        sampled: SAMPLED,
    };
    let mut transaction = pool.begin_with(BEGIN_BY_INDEX).await?;
    let window = window(&mut transaction, search, reach, Place::END).await?;
    let statements = [
        sample(search, reach, Place::END),
        statement(search, window.expect("not crowded"), Place::END, 21),
    ];
    let mut plans = [Vec::new(), Vec::new()];
    for (mut statement, plan) in statements.into_iter().zip(&mut plans) {
        let explain = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ";
        statement.sql.insert_str(0, explain);
        let lines: Vec<(String,)> = bound_to!(
            sqlx::query_as(statement.safe()).persistent(false),
            statement
        )
        .fetch_all(&mut *transaction)
        .await?;
        plan.extend(lines.into_iter().map(|(line,)| line));
    }
    Ok(plans)
}
