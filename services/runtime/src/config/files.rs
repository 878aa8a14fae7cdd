//! Secrets that lie in files: where `SETUP_CODE` is a setting, `SETUP_CODE_FILE` may say where its
//! value is, as orchestrators mount secrets into containers that have no shell to read them with.
//!
//! A folder with nothing in it stands for a secret that somebody still has to make, and the program
//! waits for its file. One that has other files will not have this one, either.

use std::{
    ffi::OsString,
    fs::{self, DirEntry},
    path::{Path, PathBuf},
};

use clap::{Arg, ArgMatches, Command, ValueHint, builder::ValueParser};

use crate::lifecycle::StartError;

/// Why not all files were read.
pub(super) enum Unread {
    /// Not there yet.
    Awaited(Awaited),
    /// It never will be.
    Wrong(StartError),
}

/// A file that a program needs and that may come yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// The variable that names it.
    pub variable: String,
    /// Where it will be.
    pub path: PathBuf,
}

impl Awaited {
    /// The file at `path`, if the program is to wait for it.
    fn at(variable: &str, path: &Path) -> Option<Self> {
        path.parent().is_some_and(is_empty).then(|| Self {
            variable: variable.to_owned(),
            path: path.to_owned(),
        })
    }
}

/// Whether a folder has nothing in it but what its mount keeps there for itself.
fn is_empty(folder: &Path) -> bool {
    let hidden = |entry: DirEntry| entry.file_name().as_encoded_bytes().starts_with(b".");
    fs::read_dir(folder).is_ok_and(|mut entries| entries.all(|entry| entry.is_ok_and(hidden)))
}

/// Says in the help of `command` which files there may be.
pub(super) fn described_in(command: Command) -> Command {
    let names: Vec<_> = secrets(&command).map(|secret| secret.file).collect();
    if names.is_empty() {
        return command;
    }
    let names = names.join(", ");
    command.after_help(format!("Secrets can also lie in files: {names} say where."))
}

/// The arguments with those that the files hold, as flags. Files that the settings themselves name
/// are there as well.
pub(super) fn read(command: &Command, arguments: &[OsString]) -> Result<Vec<OsString>, Unread> {
    let mut arguments = arguments.to_vec();
    let environment = environment(command).map_err(Unread::Wrong)?;
    for secret in secrets(command) {
        let Some(path) = path(&environment, &secret.file) else {
            continue;
        };
        if environment.contains_id(&secret.name) || arguments.iter().any(|it| secret.is_in(it)) {
            let Secret { name, file, .. } = &secret;
            return Err(Unread::Wrong(StartError::new(format!(
                "{file} is set, and so is {name}: one of them is enough"
            ))));
        }
        if let Some(awaited) = Awaited::at(&secret.file, path) {
            return Err(Unread::Awaited(awaited));
        }
        let value = fs::read_to_string(path).map_err(|error| {
            Unread::Wrong(StartError::setting(&secret.file, path.display(), error))
        })?;
        let value = value.trim_end_matches(['\r', '\n']);
        // The program's name comes first.
        arguments.insert(
            1.min(arguments.len()),
            format!("{}={value}", secret.flag).into(),
        );
    }
    let named = paths(command).find_map(|name| Awaited::at(&name, path(&environment, &name)?));
    named.map_or(Ok(arguments), |awaited| Err(Unread::Awaited(awaited)))
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

/// The variables whose value may be the path of a file that is read at the start.
fn paths(command: &Command) -> impl Iterator<Item = String> {
    command
        .get_arguments()
        .filter(|argument| argument.get_value_hint() == ValueHint::FilePath)
        .filter_map(|argument| Some(argument.get_env()?.to_str()?.to_owned()))
}

/// What the environment says of the secrets, their files and other files, read by clap like
/// everything else.
fn environment(command: &Command) -> Result<ArgMatches, StartError> {
    let variable = |name: String| {
        Arg::new(name.clone())
            .long(name.clone())
            .env(name)
            .value_parser(ValueParser::os_string())
    };
    let names = secrets(command).flat_map(|secret| [secret.name, secret.file]);
    // One that names a file may be a secret as well.
    let mut names: Vec<_> = names.chain(paths(command)).collect();
    names.sort_unstable();
    names.dedup();
    Command::new("environment")
        .args(names.into_iter().map(variable))
        .try_get_matches_from(["environment"])
        .map_err(StartError::new)
}

/// What is set, and set to something.
fn path<'a>(environment: &'a ArgMatches, name: &str) -> Option<&'a Path> {
    let value = environment.get_one::<OsString>(name)?;
    (!value.is_empty()).then_some(Path::new(value))
}
