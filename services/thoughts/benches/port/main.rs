//! P11: export and import beside PostgreSQL's own COPY of the same rows, and the memory they take.
//!
//! ```sh
//! cargo bench -p thoughts-backend --bench port             # 100,000 thoughts
//! cargo bench -p thoughts-backend --bench port -- 10000
//! ```

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark says what it finds, and stops where it cannot go on"
)]

#[path = "../search/corpus.rs"]
#[allow(dead_code, reason = "all thoughts are one author's here")]
mod corpus;

use std::{
    env,
    fmt::Write as _,
    fs,
    future::pending,
    pin::pin,
    time::{Duration, Instant},
};

use database::{
    Engine,
    testing::{Fresh, each_engine},
};
use futures_util::TryStreamExt as _;
use runtime::{
    auth::{Caller, Role},
    clock::{Clock, Timestamp},
};
use sqlx::{Connection as _, PgConnection};
use thoughts_backend::{
    fold::fold,
    porting::{Draft, Record},
    service::Thoughts,
    store::Store,
    thought::{Author, MaxLength, Visibility},
};
use uuid::Uuid;

/// As many as the rpc stores at once.
const BATCH: i64 = 500;

#[tokio::main]
async fn main() {
    let rows = env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok());
    let rows: i64 = rows.unwrap_or(100_000);
    for (ours, theirs) in each_engine().await.iter().zip(each_engine().await) {
        println!("{}, {rows} thoughts", ours.name());
        let (imported, exported) = through_the_service(ours, rows).await;
        if theirs.engine() == Engine::Postgres {
            let (copied_in, copied_out) = by_copy(&theirs, rows).await;
            let ratio = |copy: Duration, our: Duration| copy.as_secs_f64() / our.as_secs_f64();
            println!("COPY in {copied_in:.2?}, out {copied_out:.2?}");
            println!(
                "import {:.2}x COPY (bar 0.25), export {:.2}x (bar 0.5)",
                ratio(copied_in, imported),
                ratio(copied_out, exported)
            );
        }
    }
}

async fn through_the_service(fresh: &Fresh, rows: i64) -> (Duration, Duration) {
    let store = Store::open(fresh.url(), pending()).await;
    let service = Thoughts {
        store: store.expect("the database"),
        clock: Clock::system(),
        max_length: MaxLength::default(),
    };
    let caller = caller();
    let before = resident();
    let again = async |times: &str| {
        let start = Instant::now();
        for start in (0..rows).step_by(500) {
            let records: Vec<_> = (start..rows.min(start + BATCH))
                .map(|n| record(&service, n))
                .collect();
            let outcomes = service.import(&caller, &records).await;
            outcomes.expect("imported");
        }
        let took = start.elapsed();
        println!(
            "import {times} {took:.2?}, memory {before} kB before, {} kB after",
            resident()
        );
        took
    };
    let imported = again("once").await;
    again("twice").await;
    let start = Instant::now();
    let mut exported = pin!(service.export(&caller, true));
    let mut count = 0;
    while exported.try_next().await.expect("exported").is_some() {
        count += 1;
    }
    assert_eq!(count, rows);
    let took = start.elapsed();
    println!("export {took:.2?}, memory {} kB after", resident());
    (imported, took)
}

async fn by_copy(fresh: &Fresh, rows: i64) -> (Duration, Duration) {
    let store = Store::open(fresh.url(), pending()).await;
    store.expect("the database").close().await;
    let mut connection = PgConnection::connect(fresh.url_text())
        .await
        .expect("a connection");
    let start = Instant::now();
    let columns = "position, id, author_id, author, text, folded, visibility, update_time";
    let sql = format!("COPY thoughts ({columns}) FROM STDIN");
    let mut copy = connection.copy_in_raw(&sql).await.expect("COPY");
    for start in (0..rows).step_by(500) {
        let mut lines = String::new();
        for n in start..rows.min(start + BATCH) {
            let (text, time) = (corpus::text(n, rows.max(2)), n * 60_000_000);
            let (id, author, folded) = (id(n), caller().user_id, fold(&text));
            writeln!(
                lines,
                "{time}\t{id}\t{author}\tbruce\t{text}\t{folded}\t1\t{time}"
            )
            .expect("written");
        }
        copy.send(lines.into_bytes()).await.expect("sent");
    }
    copy.finish().await.expect("copied");
    let copied_in = start.elapsed();
    let start = Instant::now();
    let sql = format!("COPY (SELECT {columns} FROM thoughts ORDER BY position) TO STDOUT");
    let mut copy = connection.copy_out_raw(&sql).await.expect("COPY");
    while copy.try_next().await.expect("read").is_some() {}
    (copied_in, start.elapsed())
}

fn record(service: &Thoughts, n: i64) -> Record {
    let caller = caller();
    let author = Author {
        id: caller.user_id,
        username: caller.username,
    };
    let draft = Draft {
        id: Some(id(n)),
        text: corpus::text(n, 100_000),
        visibility: Visibility::Public,
        create_time: Some(Timestamp::from_seconds(n * 60)),
        update_time: None,
        delete_time: None,
        removed: false,
        revisions: Vec::new(),
    };
    Record::new(author, draft, service.clock.now(), service.max_length).expect("a record")
}

fn id(n: i64) -> Uuid {
    Uuid::from_u128(0x7000_0000_0000_0000 + u128::from(n.unsigned_abs()))
}

fn caller() -> Caller {
    Caller {
        user_id: Uuid::from_u128(1),
        username: "bruce".to_owned(),
        role: Role::Member,
        session_id: None,
        personal_token: None,
        expires: Timestamp::from_micros(i64::MAX),
    }
}

/// What the process holds in memory, in kB; zero where nothing says.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .unwrap_or_default()
}
