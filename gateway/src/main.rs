//! The `gateway` program.

use std::process::ExitCode;

use gateway::Config;
use runtime::lifecycle::{self, Listeners};

fn main() -> ExitCode {
    lifecycle::run(|config: Config, shutdown| async move {
        let variables = ["LISTEN_ADDR", "OPS_ADDR"];
        let listeners = Listeners::bind(variables, config.listen_addr, config.ops_addr).await?;
        gateway::serve(config, listeners, shutdown).await
    })
}
