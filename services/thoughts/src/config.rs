//! Settings of `thoughts-backend`.

use std::net::SocketAddr;

use clap::{ArgAction, Parser, Subcommand};
use database::{DatabaseUrl, Engine, Replica};
use runtime::{
    auth::FixedKeys,
    config::{Secret, address, switch},
    grpc::client::BackendUrl,
    lifecycle::StartError,
    proxies::TrustedProxies,
    telemetry::TelemetryConfig,
    tls::TlsConfig,
};

use crate::thought::MaxLength;

/// Stores and searches thoughts, over gRPC.
#[derive(Clone, Debug, Parser)]
#[command(name = "thoughts-backend", version)]
pub struct Config {
    /// Where gRPC is served
    #[arg(long, env = "LISTEN_ADDR", default_value = "0.0.0.0:8000", value_parser = address)]
    pub listen_addr: SocketAddr,
    /// Where /metrics, /healthz and /readyz are served
    #[arg(long, env = "OPS_ADDR", default_value = "0.0.0.0:9000", value_parser = address)]
    pub ops_addr: SocketAddr,
    /// The database: sqlite://PATH or postgres://USER@HOST:PORT/DB
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: DatabaseUrl,
    /// Replicas of a PostgreSQL database: what may be some seconds old is read there
    #[arg(long, env = "DATABASE_READ_URL", hide_env_values = true, value_parser = replicas)]
    pub database_read_url: Option<DatabaseUrl>,
    /// The password of the database, if it is not part of its address
    #[arg(long, env = "PGPASSWORD", hide_env_values = true)]
    pub pgpassword: Option<Secret>,
    /// The users backend, which publishes the keys that tokens are checked with
    #[arg(
        long,
        env = "USER_BACKEND_URL",
        default_value = "http://127.0.0.1:8001"
    )]
    pub user_backend_url: BackendUrl,
    /// Ed25519 public keys in PEM, one or several, accepted beside those of the users backend
    #[arg(long, env = "TOKENS_PUBLIC_KEY")]
    pub tokens_public_key: Option<FixedKeys>,
    /// The longest text of a thought, in Unicode scalar values
    #[arg(long, env = "MAX_THOUGHT_LENGTH", default_value = "250", value_parser = MaxLength::parse)]
    pub max_thought_length: MaxLength,
    /// Load the example data into an empty database: five thoughts of bruce's and stephen's
    #[arg(long, env = "DEMO", value_parser = switch, action = ArgAction::SetTrue)]
    pub demo: bool,
    /// Server reflection, with which tools such as grpcurl find out what is served: on or off
    #[arg(long, env = "REFLECTION", default_value = "on", value_parser = switch, action = ArgAction::Set)]
    pub reflection: bool,
    /// Who is believed about the trace that a call is part of: addresses or ranges of the gateway,
    /// with commas between them. Callers let in by their certificate are believed without being named
    #[arg(long, env = "TRUSTED_PROXIES", default_value = "127.0.0.0/8,::1")]
    pub trusted_proxies: TrustedProxies,
    /// Certificates.
    #[command(flatten)]
    pub tls: TlsConfig,
    /// Logs and traces.
    #[command(flatten)]
    pub telemetry: TelemetryConfig,
    /// What to do other than to serve.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What the program does other than to serve.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Copy everything from an SQLite file to an empty database, DATABASE_URL, which is PostgreSQL;
    /// print what there is, and check that it is the same on both sides
    CopyDatabase {
        /// The SQLite file, which no program may have open: sqlite://PATH
        #[arg(long, value_name = "sqlite://PATH", value_parser = DatabaseUrl::parse_sqlite)]
        from: DatabaseUrl,
    },
}

impl Config {
    /// The defaults, for a database and a users backend.
    #[must_use]
    pub fn new(database_url: DatabaseUrl, user_backend_url: BackendUrl) -> Self {
        Self {
            listen_addr: SocketAddr::from(([0, 0, 0, 0], 8000)),
            ops_addr: SocketAddr::from(([0, 0, 0, 0], 9000)),
            database_url,
            database_read_url: None,
            pgpassword: None,
            user_backend_url,
            tokens_public_key: None,
            max_thought_length: MaxLength::default(),
            demo: false,
            reflection: true,
            trusted_proxies: TrustedProxies::loopback(),
            tls: TlsConfig::default(),
            telemetry: TelemetryConfig::default(),
            command: None,
        }
    }

