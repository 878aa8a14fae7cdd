//! Settings of `users-backend`.

use std::net::SocketAddr;

use clap::{ArgAction, Parser, Subcommand, ValueEnum};
use database::DatabaseUrl;
use runtime::{
    config::{Secret, address, switch},
    grpc::client::BackendUrl,
    proxies::TrustedProxies,
    telemetry::TelemetryConfig,
    tls::TlsConfig,
};

use crate::{
    key_encryption::KeyEncryption, password::NewPassword, setup::SetupCode, signing::SigningKey,
    username::Username,
};

/// Accounts, signing in and tokens, over gRPC.
#[derive(Debug, Clone, Parser)]
#[command(name = "users-backend", version)]
pub struct Config {
    /// Where gRPC is served
    #[arg(long, env = "LISTEN_ADDR", default_value = "0.0.0.0:8001", value_parser = address)]
    pub listen_addr: SocketAddr,
    /// Where /metrics, /healthz and /readyz are served
    #[arg(long, env = "OPS_ADDR", default_value = "0.0.0.0:9001", value_parser = address)]
    pub ops_addr: SocketAddr,
    /// The database: sqlite://PATH or postgres://USER@HOST:PORT/DB
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: DatabaseUrl,
    /// The password of the database, if it is not part of its address
    #[arg(long, env = "PGPASSWORD", hide_env_values = true)]
    pub pgpassword: Option<Secret>,
    /// The thoughts backend, which is told whose thoughts are to go, and handed the service token by
    /// which it asks whose a personal access token is
    #[arg(
        long,
        env = "THOUGHTS_BACKEND_URL",
        default_value = "http://127.0.0.1:8000"
    )]
    pub thoughts_backend_url: BackendUrl,
    /// The private key that tokens are signed with: Ed25519, PKCS#8 in PEM. Without it the database
    /// keeps one, made at the first start
    #[arg(long, env = "TOKENS_SIGNING_KEY", hide_env_values = true)]
    pub tokens_signing_key: Option<SigningKey>,
    /// What the signing keys in the database are encrypted with: at least 32 characters, drawn by
    /// chance. Keys that lie open there are encrypted once it is set
    #[arg(long, env = "KEY_ENCRYPTION_SECRET", hide_env_values = true)]
    pub key_encryption_secret: Option<KeyEncryption>,
    /// The first administrator's name: made at start while there is no administrator
    #[arg(long, env = "ADMIN_USERNAME", requires = "admin_password")]
    pub admin_username: Option<Username>,
    /// The first administrator's password
    #[arg(
        long,
        env = "ADMIN_PASSWORD",
        hide_env_values = true,
        requires = "admin_username"
    )]
    pub admin_password: Option<NewPassword>,
    /// The code that lets the first administrator be made while there is none. Without it the
    /// database keeps one, which `users-backend setup-code` prints
    #[arg(long, env = "SETUP_CODE", hide_env_values = true)]
    pub setup_code: Option<SetupCode>,
    /// Whether anyone may make an account, or administrators alone
    #[arg(long, env = "SIGN_UP", value_enum, default_value_t = SignUp::Closed)]
    pub sign_up: SignUp,
    /// Load the example data into an empty database: the members bruce and stephen, whose passwords
    /// are their names
    #[arg(long, env = "DEMO", value_parser = switch, action = ArgAction::SetTrue)]
    pub demo: bool,
    /// Server reflection, with which tools such as grpcurl find out what is served: on or off
    #[arg(long, env = "REFLECTION", default_value = "on", value_parser = switch, action = ArgAction::Set)]
    pub reflection: bool,
    /// Who is believed about the browser that a call is made for: addresses or ranges of the gateway,
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

/// Who may make an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SignUp {
    /// Anyone.
    Open,
    /// Administrators.
    Closed,
}

