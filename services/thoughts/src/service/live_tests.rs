//! Watching, by two replicas of one database.

use std::{collections::HashMap, future::pending, sync::Arc, time::Duration};

use database::testing::{Fresh, on_each_engine};
use runtime::clock::Clock;
use tokio::{
    sync::Barrier,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    Told, WatchEnd, Watcher,
    live::{Live, Pace},
};
use crate::{
    live::{Bookmark, News, Watch},
    page::PageRequest,
    store::{Store, Updated},
    thought::{Author, Change, MaxLength, Thought, ThoughtText, Visibility},
    trash::Reach,
};

/// Other tests' transactions on the same server may hold changes up.
const SOON: Duration = Duration::from_mins(3);

struct Replica {
    store: Store,
    live: Live,
    shutdown: CancellationToken,
}

impl Replica {
    async fn start(fresh: &Fresh) -> Self {
        Self::start_at(fresh, Pace::default()).await
    }

    async fn start_at(fresh: &Fresh, pace: Pace) -> Self {
        let store = Store::open(fresh.url(), pending()).await.expect("a store");
        let shutdown = CancellationToken::new();
        let live = Live::start_at(store.clone(), shutdown.clone(), pace);
        Self {
            store,
            live,
            shutdown,
        }
    }

    async fn watch(&self) -> Watcher {
        let watch = self.live.watch(Watch::default(), None).await;
        watch.expect("a watch")
    }

    async fn resume(&self, at: Bookmark) -> Result<Watcher, WatchEnd> {
        self.live.watch(Watch::default(), Some(at)).await
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.store.close().await;
    }
}

fn thought(text: &str) -> Thought {
    let clock = Clock::system();
    let now = clock.now();
    Thought {
        id: clock.new_id(),
        author: Author {
            id: Uuid::from_u128(1),
            username: "bruce".to_owned(),
        },
        text: text.to_owned(),
        visibility: Visibility::Public,
        create_time: now,
        position: now.as_micros(),
        update_time: now,
        trashed: None,
    }
}

fn to(text: &str) -> Change {
    Change {
        text: Some(ThoughtText::parse(text, MaxLength::default()).expect("a text")),
        visibility: None,
    }
}

async fn next(watcher: &mut Watcher) -> Told {
    let told = timeout(SOON, watcher.next()).await;
    told.expect("told soon").expect("no end")
}

/// The next thing that happens, and where that is.
async fn news(watcher: &mut Watcher) -> (News, Bookmark) {
    loop {
        let told = next(watcher).await;
        if let Some(news) = told.news {
            return (news, told.at);
        }
    }
}

fn text(news: &News) -> &str {
    match news {
        News::Created(thought) | News::Updated(thought) => &thought.text,
        News::Deleted(_) => "",
    }
}

#[tokio::test]
async fn a_watch_begins_by_saying_where_it_is_and_goes_on_from_there_at_another_replica() {
    on_each_engine(async |fresh| {
        let (one, other) = (Replica::start(fresh).await, Replica::start(fresh).await);
        let before = thought("before");
        one.store.create(&before, None).await.expect("stored");
        let mut watcher = one.watch().await;
        let begin = next(&mut watcher).await;
        assert_eq!(begin.news, None);
        for text in ["first", "second"] {
            let made = thought(text);
            other.store.create(&made, None).await.expect("stored");
        }
        // A change of just before may be told as well.
        let mut heard = Vec::new();
        while heard.last().is_none_or(|(news, _)| text(news) != "second") {
            heard.push(news(&mut watcher).await);
        }
        let all: Vec<_> = heard.iter().map(|(news, _)| text(news)).collect();
        assert!(all.ends_with(&["first", "second"]), "{all:?}");
        assert_eq!(all.iter().filter(|&&text| text == "first").count(), 1);

        let from_begin = &mut other.resume(begin.at).await.expect("resumed");
        for expected in &all {
            assert_eq!(text(&news(from_begin).await.0), *expected);
        }
        let first = heard[heard.len() - 2].1;
        let from_first = &mut other.resume(first).await.expect("resumed");
        assert_eq!(text(&news(from_first).await.0), "second");
        one.stop().await;
        let last = heard.last().expect("heard").1;
        let from_last = &mut other.resume(last).await.expect("resumed");
        other
            .store
            .create(&thought("third"), None)
            .await
            .expect("stored");
        assert_eq!(text(&news(from_last).await.0), "third");
        // And over a restart.
        other.stop().await;
        let again = Replica::start(fresh).await;
        let from_last = &mut again.resume(last).await.expect("resumed");
        assert_eq!(text(&news(from_last).await.0), "third");
        again.stop().await;
    })
    .await;
}