    /// The database, with its password.
    #[must_use]
    pub fn database(&self) -> DatabaseUrl {
        self.with_password(&self.database_url)
    }

    /// The replicas of the database, if there are any.
    ///
    /// # Errors
    ///
    /// The database is one that has none.
    pub fn replica(&self) -> Result<Option<Replica>, StartError> {
        let Some(url) = &self.database_read_url else {
            return Ok(None);
        };
        if self.database_url.engine() == Engine::Sqlite {
            let why = "expected nothing, since DATABASE_URL is SQLite, which has no replicas";
            return Err(StartError::setting("DATABASE_READ_URL", url, why));
        }
        Ok(Replica::new(&self.with_password(url)))
    }

    fn with_password(&self, url: &DatabaseUrl) -> DatabaseUrl {
        let password = self.pgpassword.as_ref().map(Secret::expose);
        url.clone().or_password(password)
    }
}

/// Parses where replicas are.
fn replicas(value: &str) -> Result<DatabaseUrl, &'static str> {
    match value.parse::<DatabaseUrl>() {
        Ok(url) if url.engine() == Engine::Postgres => Ok(url),
        _ => Err("expected postgres://USER@HOST:PORT/DB"),
    }
}

impl AsRef<TelemetryConfig> for Config {
    fn as_ref(&self) -> &TelemetryConfig {
        &self.telemetry
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use runtime::config::{Parsed, parse};

    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Config, String> {
        let start = ["thoughts-backend", "--database-url=sqlite://thoughts.db"];
        let arguments = start.iter().chain(arguments).map(OsString::from);
        match parse(arguments).map_err(|error| error.to_string())? {
            Parsed::Run(config) => Ok(config),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn what_the_flags_leave_out_is_as_documented() {
        let config = parsed(&[]).expect("parses");
        let url = config.user_backend_url.clone();
        let defaults = Config::new(config.database_url.clone(), url);
        assert_eq!(format!("{config:?}"), format!("{defaults:?}"));
    }

    #[test]
    fn wrong_values_are_named() {
        let cases = [
            (
                "--database-url=mysql://bruce:gamma@db/x",
                "DATABASE_URL: expected sqlite://PATH or postgres://USER@HOST:PORT/DB",
            ),
            (
                "--database-read-url=sqlite://thoughts.db",
                "DATABASE_READ_URL: expected postgres://USER@HOST:PORT/DB",
            ),
            (
                "--database-read-url=postgres://bruce:gamma@db-1,db-2/x",
                "DATABASE_READ_URL: expected postgres://USER@HOST:PORT/DB",
            ),
            (
                "--max-thought-length=0",
                "MAX_THOUGHT_LENGTH: \"0\": expected a number from 1 to 10000",
            ),
            (
                "--tokens-public-key=horse",
                "TOKENS_PUBLIC_KEY: \"horse\": expected Ed25519 public keys in PEM \
                 (-----BEGIN PUBLIC KEY-----)",
            ),
            (
                "--user-backend-url=users",
                "USER_BACKEND_URL: \"users\": expected http://host:port or https://host:port",
            ),
            (
                "--reflection=maybe",
                "REFLECTION: \"maybe\": expected true or false (or on or off)",
            ),
        ];
        for (argument, line) in cases {
            let mut start = vec![argument];
            // The last of two would be refused as a repetition, so this one replaces the first.
            let refusal = if argument.starts_with("--database-url") {
                start.insert(0, "thoughts-backend");
                let arguments = start.iter().map(OsString::from);
                parse::<Config>(arguments).expect_err("refused").to_string()
            } else {
                parsed(&start).expect_err("refused")
            };
            assert_eq!(refusal, line);
        }
    }

    #[tokio::test]
    async fn a_replica_is_of_the_same_kind_and_has_the_same_password() {
        let config = parsed(&["--database-read-url=postgres://me@db-ro/x"]).expect("parses");
        assert_eq!(
            config.replica().expect_err("refused").to_string(),
            "DATABASE_READ_URL: \"postgres://db-ro:5432/x\": expected nothing, since DATABASE_URL \
             is SQLite, which has no replicas"
        );
        let url = |text: &str| text.parse().expect("an address");
        let config = Config {
            pgpassword: Some("gamma".parse().expect("a secret")),
            database_url: url("postgres://me@db-rw/x"),
            ..config
        };
        assert!(config.replica().expect("taken").is_some());
        let config = Config {
            database_read_url: None,
            ..config
        };
        assert!(config.replica().expect("none").is_none());
    }
}
