//! Search on SQLite: an FTS5 index of pieces.
//!
//! Each thought's entry holds the distinct pieces of one, two and three characters of its folded
//! text, and one token that says who may see it. A word matches where all its pieces are (its
//! three-character pieces, or the word itself if it is shorter), which the row then confirms. So
//! words of any length, and who is asking where it has to, intersect inside the index, newest first,
//! and reading ends with the page.
//!
//! FTS5's own `trigram` tokenizer beside a second table of short pieces was as fast for one word, but
//! took 70 ms where this layout takes 3 for a word in a third of 300,000 thoughts with a rare short
//! one, in a file larger by a quarter. More figures are in docs/search.md.

use uuid::Uuid;

use super::{
    lists::{Bounds, Part, by_time},
    search::{COLUMNS, List, PIECE, Search, Statement, before_end, required, windows},
};
use crate::thought::{Thought, Visibility};

pub(super) const INDEX: &str = "INSERT INTO thoughts_pieces (rowid, pieces) VALUES ($1, $2)";

pub(super) const REMOVE: &str = "DELETE FROM thoughts_pieces WHERE rowid = $1";

/// Of as many thoughts as `purge.rs` deletes at a time.
pub(super) const REMOVE_OF_AUTHOR: &str = "
    DELETE FROM thoughts_pieces WHERE rowid IN (
        SELECT position FROM thoughts WHERE author_id = $1 ORDER BY position LIMIT $2
    )";

/// What the index is asked for. Either way each row is checked for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// What a rare word needs: who may see it is a list of nearly all thoughts, in which the index
    /// takes longer to find the place of each match than to look at the row.
    Words,
    /// What is frequent, but not for the viewer, needs this.
    WordsAndViewer,
}

/// Begins the tokens that say who may see a thought. Private use, and no text can have it in front
/// of a token of that length: pieces are shorter.
const MARK: char = '\u{f8ff}';

/// The matches in a part of what the index finds: among the next `reach` thoughts by position, or
/// among those at some positions. CROSS JOIN keeps the order of the two: the index first, its rows in
/// falling order.
pub(super) fn search(
    search: &Search<'_>,
    asked: Asked,
    reach: usize,
    part: &Part,
    wanted: usize,
) -> Statement {
    let mut statement = Statement::default();
    let bounds = part.bounds(&mut statement);
    let found = found(&mut statement, search, asked, &bounds);
    let newest = bounds.first("rowid DESC", &reach.to_string());
    let visible = search.visible(&mut statement);
    let checks = search.checks(&mut statement, List::Everyone);
    let order = match part.at {
        None => String::new(),
        Some(_) => format!("ORDER BY {}", by_time("t")),
    };
    let wanted = statement.number(wanted);
    statement.sql = format!(
        "WITH found AS ({found} {newest})
         SELECT {COLUMNS} FROM found CROSS JOIN thoughts AS t ON t.position = found.position
         WHERE {visible} AND {checks} {order} LIMIT {wanted}"
    );
    statement
}

/// The position of the last of these thoughts, if there are so many: see [`before_end`].
pub(super) fn end_of_search(
    search: &Search<'_>,
    asked: Asked,
    reach: usize,
    part: &Part,
) -> Statement {
    let mut statement = Statement::default();
    let bounds = part.bounds(&mut statement);
    let found = found(&mut statement, search, asked, &bounds);
    let before_it = before_end(reach);
    statement.sql = format!("{found} ORDER BY rowid DESC LIMIT 1 OFFSET {before_it}");
    statement
}

/// The positions of all that the index finds at some positions.
pub(super) fn positions(search: &Search<'_>, asked: Asked, part: &Part) -> Statement {
    let mut statement = Statement::default();
    let bounds = part.bounds(&mut statement);
    statement.sql = found(&mut statement, search, asked, &bounds);
    statement
}

fn found(statement: &mut Statement, search: &Search<'_>, asked: Asked, bounds: &Bounds) -> String {
    let expression = statement.text(expression(search, asked));
    let floor = statement.number(search.floor());
    let positions = bounds.positions("rowid");
    let place = bounds.place_at("thoughts_pieces.rowid");
    format!(
        "SELECT rowid AS position FROM thoughts_pieces
         WHERE thoughts_pieces MATCH {expression} AND {positions} AND rowid >= {floor}
             {place}"
    )
}

/// What the index holds of a thought.
pub(super) fn document(thought: &Thought, folded: &str) -> String {
    let mut pieces: Vec<&str> = (1..=PIECE)
        .flat_map(|length| windows(folded, length))
        .collect();
    pieces.sort_unstable();
    pieces.dedup();
    let mut document = match thought.visibility {
        Visibility::Public => everyones(),
        Visibility::Private => only_for(thought.author.id),
    };
    for piece in pieces {
        document.push(' ');
        document.extend(piece.chars().map(token_character));
    }
    document
}

/// The expression for MATCH that every thought asked for satisfies.
fn expression(search: &Search<'_>, asked: Asked) -> String {
    let words = search.needed_words();
    let pieces = required(&words).into_iter().map(|piece| {
        let token: String = piece.chars().map(token_character).collect();
        quoted(&token)
    });
    let viewer = (asked == Asked::WordsAndViewer).then(|| visible(search));
    let all: Vec<String> = pieces.chain(viewer).collect();
    all.join(" AND ")
}

fn visible(search: &Search<'_>) -> String {
    let everyones = search.everyones().then(|| quoted(&everyones()));
    let own = search.own().map(|own| quoted(&only_for(own)));
    let visible: Vec<String> = everyones.into_iter().chain(own).collect();
    format!("({})", visible.join(" OR "))
}

/// The tokenizer `ascii` ends tokens at ASCII characters that are neither letters nor digits, so
/// those are moved out of its sight. A text that holds the private characters they become is found
/// too often by the index, and left out when its row is looked at.
fn token_character(c: char) -> char {
    if c.is_ascii() && !c.is_ascii_alphanumeric() {
        char::from_u32(0xe000 + u32::from(c)).unwrap_or(c)
    } else {
        c
    }
}

fn everyones() -> String {
    format!("{MARK}everyone")
}

fn only_for(author: Uuid) -> String {
    format!("{MARK}{}", author.simple())
}

fn quoted(token: &str) -> String {
    format!("\"{token}\"")
}