/// What a watcher knows of, by what it was told; panics over what cannot follow what was before.
#[derive(Default)]
struct Known(HashMap<Uuid, String>);

impl Known {
    fn learn(&mut self, news: News) {
        match news {
            News::Created(thought) => {
                let before = self.0.insert(thought.id, thought.text);
                assert_eq!(before, None, "told twice");
            }
            News::Updated(thought) => {
                let before = self.0.insert(thought.id, thought.text);
                assert!(before.is_some(), "told before it was there");
            }
            News::Deleted(id) => assert!(self.0.remove(&id).is_some(), "told twice"),
        }
    }
}

/// Writers at both replicas, some of whose transactions are held open while others commit, and
/// watchers that come and go between the replicas: in the end each knows what there is.
#[tokio::test]
async fn nobody_misses_a_change_or_hears_it_twice() {
    on_each_engine(async |fresh| {
        let replicas = [Replica::start(fresh).await, Replica::start(fresh).await];
        let begin = next(&mut replicas[0].watch().await).await.at;
        let writers: Vec<_> = (0..6)
            .map(|n| tokio::spawn(write(replicas[n % 2].store.clone(), n)))
            .collect();
        let holder = tokio::spawn(hold(replicas[1].store.clone()));
        let stores = replicas.each_ref().map(|replica| replica.live.clone());
        let watchers: Vec<_> = (0..6)
            .map(|n| tokio::spawn(follow(stores.clone(), begin, n)))
            .collect();
        for writer in writers {
            writer.await.expect("written");
        }
        holder.await.expect("held");
        replicas[0]
            .store
            .create(&thought("the end"), None)
            .await
            .expect("stored");
        let there = all(&replicas[0].store).await;
        assert!(there.len() > 60, "{}", there.len());
        for watcher in watchers {
            let known = timeout(SOON, watcher).await.expect("in time");
            assert_eq!(known.expect("no panic").0, there);
        }
        for replica in replicas {
            replica.stop().await;
        }
    })
    .await;
}

/// Lists are read and then followed while writers at both replicas write, some slowly: in the end
/// each shows what there is.
#[tokio::test]
async fn a_list_that_is_followed_from_its_place_on_misses_nothing() {
    on_each_engine(async |fresh| {
        let replicas = [Replica::start(fresh).await, Replica::start(fresh).await];
        let writers: Vec<_> = (0..4)
            .map(|n| tokio::spawn(write(replicas[n % 2].store.clone(), n)))
            .collect();
        let holder = tokio::spawn(hold(replicas[1].store.clone()));
        let listed = Arc::new(Barrier::new(7));
        let readers: Vec<_> = (0..6)
            .map(|n| {
                let there = &replicas[n % 2];
                let place = (there.store.clone(), there.live.clone());
                let elsewhere = replicas[(n + n / 2) % 2].live.clone();
                tokio::spawn(list_and_follow(place, elsewhere, n, Arc::clone(&listed)))
            })
            .collect();
        listed.wait().await;
        for writer in writers {
            writer.await.expect("written");
        }
        holder.await.expect("held");
        let end = thought("the end");
        replicas[0].store.create(&end, None).await.expect("stored");
        let there = all(&replicas[0].store).await;
        assert!(there.len() > 40, "{}", there.len());
        for reader in readers {
            let known = timeout(SOON, reader).await.expect("in time");
            assert_eq!(known.expect("no panic"), there);
        }
        for replica in replicas {
            replica.stop().await;
        }
    })
    .await;
}

