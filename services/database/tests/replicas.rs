//! Replicas that really follow a primary, fall behind, go away and come back.

#![allow(clippy::expect_used, reason = "a test's helper fails the test")]

use std::{future, time::Duration};

use database::{
    Database, DatabaseUrl, Error, Migrations, Replica,
    testing::{Fresh, Server, each_engine},
};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, sleep_until},
};

const SOON: Duration = Duration::from_secs(30);

fn migrations() -> Migrations {
    Migrations::new(
        sqlx::migrate!("tests/migrations/sqlite"),
        sqlx::migrate!("tests/migrations/postgres"),
    )
}

/// A database, and replicas of it that are followed.
struct Followed {
    database: Database,
    replica: Replica,
    following: JoinHandle<()>,
}

impl Followed {
    async fn start(primary: &str, replicas: &str) -> Self {
        let url = primary.parse().expect("an address");
        let opened = Database::open(&url, &migrations(), future::pending()).await;
        let database = opened.expect("opened");
        let url = replicas.parse().expect("an address");
        let replica = Replica::new(&url).expect("PostgreSQL");
        let (followed, of) = (replica.clone(), database.clone());
        let following = tokio::spawn(async move { followed.follow(&of).await });
        Self {
            database,
            replica,
            following,
        }
    }

    async fn add(&self, name: &str) {
        add(&self.database, name).await.expect("added");
    }

    /// How many there are, as a replica has it.
    async fn count_there(&self) -> Option<i64> {
        self.replica.read(count(&self.replica.database())).await
    }

    async fn is_in_use(&self, expected: bool) {
        let start = Instant::now();
        while self.replica.is_in_use() != expected {
            assert!(start.elapsed() < SOON, "in use: never {expected}");
            sleep(Duration::from_millis(10)).await;
        }
    }

    async fn counts_there(&self, expected: i64) {
        let start = Instant::now();
        while self.count_there().await != Some(expected) {
            assert!(start.elapsed() < SOON, "never {expected}");
            sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.following.abort();
    }
}

async fn add(database: &Database, name: &str) -> Result<(), Error> {
    database::write!(database, |conn| {
        let add = sqlx::query("INSERT INTO people (name, age) VALUES ($1, 30)").bind(name);
        add.execute(&mut *conn).await.map(|_| ())
    })
}

async fn count(database: &Database) -> Result<i64, Error> {
    database::read!(database, |conn| {
        sqlx::query_scalar("SELECT count(*) FROM people")
            .fetch_one(&mut *conn)
            .await
    })
}

#[tokio::test]
async fn a_replica_is_read_while_it_keeps_up_and_never_written() {
    let Some(mut primary) = Server::start().await else {
        return;
    };
    let mut standby = primary.standby();
    let followed = Followed::start(&primary.url(), &standby.url()).await;
    followed.is_in_use(true).await;
    followed.add("bruce").await;
    followed.counts_there(1).await;
    let refused = add(&followed.replica.database(), "stephen").await;
    assert!(refused.is_err(), "a replica was written to");

    // One that hears of nothing new is left when it is too far behind, and taken back.
    standby.run("SELECT pg_wal_replay_pause()").await;
    followed.add("stephen").await;
    // It may be a little old.
    followed.counts_there(1).await;
    followed.is_in_use(false).await;
    assert_eq!(followed.count_there().await, None);
    standby.run("SELECT pg_wal_replay_resume()").await;
    followed.counts_there(2).await;

    // One that goes away and comes back.
    standby.stop();
    assert_eq!(followed.count_there().await, None);
    followed.is_in_use(false).await;
    standby.start_again();
    followed.counts_there(2).await;

    // Without the primary, replicas have all that there is.
    primary.stop();
    // For longer than a replica may be behind.
    sleep_until(Instant::now() + 2 * database::MAX_LAG).await;
    followed.counts_there(2).await;
    assert!(followed.database.ping().await.is_err(), "it is away");
    primary.start_again();
    followed.add("ada").await;
    followed.counts_there(3).await;
}

#[tokio::test]
async fn what_is_taken_for_a_replica_by_mistake_is_not_read_or_not_written() {
    for fresh in postgres().await {
        // The primary itself, as when a replica has taken its place.
        let followed = Followed::start(fresh.url_text(), fresh.url_text()).await;
        followed.is_in_use(true).await;
        followed.add("bruce").await;
        assert_eq!(followed.count_there().await, Some(1));
        let refused = add(&followed.replica.database(), "stephen").await;
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");

        // Another database of the same server.
        let other = postgres_like(&fresh).await;
        let mistaken = Followed::start(fresh.url_text(), other.url_text()).await;
        let looked_at = Instant::now();
        while looked_at.elapsed() < Duration::from_secs(3) {
            assert!(!mistaken.replica.is_in_use());
            sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(mistaken.count_there().await, None);
    }
}

#[tokio::test]
async fn what_fails_for_good_there_is_read_elsewhere_for_a_while() {
    for fresh in postgres().await {
        let followed = Followed::start(fresh.url_text(), fresh.url_text()).await;
        followed.is_in_use(true).await;
        let defect = async { Err::<(), _>(Error::Other(sqlx::Error::ColumnNotFound("x".into()))) };
        assert_eq!(followed.replica.read(defect).await, None);
        assert!(!followed.replica.is_in_use());
        // What a replica cancels is no reason to leave it.
        followed.is_in_use(true).await;
        let cancelled = async { Err::<(), _>(Error::Conflict(sqlx::Error::PoolTimedOut)) };
        assert_eq!(followed.replica.read(cancelled).await, None);
        assert!(followed.replica.is_in_use());
    }
}

#[tokio::test]
async fn a_replica_that_is_silent_holds_nobody_up_for_long() {
    for fresh in postgres().await {
        // It accepts and never answers.
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let silent = silent.expect("a port");
        let address = silent.local_addr().expect("an address");
        let url = format!("postgres://me@{address}/thoughts");
        let followed = Followed::start(fresh.url_text(), &url).await;
        followed.add("bruce").await;
        let start = Instant::now();
        for _ in 0..1_000 {
            assert_eq!(followed.count_there().await, None);
        }
        assert!(start.elapsed() < Duration::from_secs(2), "nobody waits");
    }
}

async fn postgres() -> Vec<Fresh> {
    let all = each_engine().await.into_iter();
    all.filter(|fresh| fresh.engine() == database::Engine::Postgres)
        .collect()
}

/// Another database of the same server, with the same tables.
async fn postgres_like(fresh: &Fresh) -> Fresh {
    let server = |url: &DatabaseUrl| url.to_string().rsplit_once('/').map(|it| it.0.to_owned());
    let another = postgres().await.into_iter();
    let mut another = another.filter(|it| server(it.url()) == server(fresh.url()));
    let another = another.next_back().expect("the same server");
    another.open(&migrations()).await.close().await;
    another
}
