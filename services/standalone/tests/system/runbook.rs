//! docs/runbook.md, command by command: a life of a small system, from one machine to PostgreSQL.

use std::{
    env, fs,
    os::unix::fs::{MetadataExt as _, symlink},
    path::PathBuf,
    process::Command,
};

use database::testing::Server;
use reqwest::{Client, StatusCode};
use tempfile::TempDir;

use crate::{
    runbook_text::{Block, blocks},
    support::{System, binary, client, left_out},
};

/// What the commands are run with.
struct Desk {
    folder: TempDir,
    variables: Vec<(&'static str, String)>,
    path: String,
    libraries: PathBuf,
    left: Vec<Block>,
}

impl Desk {
    fn new(server: &Server) -> Self {
        let ours = binary("users-backend");
        let folders = [ours.parent().expect("a folder"), server.binaries()];
        let usual = env::var("PATH").expect("a PATH");
        let path = folders.map(|it| format!("{}:", it.display())).concat() + usual.as_str();
        let folder = server.folder().display().to_string();
        let url =
            |user: &str, name: &str| format!("postgres://{user}@localhost/{name}?host={folder}");
        Self {
            variables: vec![
                ("PGHOST", folder.clone()),
                ("PGUSER", "postgres".to_owned()),
                ("users_db", url("users", "users")),
                ("thoughts_db", url("thoughts", "thoughts")),
                ("new_users_db", url("users", "new_users")),
                ("new_thoughts_db", url("thoughts", "new_thoughts")),
                ("admin_db", url("postgres", "postgres")),
                ("users_ops", "127.0.0.1:9001".to_owned()),
                ("name", "ada".to_owned()),
                ("RUST_LOG", "warn".to_owned()),
            ],
            folder: tempfile::tempdir().expect("a temporary folder"),
            path,
            libraries: server.binaries().join("../lib"),
            left: blocks()
                .into_iter()
                .filter(|it| !it.is_elsewhere())
                .collect(),
        }
    }

    /// The next commands under a heading.
    fn next(&mut self, heading: &str) -> String {
        let at = self.left.iter().position(|it| it.heading == heading);
        let at = at.unwrap_or_else(|| panic!("there are no more commands under {heading:?}"));
        self.left.remove(at).commands
    }

    /// Runs the next commands under a heading; what they print.
    fn run_next(&mut self, heading: &str) -> String {
        let commands = self.next(heading);
        self.run(&commands)
    }

    /// Runs commands; what they print.
    fn run(&self, commands: &str) -> String {
        self.run_as(Command::new("bash"), commands)
    }