#[tokio::test]
async fn where_lists_may_be_old_their_place_is_as_old() {
    let fresh = Fresh::sqlite();
    let lagging = Pace {
        lag: Duration::from_hours(1),
        ..Pace::default()
    };
    let replica = Replica::start_at(&fresh, lagging).await;
    let begin = replica.live.place().await.expect("a place");
    let mut watcher = replica.watch().await;
    replica
        .store
        .create(&thought("one"), None)
        .await
        .expect("stored");
    let (_, at) = news(&mut watcher).await;
    assert!(at.mark > begin.mark);
    assert_eq!(replica.live.place().await, Some(begin));
    let mut late = replica.resume(begin).await.expect("resumed");
    assert_eq!(text(&news(&mut late).await.0), "one");
    replica.stop().await;
}

/// Lists a few times, each time going on until it has caught up, and follows the last list to the
/// end.
async fn list_and_follow(
    (store, live): (Store, Live),
    elsewhere: Live,
    n: usize,
    listed: Arc<Barrier>,
) -> HashMap<Uuid, String> {
    for round in 0.. {
        let place = live.place().await.expect("a place");
        let mut known = all(&store).await;
        let watch = elsewhere.watch(Watch::default(), Some(place)).await;
        let mut watcher = watch.expect("a watch");
        let last = round == n;
        if last {
            listed.wait().await;
        }
        loop {
            match next(&mut watcher).await.news {
                Some(News::Created(thought) | News::Updated(thought)) => {
                    let end = thought.text == "the end";
                    known.insert(thought.id, thought.text);
                    if end {
                        return known;
                    }
                }
                Some(News::Deleted(id)) => _ = known.remove(&id),
                None if last => {}
                None => break,
            }
        }
    }
    HashMap::new()
}

async fn all(store: &Store) -> HashMap<Uuid, String> {
    let everything = PageRequest {
        size: 10_000,
        before: None,
    };
    let page = store.list(None, None, everything).await.expect("a list");
    let thoughts = page.thoughts.into_iter();
    thoughts.map(|thought| (thought.id, thought.text)).collect()
}

/// Writes, changes and deletes.
async fn write(store: Store, writer: usize) {
    for n in 0..25 {
        let made = thought(&format!("{writer} {n}"));
        store.create(&made, None).await.expect("stored");
        let now = Clock::system().now();
        let author = made.author.id;
        if n % 3 == 0 {
            let change = to(&format!("{writer} {n} changed"));
            let changed = store.update(made.id, author, &change, None, now).await;
            assert!(matches!(changed, Ok(Some(Updated::Done(_)))));
        }
        if n % 4 == 0 {
            let moved = store.move_to_trash(made.id, author, Reach::Own, now).await;
            assert!(moved.expect("moved"));
        }
        if n % 8 == 0 {
            let back = store.take_from_trash(made.id, author, now).await;
            assert!(back.expect("an answer").is_some());
        }
    }
}

/// Keeps transactions open for a while after they have drawn their numbers.
async fn hold(store: Store) {
    for n in 0..15 {
        let made = thought(&format!("held {n}"));
        let held = store.create_slowly(&made, Duration::from_millis(n * 7 % 40));
        held.await.expect("stored");
    }
}

/// Watches up to the end, now here and now there.
async fn follow(lives: [Live; 2], mut at: Bookmark, n: usize) -> Known {
    let mut known = Known::default();
    for round in 0.. {
        let live = &lives[(n + round) % 2];
        let watch = live.watch(Watch::default(), Some(at)).await;
        let mut watcher = watch.expect("a watch");
        // The first watches on and on; the others leave after some news.
        let stay = if n == 0 { usize::MAX } else { n * 7 };
        for _ in 0..stay {
            let (news, place) = news(&mut watcher).await;
            at = place;
            let end = text(&news) == "the end";
            known.learn(news);
            if end {
                return known;
            }
        }
    }
    known
}

