//! Watching: what becomes of thoughts is told as it happens.

use std::time::Duration;

use api::thoughts::v1::{
    ImportThoughtsRequest, ListThoughtsRequest, Thought, Visibility, WatchThoughtsRequest,
    WatchThoughtsResponse, watch_thoughts_response::Change,
};
use database::testing::{Fresh, on_each_engine};
use runtime::{
    auth::{Claims, Role},
    clock::Timestamp,
};
use tokio::time::timeout;
use tonic::{Code, Status, Streaming};

use crate::support::{Backend, Person, System, bad_field, because, claims, refusal, user_id};

const SOON: Duration = Duration::from_secs(30);

/// A stream, and from where it can go on.
struct Watch {
    stream: Streaming<WatchThoughtsResponse>,
    token: String,
}

impl Watch {
    /// Begins now.
    async fn begin(person: &Person, author: &str, query: &str) -> Self {
        let mut watch = Self::resume(person, author, query, "").await;
        assert_eq!(watch.next().await.expect("a place").change, None);
        watch
    }

    async fn resume(person: &Person, author: &str, query: &str, token: &str) -> Self {
        let stream = person.watches(request(author, query, token)).await;
        Self {
            stream: stream.expect("a stream"),
            token: token.to_owned(),
        }
    }

    async fn next(&mut self) -> Result<WatchThoughtsResponse, Status> {
        let message = timeout(SOON, self.stream.message()).await.expect("soon")?;
        let message = message.expect("it goes on");
        assert!(!message.resume_token.is_empty());
        self.token.clone_from(&message.resume_token);
        Ok(message)
    }

    /// What happens next, in two words; the bare places in between are passed over.
    async fn hears(&mut self) -> String {
        loop {
            if let Some(change) = self.next().await.expect("it goes on").change {
                return told(&change);
            }
        }
    }

    async fn ends(&mut self) -> (Code, String) {
        loop {
            if let Err(status) = self.next().await {
                return refusal::<()>(Err(status));
            }
        }
    }
}

fn request(author: &str, query: &str, token: &str) -> WatchThoughtsRequest {
    WatchThoughtsRequest {
        author: author.to_owned(),
        query: query.to_owned(),
        resume_token: token.to_owned(),
    }
}

fn told(change: &Change) -> String {
    match change {
        Change::Created(thought) => format!("created {}", thought.text),
        Change::Updated(thought) => format!("updated {}", thought.text),
        Change::Deleted(id) => format!("deleted {id}"),
    }
}

#[tokio::test]
async fn an_import_is_told_like_all_that_is_written() {
    on_each_engine(async |fresh| {
        let system = System::start(fresh).await;
        let (bruce, stephen) = (system.member("bruce"), system.member("stephen"));
        let mut own = Watch::begin(&bruce, "bruce", "").await;
        let mut others = Watch::begin(&stephen, "", "").await;
        let mut finding = Watch::begin(&stephen, "", "second").await;
        let imported = |text: &str, visibility: Visibility, years: i64| ImportThoughtsRequest {
            thought: Some(Thought {
                text: text.to_owned(),
                visibility: visibility.into(),
                create_time: Some(Timestamp::from_seconds(-years * 31_557_600).into()),
                ..Thought::default()
            }),
            ..ImportThoughtsRequest::default()
        };
        // The order of writing is that of the file, however old the thoughts are.
        let file = vec![
            imported("the first", Visibility::Public, 1),
            imported("a secret", Visibility::Private, 60),
            imported("the second", Visibility::Public, 30),
        ];
        let answers = bruce.imports(file.clone()).await.expect("imported");
        assert_eq!(answers.last().expect("an answer").imported_count, 3);
        // What is there already is nothing new.
        bruce.imports(file).await.expect("imported");
        bruce.writes("the last").await.expect("written");
        for expected in [
            "created the first",
            "created a secret",
            "created the second",
            "created the last",
        ] {
            assert_eq!(own.hears().await, expected);
        }
        for expected in [
            "created the first",
            "created the second",
            "created the last",
        ] {
            assert_eq!(others.hears().await, expected);
        }
        assert_eq!(finding.hears().await, "created the second");
    })
    .await;
}

async fn turns(person: &Person, thought: &Thought, visibility: Visibility) -> Thought {
    let to_be = Thought {
        visibility: visibility.into(),
        ..thought.clone()
    };
    let turned = person.updates(&to_be, &["visibility"], None).await;
    turned.expect("turned")
}

