//! Rows of either database as the same values, and what they add up to.

use std::fmt;

use sha2::{Digest as _, Sha256};
use sqlx::{ColumnIndex, Decode, Row, Type, postgres::PgRow, sqlite::SqliteRow};
use uuid::Uuid;

use super::plan::{Kind, Table};

/// A value as SQLite keeps it: what PostgreSQL keeps is turned back into that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'r> {
    Null,
    Integer(i64),
    Text(&'r str),
    Bytes(Bytes<'r>),
}

/// Some bytes, or the 16 of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bytes<'r> {
    Some(&'r [u8]),
    Id([u8; 16]),
}

/// How many rows there are, and the sum of their SHA-256 (the first half of each): whatever their
/// order, another row makes another sum, and the same row twice does not cancel itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Checksum {
    pub(super) rows: u64,
    pub(super) sum: u128,
}

/// The values of a row of SQLite.
pub(super) fn of_sqlite<'r>(row: &'r SqliteRow, table: &Table) -> sqlx::Result<Vec<Value<'r>>> {
    let columns = table.columns.iter().enumerate();
    columns
        .map(|(at, column)| match column.kind {
            Kind::Long | Kind::Short | Kind::Boolean => get(row, at, Value::Integer),
            Kind::Text => get(row, at, Value::Text),
            Kind::Bytes | Kind::Uuid => get(row, at, Value::some),
        })
        .collect()
}

/// The values of a row of PostgreSQL.
pub(super) fn of_postgres<'r>(row: &'r PgRow, table: &Table) -> sqlx::Result<Vec<Value<'r>>> {
    let columns = table.columns.iter().enumerate();
    columns
        .map(|(at, column)| match column.kind {
            Kind::Long => get(row, at, Value::Integer),
            Kind::Short => get(row, at, |it: i16| Value::Integer(it.into())),
            Kind::Boolean => get(row, at, |it: bool| Value::Integer(it.into())),
            Kind::Text => get(row, at, Value::Text),
            Kind::Bytes => get(row, at, Value::some),
            Kind::Uuid => get(row, at, |it: Uuid| Value::Bytes(Bytes::Id(it.into_bytes()))),
        })
        .collect()
}

fn get<'r, R, T>(row: &'r R, at: usize, value: impl Fn(T) -> Value<'r>) -> sqlx::Result<Value<'r>>
where
    R: Row,
    usize: ColumnIndex<R>,
    T: Decode<'r, R::Database> + Type<R::Database>,
{
    let found: Option<T> = row.try_get(at)?;
    Ok(found.map_or(Value::Null, value))
}

impl<'r> Value<'r> {
    fn some(bytes: &'r [u8]) -> Self {
        Self::Bytes(Bytes::Some(bytes))
    }
}

impl Bytes<'_> {
    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Some(bytes) => bytes,
            Self::Id(id) => id,
        }
    }
}

impl Checksum {
    /// Adds a row.
    pub(super) fn add(&mut self, values: &[Value<'_>]) {
        let mut hash = Sha256::new();
        for value in values {
            let (kind, length, bytes): (u8, _, &[u8]) = match value {
                Value::Null => (0, 0, &[]),
                Value::Integer(number) => (1, 8, &number.to_be_bytes()),
                Value::Text(text) => (2, text.len(), text.as_bytes()),
                Value::Bytes(bytes) => (3, bytes.as_slice().len(), bytes.as_slice()),
            };
            hash.update([kind]);
            hash.update(u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(bytes);
        }
        let mut half = [0; 16];
        half.copy_from_slice(&hash.finalize()[..16]);
        self.rows += 1;
        self.sum = self.sum.wrapping_add(u128::from_be_bytes(half));
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows with checksum {:032x}", self.rows, self.sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(rows: &[&[Value<'_>]]) -> Checksum {
        let mut sum = Checksum::default();
        rows.iter().for_each(|row| sum.add(row));
        sum
    }

    #[test]
    fn the_order_of_rows_is_nothing_and_everything_else_counts() {
        let (a, b) = ([Value::Integer(1)], [Value::Text("1")]);
        assert_eq!(sum(&[&a, &b]), sum(&[&b, &a]));
        let different = [
            sum(&[]),
            sum(&[&a]),
            sum(&[&b]),
            sum(&[&a, &a]),
            sum(&[&a, &a, &a]),
            sum(&[&[Value::Null]]),
            sum(&[&[Value::some(b"1")]]),
            sum(&[&[Value::Text("ab"), Value::Text("c")]]),
            sum(&[&[Value::Text("a"), Value::Text("bc")]]),
        ];
        for (at, one) in different.iter().enumerate() {
            assert!(!different[at + 1..].contains(one), "{one}");
        }
        let id = [7; 16];
        assert_eq!(
            sum(&[&[Value::Bytes(Bytes::Id(id))]]),
            sum(&[&[Value::some(&id)]]),
            "an id is its bytes"
        );
    }
}
