//! Walks through lists, and what is checked row by row.

use database::Engine;
use runtime::clock::Timestamp;
use uuid::Uuid;

use super::Statement;
use crate::{
    page::{PageRequest, Place},
    query::SearchQuery,
    store::lists::{self, Part, Whose},
    tag::Tag,
    thought::Visibility,
};

/// What is read of a row `t`.
pub(in crate::store) const COLUMNS: &str =
    "t.position, t.moved_by, t.id, t.author_id, t.author, t.text, t.visibility, t.update_time";

/// How many of the next `reach` candidates come before the one that is taken for the last. Some of them
/// may have been deleted since they were read, so that it is none that was not read yet.
pub(in crate::store) fn before_end(reach: usize) -> usize {
    let deleted = reach / 100;
    reach.saturating_sub(1 + deleted)
}

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
    /// What is before this place is asked for.
    pub(super) fn bound(&self, page: PageRequest) -> Place {
        let before = self.query.span.before.map(Timestamp::as_micros);
        page.bound().min(before.map_or(Place::END, Place::before))
    }

    /// The oldest time that is asked for.
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

    /// The matches in a part of a list: among the next `reach` thoughts by position, or among those
    /// at some positions.
    pub(in crate::store) fn walk(
        &self,
        list: List,
        reach: usize,
        part: &Part,
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
        let bounds = part.bounds(&mut statement);
        let reach = reach.to_string();
        let arms = self
            .list(list)
            .arms(&mut statement, &bounds, &reach, columns);
        let newest = bounds.first("position DESC", &reach);
        let checks = self.checks(&mut statement, list);
        let (order, wanted) = (bounds.order("t"), statement.number(wanted));
        statement.sql = format!(
            "WITH newest AS ({arms} {newest})
             SELECT {COLUMNS} FROM {source} WHERE {checks} ORDER BY {order} LIMIT {wanted}"
        );
        statement
    }

    /// The position of the last of these thoughts, if there are so many: see [`before_end`].
    pub(in crate::store) fn end_of_walk(&self, list: List, reach: usize, part: &Part) -> Statement {
        let mut statement = Statement::default();
        let bounds = part.bounds(&mut statement);
        let arms = (self.list(list)).arms(&mut statement, &bounds, &reach.to_string(), "position");
        let before_it = before_end(reach);
        statement.sql = format!("{arms} ORDER BY position DESC LIMIT 1 OFFSET {before_it}");
        statement
    }

    /// The positions of all that is at some positions in a list.
    pub(in crate::store) fn positions(&self, list: List, part: &Part) -> Statement {
        let mut statement = Statement::default();
        let bounds = part.bounds(&mut statement);
        statement.sql = (self.list(list)).arms(&mut statement, &bounds, "", "position");
        statement
    }

    /// A list, as far as the query asks for it.
    fn list(&self, list: List) -> lists::List<'_> {
        lists::List {
            whose: match list {
                List::Everyone => Whose::Everyones,
                List::OfAuthor => Whose::Authors(self.query.author().unwrap_or_default()),
                List::OfTag(number) => Whose::Tagged(self.query.tags.all[number].as_str()),
            },
            everyones: self.everyones(),
            own: self.own(),
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
