//! Programs of others that some tests need.

use std::{
    env,
    io::{self, Write as _},
    path::{Path, PathBuf},
    thread,
};

/// Where a tool is: where `variable` says, or the first of `names` on the PATH. Without it the test
/// says that it is left out, unless `required` is 1, as it is in .ci/run.
pub(crate) fn tool(names: &[&str], variable: &str, required: &str) -> Option<PathBuf> {
    let named = env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_file());
    let found = named.or_else(|| names.iter().find_map(|name| on_path(name)));
    if found.is_none() {
        let name = names.first().unwrap_or(&variable);
        let must = env::var(required).is_ok_and(|value| value == "1");
        assert!(
            !must,
            "{required}=1, but there is no {name}: install it, or name it in {variable}"
        );
        left_out(&format!(
            "there is no {name} (name it in {variable} if there is)"
        ));
    }
    found
}

/// Says that this test does nothing here, and why. Straight to standard error: what goes by
/// `eprintln!` is kept back while tests pass.
pub(crate) fn left_out(reason: &str) {
    let test = thread::current();
    let name = test.name().unwrap_or_default();
    let _ = writeln!(io::stderr(), "LEFT OUT: {name}, because {reason}");
}

fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| Path::new(&folder).join(name))
        .find(|path| path.is_file())
}
