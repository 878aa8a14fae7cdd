//! Settings of `mythoughts`.

use std::{net::SocketAddr, path::PathBuf};

use clap::{ArgAction, Parser};
use gateway::PublicUrl;
use runtime::{
    config::{address, switch},
    proxies::TrustedProxies,
    telemetry::TelemetryConfig,
};
use thoughts_backend::thought::MaxLength;
use users_backend::{SignUp, password::NewPassword, setup::SetupCode, username::Username};

/// The whole of MyThoughts in one process, on embedded SQLite.
#[derive(Clone, Debug, Parser)]
#[command(name = "mythoughts", version)]
pub struct Config {
    /// Where everything is kept
    #[arg(long, env = "DATA_DIR", default_value = "mythoughts-data")]
    pub data_dir: PathBuf,
    /// Load the example data into an empty database: bruce and stephen, whose passwords are their
    /// names, and five thoughts
    #[arg(long, env = "DEMO", value_parser = switch, action = ArgAction::SetTrue)]
    pub demo: bool,
    /// Where the thoughts backend serves gRPC
    #[arg(long, env = "THOUGHTS_LISTEN_ADDR", default_value = "127.0.0.1:8000", value_parser = address)]
    pub thoughts_listen_addr: SocketAddr,
    /// Where the users backend serves gRPC
    #[arg(long, env = "USERS_LISTEN_ADDR", default_value = "127.0.0.1:8001", value_parser = address)]
    pub users_listen_addr: SocketAddr,
    /// Where the gateway serves pages
    #[arg(long, env = "GATEWAY_LISTEN_ADDR", default_value = "127.0.0.1:8002", value_parser = address)]
    pub gateway_listen_addr: SocketAddr,
    /// Where the thoughts backend serves /metrics, /healthz and /readyz
    #[arg(long, env = "THOUGHTS_OPS_ADDR", default_value = "127.0.0.1:9000", value_parser = address)]
    pub thoughts_ops_addr: SocketAddr,
    /// Where the users backend serves /metrics, /healthz and /readyz
    #[arg(long, env = "USERS_OPS_ADDR", default_value = "127.0.0.1:9001", value_parser = address)]
    pub users_ops_addr: SocketAddr,
    /// Where the gateway serves /metrics, /healthz and /readyz
    #[arg(long, env = "GATEWAY_OPS_ADDR", default_value = "127.0.0.1:9002", value_parser = address)]
    pub gateway_ops_addr: SocketAddr,
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
    /// The code that lets the first administrator be made while there is none. Without it one is
    /// made up and printed as a link
    #[arg(long, env = "SETUP_CODE", hide_env_values = true)]
    pub setup_code: Option<SetupCode>,
    /// Whether anyone may make an account, or administrators alone
    #[arg(long, env = "SIGN_UP", value_enum, default_value_t = SignUp::Closed)]
    pub sign_up: SignUp,
    /// The longest text of a thought, in Unicode scalar values
    #[arg(long, env = "MAX_THOUGHT_LENGTH", default_value = "250", value_parser = MaxLength::parse)]
    pub max_thought_length: MaxLength,
    /// What the browser sees, such as https://thoughts.example.org, where a proxy stands in front:
    /// links to hand to somebody begin with it
    #[arg(long, env = "PUBLIC_URL")]
    pub public_url: Option<PublicUrl>,
    /// The proxies in front, whose X-Forwarded-For is believed: addresses or ranges, with commas
    /// between them
    #[arg(long, env = "TRUSTED_PROXIES", default_value = "")]
    pub trusted_proxies: TrustedProxies,
    /// Server reflection, with which tools such as grpcurl find out what is served: on or off
    #[arg(long, env = "REFLECTION", default_value = "on", value_parser = switch, action = ArgAction::Set)]
    pub reflection: bool,
    /// Logs
    #[command(flatten)]
    pub telemetry: TelemetryConfig,
}

impl AsRef<TelemetryConfig> for Config {
    fn as_ref(&self) -> &TelemetryConfig {
        &self.telemetry
    }
}
