//! Statements that are made for one query.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

/// A statement made for one query.
#[derive(Default)]
pub(in crate::store) struct Statement {
    pub(in crate::store) sql: String,
    pub(in crate::store) arguments: Vec<Argument>,
}

pub(in crate::store) enum Argument {
    Number(i64),
    Id(Uuid),
    Text(String),
}

impl Statement {
    pub(in crate::store) fn number(&mut self, number: impl TryInto<i64>) -> String {
        self.argument(Argument::Number(number.try_into().unwrap_or(i64::MAX)))
    }

    pub(in crate::store) fn id(&mut self, id: Uuid) -> String {
        self.argument(Argument::Id(id))
    }

    pub(in crate::store) fn text(&mut self, text: impl Into<String>) -> String {
        self.argument(Argument::Text(text.into()))
    }

    /// The place of an argument in the text.
    fn argument(&mut self, argument: Argument) -> String {
        self.arguments.push(argument);
        format!("${}", self.arguments.len())
    }

    /// What people type is in the arguments alone.
    pub(in crate::store) fn safe(&self) -> AssertSqlSafe<String> {
        AssertSqlSafe(self.sql.clone())
    }
}

/// Binds the arguments of a [`Statement`] to a query of either engine.
macro_rules! bound_to {
    ($query:expr, $statement:expr) => {{
        let mut query = $query;
        for argument in &$statement.arguments {
            query = match argument {
                $crate::store::search::Argument::Number(number) => query.bind(*number),
                $crate::store::search::Argument::Id(id) => query.bind(*id),
                $crate::store::search::Argument::Text(text) => query.bind(text.as_str()),
            };
        }
        query
    }};
}
pub(in crate::store) use bound_to;
