//! The three services as parts of this process: their sockets, and what each is told.

use std::net::SocketAddr;

use database::DatabaseUrl;
use runtime::{
    config::reachable,
    grpc::client::BackendUrl,
    lifecycle::{Listeners, StartError},
    proxies::TrustedProxies,
    tls::TlsConfig,
};

use crate::config::Config;

/// All sockets, taken before anything is started: if one is not free, nothing has happened yet.
pub(crate) struct Sockets {
    pub(crate) thoughts: Listeners,
    pub(crate) users: Listeners,
    pub(crate) gateway: Listeners,
}

/// Where the parts listen.
pub(crate) struct Addresses {
    pub(crate) thoughts: SocketAddr,
    pub(crate) users: SocketAddr,
    pub(crate) gateway: SocketAddr,
}

impl Sockets {
    pub(crate) async fn bind(config: &Config) -> Result<Self, StartError> {
        Ok(Self {
            thoughts: Listeners::bind(
                ["THOUGHTS_LISTEN_ADDR", "THOUGHTS_OPS_ADDR"],
                config.thoughts_listen_addr,
                config.thoughts_ops_addr,
            )
            .await?,
            users: Listeners::bind(
                ["USERS_LISTEN_ADDR", "USERS_OPS_ADDR"],
                config.users_listen_addr,
                config.users_ops_addr,
            )
            .await?,
            gateway: Listeners::bind(
                ["GATEWAY_LISTEN_ADDR", "GATEWAY_OPS_ADDR"],
                config.gateway_listen_addr,
                config.gateway_ops_addr,
            )
            .await?,
        })
    }

    pub(crate) fn addresses(&self) -> Result<Addresses, StartError> {
        Ok(Addresses {
            thoughts: address(&self.thoughts)?,
            users: address(&self.users)?,
            gateway: address(&self.gateway)?,
        })
    }
}

pub(crate) fn users(
    config: &Config,
    database: DatabaseUrl,
    sockets: &Sockets,
) -> Result<users_backend::Config, StartError> {
    let users = reachable(address(&sockets.users)?);
    Ok(users_backend::Config {
        admin_username: config.admin_username.clone(),
        admin_password: config.admin_password.clone(),
        setup_code: config.setup_code.clone(),
        sign_up: config.sign_up,
        demo: config.demo,
        reflection: config.reflection,
        // The gateway, which comes from where it goes to.
        trusted_proxies: TrustedProxies::loopback().and(users.ip()),
        ..users_backend::Config::new(database, url_of(address(&sockets.thoughts)?)?)
    })
}

pub(crate) fn thoughts(
    config: &Config,
    database: DatabaseUrl,
    sockets: &Sockets,
) -> Result<thoughts_backend::Config, StartError> {
    let thoughts = reachable(address(&sockets.thoughts)?);
    Ok(thoughts_backend::Config {
        // As for the users.
        trusted_proxies: TrustedProxies::loopback().and(thoughts.ip()),
        demo: config.demo,
        max_thought_length: config.max_thought_length,
        reflection: config.reflection,
        ..thoughts_backend::Config::new(database, url_of(address(&sockets.users)?)?)
    })
}

pub(crate) fn gateway(config: &Config, sockets: &Sockets) -> Result<gateway::Config, StartError> {
    Ok(gateway::Config {
        listen_addr: config.gateway_listen_addr,
        ops_addr: config.gateway_ops_addr,
        thoughts_backend_url: url_of(address(&sockets.thoughts)?)?,
        user_backend_url: url_of(address(&sockets.users)?)?,
        tokens_public_key: None,
        public_url: config.public_url.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        tls: TlsConfig::default(),
        telemetry: config.telemetry.clone(),
    })
}

fn url_of(address: SocketAddr) -> Result<BackendUrl, StartError> {
    let url = format!("http://{}", reachable(address));
    url.parse().map_err(StartError::new)
}

fn address(listeners: &Listeners) -> Result<SocketAddr, StartError> {
    listeners.listen.local_addr().map_err(StartError::new)
}
