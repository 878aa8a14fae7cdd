//! 100,000 thoughts through the settings page: in as JSON Lines, again, out in both formats, and the
//! Markdown folder into another account; with the time and the memory that each takes.
//!
//! ```sh
//! cargo build --release --workspace
//! cargo bench -p mythoughts --bench data             # 100,000 thoughts, on each engine there is
//! cargo bench -p mythoughts --bench data -- 10000
//! ```

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark says what it finds, and stops where it cannot go on"
)]

use std::{
    env, fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use database::testing::{Fresh, each_engine};
use futures_util::{StreamExt as _, stream};
use reqwest::{Body, Client, redirect::Policy};
use tokio::time::sleep;

const PASSWORD: &str = "a difference engine";
const WORDS: [&str; 12] = [
    "coffee",
    "tomorrow",
    "the",
    "river",
    "#books",
    "京都",
    "naïve",
    "“quoted”",
    "and",
    "walked",
    "☕️",
    "remember",
];

#[tokio::main]
async fn main() {
    let thoughts = env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok());
    let thoughts: u64 = thoughts.unwrap_or(100_000);
    for (thoughts_db, users_db) in each_engine().await.iter().zip(each_engine().await) {
        println!("{}, {thoughts} thoughts", thoughts_db.name());
        let system = System::start(thoughts_db, &users_db).await;
        through_the_page(&system, thoughts).await;
    }
}

async fn through_the_page(system: &System, thoughts: u64) {
    let bruce = system.signs_up("bruce").await;
    system
        .measures("upload, JSON Lines", async || {
            let body = Body::wrap_stream(form("thoughts.jsonl", lines(thoughts)));
            system.uploads(&bruce, body).await
        })
        .await;
    system
        .measures("the same again", async || {
            let body = Body::wrap_stream(form("thoughts.jsonl", lines(thoughts)));
            system.uploads(&bruce, body).await
        })
        .await;
    system
        .measures("download, JSON Lines", async || {
            let (size, _) = system.downloads(&bruce, "jsonl", false).await;
            format!("{size} bytes")
        })
        .await;
    let mut folder = Vec::new();
    system
        .measures("download, Markdown folder", async || {
            let (size, file) = system.downloads(&bruce, "zip", true).await;
            folder = file;
            format!("{size} bytes")
        })
        .await;
    let stephen = system.signs_up("stephen").await;
    system
        .measures("upload, Markdown folder", async || {
            let pieces: Vec<_> = folder.chunks(64 * 1024).map(<[u8]>::to_vec).collect();
            let body = Body::wrap_stream(form("thoughts.zip", stream::iter(pieces)));
            system.uploads(&stephen, body).await
        })
        .await;
}

/// A thought in each line, a twentieth of them changed once.
fn lines(thoughts: u64) -> impl futures_util::Stream<Item = Vec<u8>> + Send {
    stream::iter((0..thoughts).map(|n| {
        let word = |at: u64| WORDS[usize::try_from((n / 7 + at * (n % 11 + 1)) % 12).unwrap_or(0)];
        let text = (0..16).map(word).collect::<Vec<_>>().join(" ");
        let second = format!("2020-{:02}-{:02}T{:02}:{:02}:{:02}", n / 8_640 % 12 + 1, n / 86_400 % 28 + 1, n / 3_600 % 24, n / 60 % 60, n % 60);
        let revisions = match n % 20 {
            0 => format!(",\"revisions\":[{{\"text\":\"before {text}\",\"visibility\":\"VISIBILITY_PUBLIC\",\"createTime\":\"{second}Z\",\"endTime\":\"{second}.5Z\"}}]"),
            _ => String::new(),
        };
        format!("{{\"thought\":{{\"text\":\"{n} {text}\",\"visibility\":\"VISIBILITY_PUBLIC\",\"createTime\":\"{second}Z\"}}{revisions}}}\n").into_bytes()
    }))
    .ready_chunks(256)
    .map(|lines| lines.concat())
}

/// A form with one file.
fn form(
    name: &str,
    file: impl futures_util::Stream<Item = Vec<u8>> + Send + 'static,
) -> impl futures_util::Stream<Item = Result<Vec<u8>, std::convert::Infallible>> + Send {
    let head = format!(
        "--boundary\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
    );
    stream::iter([head.into_bytes()])
        .chain(file)
        .chain(stream::iter([b"\r\n--boundary--\r\n".to_vec()]))
        .map(Ok)
}

/// Each program a process of its own.
struct System {
    gateway: Process,
    thoughts: Process,
    _users: Process,
}

struct Process {
    child: Child,
    address: String,
}

