//! What is made of certificates, made again when their files have changed.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::{task::spawn_blocking, time::Instant};

use super::{Texts, TlsConfig};
use crate::lifecycle::StartError;

/// However many connections are made, files are looked at no more often than this.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// A value made of the certificates that the settings name.
pub(super) struct Renewed<T> {
    settings: TlsConfig,
    make: Make<T>,
    value: ArcSwap<T>,
    last: Mutex<Look>,
}

type Make<T> = Box<dyn Fn(&Texts) -> Result<T, StartError> + Send + Sync>;

/// What was found when the files were last looked at.
struct Look {
    at: Instant,
    found: Result<Texts, StartError>,
}

impl<T: Send + Sync + 'static> Renewed<T> {
    /// # Errors
    ///
    /// The value cannot be made of what is there now.
    pub(super) fn new(
        settings: &TlsConfig,
        make: impl Fn(&Texts) -> Result<T, StartError> + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let texts = settings.read()?;
        Ok(Self {
            value: ArcSwap::from_pointee(make(&texts)?),
            settings: settings.clone(),
            make: Box::new(make),
            last: Mutex::new(Look {
                at: Instant::now(),
                found: Ok(texts),
            }),
        })
    }

    /// The value as the files make it. While they make none, such as a certificate whose key has not
    /// been written yet, it is the one before.
    pub(super) async fn get(&self) -> Arc<T> {
        if self.is_due() {
            let settings = self.settings.clone();
            // A look that panics found nothing, and the next one may.
            if let Ok(found) = spawn_blocking(move || settings.read()).await {
                self.take(found);
            }
        }
        self.value.load_full()
    }

    /// Whether it is time to look; of several who ask at once, one is to.
    fn is_due(&self) -> bool {
        let mut last = self.last();
        let due = last.at.elapsed() >= LOOK_INTERVAL;
        if due {
            last.at = Instant::now();
        }
        due
    }

    fn take(&self, found: Result<Texts, StartError>) {
        let mut last = self.last();
        if last.found == found {
            return;
        }
        match found.clone().and_then(|texts| (self.make)(&texts)) {
            Ok(value) => {
                tracing::info!("certificates were renewed");
                self.value.store(Arc::new(value));
            }
            Err(error) => {
                tracing::warn!(%error, "renewed certificates are of no use, the old ones stay");
            }
        }
        last.found = found;
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Look> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
