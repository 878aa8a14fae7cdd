//! The PostgreSQL servers that tests run on: those named by the environment, or one of our own.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    os::unix::{fs::MetadataExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

/// Makes a cluster in a new folder, starts it, prints its socket's folder, and stops it when its own
/// standard input ends: that is a pipe which this process holds, so it ends with this process, even
/// with one that is killed.
const CLUSTER: &str = r#"
set -e
bin=$1
dir=$(mktemp -d "${TMPDIR:-/tmp}/mythoughts-test-XXXXXX")
trap 'rm -rf "$dir"' EXIT
"$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync \
    >"$dir/log" 2>&1 </dev/null || { cat "$dir/log" >&2; exit 1; }
"$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c fsync=off \
    -c max_connections=200 >>"$dir/log" 2>&1 </dev/null &
server=$!
until [ -S "$dir/.s.PGSQL.5432" ]; do
    kill -0 "$server" 2>/dev/null || { cat "$dir/log" >&2; exit 1; }
    sleep 0.05
done
until "$bin/pg_isready" -q -h "$dir" -U postgres; do
    kill -0 "$server" 2>/dev/null || { cat "$dir/log" >&2; exit 1; }
    sleep 0.05
done
echo "$dir"
cat >/dev/null || true
kill -INT "$server"
wait "$server" || true
"#;

/// Addresses of a superuser's database on each server. Asked for once a process.
pub(super) fn postgres_urls() -> &'static [String] {
    static URLS: OnceLock<Vec<String>> = OnceLock::new();
    URLS.get_or_init(|| {
        let named = env::var("TEST_POSTGRES_URLS").unwrap_or_default();
        let mut urls: Vec<_> = named
            .split(',')
            .map(str::trim)
            .filter(|url| !url.is_empty())
            .map(str::to_owned)
            .collect();
        if urls.is_empty() {
            match start() {
                Ok(url) => urls.push(url),
                Err(reason) => left_out(&reason),
            }
        }
        urls
    })
}

/// Says that there is no PostgreSQL to test on, or fails if there has to be.
fn left_out(reason: &str) {
    let required = env::var("REQUIRE_POSTGRES").is_ok_and(|value| value == "1");
    assert!(!required, "REQUIRE_POSTGRES=1, but {reason}");
    eprintln!("LEFT OUT: tests on PostgreSQL, because {reason}");
}

/// Starts a server that ends with this process.
fn start() -> Result<String, String> {
    // Never dropped: its standard input is what keeps the server running.
    static CLUSTER_PROCESS: OnceLock<Child> = OnceLock::new();
    let binaries = binaries().ok_or("there is no postgres on the PATH")?;
    let mut child = unprivileged_shell()
        .args(["-c", CLUSTER, "sh"])
        .arg(&binaries)
        // A folder that the user of the server may be in.
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // Ctrl-C reaches the tests and not the server, which then ends after them.
        .process_group(0)
        .spawn()
        .map_err(|error| format!("no shell to start it in: {error}"))?;
    let mut folder = String::new();
    if let Some(stdout) = child.stdout.take() {
        let _ = BufReader::new(stdout).read_line(&mut folder);
    }
    let folder = folder.trim();
    if folder.is_empty() {
        return Err(format!(
            "the server of {} does not start",
            binaries.display()
        ));
    }
    CLUSTER_PROCESS.get_or_init(|| child);
    Ok(format!(
        "postgres://postgres@localhost/postgres?host={folder}"
    ))
}

/// The folder of the server's programs: `initdb` is often not on the PATH itself, but beside what
/// `postgres` there links to.
fn binaries() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .filter_map(|folder| fs::canonicalize(folder.join("postgres")).ok())
        .filter_map(|program| program.parent().map(Path::to_owned))
        .find(|folder| folder.join("initdb").is_file())
}

/// PostgreSQL refuses to run as root.
fn unprivileged_shell() -> Command {
    let root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if !root {
        return Command::new("sh");
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "sh"]);
    command
}
