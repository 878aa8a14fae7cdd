//! Rows as `COPY … (FORMAT binary)` takes them (PostgreSQL, COPY, "Binary Format").

use super::{
    plan::{Kind, Table},
    rows::Value,
};

/// The signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Instead of a number of fields: no more rows.
const END: [u8; 2] = (-1_i16).to_be_bytes();
/// Instead of a length.
const NULL: [u8; 4] = (-1_i32).to_be_bytes();

/// Bytes on their way to PostgreSQL.
pub(super) struct Encoder(Vec<u8>);

/// A value that its column does not take.
#[derive(Debug, thiserror::Error)]
#[error("{table}.{column} holds what does not fit: {what}")]
struct Misfit {
    table: String,
    column: String,
    what: &'static str,
}

impl Encoder {
    pub(super) fn new() -> Self {
        Self(HEADER.to_vec())
    }

    /// How many bytes wait.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The bytes that wait.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }

    /// Adds a row.
    pub(super) fn row(&mut self, values: &[Value<'_>], table: &Table) -> sqlx::Result<()> {
        let count = i16::try_from(values.len()).unwrap_or(i16::MAX);
        self.0.extend(count.to_be_bytes());
        for (value, column) in values.iter().zip(&table.columns) {
            self.value(*value, column.kind).map_err(|what| {
                let misfit = Misfit {
                    table: table.name.clone(),
                    column: column.name.clone(),
                    what,
                };
                sqlx::Error::Decode(misfit.into())
            })?;
        }
        Ok(())
    }

    pub(super) fn end(&mut self) {
        self.0.extend(END);
    }

    fn value(&mut self, value: Value<'_>, kind: Kind) -> Result<(), &'static str> {
        match (kind, value) {
            (_, Value::Null) => self.0.extend(NULL),
            (Kind::Long, Value::Integer(number)) => self.field(&number.to_be_bytes())?,
            (Kind::Short, Value::Integer(number)) => {
                let number = i16::try_from(number).map_err(|_| "a number that is too large")?;
                self.field(&number.to_be_bytes())?;
            }
            (Kind::Boolean, Value::Integer(number @ (0 | 1))) => {
                self.field(&[u8::from(number == 1)])?;
            }
            (Kind::Text, Value::Text(text)) if text.contains('\0') => {
                return Err("a text with U+0000");
            }
            (Kind::Text, Value::Text(text)) => self.field(text.as_bytes())?,
            (Kind::Bytes, Value::Bytes(bytes)) => self.field(bytes.as_slice())?,
            (Kind::Uuid, Value::Bytes(bytes)) if bytes.as_slice().len() == 16 => {
                self.field(bytes.as_slice())?;
            }
            _ => return Err("a value of another kind"),
        }
        Ok(())
    }

    fn field(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        let length = i32::try_from(bytes.len()).map_err(|_| "a value that is too long")?;
        self.0.extend(length.to_be_bytes());
        self.0.extend(bytes);
        Ok(())
    }
}
