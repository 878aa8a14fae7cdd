//! Which database: the parsed form of `DATABASE_URL`.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use sqlx::{ConnectOptions as _, postgres::PgConnectOptions};

use crate::Engine;

/// Where a database is: `sqlite://PATH` or `postgres://USER@HOST:PORT/DB`.
///
/// A password may be part of the address or come by libpq's `PGPASSWORD`; neither is ever shown by
/// `Display` or `Debug`.
#[derive(Clone)]
pub struct DatabaseUrl(pub(crate) Location);

#[derive(Clone)]
pub(crate) enum Location {
    Sqlite(PathBuf),
    Postgres(Box<PgConnectOptions>),
}

/// The text is no address of a database. It may hold a password, so it is not repeated here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected sqlite://PATH or postgres://USER@HOST:PORT/DB")]
pub struct ParseUrlError;

impl DatabaseUrl {
    /// The SQLite file at `path`.
    #[must_use]
    pub fn sqlite(path: impl AsRef<Path>) -> Self {
        Self(Location::Sqlite(path.as_ref().to_owned()))
    }

    /// Parses `sqlite://PATH` alone.
    ///
    /// # Errors
    ///
    /// What was expected.
    pub fn parse_sqlite(text: &str) -> Result<Self, &'static str> {
        match text.parse::<Self>() {
            Ok(url) if url.engine() == Engine::Sqlite => Ok(url),
            _ => Err("expected sqlite://PATH"),
        }
    }

    /// The same with that password, if it is PostgreSQL and the address has none itself.
    #[must_use]
    pub fn or_password(self, password: Option<&str>) -> Self {
        match (self.0, password) {
            (Location::Postgres(options), Some(password))
                if options.to_url_lossy().password().is_none() =>
            {
                Self(Location::Postgres(Box::new(options.password(password))))
            }
            (location, _) => Self(location),
        }
    }

    /// Which engine serves it.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match self.0 {
            Location::Sqlite(_) => Engine::Sqlite,
            Location::Postgres(_) => Engine::Postgres,
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = ParseUrlError;

    fn from_str(text: &str) -> Result<Self, ParseUrlError> {
        if let Some(path) = text.strip_prefix("sqlite://") {
            // Other tools read what follows a question mark as options. There are none here, and a
            // file of that name would be a surprise.
            return if path.is_empty() || path.ends_with('/') || path.contains(['?', '\0']) {
                Err(ParseUrlError)
            } else {
                Ok(Self::sqlite(path))
            };
        }
        if !["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| text.starts_with(scheme))
        {
            return Err(ParseUrlError);
        }
        let options = PgConnectOptions::from_str(text).map_err(|_| ParseUrlError)?;
        // libpq tries several hosts in turn; here a name may have several addresses instead.
        if options.get_host().contains(',') {
            return Err(ParseUrlError);
        }
        match options.get_database() {
            Some(_) => Ok(Self(Location::Postgres(Box::new(options)))),
            None => Err(ParseUrlError),
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Location::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Location::Postgres(options) => {
                let database = options.get_database().unwrap_or_default();
                match options.get_socket() {
                    Some(socket) => write!(f, "postgres://{}/{database}", socket.display()),
                    None => {
                        let (host, port) = (options.get_host(), options.get_port());
                        write!(f, "postgres://{host}:{port}/{database}")
                    }
                }
            }
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        text.parse::<DatabaseUrl>().expect("parses").to_string()
    }

    #[test]
    fn says_where_but_never_the_password() {
        assert_eq!(shown("sqlite://thoughts.db"), "sqlite://thoughts.db");
        assert_eq!(
            shown("sqlite:///var/lib/thoughts.db"),
            "sqlite:///var/lib/thoughts.db"
        );
        let secret = "postgres://bruce:gamma-rays@db.example:5433/thoughts";
        assert_eq!(shown(secret), "postgres://db.example:5433/thoughts");
        assert_eq!(
            shown("postgresql://bruce@db/thoughts"),
            "postgres://db:5432/thoughts"
        );
        let debug = format!("{:?}", secret.parse::<DatabaseUrl>());
        assert!(!debug.contains("gamma-rays"), "{debug}");
    }

    #[test]
    fn a_password_of_its_own_counts_for_more() {
        let with = |text: &str| match text
            .parse::<DatabaseUrl>()
            .unwrap()
            .or_password(Some("b c"))
            .0
        {
            Location::Postgres(options) => options.to_url_lossy().to_string(),
            Location::Sqlite(path) => path.display().to_string(),
        };
        assert!(with("postgres://me@db/x").starts_with("postgres://me:b%20c@db"));
        assert!(with("postgres://me:a@db/x").starts_with("postgres://me:a@db"));
        assert_eq!(with("sqlite://x"), "x");
    }

    #[test]
    fn refuses_what_is_no_database() {
        for text in [
            "",
            "thoughts.db",
            "sqlite:thoughts.db",
            "sqlite://",
            "sqlite:///var/lib/",
            "sqlite://thoughts.db?mode=ro",
            "mysql://bruce@db/thoughts",
            "postgres://bruce@db:port/thoughts",
            "postgres://bruce@db-1,db-2/thoughts",
            "postgres://bruce@db-1:5432,db-2:5432/thoughts",
            "postgres://bruce@/thoughts?host=db-1,db-2",
        ] {
            assert_eq!(
                text.parse::<DatabaseUrl>().err(),
                Some(ParseUrlError),
                "{text}"
            );
        }
    }
}
