//! P9: what readers of `/live` cost a gateway, and how soon a post reaches all of them. Fails where a
//! bar is missed.
//!
//! ```sh
//! cargo build --release --workspace
//! .ci/postgres BINDIR -- cargo bench -p mythoughts --bench live           # 10,000 readers
//! .ci/postgres BINDIR -- cargo bench -p mythoughts --bench live -- 1000
//! ```
//!
//! Each reader is a connection, so this process and each gateway need that many open files
//! (`ulimit -n`). Readers run in this process, in one thread, on the same cores as the servers. A
//! latency is from before the post is sent until a reader has read it.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark says what it finds, and stops where it cannot go on"
)]

#[path = "../../tests/system/support/caller.rs"]
#[allow(dead_code, reason = "tests ask for more")]
mod caller;
mod programs;
mod readers;

use std::{env, process::ExitCode, time::Duration};

use database::{
    Engine,
    testing::{Fresh, each_engine},
};

use self::{
    programs::System,
    readers::{Readers, posted},
};

/// How many posts each figure is of.
const POSTS: usize = 30;

/// How many of the readers have a list each: each of these is a stream from the backend, too.
const WITH_OWN_LISTS: usize = 1_000;

/// How many come and go before anything is measured.
const FIRST: usize = 2;

/// What one reader may take of a gateway's memory, in KiB.
const MOST_MEMORY: f64 = 20.0;

/// Within this a post reaches all readers of one gateway.
const ALL_WITHIN: Duration = Duration::from_secs(1);

/// Within this it reaches 99 in a hundred readers, over two replicas.
const P99_WITHIN: Duration = Duration::from_millis(200);

/// What has been measured.
struct Figures {
    /// What a reader takes of a gateway's memory, in KiB.
    memory: f64,
    p99: Duration,
    all: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let readers = env::args().skip(1).find_map(|it| it.parse().ok());
    let readers: usize = readers.unwrap_or(10_000);
    let engines = each_engine().await;
    let sqlite = engines.iter().find(|it| it.engine() == Engine::Sqlite);
    let sqlite = sqlite.expect("SQLite");
    // One list for all of them, and one for each.
    let everyones = |_: usize| "/live".to_owned();
    let own = |n: usize| format!("/live?search=-x{n}x");
    let one = measure("one gateway, one list", sqlite, 1, readers, &everyones).await;
    let mut missed = one.memory > MOST_MEMORY || one.all > ALL_WITHIN;
    let few = readers.min(WITH_OWN_LISTS);
    let each = measure("one gateway, a list each", sqlite, 1, few, &own).await;
    missed |= each.all > ALL_WITHIN;
    let postgres = engines.iter().rfind(|it| it.engine() == Engine::Postgres);
    if let Some(postgres) = postgres {
        let name = "two replicas with a gateway each, one list";
        let two = measure(name, postgres, 2, readers, &everyones).await;
        missed |= two.memory > MOST_MEMORY || two.p99 > P99_WITHIN;
    } else {
        println!("no PostgreSQL: two replicas are left out");
    }
    println!(
        "\nbars: {MOST_MEMORY} KiB a reader of everyone's list, all within {ALL_WITHIN:?}; over two \
         replicas p99 within {P99_WITHIN:?}: {}",
        if missed { "missed" } else { "held" }
    );
    if missed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// Opens so many readers, evenly over so many gateways with a backend each, and posts.
async fn measure(
    name: &str,
    database: &Fresh,
    replicas: usize,
    count: usize,
    path: &dyn Fn(usize) -> String,
) -> Figures {
    println!("\n{name}: {count} readers");
    let system = System::start(database, replicas).await;
    // What any reader at all takes, as the code that serves it, is not theirs.
    drop(Readers::open(&system, FIRST, path).await);
    let memory = system.gateway_memory();
    let taken = || system.gateway_memory().saturating_sub(memory) as f64 / 1024.0 / count as f64;
    let readers = Readers::open(&system, count, path).await;
    let opened = taken();
    let busy = system.busy();
    let mut all = Vec::new();
    for number in 0..POSTS {
        let person = &system.people[number % replicas];
        let latencies = readers.hear(number, posted(person, number)).await;
        all.extend(latencies);
    }
    let [gateways, backends, readers] = std::array::from_fn(|of| {
        (system.busy()[of] - busy[of]) / u32::try_from(POSTS).expect("few")
    });
    all.sort_unstable();
    let at = |share: f64| all[((all.len() - 1) as f64 * share) as usize];
    let figures = Figures {
        memory: taken().max(opened),
        p99: at(0.99),
        all: at(1.0),
    };
    println!(
        "gateways took {opened:.1} KiB a reader, {:.1} after {POSTS} posts",
        taken()
    );
    println!(
        "a post reached half of them after {:.0?}, 99% after {:.0?}, all after {:.0?}",
        at(0.5),
        figures.p99,
        figures.all
    );
    println!(
        "cores were busy for {gateways:.0?} a post in gateways, {backends:.0?} in backends, \
         {readers:.0?} in readers"
    );
    figures
}
