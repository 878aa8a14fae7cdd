//! Search on PostgreSQL: a short walk, then the GIN index.
//!
//! A frequent word fills a page from the newest few thoughts, which an index on everything else
//! would fetch by the ten thousands; a rare one is not among the newest, but the index has it at
//! once. So the newest 2,000 are looked through first, and only a page that they do not fill is
//! taken from the index.
//!
//! The figures are in docs/search.md.

use database::Database;
use sqlx::PgPool;

use super::{
    read::Row,
    search::{List, Search, Statement, bound_to},
};

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

/// The next matches, all taken from the index.
pub(super) async fn search(
    pool: &PgPool,
    search: &Search<'_>,
    bound: i64,
    wanted: usize,
) -> Result<Vec<Row>, sqlx::Error> {
    let statement = statement(search, bound, wanted);
    // Planned with its values, as a plan for any values cannot know which word is the rare one.
    let query = bound_to!(
        sqlx::query_as(statement.safe()).persistent(false),
        statement
    );
    let mut transaction = pool.begin().await?;
    sqlx::query(INDEX_ONLY).execute(&mut *transaction).await?;
    let rows = query.fetch_all(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(rows)
}

/// MATERIALIZED keeps the planner from walking the table in the order of the page instead. An
/// author has an index too, whose rows the planner may intersect with those of the words before it
/// looks at any; and so have days.
fn statement(search: &Search<'_>, bound: i64, wanted: usize) -> Statement {
    let mut statement = Statement::default();
    let mut indexed = conditions(&mut statement, &search.needed_words());
    if let Some(author) = search.query.author() {
        indexed.push(format!("t.author = {}", statement.text(author)));
        if search.own().is_none() {
            indexed.push("t.visibility = 1".to_owned());
        }
    }
    let indexed = indexed.join(" AND ");
    let checks = search.checks(&mut statement, List::Everyone);
    let visible = search.visible(&mut statement);
    let (bound, wanted) = (statement.number(bound), statement.number(wanted));
    statement.sql = format!(
        "WITH found AS MATERIALIZED (
             SELECT position, visibility, author_id FROM thoughts AS t
             WHERE {indexed} AND {checks}
         ), page AS MATERIALIZED (
             SELECT position FROM found AS t
             WHERE position < {bound} AND {visible}
             ORDER BY position DESC LIMIT {wanted}
         )
         SELECT t.position, t.id, t.author_id, t.author, t.text, t.visibility, t.update_time
         FROM page JOIN thoughts AS t USING (position)
         ORDER BY position DESC"
    );
    statement
}

/// What the index can be asked for: `folded LIKE` for words that hold a trigram, and
/// `short_grams(folded) @>` for words of one and two characters, and the pairs of longer ones in
/// which pg_trgm sees nothing.
fn conditions(statement: &mut Statement, words: &[String]) -> Vec<String> {
    let mut conditions = Vec::new();
    let mut grams = Vec::new();
    for word in words {
        let letters: Vec<char> = word.chars().collect();
        if has_trigram(&letters) {
            conditions.push(format!("t.folded LIKE {}", statement.text(pattern(word))));
        } else if letters.len() <= 2 {
            grams.push(statement.text(word));
        } else {
            let pairs = letters.windows(2);
            grams.extend(pairs.map(|pair| statement.text(pair.iter().collect::<String>())));
        }
    }
    // Without a piece to look for, the index would be read through.
    if !grams.is_empty() {
        let grams = grams.join(", ");
        conditions.push(format!("short_grams(t.folded) @> ARRAY[{grams}]::text[]"));
    }
    conditions
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
    search: &Search<'_>,
) -> Result<Vec<String>, sqlx::Error> {
    let mut statement = statement(search, i64::MAX, 21);
    statement.sql.insert_str(0, "EXPLAIN ");
    let mut transaction = pool.begin().await?;
    sqlx::query(INDEX_ONLY).execute(&mut *transaction).await?;
    let lines: Vec<(String,)> = bound_to!(
        sqlx::query_as(statement.safe()).persistent(false),
        statement
    )
    .fetch_all(&mut *transaction)
    .await?;
    Ok(lines.into_iter().map(|(line,)| line).collect())
}
