//! P11: export and import beside PostgreSQL's own COPY of the same rows, and the memory they take.
//! An export is made into the messages that the rpc sends.
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

use api::thoughts::v1::ExportThoughtsResponse;
use database::{
    Engine,
    testing::{Fresh, each_engine},
};
use futures_util::TryStreamExt as _;
use prost::Message as _;
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

const ROUNDS: usize = 5;

const COLUMNS: &str =
    "position, moved_by, id, author_id, author, text, folded, visibility, update_time";

#[tokio::main]
async fn main() {
    let rows = env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok());
    let rows: i64 = rows.unwrap_or(100_000);
    for (ours, theirs) in each_engine().await.iter().zip(each_engine().await) {
        println!("{}, {rows} thoughts", ours.name());
        let service = opened(ours).await;
        let imported = imported(&service, rows).await;
        if theirs.engine() == Engine::Sqlite {
            let exported = exported(&service, rows).await;
            println!("export {exported:.2?}");
            continue;
        }
        opened(&theirs).await.store.close().await;
        let connecting = PgConnection::connect(theirs.url_text());
        let mut connection = connecting.await.expect("a connection");
        let copied_in = copied_in(&mut connection, rows).await;
        let (mut outs, mut copies) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            outs.push(exported(&service, rows).await);
            copies.push(copied_out(&mut connection).await);
        }
        let (out, copy) = (median(outs), median(copies));
        println!("export {out:.2?}, COPY in {copied_in:.2?}, out {copy:.2?}");
        println!(
            "import {:.2}x COPY (bar 0.25), export {:.2}x (bar 0.5)",
            copied_in.as_secs_f64() / imported.as_secs_f64(),
            copy.as_secs_f64() / out.as_secs_f64()
        );
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

async fn opened(fresh: &Fresh) -> Thoughts {
    let store = Store::open(fresh.url(), pending()).await;
    Thoughts {
        store: store.expect("the database"),
        clock: Clock::system(),
        max_length: MaxLength::default(),
    }
}

async fn imported(service: &Thoughts, rows: i64) -> Duration {
    let caller = caller();
    let before = resident();
    let again = async |times: &str| {
        let start = Instant::now();
        for start in (0..rows).step_by(500) {
            let records: Vec<_> = (start..rows.min(start + BATCH))
                .map(|n| record(service, n))
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
    imported
}

async fn exported(service: &Thoughts, rows: i64) -> Duration {
    let start = Instant::now();
    let mut exported = pin!(service.export(&caller(), true));
    let (mut message, mut bytes, mut count, mut most) = (Vec::new(), 0, 0, 0);
    while let Some(exported) = exported.try_next().await.expect("exported") {
        message.clear();
        let response = ExportThoughtsResponse::from(exported);
        response.encode(&mut message).expect("encoded");
        bytes += message.len();
        count += 1;
        if count % 1_000 == 0 {
            most = most.max(resident());
        }
    }
    assert_eq!(count, rows);
    let took = start.elapsed();
    println!("export {took:.2?}, {bytes} bytes, memory {most} kB at most");
    took
}

async fn copied_in(connection: &mut PgConnection, rows: i64) -> Duration {
    let start = Instant::now();
    let sql = format!("COPY thoughts ({COLUMNS}) FROM STDIN");
    let mut copy = connection.copy_in_raw(&sql).await.expect("COPY");
    for start in (0..rows).step_by(500) {
        let mut lines = String::new();
        for n in start..rows.min(start + BATCH) {
            let (text, time) = (corpus::text(n, rows.max(2)), n * 60_000_000);
            let (id, author, folded) = (id(n), caller().user_id, fold(&text));
            writeln!(
                lines,
                "{time}\t0\t{id}\t{author}\tbruce\t{text}\t{folded}\t1\t{time}"
            )
            .expect("written");
        }
        copy.send(lines.into_bytes()).await.expect("sent");
    }
    copy.finish().await.expect("copied");
    start.elapsed()
}

async fn copied_out(connection: &mut PgConnection) -> Duration {
    let start = Instant::now();
    let sql = format!("COPY (SELECT {COLUMNS} FROM thoughts ORDER BY position) TO STDOUT");
    let mut copy = connection.copy_out_raw(&sql).await.expect("COPY");
    while copy.try_next().await.expect("read").is_some() {}
    start.elapsed()
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
