//! Walks through lists, and what is checked row by row.

use database::Engine;
use runtime::clock::Timestamp;
use uuid::Uuid;

use super::Statement;
use crate::{page::PageRequest, query::SearchQuery, tag::Tag, thought::Visibility};

/// So many microseconds after its time the position of a thought may be and still be found by the day:
/// as many thoughts of others would have to be written in the second before midnight.
const MOVED: i64 = 1_000_000;

/// What is asked for, and by whom.
#[derive(Clone, Copy)]
pub(in crate::store) struct Search<'a> {
    pub(in crate::store) viewer: Option<Uuid>,
    pub(in crate::store) query: &'a SearchQuery,
    pub(in crate::store) engine: Engine,
}

/// The list that a walk goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum List {
    Everyone,
    OfAuthor,
    /// By its number in the query.
    OfTag(usize),
}

impl Search<'_> {
    /// Positions below this one are asked for.
    pub(super) fn bound(&self, page: PageRequest) -> i64 {
        let before = self.query.span.before.map(Timestamp::as_micros);
        // A position may be a little after the time, which is checked.
        let bound = before.map(|before| before.saturating_add(MOVED));
        page.bound().min(bound.unwrap_or(i64::MAX))
    }

    /// The lowest position that is asked for.
    pub(in crate::store) fn floor(&self) -> i64 {
        let from = self.query.span.from.map(Timestamp::as_micros);
        from.unwrap_or(i64::MIN)
    }

    /// Whether what everyone may see is asked for.
    pub(in crate::store) fn everyones(&self) -> bool {
        !self.query.visibilities.contains(&Visibility::Private)
    }

    /// Whose private thoughts are asked for.
    pub(in crate::store) fn own(&self) -> Option<Uuid> {
        let excluded = self.query.visibilities.contains(&Visibility::Public);
        self.viewer.filter(|_| !excluded)
    }

    /// The matches among the next `reach` thoughts of a list, newest first.
    pub(in crate::store) fn walk(
        &self,
        list: List,
        reach: usize,
        bound: i64,
        wanted: usize,
    ) -> Statement {
        let mut statement = Statement::default();
        let (columns, source) = match (self.engine, list) {
            // SQLite sorts the arms, which is cheap for positions.
            (Engine::Sqlite, _) => (
                "position",
                "newest CROSS JOIN thoughts AS t ON t.position = newest.position",
            ),
            (Engine::Postgres, List::OfTag(_)) => (
                "position",
                // OFFSET keeps the planner from joining in another way than row by row.
                "newest CROSS JOIN LATERAL
                     (SELECT * FROM thoughts WHERE position = newest.position OFFSET 0) AS t",
            ),
            (Engine::Postgres, _) => ("*", "newest AS t"),
        };
        let newest = self.newest(&mut statement, list, reach, bound, columns);
        let checks = self.checks(&mut statement, list);
        let wanted = statement.number(wanted);
        statement.sql = format!(
            "WITH newest AS ({newest} LIMIT {reach})
             SELECT t.position, t.moved_by, t.id, t.author_id, t.author, t.text, t.visibility,
            t.update_time
             FROM {source} WHERE {checks} ORDER BY t.position DESC LIMIT {wanted}"
        );
        statement
    }

    /// The position of the last of these thoughts, if there are as many.
    pub(in crate::store) fn end_of_walk(&self, list: List, reach: usize, bound: i64) -> Statement {
        let mut statement = Statement::default();
        let newest = self.newest(&mut statement, list, reach, bound, "position");
        let before_it = reach.saturating_sub(1);
        statement.sql = format!("{newest} LIMIT 1 OFFSET {before_it}");
        statement
    }

    /// A list in order: what everyone may see and what only the viewer may, as in `read.rs`, each
    /// served in order by an index.
    fn newest(
        &self,
        statement: &mut Statement,
        list: List,
        reach: usize,
        bound: i64,
        columns: &str,
    ) -> String {
        let own = self.own();
        let everyones = self.everyones().then_some(None);
        let arms: Vec<String> = (everyones.into_iter().chain(own.map(Some)))
            .map(|own| {
                let arm = self.arm(statement, list, bound, own);
                format!("SELECT * FROM (SELECT {columns} FROM {arm} LIMIT {reach}) AS arm")
            })
            .collect();
        format!("{} ORDER BY position DESC", arms.join(" UNION ALL "))
    }

    /// What everyone may see of a list, or what only its author may.
    fn arm(&self, statement: &mut Statement, list: List, bound: i64, own: Option<Uuid>) -> String {
        let bound = statement.number(bound);
        let visible = match own {
            None => "visibility = 1".to_owned(),
            Some(own) => format!("visibility = 2 AND author_id = {}", statement.id(own)),
        };
        // Not down to where the days begin: of two bounds PostgreSQL guesses that there is little
        // between them, and sorts all of it.
        let rising = format!("position < {bound} ORDER BY position DESC");
        let falling = format!("-position > -{bound} ORDER BY -position");
        match (list, own) {
            (List::Everyone, None) => format!("thoughts WHERE {visible} AND {rising}"),
            (List::Everyone | List::OfAuthor, Some(_)) => {
                format!("thoughts WHERE {visible} AND {falling}")
            }
            (List::OfAuthor, None) => {
                let author = statement.text(self.query.author().unwrap_or_default());
                format!("thoughts WHERE {visible} AND author = {author} AND {falling}")
            }
            (List::OfTag(number), _) => {
                let tag = statement.text(self.query.tags.all[number].as_str());
                format!("thought_tags WHERE {visible} AND tag = {tag} AND {rising}")
            }
        }
    }

    /// What has to hold for the row `t`, apart from what its list says.
    pub(in crate::store) fn checks(&self, statement: &mut Statement, list: List) -> String {
        const TAGS: &str = "(SELECT tag FROM thought_tags AS c WHERE c.position = t.position)";
        let find = match self.engine {
            Engine::Sqlite => "instr",
            Engine::Postgres => "strpos",
        };
        let SearchQuery {
            words,
            tags,
            authors,
            ..
        } = self.query;
        // A sum, for which PostgreSQL takes no index: it would read all of it that is above.
        let floor = statement.number(self.floor());
        let mut checks = vec![format!("t.position - t.moved_by >= {floor}")];
        if let Some(before) = self.query.span.before {
            let before = statement.number(before.as_micros());
            checks.push(format!("t.position - t.moved_by < {before}"));
        }
        for word in &words.all {
            checks.push(format!("{find}(t.folded, {}) > 0", statement.text(word)));
        }
        for word in &words.none {
            checks.push(format!("{find}(t.folded, {}) = 0", statement.text(word)));
        }
        for (number, tag) in tags.all.iter().enumerate() {
            if list != List::OfTag(number) {
                checks.push(format!("{} IN {TAGS}", statement.text(tag.as_str())));
            }
        }
        for tag in &tags.none {
            checks.push(format!("{} NOT IN {TAGS}", statement.text(tag.as_str())));
        }
        for name in &authors.all {
            checks.push(format!("t.author = {}", statement.text(name.as_str())));
        }
        for name in &authors.none {
            checks.push(format!("t.author <> {}", statement.text(name.as_str())));
        }
        checks.join(" AND ")
    }

    /// Who may see the row `t`, for what an index of words gives.
    pub(in crate::store) fn visible(&self, statement: &mut Statement) -> String {
        let own = self.own().map(|own| {
            let own = statement.id(own);
            format!("t.visibility = 2 AND t.author_id = {own}")
        });
        match (self.everyones(), own) {
            (true, Some(own)) => format!("(t.visibility = 1 OR {own})"),
            (true, None) => "t.visibility = 1".to_owned(),
            (false, Some(own)) => own,
            (false, None) => "1 = 0".to_owned(),
        }
    }

    /// Every word that a match has in its folded text, its tags among them.
    pub(in crate::store) fn needed_words(&self) -> Vec<String> {
        let tags = self.query.tags.all.iter().map(Tag::with_sign);
        self.query.words.all.iter().cloned().chain(tags).collect()
    }
}