/// What the program does other than to serve.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Print the code that lets the first administrator be made, if there is none yet
    SetupCode,
    /// Give an account a new password, print that, and end every session of the account
    ResetPassword {
        /// The account's name
        username: Username,
        /// Read the new password from standard input instead: one line
        #[arg(long)]
        stdin: bool,
    },
    /// Copy everything from an SQLite file to an empty database, DATABASE_URL, which is PostgreSQL;
    /// print what there is, and check that it is the same on both sides
    CopyDatabase {
        /// The SQLite file, which no program may have open: sqlite://PATH
        #[arg(long, value_name = "sqlite://PATH", value_parser = DatabaseUrl::parse_sqlite)]
        from: DatabaseUrl,
    },
}

impl Config {
    /// The defaults, for a database and a thoughts backend.
    pub fn new(database_url: DatabaseUrl, thoughts_backend_url: BackendUrl) -> Self {
        Self {
            listen_addr: SocketAddr::from(([0, 0, 0, 0], 8001)),
            ops_addr: SocketAddr::from(([0, 0, 0, 0], 9001)),
            database_url,
            pgpassword: None,
            thoughts_backend_url,
            tokens_signing_key: None,
            key_encryption_secret: None,
            admin_username: None,
            admin_password: None,
            setup_code: None,
            sign_up: SignUp::Closed,
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
        let password = self.pgpassword.as_ref().map(Secret::expose);
        self.database_url.clone().or_password(password)
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
        let start = ["users-backend", "--database-url=sqlite://users.db"];
        let arguments = start.iter().chain(arguments).map(OsString::from);
        match parse(arguments).map_err(|error| error.to_string())? {
            Parsed::Run(config) => Ok(config),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn what_the_flags_leave_out_is_as_documented() {
        let config = parsed(&[]).unwrap();
        let thoughts = config.thoughts_backend_url.clone();
        let defaults = Config::new(config.database_url.clone(), thoughts);
        assert_eq!(format!("{config:?}"), format!("{defaults:?}"));
    }

    #[test]
    fn demo_is_a_flag() {
        assert!(!parsed(&[]).unwrap().demo);
        let config = parsed(&["--demo", "setup-code"]).unwrap();
        assert!(config.demo);
        assert!(matches!(config.command, Some(Command::SetupCode)));
    }

    #[test]
    fn an_administrator_needs_a_name_and_a_password() {
        assert!(parsed(&["--admin-username=ada", "--admin-password=correct horse"]).is_ok());
        let refusal = parsed(&["--admin-username=ada"]).unwrap_err();
        assert!(
            refusal.starts_with("ADMIN_PASSWORD is not set"),
            "{refusal}"
        );
        let refusal = parsed(&["--admin-password=correct horse"]).unwrap_err();
        assert!(
            refusal.starts_with("ADMIN_USERNAME is not set"),
            "{refusal}"
        );
    }

    #[test]
    fn wrong_values_are_named_and_secrets_are_not_shown() {
        let cases = [
            (
                "--admin-username=a b",
                "ADMIN_USERNAME: \"a b\": must consist of a-z, 0-9, _ and - only",
            ),
            (
                "--admin-password=horse",
                "ADMIN_PASSWORD: must be at least 8 characters long",
            ),
            (
                "--tokens-signing-key=horse",
                "TOKENS_SIGNING_KEY: expected an Ed25519 private key as PKCS#8 in PEM \
                 (-----BEGIN PRIVATE KEY-----)",
            ),
            (
                "--key-encryption-secret=a horse and a battery, correct",
                "KEY_ENCRYPTION_SECRET: expected at least 32 characters, drawn by chance",
            ),
            (
                "--setup-code=",
                "SETUP_CODE: expected a text that is not empty",
            ),
            (
                "--thoughts-backend-url=thoughts",
                "THOUGHTS_BACKEND_URL: \"thoughts\": expected http://host:port or https://host:port",
            ),
            (
                "--trusted-proxies=gateway",
                "TRUSTED_PROXIES: \"gateway\": expected IP addresses or ranges such as 10.0.0.0/8 \
                 or fd00::/8, with commas between them",
            ),
            (
                "--sign-up=maybe",
                "SIGN_UP: \"maybe\": expected open or closed",
            ),
            (
                "--reflection=maybe",
                "REFLECTION: \"maybe\": expected true or false (or on or off)",
            ),
        ];
        for (argument, line) in cases {
            assert_eq!(parsed(&[argument]).unwrap_err(), line);
        }
    }
}
