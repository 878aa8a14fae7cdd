//! Search on PostgreSQL: a short walk, then the GIN index.
//!
//! A frequent word fills a page from the newest few thoughts, which an index on everything else
//! would fetch by the ten thousands; a rare one is not among the newest, but the index has it at
//! once. So the newest 2,000 are looked through first, and only a page that they do not fill is
//! taken from the index.
//!
//! Measured on 300,000 texts, half of them Chinese, newest 20, PostgreSQL 15, medians of nine on a
//! busy machine of two cores (the ignored test `p03_…` in `plans.rs`): 0.7 to 1 ms for what the
//! newest fill, 2 to 3 ms for rare and absent words of any length, alone or with a word in a third
//! of all rows, 7 ms for a word in 0.5%, 28 ms for a phrase of two letters and a space between.

use std::fmt::Write as _;

use database::Database;
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use super::read::Row;
use crate::{page::PageRequest, query::SearchQuery};

/// Both arms of a list (see `read.rs`) in order, ended by the limit and only then looked through.
const SEARCH_NEWEST: &str = "
    SELECT position, id, author_id, author, text, visibility, update_time
    FROM (
        SELECT * FROM (
            SELECT * FROM thoughts WHERE visibility = 1 AND position < $1
            ORDER BY position DESC LIMIT 2000
        ) AS everyones
        UNION ALL
        SELECT * FROM (
            SELECT * FROM thoughts WHERE visibility = 2 AND author_id = $2 AND -position > -$1
            ORDER BY -position LIMIT 2000
        ) AS own
        ORDER BY position DESC LIMIT 2000
    ) AS newest
    WHERE folded LIKE ALL ($4)
    ORDER BY position DESC LIMIT $3";

/// MATERIALIZED keeps the planner from walking the table in the order of the page instead. The
/// conditions that the index serves are put in for `{}`.
const SEARCH_INDEX: &str = "
    WITH found AS MATERIALIZED (
        SELECT position, visibility, author_id FROM thoughts
        WHERE folded LIKE ALL ($4) {}
    ), page AS MATERIALIZED (
        SELECT position FROM found
        WHERE position < $1 AND (visibility = 1 OR author_id = $2)
        ORDER BY position DESC LIMIT $3
    )
    SELECT t.position, t.id, t.author_id, t.author, t.text, t.visibility, t.update_time
    FROM page JOIN thoughts AS t USING (position)
    ORDER BY position DESC";

/// The planner knows how often a word occurs only for the most frequent ones, and guesses wrong by
/// a factor of a thousand for others: it may not choose to read the whole table.
const INDEX_ONLY: &str = "
    SELECT set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', 'off', true),
        set_config('enable_indexonlyscan', 'off', true)";

/// Whether the database cuts Chinese into trigrams, which it does not where LC_CTYPE is C.
pub(super) async fn finds_every_script(database: &Database) -> Result<bool, sqlx::Error> {
    match database {
        Database::Sqlite { .. } => Ok(true),
        Database::Postgres(pool) => {
            sqlx::query_scalar("SELECT cardinality(show_trgm('咖啡馆')) > 0")
                .fetch_one(pool)
                .await
        }
    }
}

pub(super) async fn search(
    pool: &PgPool,
    viewer: Option<Uuid>,
    query: &SearchQuery,
    page: PageRequest,
) -> Result<Vec<Row>, sqlx::Error> {
    let patterns: Vec<String> = query.words().iter().map(|word| pattern(word)).collect();
    let newest: Vec<Row> = sqlx::query_as(SEARCH_NEWEST)
        .bind(page.bound())
        .bind(viewer)
        .bind(page.limit())
        .bind(&patterns)
        .fetch_all(pool)
        .await?;
    if newest.len() > page.size {
        return Ok(newest);
    }
    search_index(pool, viewer, query, page, &patterns).await
}

async fn search_index(
    pool: &PgPool,
    viewer: Option<Uuid>,
    query: &SearchQuery,
    page: PageRequest,
    patterns: &[String],
) -> Result<Vec<Row>, sqlx::Error> {
    let needed = Needed::of(query);
    let mut search = sqlx::query_as(AssertSqlSafe(needed.sql()))
        // Planned with its values, as a plan for any values cannot know which word is the rare one.
        .persistent(false)
        .bind(page.bound())
        .bind(viewer)
        .bind(page.limit())
        .bind(patterns)
        .bind(&needed.grams);
    for pattern in &needed.patterns {
        search = search.bind(pattern);
    }
    let mut transaction = pool.begin().await?;
    sqlx::query(INDEX_ONLY).execute(&mut *transaction).await?;
    let rows = search.fetch_all(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(rows)
}

/// What the index can be asked for.
struct Needed {
    /// For `folded LIKE`: words that hold a trigram.
    patterns: Vec<String>,
    /// For `short_grams(folded) @>`: words of one and two characters, and the pairs of longer ones
    /// in which pg_trgm sees nothing.
    grams: Vec<String>,
}

impl Needed {
    fn of(query: &SearchQuery) -> Self {
        let mut needed = Self {
            patterns: Vec::new(),
            grams: Vec::new(),
        };
        for word in query.words() {
            let letters: Vec<char> = word.chars().collect();
            if has_trigram(&letters) {
                needed.patterns.push(pattern(word));
            } else if letters.len() <= 2 {
                needed.grams.push(word.clone());
            } else {
                needed.grams.extend(
                    letters
                        .windows(2)
                        .map(|pair| pair.iter().collect::<String>()),
                );
            }
        }
        needed
    }

    /// [`SEARCH_INDEX`] with a condition for the index from each of them: the patterns are
    /// parameters from $6 on.
    fn sql(&self) -> String {
        let mut conditions = String::new();
        // Without a piece to look for, the index would be read through.
        if !self.grams.is_empty() {
            conditions.push_str("AND short_grams(folded) @> $5 ");
        }
        for n in 0..self.patterns.len() {
            let _ = write!(conditions, "AND folded LIKE ${} ", n + 6);
        }
        SEARCH_INDEX.replace("{}", &conditions)
    }
}

/// Whether pg_trgm finds a whole trigram in the middle of a word. It makes them of letters and
/// digits alone: emoji and punctuation have none.
fn has_trigram(letters: &[char]) -> bool {
    letters
        .windows(3)
        .any(|three| three.iter().all(|c| c.is_alphanumeric()))
}

/// A pattern for LIKE that matches wherever the word is, whatever characters it has.
fn pattern(word: &str) -> String {
    let mut pattern = String::with_capacity(word.len() + 2);
    pattern.push('%');
    for c in word.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// How the index is searched, line by line.
#[cfg(test)]
pub(super) async fn index_plan(
    pool: &PgPool,
    query: &SearchQuery,
) -> Result<Vec<String>, sqlx::Error> {
    let needed = Needed::of(query);
    let patterns: Vec<String> = query.words().iter().map(|word| pattern(word)).collect();
    let sql = AssertSqlSafe(format!("EXPLAIN {}", needed.sql()));
    let mut explain = sqlx::query_scalar(sql)
        .persistent(false)
        .bind(i64::MAX)
        .bind(None::<Uuid>)
        .bind(21_i64)
        .bind(&patterns)
        .bind(&needed.grams);
    for pattern in &needed.patterns {
        explain = explain.bind(pattern);
    }
    let mut transaction = pool.begin().await?;
    sqlx::query(INDEX_ONLY).execute(&mut *transaction).await?;
    explain.fetch_all(&mut *transaction).await
}
