//! The users backend: accounts, signing in, and the tokens that everybody else checks.
//!
//! A request comes in through `grpc` (messages and codes), goes to [`service`] (use cases, and who
//! may do what) and on to [`store`] (every SQL statement). They speak of the types beside them,
//! which cannot hold a wrong value:
//!
//! - [`username`] and [`password`]: what an account is called and guarded with;
//! - [`hashing`]: the slow work that makes a stolen database useless;
//! - [`user`]: the account itself;
//! - [`session`] and [`refresh_token`]: how long somebody stays signed in, and by what;
//! - [`secret`]: what somebody holds and the database knows the hash of;
//! - [`personal_token`]: what scripts speak for somebody with;
//! - [`client`]: where a call comes from, and [`throttle`]: how often it may fail to sign in;
//! - [`signing`]: the private key and the tokens it signs. Nothing else in the system can sign;
//! - [`key_ring`]: which key signs when, and which are published; [`key_encryption`]: how they lie in
//!   the database;
//! - [`setup`]: the code that makes the first administrator;
//! - [`invitation`]: the code that makes one account, or sets one password;
//! - [`purge`]: what is left to do of a deletion;
//! - [`error`]: why a use case was refused.
//!
//! [`config`] holds the settings, `first_run` what a database is given at the first start, `audit`
//! what is told of what was done, `text` what can be seen of a text, and [`Backend`] puts the parts
//! together. tonic and the generated API are named in `grpc` and `server` alone.

mod audit;
pub mod client;
pub mod config;
pub mod error;
mod first_run;
mod grpc;
pub mod hashing;
pub mod invitation;
pub mod key_encryption;
pub mod key_ring;
pub mod password;
pub mod personal_token;
pub mod purge;
pub mod refresh_token;
pub mod secret;
mod server;
pub mod service;
pub mod session;
pub mod setup;
pub mod signing;
pub mod store;
mod text;
pub mod throttle;
pub mod user;
pub mod username;

use std::io::{self, BufRead as _, Read as _, Write as _};

use runtime::lifecycle::{Listeners, StartError};
use tokio_util::sync::CancellationToken;

use crate::{
    password::{NewPassword, PasswordError},
    user::User,
    username::Username,
};

pub use crate::{
    config::{Command, Config, SignUp},
    server::{Backend, serve},
};

/// The longest line that is read as a password, in bytes: far longer than any password.
const MAX_LINE: u64 = 4_096;

/// What the program does: serve, or what its subcommand says.
///
/// # Errors
///
/// What keeps it from doing so, in one line.
pub async fn run(config: Config, shutdown: CancellationToken) -> Result<(), StartError> {
    match &config.command {
        Some(Command::SetupCode) => print_setup_code(&config, &shutdown).await,
        Some(Command::ResetPassword { username, stdin }) => {
            reset_password(&config, username, *stdin, &shutdown).await
        }
        Some(Command::CopyDatabase { from }) => {
            server::copy_database(&config, from, &shutdown).await
        }
        None => {
            let addresses = (config.listen_addr, config.ops_addr);
            let listeners = Listeners::bind(["LISTEN_ADDR", "OPS_ADDR"], addresses.0, addresses.1);
            serve(config, listeners.await?, shutdown).await
        }
    }
}

/// Prints the set-up code and nothing else on standard output.
async fn print_setup_code(config: &Config, shutdown: &CancellationToken) -> Result<(), StartError> {
    let code = server::setup_code(config, shutdown).await?;
    let code = code.ok_or_else(|| StartError::new("there is an administrator already"))?;
    writeln!(io::stdout(), "{}", code.expose()).map_err(StartError::new)
}

/// Gives an account the password on standard input, or prints the one that it makes up and nothing
/// else.
async fn reset_password(
    config: &Config,
    username: &Username,
    stdin: bool,
    shutdown: &CancellationToken,
) -> Result<(), StartError> {
    let refused = |why: PasswordError| StartError::new(format!("the new password {why}"));
    if stdin {
        let mut line = String::new();
        let mut input = io::stdin().lock().take(MAX_LINE);
        input.read_line(&mut line).map_err(StartError::new)?;
        let password = line.trim_end_matches(['\r', '\n']).parse();
        let password = password.map_err(refused)?;
        let user = server::reset_password(config, username, password, shutdown).await?;
        return tell_if_disabled(&user);
    }
    let password = NewPassword::generate().map_err(StartError::new)?;
    let text = password.expose().to_owned();
    let user = server::reset_password(config, username, password, shutdown).await?;
    writeln!(io::stdout(), "{text}").map_err(StartError::new)?;
    tell_if_disabled(&user)
}

/// Tells whoever has given an account a password that it opens nothing for now.
fn tell_if_disabled(user: &User) -> Result<(), StartError> {
    if !user.disabled {
        return Ok(());
    }
    let name = &user.username;
    writeln!(
        io::stderr(),
        "users-backend: {name} has the new password, but the account is disabled: nobody can sign \
         in to it until an administrator enables it"
    )
    .map_err(StartError::new)
}