impl System {
    async fn start(thoughts_db: &Fresh, users_db: &Fresh) -> Self {
        let [thoughts, users, gateway] = [(); 3].map(|()| free_address());
        let backends = [
            ("THOUGHTS_BACKEND_URL", format!("http://{thoughts}")),
            ("USER_BACKEND_URL", format!("http://{users}")),
        ];
        let database = |fresh: &Fresh| ("DATABASE_URL", fresh.url_text().to_owned());
        let with = |more: Vec<(&'static str, String)>| [backends.to_vec(), more].concat();
        let open = ("SIGN_UP", "open".to_owned());
        let system = Self {
            thoughts: Process::start(
                "thoughts-backend",
                thoughts,
                &with(vec![database(thoughts_db)]),
            ),
            _users: Process::start(
                "users-backend",
                users,
                &with(vec![database(users_db), open]),
            ),
            gateway: Process::start("gateway", gateway, &backends),
        };
        let login = system.page("/login");
        while Client::new().get(&login).send().await.is_err() {
            sleep(Duration::from_millis(50)).await;
        }
        system
    }

    fn page(&self, path: &str) -> String {
        format!("http://{}{path}", self.gateway.address)
    }

    /// A browser of somebody new.
    async fn signs_up(&self, name: &str) -> Client {
        let client = Client::builder()
            .cookie_store(true)
            .redirect(Policy::none());
        let client = client.build().expect("a client");
        let form = [("username", name), ("password", PASSWORD)];
        loop {
            let answer = client.post(self.page("/signup")).form(&form).send().await;
            match answer.expect("an answer").status().as_u16() {
                303 => break,
                503 => sleep(Duration::from_millis(100)).await,
                other => panic!("signing up answers {other}"),
            }
        }
        let answer = client.post(self.page("/login")).form(&form).send().await;
        assert_eq!(answer.expect("an answer").status(), 303);
        client
    }

    /// What the page says of an upload.
    async fn uploads(&self, client: &Client, body: Body) -> String {
        let request = client.post(self.page("/settings/data")).body(body);
        let request = request.header("content-type", "multipart/form-data; boundary=boundary");
        let answer = request.send().await.expect("an answer");
        let page = answer.text().await.expect("a page");
        ["Imported", "Already there", "Refused"]
            .map(|name| {
                let (_, rest) = page
                    .split_once(&format!("<dt>{name}</dt><dd>"))
                    .expect("counts");
                format!("{} {name}", rest.split('<').next().unwrap_or_default())
            })
            .join(", ")
    }

    async fn downloads(&self, client: &Client, file: &str, keep: bool) -> (usize, Vec<u8>) {
        let path = format!("/settings/data/thoughts.{file}");
        let answer = client
            .get(self.page(&path))
            .send()
            .await
            .expect("an answer");
        let (mut size, mut kept, mut chunks) = (0, Vec::new(), answer.bytes_stream());
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.expect("the whole file");
            size += chunk.len();
            if keep {
                kept.extend_from_slice(&chunk);
            }
        }
        (size, kept)
    }

    /// How long something takes, and the memory of both programs before, at most, and after.
    async fn measures(&self, what: &str, run: impl AsyncFnOnce() -> String) {
        let both = [
            ("gateway", &self.gateway),
            ("thoughts-backend", &self.thoughts),
        ];
        let before = both.map(|(_, process)| {
            process.forget_the_peak();
            process.megabytes("VmRSS")
        });
        let began = Instant::now();
        let told = run().await;
        let took = began.elapsed();
        println!("  {what}: {:.1} s; {told}", took.as_secs_f64());
        for ((name, process), before) in both.into_iter().zip(before) {
            let (peak, after) = (process.megabytes("VmHWM"), process.megabytes("VmRSS"));
            println!("    {name}: {before:.1} MiB before, {peak:.1} at most, {after:.1} after");
        }
    }
}

impl Process {
    fn start(name: &str, address: String, settings: &[(&str, String)]) -> Self {
        let path = Path::new(env!("CARGO_BIN_EXE_mythoughts")).with_file_name(name);
        let child = Command::new(&path)
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .env("LISTEN_ADDR", &address)
            .env("OPS_ADDR", free_address())
            .env("RUST_LOG", "warn")
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { child, address }
    }

    fn forget_the_peak(&self) {
        fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5").expect("Linux");
    }

    fn megabytes(&self, field: &str) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("it runs");
        let line = status.lines().find(|line| line.starts_with(field));
        let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
        let kilobytes: f64 = kilobytes.and_then(|it| it.parse().ok()).expect("a number");
        kilobytes / 1024.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}
