//! The subcommand `health-check`, which every program has: it asks the one that runs here, with the
//! same settings, whether it is ready. Containers without a shell are watched by it.

use std::net::SocketAddr;

use clap::{ArgMatches, Command};

const NAME: &str = "health-check";

/// `command` with the subcommand.
pub(super) fn added_to(command: Command) -> Command {
    command.subcommand(
        Command::new(NAME)
            .about("Ask the program that runs here, by its operations port, whether it is ready"),
    )
}

/// The operations ports to ask, if that is what the command line wants.
pub(super) fn asked(command: &Command, matches: &ArgMatches) -> Option<Vec<SocketAddr>> {
    let is_ops = |variable: &std::ffi::OsStr| variable.to_string_lossy().ends_with("OPS_ADDR");
    (matches.subcommand_name() == Some(NAME)).then(|| {
        command
            .get_arguments()
            .filter(|argument| argument.get_env().is_some_and(is_ops))
            .filter_map(|argument| matches.get_one(argument.get_id().as_str()))
            .copied()
            .collect()
    })
}
