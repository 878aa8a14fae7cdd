//! What there is to copy, as both databases have it.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{PgConnection, SqliteConnection};

use super::{CopyError, LeftOut, told};

/// Whose rows the two migrators keep.
const MIGRATIONS: &str = "_sqlx_migrations";

const SQLITE_COLUMNS: &str = "
    SELECT t.name, c.name FROM pragma_table_list AS t JOIN pragma_table_xinfo(t.name) AS c
    WHERE t.schema = 'main' AND t.type IN ('table', 'virtual') AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
        AND c.hidden = 0";

const POSTGRES_COLUMNS: &str = "
    SELECT c.relname::TEXT, a.attname::TEXT, t.typname::TEXT, a.attidentity <> ''
    FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_type AS t ON t.oid = a.atttypid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
        AND a.attgenerated = ''
    ORDER BY c.relname, a.attnum";

/// Which table's rows name which other's.
const REFERENCES: &str = "
    SELECT own.relname::TEXT, other.relname::TEXT
    FROM pg_constraint AS r
        JOIN pg_class AS own ON own.oid = r.conrelid
        JOIN pg_class AS other ON other.oid = r.confrelid
    WHERE r.contype = 'f' AND own.relnamespace = current_schema()::regnamespace
        AND own.oid <> other.oid";

/// The tables that are copied, each behind those that its rows name.
pub(super) struct Plan {
    pub(super) tables: Vec<Table>,
}

pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
}

pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Whether PostgreSQL gives out its numbers.
    pub(super) is_counter: bool,
}

/// What PostgreSQL keeps in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Long,
    Short,
    Boolean,
    Text,
    Bytes,
    Uuid,
}

impl Plan {
    /// Asks both.
    pub(super) async fn of(
        source: &mut SqliteConnection,
        target: &mut PgConnection,
        left_out: &[LeftOut],
    ) -> Result<Self, CopyError> {
        let unplanned = |error: sqlx::Error| CopyError::Unplanned(told(&error));
        let here: Vec<(String, String)> = sqlx::query_as(SQLITE_COLUMNS)
            .fetch_all(source)
            .await
            .map_err(unplanned)?;
        let there: Vec<(String, String, String, bool)> = sqlx::query_as(POSTGRES_COLUMNS)
            .fetch_all(&mut *target)
            .await
            .map_err(unplanned)?;
        let references: Vec<(String, String)> = sqlx::query_as(REFERENCES)
            .fetch_all(target)
            .await
            .map_err(unplanned)?;
        Self::made_of(here, there, &references, left_out).map_err(CopyError::Unplanned)
    }

    fn made_of(
        here: Vec<(String, String)>,
        there: Vec<(String, String, String, bool)>,
        references: &[(String, String)],
        left_out: &[LeftOut],
    ) -> Result<Self, String> {
        for name in left_out.iter().map(|it| it.table).chain([MIGRATIONS]) {
            if !here.iter().any(|it| it.0 == name) && !there.iter().any(|it| it.0 == name) {
                return Err(format!("there is no table {name} to be left out"));
            }
        }
        let is_copied =
            |name: &str| name != MIGRATIONS && left_out.iter().all(|it| it.table != name);
        let mut from = BTreeMap::<_, BTreeSet<_>>::new();
        for (table, column) in here.into_iter().filter(|it| is_copied(&it.0)) {
            from.entry(table).or_default().insert(column);
        }
        let mut to = BTreeMap::<_, Vec<_>>::new();
        for (table, name, kind, is_counter) in there.into_iter().filter(|it| is_copied(&it.0)) {
            let kind = Kind::called(&kind)
                .ok_or_else(|| format!("{table}.{name} is {kind}, which is not known here"))?;
            let column = Column {
                name,
                kind,
                is_counter,
            };
            to.entry(table).or_default().push(column);
        }
        let mut tables = Vec::new();
        for (name, columns) in to {
            let there: BTreeSet<_> = columns.iter().map(|column| column.name.clone()).collect();
            if from.remove(&name).as_ref() != Some(&there) {
                return Err(format!("{name} is not the same on both sides"));
            }
            tables.push(Table { name, columns });
        }
        match from.first_key_value() {
            Some((name, _)) => Err(format!("{name} is not there to be copied to")),
            None => Ok(Self {
                tables: in_order(tables, references)?,
            }),
        }
    }
}

