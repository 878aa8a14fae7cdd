//! Telling watchers what becomes of thoughts.
//!
//! One reader in each process reads the log of changes and hands each change to all watchers. A
//! watcher that comes back, or has fallen behind, first reads the log itself, page by page, until
//! it meets the reader: so nobody's slowness is anybody else's, and nothing is kept for anybody but
//! the newest changes, once for all.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use database::Error;
use tokio::{
    sync::{Notify, broadcast, watch},
    time::{Instant, Interval, MissedTickBehavior, interval_at, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    live::{Bookmark, Entry, Log, News, Watch},
    store::Store,
};

/// How the telling goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// How often the log is read without being woken: by a change in another replica that was
    /// killed before it could tell.
    pub(crate) poll: Duration,
    /// How soon again while changes wait for an older transaction to end.
    pub(crate) poll_waiting: Duration,
    /// How long other replicas are not told again after they have been.
    pub(crate) announce: Duration,
    /// How often a watcher is told where it is, though nothing has happened for it.
    pub(crate) position: Duration,
    /// How long a watcher that has fallen behind may leave what it was given lying.
    pub(crate) patience: Duration,
    /// How many changes are kept for watchers that are a little behind.
    pub(crate) kept: usize,
    /// How old what lists show may be.
    pub(crate) lag: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(1),
            poll_waiting: Duration::from_millis(20),
            announce: Duration::from_millis(10),
            position: Duration::from_secs(15),
            patience: Duration::from_secs(10),
            kept: 1_024,
            lag: Duration::ZERO,
        }
    }
}

/// How many changes are read at once.
const PAGE: i64 = 200;

/// How long a watch may wait for the reader to begin.
const START: Duration = Duration::from_secs(5);

/// The reader of one process. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Live {
    store: Store,
    pace: Pace,
    shutdown: CancellationToken,
    /// `None` until the log has been read for the first time.
    now: Arc<watch::Sender<Option<Now>>>,
}

/// Where the reader is, and where it hands out what comes next: both change together.
#[derive(Debug)]
struct Now {
    at: Bookmark,
    /// Where it was, the oldest first, back to before what the oldest list shows.
    past: VecDeque<(Instant, Bookmark)>,
    news: broadcast::Sender<Arc<Entry>>,
}

/// Somebody who watches.
#[derive(Debug)]
pub struct Watcher {
    live: Live,
    watch: Watch,
    at: Bookmark,
    news: broadcast::Receiver<Arc<Entry>>,
    /// What has been read of the log and not been looked at.
    backlog: VecDeque<Entry>,
    /// Whether there may be more in the log before what the reader hands out.
    behind: bool,
    /// When the last thing was given out.
    given: Instant,
    positions: Interval,
}

/// What a watcher is told, and from where it can go on afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// `None` when it is told only where it is.
    pub news: Option<News>,
    /// Where it is.
    pub at: Bookmark,
}

/// Why a watch does not begin, or ends.
#[derive(Debug, thiserror::Error)]
pub enum WatchEnd {
    /// What happened since then is not known any more. Callers see `OUT_OF_RANGE`.
    #[error("what happened since then is not known any more: load again, and watch from now on")]
    TooOld,
    /// The watcher left what it was given lying. Callers see `ABORTED`.
    #[error("the watcher is too slow: go on from the last resume_token")]
    TooSlow,
    /// The log was begun anew. Callers see `ABORTED`.
    #[error("the log of changes was begun anew: go on from the last resume_token")]
    Begun,
    /// This process ends. Callers see `UNAVAILABLE`.
    #[error("this server stops: go on from the last resume_token")]
    Stopping,
    /// The log has not been read since this process started. Callers see `UNAVAILABLE`.
    #[error("changes cannot be told yet")]
    NotYet,
    /// The log cannot be read.
    #[error(transparent)]
    Database(#[from] Error),
}

impl Live {
    /// Begins to read the log, until `shutdown`.
    #[must_use]
    pub fn start(store: Store, shutdown: CancellationToken) -> Self {
        let pace = Pace {
            lag: store.lag(),
            ..Pace::default()
        };
        Self::start_at(store, shutdown, pace)
    }

    pub(crate) fn start_at(store: Store, shutdown: CancellationToken, pace: Pace) -> Self {
        let live = Self {
            store,
            pace,
            shutdown,
            now: Arc::new(watch::Sender::new(None)),
        };
        let wake = Arc::new(Notify::new());
        let tasks = (live.clone(), live.clone(), live.clone());
        let wakes = (Arc::clone(&wake), Arc::clone(&wake));
        tokio::spawn(async move { tasks.0.until_shutdown(tasks.0.read(&wake)).await });
        tokio::spawn(async move { tasks.1.until_shutdown(tasks.1.announce(&wakes.0)).await });
        tokio::spawn(async move { tasks.2.until_shutdown(tasks.2.listen(&wakes.1)).await });
        live
    }

