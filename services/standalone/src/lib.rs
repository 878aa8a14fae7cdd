//! The whole of MyThoughts in one process: the three services, each on its own port on loopback,
//! on SQLite files in one folder.
//!
//! - [`config`]: the settings;
//! - [`data_dir`]: the folder, made, closed to others and locked;
//! - [`run`]: the parts started side by side, and ended together.
//!
//! The parts talk to each other over gRPC, just as they do on many machines.

pub mod config;
pub mod data_dir;
mod greeting;
mod parts;

use config::Config;
use data_dir::DataDir;
use runtime::lifecycle::StartError;
use tokio_util::sync::CancellationToken;

use crate::{greeting::Greeting, parts::Sockets};

/// Runs all three services until `shutdown`, or until one of them fails.
///
/// # Errors
///
/// What keeps it from starting, or ended it, in one line.
pub async fn run(config: Config, shutdown: CancellationToken) -> Result<(), StartError> {
    let data_dir = DataDir::open(&config.data_dir)?;
    let sockets = Sockets::bind(&config).await?;
    let users_config = parts::users(&config, data_dir.database("users")?, &sockets)?;
    let users = users_backend::Backend::open(users_config, &shutdown).await?;
    let greeting = Greeting {
        data_dir: data_dir.path(),
        addresses: sockets.addresses()?,
        public_url: config.public_url.as_ref(),
        setup_code: users.setup_code().await?,
        setup_code_is_known: config.setup_code.is_some(),
    };
    let thoughts_config = parts::thoughts(&config, data_dir.database("thoughts")?, &sockets)?;
    let gateway_config = parts::gateway(&config, &sockets)?;
    greeting.print()?;
    // The first to end, well or not, ends the others too.
    let end = || shutdown.clone().drop_guard();
    let (thoughts, users, gateway) = tokio::join!(
        async {
            let _end = end();
            thoughts_backend::serve(thoughts_config, sockets.thoughts, shutdown.clone()).await
        },
        async {
            let _end = end();
            users.serve(sockets.users, shutdown.clone()).await
        },
        async {
            let _end = end();
            gateway::serve(gateway_config, sockets.gateway, shutdown.clone()).await
        },
    );
    thoughts.and(users).and(gateway)
}
