//! Two thoughts-backends, two users-backends and a gateway, each a process of its own.

use std::{
    env, fs,
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
};

use database::{Engine, testing::Fresh};
use tempfile::TempDir;

use super::gate::Gate;
use crate::support::{Program, answers, binary, free_port, left_out};

/// The name that has both addresses: replicas on one port, as behind a headless service.
const NAME: &str = "replicas.test";
const ADDRESSES: [&str; 2] = ["127.0.0.1", "127.0.0.2"];

/// The whole, on PostgreSQL with the example data.
pub(crate) struct Fleet {
    pub(crate) thoughts: [Replica; 2],
    pub(crate) users: [Replica; 2],
    pub(crate) gateway: Replica,
    /// Between the thoughts-backends and their database.
    pub(crate) thoughts_gate: Gate,
    _users_gate: Gate,
    _databases: [Fresh; 2],
    _hosts: TempDir,
}

/// One process and where it is.
pub(crate) struct Replica {
    program: Program,
    listen: String,
    operations: String,
}

impl Fleet {
    /// Starts everything at once, or says why it is left out.
    pub(crate) async fn start() -> Option<Self> {
        if let Err(error) = can_name_hosts() {
            let required = env::var("REQUIRE_POSTGRES").is_ok_and(|value| value == "1");
            assert!(!required, "REQUIRE_POSTGRES=1, but {error}");
            left_out(&error);
            return None;
        }
        let databases = [fresh().await?, fresh().await?];
        let [thoughts_db, users_db] = databases.each_ref().map(Fresh::url_text);
        // By a gate as well, because a test server's socket may lie where only root may look.
        let users_gate = Gate::before(users_db).await;
        let thoughts_gate = Gate::before(thoughts_db).await;
        let hosts = hosts();
        let (thoughts_port, users_port) = (port_of_both(), port_of_both());
        let users_url = ("USER_BACKEND_URL", format!("http://{NAME}:{users_port}"));
        let thoughts_url = (
            "THOUGHTS_BACKEND_URL",
            format!("http://{NAME}:{thoughts_port}"),
        );
        let demo = ("DEMO", "true".to_owned());

        let thoughts_db = ("DATABASE_URL", thoughts_gate.url(thoughts_db));
        let thoughts_settings = [thoughts_db, users_url.clone(), demo.clone()];
        let users_settings = [
            ("DATABASE_URL", users_gate.url(users_db)),
            thoughts_url.clone(),
            demo,
        ];
        let start = |program, address, port, settings: &[_]| {
            Replica::start(program, hosts.path(), address, port, settings)
        };
        let fleet = Self {
            thoughts: ADDRESSES.map(|address| {
                start(
                    "thoughts-backend",
                    address,
                    thoughts_port,
                    &thoughts_settings,
                )
            }),
            users: ADDRESSES
                .map(|address| start("users-backend", address, users_port, &users_settings)),
            gateway: start(
                "gateway",
                ADDRESSES[0],
                free_port(),
                &[thoughts_url, users_url],
            ),
            thoughts_gate,
            _users_gate: users_gate,
            _databases: databases,
            _hosts: hosts,
        };
        let everybody = fleet
            .thoughts
            .iter()
            .chain(&fleet.users)
            .chain([&fleet.gateway]);
        for replica in everybody {
            answers(&replica.operations("/readyz"), 200).await;
        }
        Some(fleet)
    }

    /// An address of a page.
    pub(crate) fn page(&self, path: &str) -> String {
        format!("http://{}{path}", self.gateway.listen)
    }
}

impl Replica {
    fn start(
        program: &str,
        hosts: &Path,
        address: &str,
        port: u16,
        settings: &[(&str, String)],
    ) -> Self {
        let listen = format!("{address}:{port}");
        let operations = format!("127.0.0.1:{}", free_port());
        let mut all = vec![
            ("LISTEN_ADDR", listen.clone()),
            ("OPS_ADDR", operations.clone()),
        ];
        all.extend(settings.iter().cloned());
        let hosts = hosts.join("hosts").display().to_string();
        let path = binary(program).display().to_string();
        let program = Program::start(
            Path::new("unshare"),
            &[&IN_NAMESPACE[..], &[&hosts, &path]].concat(),
            &all,
        );
        Self {
            program,
            listen,
            operations,
        }
    }

    /// As `kill -9` does it.
    pub(crate) fn kill(&mut self) {
        self.program.kill();
    }

    /// An address on its operations port.
    pub(crate) fn operations(&self, path: &str) -> String {
        format!("http://{}{path}", self.operations)
    }
}

/// Runs a program with another /etc/hosts than everybody else's, in a mount namespace of its own.
const IN_NAMESPACE: [&str; 6] = [
    "--map-root-user",
    "--mount",
    "--",
    "sh",
    "-c",
    "mount --bind \"$0\" /etc/hosts && exec \"$1\"",
];

/// Whether this machine lets a process have names of its own.
fn can_name_hosts() -> Result<(), String> {
    let hosts = hosts();
    let tried = Command::new("unshare")
        .args(IN_NAMESPACE)
        .arg(hosts.path().join("hosts"))
        .arg("true")
        .stderr(Stdio::null())
        .status();
    match tried {
        Ok(status) if status.success() => Ok(()),
        _ => Err("a process cannot be given host names of its own (unshare --mount)".to_owned()),
    }
}

fn hosts() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let lines = ADDRESSES
        .map(|address| format!("{address} {NAME}\n"))
        .concat();
    fs::write(folder.path().join("hosts"), lines + "127.0.0.1 localhost\n")
        .expect("a file of names");
    folder
}

/// A new database of PostgreSQL, the newest there is.
async fn fresh() -> Option<Fresh> {
    let engines = database::testing::each_engine().await;
    engines
        .into_iter()
        .rev()
        .find(|fresh| fresh.engine() == Engine::Postgres)
}

/// A port that is free on both addresses.
fn port_of_both() -> u16 {
    loop {
        let port = free_port();
        if TcpListener::bind((ADDRESSES[1], port)).is_ok() {
            return port;
        }
    }
}