    /// Watches from `place` on, or from now.
    ///
    /// # Errors
    ///
    /// See [`WatchEnd`].
    pub async fn watch(&self, watch: Watch, place: Option<Bookmark>) -> Result<Watcher, WatchEnd> {
        if self.shutdown.is_cancelled() {
            return Err(WatchEnd::Stopping);
        }
        let (at, news) = self.join(START).await.ok_or(WatchEnd::NotYet)?;
        if let Some(place) = place
            && !self.store.change_log().await?.leads_on_from(place)
        {
            return Err(WatchEnd::TooOld);
        }
        let mut positions = interval_at(Instant::now(), self.pace.position);
        positions.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Watcher {
            live: self.clone(),
            watch,
            // Whatever another replica has told is read here, though the reader may not be so far.
            behind: place.is_some(),
            at: place.unwrap_or(at),
            news,
            backlog: VecDeque::new(),
            given: Instant::now(),
            positions,
        })
    }

    /// A place for whoever lists thoughts after this: to watch from there on misses nothing that the
    /// list does not show. A change that it shows may be told as well. `None` if the log has not been
    /// read since this process started.
    pub async fn place(&self) -> Option<Bookmark> {
        // Not to hold up a list, which can do without.
        self.join(Duration::from_millis(200)).await?;
        let now = self.now.borrow();
        let now = now.as_ref()?;
        let mut past = now.past.iter().rev();
        let old = past.find(|(then, _)| then.elapsed() >= self.pace.lag);
        Some(old.or(now.past.front()).map_or(now.at, |(_, at)| *at))
    }

    /// Where the reader is, and what it hands out from there on.
    async fn join(
        &self,
        patience: Duration,
    ) -> Option<(Bookmark, broadcast::Receiver<Arc<Entry>>)> {
        let mut now = self.now.subscribe();
        let begun = timeout(patience, now.wait_for(Option::is_some)).await;
        let now = begun.ok()?.ok()?;
        now.as_ref().map(|now| (now.at, now.news.subscribe()))
    }

    /// Reads the log whenever there is something new, and hands it out.
    async fn read(&self, wake: &Notify) {
        let mut works = true;
        loop {
            let waiting = match self.read_on().await {
                Ok(waiting) => {
                    works = true;
                    self.remember();
                    waiting
                }
                Err(error) => {
                    if works {
                        tracing::warn!(%error, "watchers are not told anything for now");
                    }
                    works = false;
                    false
                }
            };
            let pause = if waiting {
                self.pace.poll_waiting
            } else {
                self.pace.poll
            };
            tokio::select! {
                () = wake.notified() => {}
                () = sleep(pause) => {}
            }
        }
    }

    /// Hands out all that there is; whether there is more that cannot be told yet.
    async fn read_on(&self) -> Result<bool, Error> {
        loop {
            let log = self.store.change_log().await?;
            let at = self.now.borrow().as_ref().map(|now| now.at);
            let Some(at) = at.filter(|at| log.leads_on_from(*at)) else {
                self.begin(&log);
                continue;
            };
            let entries = self.store.changes(at.mark, &log, PAGE).await?;
            // Whatever was trimmed while they were read would be missing from them.
            let after = self.store.change_log().await?;
            if !after.leads_on_from(at) {
                continue;
            }
            let Some(last) = entries.last().map(|last| last.mark) else {
                return self.store.has_changes_behind(&log).await;
            };
            let is_all = is_short(&entries);
            self.now.send_modify(|now| {
                if let Some(now) = now {
                    now.at.mark = last;
                    for entry in entries {
                        // Nobody may be watching.
                        let _ = now.news.send(Arc::new(entry));
                    }
                }
            });
            if is_all {
                return self.store.has_changes_behind(&log).await;
            }
        }
    }

    /// Begins at the end of the log. Whoever watched until now has to come again, since there is a
    /// gap.
    fn begin(&self, log: &Log) {
        let at = Bookmark {
            epoch: log.epoch,
            mark: log.end,
        };
        let news = broadcast::Sender::new(self.pace.kept);
        // From the first moment, since a place may be asked for before anything is remembered.
        let mut past = VecDeque::new();
        if !self.pace.lag.is_zero() {
            past.push_back((Instant::now(), at));
        }
        self.now.send_replace(Some(Now { at, past, news }));
    }

