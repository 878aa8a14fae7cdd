//! Secrets that lie in files: where `SETUP_CODE` is a setting, `SETUP_CODE_FILE` may say where its
//! value is, as orchestrators mount secrets into containers that have no shell to read them with.

use std::{ffi::OsString, fs, path::PathBuf};

use clap::{Arg, ArgMatches, Command, builder::ValueParser};

use crate::lifecycle::StartError;

/// Says in the help of `command` which files there may be.
pub(super) fn described_in(command: Command) -> Command {
    let names: Vec<_> = secrets(&command).map(|secret| secret.file).collect();
    if names.is_empty() {
        return command;
    }
    let names = names.join(", ");
    command.after_help(format!("Secrets can also lie in files: {names} say where."))
}

/// The arguments with those that the files hold, as flags.
///
/// # Errors
///
/// A file cannot be read, or its setting is given as well.
pub(super) fn read(
    command: &Command,
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Vec<OsString>, StartError> {
    let mut arguments: Vec<_> = arguments.into_iter().collect();
    let environment = environment(command)?;
    for secret in secrets(command) {
        let Some(path) = environment.get_one::<PathBuf>(&secret.file) else {
            continue;
        };
        if environment.contains_id(&secret.name) || arguments.iter().any(|it| secret.is_in(it)) {
            let Secret { name, file, .. } = &secret;
            return Err(StartError::new(format!(
                "{file} is set, and so is {name}: one of them is enough"
            )));
        }
        let value = fs::read_to_string(path)
            .map_err(|error| StartError::setting(&secret.file, path.display(), error))?;
        let value = value.trim_end_matches(['\r', '\n']);
        // The program's name comes first.
        arguments.insert(
            1.min(arguments.len()),
            format!("{}={value}", secret.flag).into(),
        );
    }
    Ok(arguments)
}

/// A setting whose value is never shown.
struct Secret {
    name: String,
    file: String,
    flag: String,
}

impl Secret {
    fn is_in(&self, argument: &OsString) -> bool {
        let text = argument.to_string_lossy();
        text.strip_prefix(&self.flag)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    }
}

fn secrets(command: &Command) -> impl Iterator<Item = Secret> {
    command
        .get_arguments()
        .filter(|argument| argument.is_hide_env_values_set())
        .filter_map(|argument| {
            let name = argument.get_env()?.to_str()?.to_owned();
            Some(Secret {
                file: format!("{name}_FILE"),
                flag: format!("--{}", argument.get_long()?),
                name,
            })
        })
}

/// What the environment says of the secrets and their files, read by clap like everything else.
fn environment(command: &Command) -> Result<ArgMatches, StartError> {
    let variable = |name: String, parser| {
        let id = name.clone();
        Arg::new(id)
            .long(name.clone())
            .env(name)
            .value_parser(parser)
    };
    let (text, path) = (ValueParser::os_string, ValueParser::path_buf);
    secrets(command)
        .fold(Command::new("environment"), |reader, secret| {
            reader
                .arg(variable(secret.name, text()))
                .arg(variable(secret.file, path()))
        })
        .try_get_matches_from(["environment"])
        .map_err(StartError::new)
}
