//! PostgreSQL servers that tests start, stop, and let follow each other.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::{fs::MetadataExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use sqlx::{ConnectOptions as _, postgres::PgConnectOptions};

use super::servers;

/// Makes a cluster in a new folder, or a standby of the one whose socket is in the folder `$2`; starts
/// it and prints its own socket's folder. Then it does as it is told, line by line, and repeats each
/// line when that is done. It ends when its standard input ends: that is a pipe which this process
/// holds, so it ends with this process, even with one that is killed.
const SERVER: &str = r#"
set -e
bin=$1
primary=$2
export LD_LIBRARY_PATH="$bin/../lib"
dir=$(mktemp -d "${TMPDIR:-/tmp}/mythoughts-test-XXXXXX")
trap 'rm -rf "$dir"' EXIT
if [ -z "$primary" ]; then
    "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync
else
    "$bin/pg_basebackup" -h "$primary" -U postgres -D "$dir/data" -R -c fast --no-sync
fi >"$dir/log" 2>&1 </dev/null || { cat "$dir/log" >&2; exit 1; }
start() {
    "$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c fsync=off \
        -c max_connections=200 >>"$dir/log" 2>&1 </dev/null &
    server=$!
    until [ -S "$dir/.s.PGSQL.5432" ] && "$bin/pg_isready" -q -h "$dir" -U postgres; do
        kill -0 "$server" 2>/dev/null || { cat "$dir/log" >&2; exit 1; }
        sleep 0.05
    done
}
stop() {
    [ -z "$server" ] || { kill -INT "$server"; wait "$server" || true; }
    server=
}
start
echo "$dir"
while read -r command; do
    "$command"
    echo "$command"
done
stop
"#;

/// A PostgreSQL server in a folder of its own, reached by a socket in it. It ends when this is
/// dropped, and with the process.
pub struct Server {
    child: Child,
    said: BufReader<ChildStdout>,
    binaries: PathBuf,
    folder: PathBuf,
}

impl Server {
    /// A new server, of the newest PostgreSQL that tests run on; `None` where they run on none.
    pub async fn start() -> Option<Self> {
        let url = servers::postgres_urls().last()?;
        let server: PgConnectOptions = url.parse().expect("an address of PostgreSQL");
        let mut connection = server.connect().await.expect("the test server");
        let asked = sqlx::query_scalar("SELECT setting FROM pg_config WHERE name = 'BINDIR'");
        let binaries: String = asked.fetch_one(&mut connection).await.expect("its folder");
        Some(Self::launch(Path::new(&binaries), None).expect("a server"))
    }

    /// A hot standby of this one.
    ///
    /// # Panics
    ///
    /// It does not start.
    #[must_use]
    pub fn standby(&self) -> Self {
        Self::launch(&self.binaries, Some(&self.folder)).expect("a standby")
    }

    /// Ends every session and the server.
    pub fn stop(&mut self) {
        self.tell("stop");
    }

    /// Starts it again.
    pub fn start_again(&mut self) {
        self.tell("start");
    }

    /// The superuser's address of its database `postgres`, which has the encoding and locale that
    /// the programs want.
    #[must_use]
    pub fn url(&self) -> String {
        let folder = self.folder.display();
        format!("postgres://postgres@localhost/postgres?host={folder}")
    }

    /// Where its programs are, and those of its clients.
    #[must_use]
    pub fn binaries(&self) -> &Path {
        &self.binaries
    }

    /// Where its socket is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs a statement on it.
    ///
    /// # Panics
    ///
    /// It fails.
    pub async fn run(&self, statement: &str) {
        let options = self.url().parse().expect("an address");
        super::run(&options, statement).await;
    }

    pub(super) fn launch(binaries: &Path, primary: Option<&Path>) -> Result<Self, String> {
        let mut child = unprivileged_shell()
            .args(["-c", SERVER, "sh"])
            .arg(binaries)
            .arg(primary.unwrap_or(Path::new("")))
            // A folder that the user of the server may be in.
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C reaches the tests and not the server, which then ends after them.
            .process_group(0)
            .spawn()
            .map_err(|error| format!("no shell to start it in: {error}"))?;
        let stdout = child.stdout.take().ok_or("its output is not piped")?;
        let mut server = Self {
            child,
            said: BufReader::new(stdout),
            binaries: binaries.to_owned(),
            folder: PathBuf::new(),
        };
        server.folder = server.line().into();
        if server.folder.as_os_str().is_empty() {
            let binaries = binaries.display();
            return Err(format!("the server of {binaries} does not start"));
        }
        Ok(server)
    }

    fn tell(&mut self, command: &str) {
        let stdin = self.child.stdin.as_mut().expect("piped");
        writeln!(stdin, "{command}").expect("the server listens");
        assert_eq!(self.line(), command, "the server does as told");
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let _ = self.said.read_line(&mut line);
        line.trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// The folder of the programs on the PATH: `initdb` is often not there itself, but beside what
/// `postgres` there links to.
pub(super) fn binaries() -> Option<PathBuf> {
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
