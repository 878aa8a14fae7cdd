//! The body of an upload: so many bytes, in so much time.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::body::{Body, Bytes};
use futures_util::{Stream, StreamExt as _, stream};
use tokio::{
    task::yield_now,
    time::{Instant, timeout_at},
};

use super::limits::{MAX_DURATION, MAX_UPLOAD, PATIENCE};

/// So many bytes may come without any of a file among them: form fields have short heads.
const MAX_BETWEEN: u64 = 256 * 1024;

/// Why no more bytes come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The line is broken, or the form was not sent to its end.
    Broken,
    /// It is no form with files.
    Unreadable,
    /// Nothing came for too long.
    TooSlow,
    /// All of it took too long.
    TooLong,
    TooLarge,
}

/// What is known of a body while it comes.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    read: AtomicU64,
    between: AtomicU64,
    stopped: Mutex<Option<Stop>>,
}

impl Gauge {
    /// How many bytes have come.
    pub(super) fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Some of them were a file's.
    pub(super) fn of_a_file(&self) {
        self.between.store(0, Ordering::Relaxed);
    }

    /// Why no more come, when whoever takes the form apart cannot go on.
    pub(super) fn why(&self, error: &multer::Error) -> Stop {
        let stopped = *self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        stopped.unwrap_or(match error {
            multer::Error::IncompleteFieldData { .. }
            | multer::Error::IncompleteHeaders
            | multer::Error::IncompleteStream => Stop::Broken,
            _ => Stop::Unreadable,
        })
    }

    fn count(&self, bytes: &Bytes) -> Result<(), Stop> {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let read = self.read.fetch_add(length, Ordering::Relaxed) + length;
        let between = self.between.fetch_add(length, Ordering::Relaxed) + length;
        if read > MAX_UPLOAD {
            return Err(Stop::TooLarge);
        }
        if between > MAX_BETWEEN {
            return Err(Stop::Unreadable);
        }
        Ok(())
    }
}

/// The body within its limits.
pub(super) fn bounded(
    body: Body,
    gauge: Arc<Gauge>,
) -> impl Stream<Item = Result<Bytes, Stop>> + Send {
    let last = Instant::now() + MAX_DURATION;
    let state = Some((body.into_data_stream(), gauge));
    stream::unfold(state, move |state| async move {
        let (mut chunks, gauge) = state?;
        // Whoever takes the form apart takes whatever is ready: one piece at a time keeps it small.
        yield_now().await;
        let until = last.min(Instant::now() + PATIENCE);
        let chunk = match timeout_at(until, chunks.next()).await {
            Ok(None) => return None,
            Ok(Some(Ok(chunk))) => gauge.count(&chunk).map(|()| chunk),
            Ok(Some(Err(_))) => Err(Stop::Broken),
            Err(_) if until == last => Err(Stop::TooLong),
            Err(_) => Err(Stop::TooSlow),
        };
        match chunk {
            Ok(chunk) => Some((Ok(chunk), Some((chunks, gauge)))),
            Err(stop) => {
                *gauge.stopped.lock().unwrap_or_else(PoisonError::into_inner) = Some(stop);
                Some((Err(stop), None))
            }
        }
    })
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Broken => "The upload broke off.",
            Self::Unreadable => "What came was no form with files.",
            Self::TooSlow => "Nothing more came for a minute.",
            Self::TooLong => "An upload may take an hour.",
            Self::TooLarge => "An upload may have 1 GiB.",
        })
    }
}

impl std::error::Error for Stop {}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt as _;
    use tokio::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_sends_nothing_is_not_waited_for() {
        let gauge = Arc::new(Gauge::default());
        let silent = stream::once(async { Ok::<_, Stop>(Bytes::from_static(b"a")) })
            .chain(stream::pending());
        let began = Instant::now();
        let read: Result<Vec<_>, _> = bounded(Body::from_stream(silent), Arc::clone(&gauge))
            .try_collect()
            .await;
        assert_eq!(read, Err(Stop::TooSlow));
        assert_eq!((began.elapsed(), gauge.read()), (PATIENCE, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn slow_lines_have_an_hour_and_no_more() {
        let gauge = Arc::new(Gauge::default());
        let slow = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(59)).await;
            Some((Ok::<_, Stop>(Bytes::from_static(b"a")), ()))
        });
        let began = Instant::now();
        let read: Result<Vec<_>, _> = bounded(Body::from_stream(slow), gauge).try_collect().await;
        assert_eq!(read, Err(Stop::TooLong));
        assert_eq!(began.elapsed(), MAX_DURATION);
    }

    #[tokio::test]
    async fn a_form_without_files_is_not_read_for_ever() {
        let gauge = Arc::new(Gauge::default());
        let junk = stream::repeat_with(|| Ok::<_, Stop>(Bytes::from_static(&[b'x'; 1024])));
        let mut read = 0;
        let mut chunks = Box::pin(bounded(Body::from_stream(junk), gauge));
        let stop = loop {
            match chunks.next().await.unwrap() {
                Ok(chunk) => read += chunk.len(),
                Err(stop) => break stop,
            }
        };
        assert_eq!((stop, read), (Stop::Unreadable, 256 * 1024));
    }
}
