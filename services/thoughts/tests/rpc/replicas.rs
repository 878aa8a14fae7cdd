//! What is read from replicas, and what never is.

use std::time::Duration;

use api::thoughts::v1::ListTagsRequest;
use database::{
    Engine,
    testing::{Server, each_engine},
};
use thoughts_backend::Config;
use tokio::time::{Instant, sleep};
use tonic::Code;

use crate::support::{Backend, Person, config, texts};

const SOON: Duration = Duration::from_secs(30);

/// A backend on a primary with a hot standby.
struct Replicated {
    primary: Server,
    standby: Server,
    backend: Backend,
    nobody: Person,
    bruce: Person,
    stephen: Person,
}

impl Replicated {
    /// `None` where there is no PostgreSQL. Bruce has written "first #tag", and the standby has it.
    async fn start() -> Option<Self> {
        let primary = Server::start().await?;
        let standby = primary.standby();
        let users = "http://127.0.0.1:9".parse().expect("an address");
        let url = |server: &Server| server.url().parse().expect("an address");
        let config = Config {
            database_read_url: Some(url(&standby)),
            ..Config::new(url(&primary), users)
        };
        let backend = Backend::start_with(config).await;
        let replicated = Self {
            nobody: backend.nobody(),
            bruce: backend.member("bruce"),
            stephen: backend.member("stephen"),
            primary,
            standby,
            backend,
        };
        replicated
            .bruce
            .writes("first #tag")
            .await
            .expect("written");
        Some(replicated)
    }

    /// Waits until everybody is shown what they are and that comes from the standby, which repeats
    /// nothing more from then on.
    async fn stands_still(&self, expected: &[&str]) {
        let start = Instant::now();
        loop {
            self.standby.run("SELECT pg_wal_replay_resume()").await;
            eventually(&self.nobody, expected).await;
            self.standby.run("SELECT pg_wal_replay_pause()").await;
            let probe = self.bruce.writes("probe").await.expect("written");
            let listed = self.nobody.lists("bruce").await.expect("a list");
            let deleted = self.bruce.deletes_for_ever(&probe.id).await;
            deleted.expect("deleted");
            if texts(&listed.thoughts) == expected {
                return;
            }
            assert!(start.elapsed() < SOON, "the standby is never read");
        }
    }

    async fn stop(self) {
        self.backend.stop().await;
    }
}