    /// Remembers where the reader is, each second at most, as long as a list may be from then.
    fn remember(&self) {
        if self.pace.lag.is_zero() {
            return;
        }
        self.now.send_modify(|now| {
            let Some(now) = now else {
                return;
            };
            let is_due = |(then, _): &(Instant, _)| then.elapsed() >= Duration::from_secs(1);
            if now.past.back().is_none_or(is_due) {
                now.past.push_back((Instant::now(), now.at));
            }
            let is_old = |(then, _): &(Instant, _)| then.elapsed() >= self.pace.lag;
            while now.past.get(1).is_some_and(is_old) {
                now.past.pop_front();
            }
        });
    }

    /// Tells the reader and the other replicas of changes made here.
    async fn announce(&self, wake: &Notify) {
        loop {
            self.store.changed().await;
            wake.notify_one();
            if let Err(error) = self.store.announce_changes().await {
                tracing::debug!(%error, "other replicas are not told of a change");
            }
            sleep(self.pace.announce).await;
        }
    }

    /// Wakes the reader when another replica has changed something.
    async fn listen(&self, wake: &Notify) {
        loop {
            let heard: Result<(), Error> = async {
                let mut listener = self.store.listen_for_changes().await?;
                loop {
                    listener.heard().await?;
                    wake.notify_one();
                }
            }
            .await;
            if let Err(error) = heard {
                tracing::debug!(%error, "other replicas are not heard for now");
            }
            sleep(self.pace.poll).await;
        }
    }

    async fn until_shutdown(&self, task: impl Future<Output = ()>) {
        self.shutdown.run_until_cancelled(task).await;
    }
}

impl Watcher {
    /// Waits for what is next: first where the watch begins, then what happens.
    ///
    /// Nothing is lost when this is dropped before it completes.
    ///
    /// # Errors
    ///
    /// See [`WatchEnd`]. The watch is over then.
    pub async fn next(&mut self) -> Result<Told, WatchEnd> {
        let left_lying = self.given.elapsed();
        let told = loop {
            if let Some(entry) = self.backlog.pop_front() {
                if let Some(told) = self.look_at(&entry) {
                    break told;
                }
            } else if self.behind {
                self.read_on().await?;
            } else if let Some(told) = self.wait(left_lying).await? {
                break told;
            }
        };
        self.given = Instant::now();
        Ok(told)
    }

    /// Where it is.
    #[cfg(test)]
    pub(super) fn at(&self) -> Bookmark {
        self.at
    }

    async fn wait(&mut self, left_lying: Duration) -> Result<Option<Told>, WatchEnd> {
        let received = tokio::select! {
            biased;
            () = self.live.shutdown.cancelled() => return Err(WatchEnd::Stopping),
            _ = self.positions.tick() => return Ok(Some(Told { news: None, at: self.at })),
            received = self.news.recv() => received,
        };
        match received {
            Ok(entry) if entry.mark <= self.at.mark => Ok(None),
            Ok(entry) => Ok(self.look_at(&entry)),
            Err(broadcast::error::RecvError::Lagged(_))
                if left_lying >= self.live.pace.patience =>
            {
                Err(WatchEnd::TooSlow)
            }
            Err(broadcast::error::RecvError::Lagged(_)) => {
                self.behind = true;
                Ok(None)
            }
            Err(broadcast::error::RecvError::Closed) => Err(WatchEnd::Begun),
        }
    }

    /// Reads some of the log, up to what the reader hands out.
    async fn read_on(&mut self) -> Result<(), WatchEnd> {
        if self.live.shutdown.is_cancelled() {
            return Err(WatchEnd::Stopping);
        }
        let store = &self.live.store;
        let log = store.change_log().await?;
        let entries = store.changes(self.at.mark, &log, PAGE).await?;
        // Whatever was trimmed while they were read would be missing from them.
        if !store.change_log().await?.leads_on_from(self.at) {
            return Err(WatchEnd::TooOld);
        }
        // The reader was behind the end of the log when this watcher began to hear it, or fell
        // behind it.
        self.behind = !is_short(&entries);
        self.backlog = entries.into();
        Ok(())
    }

    fn look_at(&mut self, entry: &Entry) -> Option<Told> {
        self.at.mark = entry.mark;
        let news = self.watch.news(entry)?;
        Some(Told {
            news: Some(news),
            at: self.at,
        })
    }
}

/// Whether there was nothing more to read.
fn is_short(page: &[Entry]) -> bool {
    i64::try_from(page.len()).is_ok_and(|read| read < PAGE)
}