/// Each table behind those that it refers to.
fn in_order(mut tables: Vec<Table>, references: &[(String, String)]) -> Result<Vec<Table>, String> {
    let mut ordered: Vec<Table> = Vec::new();
    while !tables.is_empty() {
        let waits = |table: &Table| {
            references
                .iter()
                .any(|(own, other)| *own == table.name && tables.iter().any(|it| it.name == *other))
        };
        let (waiting, next): (Vec<_>, Vec<_>) = {
            let waits: Vec<_> = tables.iter().map(waits).collect();
            let mut waits = waits.into_iter();
            tables
                .into_iter()
                .partition(|_| waits.next().unwrap_or_default())
        };
        if next.is_empty() {
            return Err(format!("{} refers to itself by others", waiting[0].name));
        }
        ordered.extend(next);
        tables = waiting;
    }
    Ok(ordered)
}

impl Table {
    /// Its name in a statement.
    pub(super) fn quoted(&self) -> String {
        quoted(&self.name)
    }

    /// Its columns in a statement, with commas between them.
    pub(super) fn columns(&self) -> String {
        let columns: Vec<_> = self.columns.iter().map(|it| quoted(&it.name)).collect();
        columns.join(", ")
    }
}

impl Kind {
    fn called(name: &str) -> Option<Self> {
        Some(match name {
            "int8" => Self::Long,
            "int2" => Self::Short,
            "bool" => Self::Boolean,
            "text" => Self::Text,
            "bytea" => Self::Bytes,
            "uuid" => Self::Uuid,
            _ => return None,
        })
    }
}

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here(tables: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(table, column): &(&str, &str)| ((*table).to_owned(), (*column).to_owned());
        tables.iter().map(owned).collect()
    }

    fn there(tables: &[(&str, &str)]) -> Vec<(String, String, String, bool)> {
        let long = |(table, column)| (table, column, "int8".to_owned(), false);
        here(tables).into_iter().map(long).collect()
    }

    fn planned(
        from: &[(&str, &str)],
        to: &[(&str, &str)],
        references: &[(&str, &str)],
    ) -> Result<Vec<String>, String> {
        let left_out = [LeftOut {
            table: "log",
            why: "it begins anew",
        }];
        let with = |more: &[(&'static str, &'static str)], all: &[(&str, &str)]| {
            here(all).into_iter().chain(here(more)).collect::<Vec<_>>()
        };
        let own = [(MIGRATIONS, "version"), ("log", "n")];
        let time = "timestamptz".to_owned();
        let migrations = (MIGRATIONS.to_owned(), "at".to_owned(), time, false);
        let there = there(to).into_iter().chain([migrations]).collect();
        let plan = Plan::made_of(with(&own, from), there, &here(references), &left_out)?;
        Ok(plan.tables.into_iter().map(|table| table.name).collect())
    }

    #[test]
    fn a_table_is_copied_behind_those_that_it_names() {
        let all = [("a", "x"), ("b", "x"), ("c", "x"), ("c", "y")];
        let references = [("a", "c"), ("c", "b"), ("c", "elsewhere")];
        let order = planned(&all, &all, &references).unwrap();
        assert_eq!(order, ["b", "c", "a"]);
        let ring = [("a", "b"), ("b", "a")];
        assert!(planned(&all, &all, &ring).is_err());
    }

    #[test]
    fn no_table_and_no_column_is_forgotten() {
        let (one, two) = ([("a", "x")], [("a", "x"), ("b", "x")]);
        let wide = [("a", "x"), ("a", "y")];
        assert_eq!(planned(&one, &one, &[]).unwrap(), ["a"]);
        for (from, to, name) in [
            (&one[..], &two[..], "b"),
            (&two[..], &one[..], "b"),
            (&one[..], &wide[..], "a"),
            (&wide[..], &one[..], "a"),
        ] {
            let refused = planned(from, to, &[]).unwrap_err();
            assert!(refused.starts_with(name), "{refused}");
        }
    }

    #[test]
    fn what_is_left_out_is_there() {
        let a = [("a", "x"), (MIGRATIONS, "version")];
        let missing = Plan::made_of(
            here(&a),
            there(&a),
            &[],
            &[LeftOut {
                table: "b",
                why: "",
            }],
        );
        let refused = missing.err().unwrap();
        assert_eq!(refused, "there is no table b to be left out");
    }
}
