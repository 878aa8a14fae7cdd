//! How much there may be at once, so that memory and time stay bounded.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The largest upload, in bytes, and the most that a zip may unpack to.
pub(crate) const MAX_UPLOAD: u64 = 1 << 30;

/// The longest line, and the largest file in a zip, in bytes: room for a thought with as many
/// earlier versions as an export gives in one piece, all of the greatest length that any server
/// takes. With what gRPC adds it stays below the 4 MiB that a message may have.
pub(crate) const MAX_RECORD: usize = 3 << 20;

/// How long an upload may take.
pub(crate) const MAX_DURATION: Duration = Duration::from_secs(60 * 60);

/// How long nothing at all may come, or be taken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Uploads and downloads at once, over all people: each holds a few megabytes.
const UPLOADS: usize = 8;
const DOWNLOADS: usize = 16;

/// Who is uploading and downloading now.
#[derive(Debug)]
pub(crate) struct Porting {
    downloads: Arc<Semaphore>,
    uploads: Arc<Semaphore>,
    uploading: Arc<Mutex<HashSet<String>>>,
}

/// One upload of one person. It is over when this is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    username: String,
    uploading: Arc<Mutex<HashSet<String>>>,
    _permit: OwnedSemaphorePermit,
}

impl Default for Porting {
    fn default() -> Self {
        Self {
            downloads: Arc::new(Semaphore::new(DOWNLOADS)),
            uploads: Arc::new(Semaphore::new(UPLOADS)),
            uploading: Arc::default(),
        }
    }
}

impl Porting {
    /// A turn to upload, unless this person is at it already, or too many are.
    pub(crate) fn upload(&self, username: &str) -> Option<Turn> {
        let permit = Arc::clone(&self.uploads).try_acquire_owned().ok()?;
        let begun = lock(&self.uploading).insert(username.to_owned());
        begun.then(|| Turn {
            username: username.to_owned(),
            uploading: Arc::clone(&self.uploading),
            _permit: permit,
        })
    }

    /// A turn to download, unless too many are at it.
    pub(crate) fn download(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.downloads).try_acquire_owned().ok()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        lock(&self.uploading).remove(&self.username);
    }
}

fn lock(names: &Mutex<HashSet<String>>) -> MutexGuard<'_, HashSet<String>> {
    names.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_upload_a_person_and_few_in_all() {
        let porting = Porting::default();
        let first = porting.upload("bruce").unwrap();
        assert!(porting.upload("bruce").is_none());
        let others: Vec<_> = (1..UPLOADS)
            .map(|n| porting.upload(&n.to_string()).unwrap())
            .collect();
        assert!(porting.upload("stephen").is_none());
        drop(first);
        assert!(porting.upload("bruce").is_some());
        drop(others);
        assert!(porting.upload("stephen").is_some());
    }
}
