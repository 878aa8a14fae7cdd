//! The thoughts backend: writing, listing and searching thoughts.
//!
//! A request comes in through `grpc` (messages and codes), goes to [`service`] (use cases, and who
//! may do what) and on to [`store`] (every SQL statement). They speak of the types beside them,
//! which cannot hold a wrong value:
//!
//! - [`thought`]: a thought, its text, who may see it, and what is to be changed of it;
//! - [`etag`]: which state of a thought a change was made from;
//! - [`trash`]: where deleted thoughts are for a while;
//! - [`revision`]: what a thought was before it was changed;
//! - [`page`]: which part of a list, and that part;
//! - [`query`]: what a search asks for;
//! - [`tag`]: the `#tags` of a text;
//! - [`live`]: what has become of thoughts, and what a watcher is told of it;
//! - [`fold`]: texts without regard to case, as a search sees them;
//! - [`matches`](mod@matches): where a query matches a text;
//! - [`porting`]: thoughts on their way out and in;
//! - [`service_token`]: how the users backend knows this one;
//! - [`error`]: why a use case was refused.
//!
//! [`config`] holds the settings, `example` the data behind `DEMO`, and [`serve`] puts the parts
//! together. tonic and the generated API are named in `grpc` and `server` alone.

pub mod config;
pub mod error;
pub mod etag;
mod example;
pub mod fold;
mod grpc;
pub mod live;
pub mod matches;
pub mod page;
pub mod porting;
pub mod query;
pub mod revision;
mod server;
pub mod service;
pub mod service_token;
pub mod store;
pub mod tag;
pub mod thought;
pub mod trash;

use runtime::lifecycle::{Listeners, StartError};
use tokio_util::sync::CancellationToken;

pub use crate::{
    config::{Command, Config},
    server::serve,
};

/// What the program does: takes its addresses and serves, or what its subcommand says.
///
/// # Errors
///
/// What keeps it from doing so, in one line.
pub async fn run(config: Config, shutdown: CancellationToken) -> Result<(), StartError> {
    if let Some(Command::CopyDatabase { from }) = &config.command {
        return server::copy_database(&config, from, &shutdown).await;
    }
    let addresses = (config.listen_addr, config.ops_addr);
    let listeners = Listeners::bind(["LISTEN_ADDR", "OPS_ADDR"], addresses.0, addresses.1).await?;
    serve(config, listeners, shutdown).await
}