#[tokio::test]
async fn what_becomes_of_thoughts_is_told_to_those_who_may_see_them() {
    on_each_engine(async |fresh| {
        let system = System::start(fresh).await;
        let (bruce, stephen) = (system.member("bruce"), system.member("stephen"));
        let mut own = Watch::begin(&bruce, "", "").await;
        let mut others = Watch::begin(&stephen, "bruce", "").await;
        let mut nobodys = Watch::begin(&system.backend.nobody(), "", "").await;

        let open = bruce.writes("open").await.expect("written");
        let secret = bruce.notes("secret").await.expect("written");
        let edited = bruce.edits(&open, "changed").await.expect("changed");
        turns(&bruce, &edited, Visibility::Private).await;
        turns(&bruce, &secret, Visibility::Public).await;
        bruce.deletes(&secret.id).await.expect("deleted");
        bruce.undeletes(&secret.id).await.expect("back");
        bruce.deletes_for_ever(&secret.id).await.expect("deleted");
        stephen.writes("by stephen").await.expect("written");

        let deleted = |thought: &Thought| format!("deleted {}", thought.id);
        for expected in [
            "created open",
            "created secret",
            "updated changed",
            "updated changed",
            "updated secret",
            &deleted(&secret),
            "created secret",
            &deleted(&secret),
            "created by stephen",
        ] {
            assert_eq!(own.hears().await, expected);
        }
        let seen = [
            "created open",
            "updated changed",
            &deleted(&open),
            "created secret",
            &deleted(&secret),
            "created secret",
            &deleted(&secret),
        ];
        for expected in seen {
            assert_eq!(others.hears().await, expected);
            assert_eq!(nobodys.hears().await, expected);
        }
        assert_eq!(nobodys.hears().await, "created by stephen");
        bruce.writes("last").await.expect("written");
        // Nothing of stephen's in between.
        assert_eq!(others.hears().await, "created last");
        system.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_query_is_watched_with_its_matches() {
    on_each_engine(async |fresh| {
        let backend = Backend::start(fresh).await;
        let bruce = backend.member("bruce");
        let mut watch = Watch::begin(&backend.nobody(), "", "platypus -wombat").await;
        bruce.writes("a wombat").await.expect("written");
        let thought = bruce.writes("A Platypus").await.expect("written");
        let created = watch.next().await.expect("told");
        assert_eq!(
            told(&created.change.expect("a change")),
            "created A Platypus"
        );
        let ranges = created.matches.expect("matches").ranges;
        assert_eq!((ranges[0].start, ranges[0].end), (2, 10));
        let both = bruce.edits(&thought, "platypus, wombat").await;
        let both = both.expect("changed");
        assert_eq!(watch.hears().await, format!("deleted {}", thought.id));
        bruce.edits(&both, "platypus again").await.expect("changed");
        assert_eq!(watch.hears().await, "created platypus again");
        let nobody = backend.nobody();
        let long = nobody.watches(request("", &"x".repeat(1_001), ""));
        assert_eq!(bad_field(long.await), "query");
        backend.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_watch_goes_on_at_another_replica_and_over_a_restart() {
    on_each_engine(async |fresh| {
        let system = System::start(fresh).await;
        let other = system.another_backend(fresh).await;
        let bruce = system.member("bruce");
        let mut watch = Watch::begin(&system.backend.nobody(), "bruce", "").await;
        other.member("bruce").writes("one").await.expect("written");
        assert_eq!(watch.hears().await, "created one");
        bruce.writes("two").await.expect("written");
        let token = watch.token.clone();
        assert_eq!(watch.hears().await, "created two");

        let mut again = Watch::resume(&other.nobody(), "bruce", "", &token).await;
        assert_eq!(again.hears().await, "created two");
        let token = again.token.clone();
        bruce.writes("three").await.expect("written");
        assert_eq!(again.hears().await, "created three");
        other.stop().await;
        let expected = because(Code::Unavailable, "SERVER_STOPPING");
        assert_eq!(again.ends().await, expected);

        let restarted = system.another_backend(fresh).await;
        let mut again = Watch::resume(&restarted.nobody(), "bruce", "", &token).await;
        assert_eq!(again.hears().await, "created three");
        let nobody = restarted.nobody();
        for (author, query) in [("", ""), ("stephen", ""), ("bruce", "x")] {
            let wrong = nobody.watches(request(author, query, &token));
            assert_eq!(bad_field(wrong.await), "resume_token");
        }
        for wrong in ["x", "AQAGCiQYHkAApPC2h-zojM8"] {
            let wrong = nobody.watches(request("bruce", "", wrong));
            assert_eq!(bad_field(wrong.await), "resume_token");
        }
        restarted.stop().await;
        system.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_list_says_from_where_on_to_watch() {
    on_each_engine(async |fresh| {
        let system = System::start(fresh).await;
        let other = system.another_backend(fresh).await;
        let (bruce, nobody) = (system.member("bruce"), other.nobody());
        let one = bruce.writes("one wombat").await.expect("written");
        let list = nobody.lists("bruce").await.expect("a list");
        let found = nobody.searches("wombat").await.expect("found");
        assert_eq!(list.thoughts, std::slice::from_ref(&one));
        // After the pages were made, before they are followed.
        bruce.writes("two wombats").await.expect("written");
        bruce.deletes(&one.id).await.expect("deleted");
        for (author, query, token) in [
            ("bruce", "", &list.resume_token),
            ("", "wombat", &found.resume_token),
        ] {
            let mut watch = Watch::resume(&system.backend.nobody(), author, query, token).await;
            let mut heard = watch.hears().await;
            // What the page shows already may be told as well.
            if heard == "created one wombat" {
                heard = watch.hears().await;
            }
            assert_eq!(heard, "created two wombats");
            assert_eq!(watch.hears().await, format!("deleted {}", one.id));
        }
        bruce.writes("three wombats").await.expect("written");
        let first = nobody.pages("bruce", 1, "").await.expect("a page");
        let older = nobody.pages("bruce", 1, &first.next_page_token).await;
        assert_eq!(older.expect("a page").resume_token, "");
        let first = nobody.search_pages("wombat", 1, "").await.expect("found");
        let older = nobody.search_pages("wombat", 1, &first.next_page_token);
        assert_eq!(older.await.expect("found").resume_token, "");
        let trash = ListThoughtsRequest {
            only_deleted: true,
            ..Default::default()
        };
        let trash = bruce.sends_list(trash).await.expect("a list");
        assert_eq!((trash.thoughts.len(), &*trash.resume_token), (1, ""));
        system.stop().await;
        other.stop().await;
    })
    .await;
}

#[tokio::test]
async fn the_end_of_an_author_is_told_as_the_end_of_each_thought() {
    on_each_engine(async |fresh| {
        let system = System::start(fresh).await;
        let (bruce, stephen) = (system.member("bruce"), system.member("stephen"));
        let mut watch = Watch::begin(&stephen, "", "").await;
        let thought = bruce.writes("mine").await.expect("written");
        bruce.notes("secret").await.expect("written");
        let before = watch.token.clone();
        assert_eq!(watch.hears().await, "created mine");
        let users = system.users_backend(&system.backend);
        users
            .purges(&user_id("bruce").to_string())
            .await
            .expect("purged");
        let deleted = format!("deleted {}", thought.id);
        assert_eq!(watch.hears().await, deleted);
        // Whoever comes back is not told any more what was said.
        let mut late = Watch::resume(&stephen, "", "", &before).await;
        assert_eq!(late.hears().await, deleted);
        stephen.writes("next").await.expect("written");
        assert_eq!(watch.hears().await, "created next");
        assert_eq!(late.hears().await, "created next");
        system.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_watch_ends_with_its_callers_token() {
    let fresh = Fresh::sqlite();
    let backend = Backend::start(&fresh).await;
    let claims = claims("bruce", Role::Member);
    let short = backend.key.sign(&Claims {
        exp: claims.iat + 3,
        ..claims
    });
    let mut watch = Watch::begin(&backend.with_token(short), "", "").await;
    let expected = because(Code::Unauthenticated, "TOKEN_EXPIRED");
    assert_eq!(watch.ends().await, expected);
    backend.stop().await;
}

/// Calls end after ten seconds at the latest; a stream is not one of those.
#[tokio::test]
async fn a_quiet_watch_is_not_cut_and_says_where_it_is() {
    let fresh = Fresh::sqlite();
    let backend = Backend::start(&fresh).await;
    let mut watch = Watch::begin(&backend.nobody(), "", "").await;
    let next = timeout(SOON, watch.stream.message()).await;
    let next = next.expect("now and then").expect("it goes on");
    assert_eq!(next.expect("a message").change, None);
    let bruce = backend.member("bruce");
    bruce.writes("at last").await.expect("written");
    assert_eq!(watch.hears().await, "created at last");
    backend.stop().await;
}