async fn eventually(person: &Person, expected: &[&str]) {
    let start = Instant::now();
    loop {
        let listed = person.lists("bruce").await;
        if listed.is_ok_and(|listed| texts(&listed.thoughts) == expected) {
            return;
        }
        assert!(start.elapsed() < SOON, "never {expected:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn people_see_what_they_have_done_and_others_a_little_later() {
    let Some(it) = Replicated::start().await else {
        return;
    };
    let (bruce, stephen, nobody) = (&it.bruce, &it.stephen, &it.nobody);
    let both = ["second #tag", "first #tag"];
    let start = Instant::now();
    loop {
        it.stands_still(&["first #tag"]).await;
        let second = bruce.writes("second #tag").await.expect("written");
        let old = [
            nobody.lists("").await.expect("a list").thoughts,
            nobody.lists("bruce").await.expect("a list").thoughts,
            nobody.searches("tag").await.expect("found").thoughts,
            nobody.searches("#tag").await.expect("found").thoughts,
            stephen.lists("bruce").await.expect("a list").thoughts,
            stephen
                .searches("tag from:bruce")
                .await
                .expect("found")
                .thoughts,
        ];
        let old_count = tags(nobody).await;

        for author in ["", "bruce"] {
            let own = bruce.lists(author).await.expect("a list");
            assert_eq!(texts(&own.thoughts), both, "{author:?}");
        }
        for query in ["", "tag", "#tag", "from:bruce"] {
            let found = bruce.searches(query).await.expect("found");
            assert_eq!(texts(&found.thoughts), both, "{query:?}");
        }
        assert_eq!(tags(bruce).await, 2);
        bruce.reads(&second.id).await.expect("there");
        // Somebody who is given a link finds what it leads to.
        stephen.reads(&second.id).await.expect("there");
        nobody.reads(&second.id).await.expect("there");
        // Whoever may have removed something sees that it is gone.
        let administrator = it.backend.administrator("ada");
        let listed = administrator.lists("bruce").await.expect("a list");
        assert_eq!(texts(&listed.thoughts), both);

        let is_old = |thoughts: &Vec<_>| texts(thoughts) == ["first #tag"];
        if old.iter().all(is_old) && old_count == 1 {
            break;
        }
        // A slow machine gave up the standby in the meantime.
        assert!(start.elapsed() < SOON, "not all from the standby: {old:?}");
        bruce.deletes_for_ever(&second.id).await.expect("deleted");
    }
    // Not for long.
    eventually(nobody, &both).await;
    eventually(stephen, &both).await;
    it.stop().await;
}

#[tokio::test]
async fn pages_go_on_from_one_to_the_other() {
    let Some(mut it) = Replicated::start().await else {
        return;
    };
    for text in ["second", "third"] {
        it.bruce.writes(text).await.expect("written");
    }
    it.stands_still(&["third", "second", "first #tag"]).await;
    let page = it.nobody.pages("bruce", 1, "").await.expect("a page");
    it.standby.stop();
    let next = &page.next_page_token;
    let next = it.nobody.pages("bruce", 1, next).await.expect("a page");
    assert_eq!(texts(&next.thoughts), ["second"]);
    it.standby.start_again();
    it.stands_still(&["third", "second", "first #tag"]).await;
    let last = &next.next_page_token;
    let last = it.nobody.pages("bruce", 1, last).await.expect("a page");
    assert_eq!(texts(&last.thoughts), ["first #tag"]);
    assert_eq!(last.next_page_token, "");
    it.stop().await;
}

#[tokio::test]
async fn r15_without_the_primary_everyone_reads_and_nobody_is_told_less_than_they_wrote() {
    let Some(mut it) = Replicated::start().await else {
        return;
    };
    it.bruce.writes("second").await.expect("written");
    it.stands_still(&["second", "first #tag"]).await;
    it.standby.run("SELECT pg_wal_replay_resume()").await;
    it.primary.stop();

    eventually(&it.nobody, &["second", "first #tag"]).await;
    eventually(&it.stephen, &["second", "first #tag"]).await;
    let start = Instant::now();
    while let Err(refused) = it.nobody.searches("first").await {
        assert!(start.elapsed() < SOON, "nobody finds anything: {refused}");
    }
    for refused in [it.bruce.lists("bruce").await, it.bruce.lists("").await] {
        assert_eq!(refused.expect_err("refused").code(), Code::Unavailable);
    }
    let refused = it.bruce.writes("third").await.expect_err("refused");
    assert_eq!(refused.code(), Code::Unavailable);

    it.primary.start_again();
    let start = Instant::now();
    while let Err(refused) = it.bruce.writes("third").await {
        assert_eq!(refused.code(), Code::Unavailable, "{refused}");
        assert!(start.elapsed() < SOON, "it never comes back");
    }
    it.stop().await;
}

#[tokio::test]
async fn a_replica_that_is_away_from_the_start_is_missed_by_nobody() {
    for fresh in each_engine().await {
        if fresh.engine() == Engine::Sqlite {
            continue;
        }
        // Port 9 discards; nobody serves it.
        let away = "postgres://me@127.0.0.1:9/thoughts".parse();
        let config = Config {
            database_read_url: Some(away.expect("an address")),
            ..config(&fresh)
        };
        let backend = Backend::start_with(config).await;
        let bruce = backend.member("bruce");
        bruce.writes("written").await.expect("written");
        let listed = backend.nobody().lists("").await.expect("a list");
        assert_eq!(texts(&listed.thoughts), ["written"]);
        backend.stop().await;
    }
}

async fn tags(person: &Person) -> i64 {
    let listed = person.lists_tags(ListTagsRequest::default()).await;
    let listed = listed.expect("tags").tags;
    listed[0].thought_count
}
