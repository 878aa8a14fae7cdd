//! The processes that are measured.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use database::testing::Fresh;
use tempfile::TempDir;
use tokio::{net::TcpStream, time::sleep};

use crate::caller::Caller;

/// Backends on one database, each with a gateway that knows it alone.
pub(crate) struct System {
    pub(crate) gateways: Vec<Process>,
    /// Bruce at each of the backends.
    pub(crate) people: Vec<Caller>,
    backends: Vec<Process>,
    _folder: TempDir,
}

/// One of them, killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: String,
}

impl System {
    pub(crate) async fn start(database: &Fresh, replicas: usize) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let accounts = format!("sqlite://{}/users.db", folder.path().display());
        let users_address = free_address();
        let users_url = ("USER_BACKEND_URL", format!("http://{users_address}"));
        let database = ("DATABASE_URL", database.url_text().to_owned());
        let thoughts: Vec<_> = (0..replicas)
            .map(|_| {
                let settings = [database.clone(), users_url.clone()];
                Process::start("thoughts-backend", free_address(), &settings)
            })
            .collect();
        let url_of = |process: &Process| {
            let url = format!("http://{}", process.address);
            ("THOUGHTS_BACKEND_URL", url)
        };
        let settings = [
            ("DATABASE_URL", accounts),
            url_of(&thoughts[0]),
            ("DEMO", "true".to_owned()),
        ];
        let users = Process::start("users-backend", users_address, &settings);
        let gateways: Vec<_> = thoughts
            .iter()
            .map(|backend| {
                let settings = [url_of(backend), users_url.clone()];
                Process::start("gateway", free_address(), &settings)
            })
            .collect();
        for process in thoughts.iter().chain(&gateways).chain([&users]) {
            process.listens().await;
        }
        let mut people = Vec::new();
        for backend in &thoughts {
            let caller = Caller::new(&backend.address, &users.address);
            people.push(caller.signs_in("bruce", "bruce").await);
        }
        Self {
            gateways,
            people,
            backends: thoughts.into_iter().chain([users]).collect(),
            _folder: folder,
        }
    }

    /// What all gateways take, in bytes.
    pub(crate) fn gateway_memory(&self) -> u64 {
        self.gateways.iter().map(Process::resident).sum()
    }

    /// How long gateways, backends and this process have kept a core busy.
    pub(crate) fn busy(&self) -> [Duration; 3] {
        let of = |processes: &[Process]| processes.iter().map(Process::busy).sum();
        [of(&self.gateways), of(&self.backends), busy("self")]
    }
}

impl Process {
    fn start(name: &str, address: String, settings: &[(&str, String)]) -> Self {
        let program = Path::new(env!("CARGO_BIN_EXE_mythoughts")).with_file_name(name);
        let child = Command::new(&program)
            .env("LISTEN_ADDR", &address)
            .env("OPS_ADDR", free_address())
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        let child = child.expect("cargo build --release --workspace comes first");
        Self { child, address }
    }

    async fn listens(&self) {
        while TcpStream::connect(&self.address).await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// The time that it has had on a core, in all of its threads.
    fn busy(&self) -> Duration {
        busy(&self.child.id().to_string())
    }

    fn resident(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(path).expect("Linux");
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        kilobytes.expect("a number") * 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn busy(pid: &str) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("Linux");
    // Behind the name, which may hold anything.
    let (_, fields) = stat.rsplit_once(") ").expect("a name");
    let fields = fields.split(' ').skip(11).take(2);
    let ticks: u64 = fields.map(|it| it.parse::<u64>().expect("ticks")).sum();
    // Linux tells user space of 100 ticks a second, whatever its own are.
    Duration::from_millis(ticks * 10)
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    address.to_string()
}