    fn run_as(&self, mut shell: Command, commands: &str) -> String {
        let output = shell
            .args(["-euo", "pipefail", "-c", commands])
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", &self.path)
            .env("LD_LIBRARY_PATH", &self.libraries)
            .envs(self.variables.iter().cloned())
            .output()
            .expect("a shell");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{commands}\n{errors}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// Makes empty databases, as the runbook does.
    fn makes_databases(&self, names: &str) {
        self.run(&format!(
            "for name in {names}; do
                 createdb --owner ${{name#new_}} --template template0 --encoding UTF8 \\
                     --locale C.UTF-8 $name
             done"
        ));
    }

    fn asks(&self, database: &str, question: &str) -> String {
        self.run(&format!("psql -At \"${database}\" -c \"{question}\""))
            .trim()
            .to_owned()
    }
}

#[tokio::test]
async fn every_command_of_the_runbook_does_what_it_says() {
    let Some(server) = Server::start().await else {
        return;
    };
    let mut desk = Desk::new(&server);
    let mut system = System::with_administrator().await;
    let data = desk.folder.path().join("mythoughts-data");
    symlink(system.data(), data).expect("ours");
    let bruce = signed_in(&system).await;
    backs_up_and_restores_sqlite(&mut desk, &mut system, &bruce).await;
    serves_on_postgresql(&mut desk);
    moves_to_postgresql(&mut desk, &mut system).await;
    backs_up_and_restores_postgresql(&mut desk);
    rotates_and_mends(&mut desk);
    assert_eq!(desk.left, [], "commands that nobody has run");
}

async fn backs_up_and_restores_sqlite(desk: &mut Desk, system: &mut System, bruce: &Client) {
    writes(bruce, system, "before the backup").await;
    // Whatever is written meanwhile, a backup is of one moment.
    let backup = desk.next("SQLite");
    let writing = async {
        for number in 0..40 {
            writes(bruce, system, &format!("meanwhile {number}")).await;
        }
    };
    let backing_up = tokio::task::spawn_blocking({
        let (path, folder) = (desk.path.clone(), desk.folder.path().to_owned());
        move || {
            let mut shell = Command::new("bash");
            let shell = shell.args(["-euo", "pipefail", "-c", &backup]);
            shell.current_dir(folder).env("PATH", path).output()
        }
    });
    let (told, ()) = tokio::join!(backing_up, writing);
    let told = told.expect("no panic").expect("a shell");
    let errors = String::from_utf8_lossy(&told.stderr);
    assert_eq!(
        String::from_utf8_lossy(&told.stdout),
        "ok\nok\n",
        "{errors}"
    );
    writes(bruce, system, "after the backup").await;

    system.stop();
    desk.run_next("SQLite");
    system.start_again().await;
    let own = bruce.get(system.page("/search?search=backup")).send().await;
    let own = own.expect("an answer").text().await.expect("a page");
    assert!(own.contains("before the <mark>backup</mark>"), "{own}");
    assert!(!own.contains("after the <mark>"), "{own}");
}

async fn moves_to_postgresql(desk: &mut Desk, system: &mut System) {
    system.stop();
    desk.run("dropdb users && dropdb thoughts");
    desk.makes_databases("users thoughts");
    let told = desk.run_next("Move from SQLite to PostgreSQL");
    let done = told.matches("copied, and the same on both sides").count();
    assert_eq!(done, 2, "{told}");
    let question = "SELECT count(*) FROM thoughts WHERE text = 'before the backup'";
    assert_eq!(desk.asks("thoughts_db", question), "1");
}

/// On the usual ports, in a network of its own.
fn serves_on_postgresql(desk: &mut Desk) {
    let heading = "Plain processes, on PostgreSQL";
    desk.run_next(heading);
    let (secret, start) = (desk.next(heading), desk.next(heading));
    let (code, health) = (desk.next(heading), desk.next(heading));
    let Some(network) = own_network() else {
        return;
    };
    let story = format!(
        "ip link set lo up
         {secret}
         {start}
         trap 'kill $(jobs -p); wait' EXIT
         for port in 9000 9001 9002; do
             until curl --silent --fail --output /dev/null http://127.0.0.1:$port/readyz; do
                 kill -0 $(jobs -p)
                 sleep 0.05
             done
         done
         {health}
         {code}"
    );
    let told = desk.run_as(network, &story);
    assert_eq!(told.trim().len(), 32, "a code: {told:?}");
    let keys = "SELECT count(*) FROM signing_keys WHERE get_byte(pkcs8, 0) = 48";
    assert_eq!(desk.asks("users_db", keys), "0", "none lies open");
    assert_ne!(
        desk.asks("users_db", "SELECT count(*) FROM signing_keys"),
        "0"
    );
}

fn backs_up_and_restores_postgresql(desk: &mut Desk) {
    let (dump, restore) = (desk.next("PostgreSQL"), desk.next("PostgreSQL"));
    desk.run(&dump);
    desk.makes_databases("new_users new_thoughts");
    desk.run(&restore);
    for (old, new, table) in [
        ("users_db", "new_users_db", "users"),
        ("users_db", "new_users_db", "sessions"),
        ("thoughts_db", "new_thoughts_db", "thoughts"),
    ] {
        let sum = format!("SELECT md5(string_agg(t::TEXT, '' ORDER BY t::TEXT)) FROM {table} AS t");
        assert_eq!(desk.asks(old, &sum), desk.asks(new, &sum), "{table}");
    }
    // The programs take what was restored for theirs.
    let told = desk.run("DATABASE_URL=$new_users_db users-backend reset-password bruce");
    assert_eq!(told.trim().len(), 20, "{told:?}");
}

fn rotates_and_mends(desk: &mut Desk) {
    let told = desk.run_next("A lost administrator's password");
    assert_eq!(told.trim().len(), 20, "{told:?}");
    let ended = "SELECT count(*) FROM sessions JOIN users ON users.id = user_id
                 WHERE username = 'ada'";
    assert_eq!(desk.asks("users_db", ended), "0");

    desk.run_next("Signing keys");
    let keys = "SELECT count(*) FROM signing_keys";
    assert_eq!(desk.asks("users_db", keys), "0");
    desk.run_next("Passwords of the databases");
    let password = "SELECT rolpassword IS NOT NULL FROM pg_authid WHERE rolname = 'thoughts'";
    assert_eq!(desk.asks("admin_db", password), "t");

    let written = "UPDATE thoughts SET author = 'somebody' WHERE author = 'stephen'";
    desk.asks("thoughts_db", written);
    desk.run_next("Two moments");
    let kept = "SELECT count(*) FROM usernames WHERE username IN ('somebody', 'bruce')";
    assert_eq!(desk.asks("users_db", kept), "2");
    let deleted = "00f7de00-0601-7000-8000-000000000002";
    desk.variables.push(("deleted_user_id", deleted.to_owned()));
    desk.run_next("Two moments");
    let purges = "SELECT user_id FROM purges";
    assert_eq!(desk.asks("users_db", purges), deleted);
}

async fn signed_in(system: &System) -> Client {
    let client = client();
    let form = [("username", "bruce"), ("password", "bruce")];
    let answer = client.post(system.page("/login")).form(&form).send().await;
    assert_eq!(answer.expect("an answer").status(), StatusCode::SEE_OTHER);
    client
}

async fn writes(client: &Client, system: &System, text: &str) {
    let form = [("text", text)];
    let answer = client
        .post(system.page("/thoughts"))
        .form(&form)
        .send()
        .await;
    assert_eq!(answer.expect("an answer").status(), StatusCode::SEE_OTHER);
}

/// A shell with a loopback of its own; `None`, and that is said, where there is none to be had.
fn own_network() -> Option<Command> {
    let root = fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0);
    let command = || {
        let mut command = Command::new("unshare");
        if !root {
            command.arg("--map-root-user");
        }
        command.args(["--net", "--", "bash"]);
        command
    };
    let tried = command().args(["-c", "ip link set lo up"]).output();
    if tried.is_ok_and(|it| it.status.success()) {
        return Some(command());
    }
    left_out("a process cannot be given a network of its own (unshare --net, ip)");
    None
}