#[tokio::test]
async fn whoever_falls_behind_catches_up_and_whoever_does_not_read_is_left() {
    on_each_engine(async |fresh| {
        let pace = |patience| Pace {
            kept: 4,
            patience: Duration::from_millis(patience),
            ..Pace::default()
        };
        let patient = Replica::start_at(fresh, pace(3_600_000)).await;
        let hasty = Replica::start_at(fresh, pace(0)).await;
        let (mut slow, mut left) = (patient.watch().await, hasty.watch().await);
        let begin = next(&mut left).await.at;
        next(&mut slow).await;
        let mut end = patient.watch().await;
        for n in 0..30 {
            let made = thought(&n.to_string());
            patient.store.create(&made, None).await.expect("stored");
            assert_eq!(text(&news(&mut end).await.0), n.to_string());
        }
        let mut heard = 0;
        while heard < 30 {
            assert_eq!(text(&news(&mut slow).await.0), heard.to_string());
            heard += 1;
        }
        // The other replica has read them all when a new watcher begins behind them.
        let caught_up = async {
            while next(&mut hasty.watch().await).await.at.mark < end.at().mark {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(SOON, caught_up).await.expect("read");
        let ended = timeout(SOON, left.next()).await.expect("soon");
        assert!(matches!(ended, Err(WatchEnd::TooSlow)), "{ended:?}");
        let again = &mut hasty.resume(begin).await.expect("resumed");
        for n in 0..30 {
            assert_eq!(text(&news(again).await.0), n.to_string());
        }
        patient.stop().await;
        hasty.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_place_that_was_trimmed_or_is_of_another_log_is_too_old() {
    on_each_engine(async |fresh| {
        let replica = Replica::start(fresh).await;
        let mut watcher = replica.watch().await;
        let begin = next(&mut watcher).await.at;
        let made = thought("one");
        replica.store.create(&made, None).await.expect("stored");
        let (_, last) = news(&mut watcher).await;
        let later = Clock::system().now() + Duration::from_secs(3_600);
        replica.store.trim_changes(later).await.expect("trimmed");
        let ended = replica.resume(begin).await;
        assert!(matches!(ended, Err(WatchEnd::TooOld)), "{ended:?}");
        assert!(replica.resume(last).await.is_ok());
        let mut elsewhere = last;
        elsewhere.epoch = Uuid::nil();
        let ended = replica.resume(elsewhere).await;
        assert!(matches!(ended, Err(WatchEnd::TooOld)), "{ended:?}");
        let mut ahead = last;
        ahead.mark.xid += 1_000_000;
        let ended = replica.resume(ahead).await;
        assert!(matches!(ended, Err(WatchEnd::TooOld)), "{ended:?}");
        replica.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_thousand_watchers_hear_of_a_change_at_once() {
    on_each_engine(async |fresh| {
        let replica = Replica::start(fresh).await;
        let mut all = Vec::new();
        for _ in 0..1_000 {
            let mut watcher = replica.watch().await;
            next(&mut watcher).await;
            all.push(tokio::spawn(async move {
                let (heard, _) = news(&mut watcher).await;
                text(&heard).to_owned()
            }));
        }
        let made = thought("for all");
        replica.store.create(&made, None).await.expect("stored");
        for watcher in all {
            assert_eq!(watcher.await.expect("told"), "for all");
        }
        replica.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_quiet_watch_says_where_it_is_now_and_then_and_ends_with_the_server() {
    on_each_engine(async |fresh| {
        let pace = Pace {
            position: Duration::from_millis(20),
            ..Pace::default()
        };
        let replica = Replica::start_at(fresh, pace).await;
        let nothing = Watch {
            author: Some("nobody".to_owned()),
            ..Watch::default()
        };
        let mut watcher = replica.live.watch(nothing, None).await.expect("a watch");
        let begin = next(&mut watcher).await.at;
        let made = thought("for others");
        replica.store.create(&made, None).await.expect("stored");
        let moves = async {
            loop {
                let told = next(&mut watcher).await;
                assert_eq!(told.news, None);
                if told.at.mark > begin.mark {
                    break;
                }
            }
        };
        timeout(SOON, moves).await.expect("moves on");
        replica.shutdown.cancel();
        let end = async { while watcher.next().await.is_ok() {} };
        timeout(SOON, end).await.expect("an end");
        let refused = replica.live.watch(Watch::default(), None).await;
        assert!(matches!(refused, Err(WatchEnd::Stopping)), "{refused:?}");
        replica.stop().await;
    })
    .await;
}
