//! Settings from flags and the environment.
//!
//! Each program has a struct that derives [`clap::Parser`], a field a setting, whose comment is
//! its `--help`. A wrong value stops the start with one line that names the variable, the value
//! (never a secret's) and what was expected; [`parse`] is what makes that line. Beside its own
//! settings every program takes secrets from files (`files`) and has a `health-check`.

mod files;
mod health_check;

use std::{
    convert::Infallible,
    error::Error as _,
    ffi::OsString,
    fmt,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use clap::{
    Command, Parser,
    error::{ContextKind, ContextValue, ErrorKind},
};

use self::files::Unread;
use crate::lifecycle::StartError;

pub use self::files::Awaited;

/// A setting that must not be shown: `Debug` leaves the value out.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The value itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(value: &str) -> Result<Self, Infallible> {
        Ok(Self(value.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What a command line asks for.
#[derive(Debug)]
pub enum Parsed<C> {
    /// Run with this configuration.
    Run(C),
    /// Run, as soon as this file is there: read everything again then.
    Await(Awaited),
    /// Print this and end well: `--help` or `--version`.
    Print(String),
    /// Ask the program that runs with the same settings, by its operations ports, whether it is
    /// ready.
    HealthCheck(Vec<SocketAddr>),
}

/// Reads a program's configuration from its arguments and the environment.
///
/// # Errors
///
/// One line that says which setting is wrong and what was expected.
pub fn parse<C: Parser>(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Parsed<C>, StartError> {
    let mut command = health_check::added_to(files::described_in(C::command()));
    let arguments: Vec<_> = arguments.into_iter().collect();
    let arguments = match files::read(&command, &arguments) {
        Ok(arguments) => arguments,
        Err(Unread::Wrong(error)) => return Err(error),
        Err(Unread::Awaited(file)) => return without(file, command, arguments),
    };
    match command.try_get_matches_from_mut(arguments) {
        Ok(mut matches) => match health_check::asked(&command, &matches) {
            Some(ports) => Ok(Parsed::HealthCheck(ports)),
            None => C::from_arg_matches_mut(&mut matches)
                .map(Parsed::Run)
                .map_err(|error| explain(&error.format(&mut command), &command)),
        },
        Err(error) if !error.use_stderr() => Ok(Parsed::Print(error.to_string())),
        Err(error) => Err(explain(&error, &command)),
    }
}

/// What a command line asks for while a file is not there that it needs.
fn without<C>(
    file: Awaited,
    command: Command,
    arguments: Vec<OsString>,
) -> Result<Parsed<C>, StartError> {
    // What is in the file may be required.
    let mut lenient = command.mut_args(|argument| argument.required(false));
    match lenient.try_get_matches_from_mut(arguments) {
        Err(error) if !error.use_stderr() => Ok(Parsed::Print(error.to_string())),
        Err(error) if error.kind() != ErrorKind::MissingRequiredArgument => {
            Err(explain(&error, &lenient))
        }
        // Whoever asks for something now wants an answer now.
        Ok(matches) if matches.subcommand_name().is_some() => {
            let why = "it is not there yet";
            Err(StartError::setting(
                &file.variable,
                file.path.display(),
                why,
            ))
        }
        _ => Ok(Parsed::Await(file)),
    }
}

/// Parses `on`/`off` and `true`/`false`.
///
/// # Errors
///
/// What was expected.
pub fn switch(value: &str) -> Result<bool, String> {
    match value {
        "on" | "true" | "1" | "yes" => Ok(true),
        "off" | "false" | "0" | "no" | "" => Ok(false),
        _ => Err("expected true or false (or on or off)".to_owned()),
    }
}

/// Parses an address to listen on.
///
/// # Errors
///
/// What was expected.
pub fn address(value: &str) -> Result<SocketAddr, String> {
    value
        .parse()
        .map_err(|_| "expected an IP address and a port, such as 127.0.0.1:8000".to_owned())
}

/// An address as somebody on this machine reaches it: listening everywhere includes loopback.
pub fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// Turns clap's error, which takes several lines, into the one line of the house.
fn explain(error: &clap::Error, command: &Command) -> StartError {
    let argument = context(error, ContextKind::InvalidArg).unwrap_or_default();
    let setting = Setting::find(command, &argument);
    match error.kind() {
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => {
            let value = context(error, ContextKind::InvalidValue).unwrap_or_default();
            let expected = error.source().map_or_else(
                || {
                    expected_values(error)
                        .unwrap_or_else(|| "another value was expected".to_owned())
                },
                ToString::to_string,
            );
            if setting.secret || may_hold_secret(&value) {
                StartError::new(format!("{}: {expected}", setting.name))
            } else {
                StartError::setting(&setting.name, &value, &expected)
            }
        }
        // What belongs to a subcommand and stands by itself has a place, and no variable.
        ErrorKind::MissingRequiredArgument if argument.starts_with('<') => {
            let usage = context(error, ContextKind::Usage).unwrap_or_default();
            let usage = usage.trim_start_matches("Usage: ");
            StartError::new(format!("{argument} is missing; usage: {usage}"))
        }
        ErrorKind::MissingRequiredArgument => {
            StartError::new(format!("{} is not set: {}", setting.name, setting.help))
        }
        _ => StartError::new(first_line(&error.to_string())),
    }
}

/// What looks like a key, or like an address with a password in it, is not shown wherever it was
/// put by mistake.
fn may_hold_secret(value: &str) -> bool {
    value.contains(['@', '\n']) || value.starts_with("-----BEGIN")
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    format!(
        "{}; --help lists what there is",
        line.trim_start_matches("error: ")
    )
}

fn context(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => texts.first().cloned(),
        ContextValue::StyledStr(text) => Some(text.to_string()),
        _ => None,
    }
}

fn expected_values(error: &clap::Error) -> Option<String> {
    match error.get(ContextKind::ValidValue)? {
        ContextValue::Strings(values) => Some(format!("expected {}", values.join(" or "))),
        _ => None,
    }
}

/// How a setting is spoken of: by its variable, or by its flag if it has none.
struct Setting {
    name: String,
    help: String,
    secret: bool,
}

impl Setting {
    /// Finds the setting that clap names as `--flag <VALUE>`.
    fn find(command: &Command, argument: &str) -> Self {
        let flag = argument.split([' ', '=', '[']).next().unwrap_or_default();
        let long = flag.trim_start_matches('-');
        let found = command
            .get_arguments()
            .find(|candidate| candidate.get_long() == Some(long));
        let Some(arg) = found else {
            return Self {
                name: argument.to_owned(),
                help: String::new(),
                secret: true,
            };
        };
        Self {
            name: arg.get_env().map_or_else(
                || flag.to_owned(),
                |name| name.to_string_lossy().into_owned(),
            ),
            help: arg.get_help().map(ToString::to_string).unwrap_or_default(),
            secret: arg.is_hide_env_values_set(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Parser)]
    struct Example {
        /// Where to listen
        #[arg(long, env = "EXAMPLE_LISTEN_ADDR", value_parser = address, default_value = "127.0.0.1:1")]
        listen_addr: SocketAddr,
        /// postgres://… or sqlite://…
        #[arg(long, env = "EXAMPLE_DATABASE")]
        database: String,
        /// A key
        #[arg(long, env = "EXAMPLE_KEY", hide_env_values = true, value_parser = |_: &str| Err::<Secret, _>("expected a PEM"))]
        key: Option<Secret>,
    }

    fn refusal(arguments: &[&str]) -> String {
        let arguments = ["example"].iter().chain(arguments).map(OsString::from);
        parse::<Example>(arguments).unwrap_err().to_string()
    }

    #[test]
    fn a_wrong_value_is_named_with_its_variable_and_what_was_expected() {
        assert_eq!(
            refusal(&["--database=x", "--listen-addr=here"]),
            "EXAMPLE_LISTEN_ADDR: \"here\": expected an IP address and a port, such as 127.0.0.1:8000"
        );
    }

    #[test]
    fn a_missing_value_says_what_it_is_for() {
        assert_eq!(
            refusal(&[]),
            "EXAMPLE_DATABASE is not set: postgres://… or sqlite://…"
        );
    }

    #[test]
    fn a_missing_word_says_where_it_belongs() {
        #[derive(Debug, Parser)]
        #[command(name = "example")]
        struct WithCommand {
            #[command(subcommand)]
            _command: Greet,
        }
        #[derive(Debug, clap::Subcommand)]
        enum Greet {
            /// Say hello
            Greet {
                /// To whom
                _name: String,
            },
        }
        let arguments = ["example", "greet"].map(OsString::from);
        assert_eq!(
            parse::<WithCommand>(arguments).unwrap_err().to_string(),
            "<NAME> is missing; usage: example greet <NAME>"
        );
    }

    #[test]
    fn a_secret_is_never_shown() {
        let line = refusal(&["--database=x", "--key=hunter2"]);
        assert_eq!(line, "EXAMPLE_KEY: expected a PEM");
        assert_eq!(format!("{:?}", Secret("hunter2".into())), "Secret(…)");
    }

    #[test]
    fn a_secret_in_the_wrong_place_is_not_shown_either() {
        for value in [
            "http://user:hunter2@host",
            "-----BEGIN PRIVATE KEY-----\nhunter2",
        ] {
            let line = refusal(&["--database=x", &format!("--listen-addr={value}")]);
            assert!(line.starts_with("EXAMPLE_LISTEN_ADDR: expected"), "{line}");
            assert!(!line.contains("hunter2"), "{line}");
        }
    }

    #[test]
    fn a_health_check_knows_where_to_ask() {
        #[derive(Debug, Parser)]
        struct Two {
            #[arg(long, env = "EXAMPLE_OPS_ADDR", value_parser = address, default_value = "0.0.0.0:1")]
            _one: SocketAddr,
            #[arg(long, env = "OTHER_OPS_ADDR", value_parser = address, default_value = "0.0.0.0:2")]
            _other: SocketAddr,
            #[arg(long, env = "OTHER_LISTEN_ADDR", value_parser = address, default_value = "0.0.0.0:3")]
            _listen: SocketAddr,
        }
        let arguments = ["example", "--other=0.0.0.0:4", "health-check"];
        let ports = match parse::<Two>(arguments.map(OsString::from)) {
            Ok(Parsed::HealthCheck(ports)) => ports,
            other => panic!("{other:?}"),
        };
        let expected = ["0.0.0.0:1", "0.0.0.0:4"].map(|port| port.parse().unwrap());
        assert_eq!(ports, expected);
    }

    #[test]
    fn an_unknown_flag_takes_one_line() {
        assert_eq!(
            refusal(&["--colour"]),
            "unexpected argument '--colour' found; --help lists what there is"
        );
    }

    #[test]
    fn help_is_no_error() {
        let asked = parse::<Example>(["example", "--help"].map(OsString::from));
        assert!(
            matches!(asked, Ok(Parsed::Print(text)) if text.contains("EXAMPLE_DATABASE")
            && text.contains("EXAMPLE_KEY_FILE"))
        );
    }
}
