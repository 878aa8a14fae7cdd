//! P9: what readers of `/live` cost a gateway, and how soon a post reaches all of them.
//!
//! ```sh
//! cargo build --release --workspace
//! .ci/postgres BINDIR -- cargo bench -p mythoughts --bench live           # 10,000 readers
//! .ci/postgres BINDIR -- cargo bench -p mythoughts --bench live -- 1000
//! ```
//!
//! Each reader is a connection, so this process and each gateway need that many open files
//! (`ulimit -n`). Readers run in this process, on the same cores as the servers.

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

use std::{
    env,
    time::{Duration, Instant},
};

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

#[tokio::main]
async fn main() {
    let readers = env::args().skip(1).find_map(|it| it.parse().ok());
    let readers: usize = readers.unwrap_or(10_000);
    let engines = each_engine().await;
    let sqlite = engines.iter().find(|it| it.engine() == Engine::Sqlite);
    let sqlite = sqlite.expect("SQLite");
    // One list for all of them, and one for each.
    let everyones = |_: usize| "/live".to_owned();
    let own = |n: usize| format!("/live?search=-x{n}x");
    measure("one gateway, one list", sqlite, 1, readers, &everyones).await;
    measure("one gateway, a list each", sqlite, 1, readers, &own).await;
    let postgres = engines.iter().rfind(|it| it.engine() == Engine::Postgres);
    let Some(postgres) = postgres else {
        return println!("no PostgreSQL: two replicas are left out");
    };
    let name = "two replicas with a gateway each, one list";
    measure(name, postgres, 2, readers, &everyones).await;
}

/// Opens so many readers, evenly over so many gateways with a backend each, and posts.
async fn measure(
    name: &str,
    database: &Fresh,
    replicas: usize,
    count: usize,
    path: &dyn Fn(usize) -> String,
) {
    println!("\n{name}: {count} readers");
    let system = System::start(database, replicas).await;
    let before = system.gateway_memory();
    let opening = Instant::now();
    let mut readers = Readers::open(&system, count, path).await;
    println!("open after {:.1?}", opening.elapsed());
    let each = |bytes: u64| bytes as f64 / 1024.0 / count as f64;
    println!(
        "gateways took {:.1} KiB a reader (bar 20)",
        each(system.gateway_memory() - before)
    );
    let mut all = Vec::new();
    for number in 0..POSTS {
        let began = Instant::now();
        posted(&system.people[number % replicas], number).await;
        let acknowledged = began.elapsed();
        let mut latencies = readers.hear(number, began).await;
        latencies.sort_unstable();
        println!(
            "post {number}: acknowledged {acknowledged:.0?}, p50 {:.0?}, all {:.0?}",
            latencies[count / 2],
            latencies[count - 1]
        );
        all.extend(latencies);
    }
    all.sort_unstable();
    let at = |share: f64| all[((all.len() - 1) as f64 * share) as usize];
    let slow = all
        .iter()
        .filter(|&&it| it > Duration::from_secs(1))
        .count();
    println!(
        "p50 {:.0?}, p99 {:.0?} (bar 200ms), max {:.0?} (bar 1s: {slow} later)",
        at(0.5),
        at(0.99),
        at(1.0)
    );
    println!(
        "gateways took {:.1} KiB a reader after {POSTS} posts",
        each(system.gateway_memory() - before)
    );
}
