//! The work of hashing and checking passwords.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Duration,
};

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version,
};
use prometheus_client::{metrics::counter::Counter, registry::Registry};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::{Instant, timeout},
};

use self::thread::{Job, Manner};
use crate::password::Password;

mod metrics;
mod thread;

/// Memory of one hash, in KiB. With the next two the OWASP minimum for Argon2id.
const MEMORY_KIB: u32 = 19_456;
/// Passes over the memory.
const PASSES: u32 = 2;
/// Lanes of the memory.
const LANES: u32 = 1;

/// How many hashes may wait for their turn. At 25 ms each the last one of them waits for about
/// three seconds on one core, within the deadline that callers give a call.
const MAX_WAITING: usize = 128;

/// How long a hash may take that leaves the cores to everything else. One takes 25 ms of a core.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long the cores count as crowded after they left nothing for a hash.
const CROWDED_FOR: Duration = Duration::from_secs(10);

/// The hash that is checked where there is no account: made like a real one, with the same
/// parameters, from a text that nobody knows. What comes of the check is not looked at.
const NOBODYS_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5cyBwYXNzd29yZA$MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA";

/// What a check of a password found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is not the account's password, or there is no account.
    Wrong,
    /// It is the account's password.
    Right,
    /// It is the account's password, and the stored hash is weaker than those made today: make a
    /// new one while the password is at hand.
    RightButWeak,
}

/// Why a password could not be hashed or checked.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// Too many are waiting already. Told at once; try again in a moment.
    #[error("too many passwords are being checked")]
    Busy,
    /// There is no randomness or no memory: a defect.
    #[error("password hashing failed: {0}")]
    Failed(#[from] argon2::password_hash::Error),
    /// A stored hash is no PHC string: a defect.
    #[error("a stored password hash cannot be read: {0}")]
    Unreadable(#[from] argon2::password_hash::phc::Error),
    /// The system gives no thread to hash on.
    #[error("no thread for password hashing: {0}")]
    NoThread(#[from] io::Error),
    /// The hashing thread is gone: the program is stopping, or a defect.
    #[error("password hashing was interrupted")]
    Interrupted,
}

/// Hashes and checks passwords with Argon2id, a few at a time.
///
/// A hash keeps one core busy and takes 19 MiB, so only so many run at once (every core but one,
/// so that other calls are still answered), so many more wait, and beyond that a caller is refused
/// at once. A caller that gives up while waiting leaves its place to others. Who has other work to do
/// for a password, such as to count a sign-in, does it in its turn too, so that a hundred callers at
/// once are no more work for the database than the cores can hash.
///
/// A hash gives way to everything else on its core. Where everything else leaves nothing, it begins
/// again on a thread that is given a tenth, as do those after it for a while.
#[derive(Debug, Clone)]
pub struct PasswordHasher {
    argon2: Argon2<'static>,
    /// For those that wait and those that run.
    places: Arc<Semaphore>,
    /// For those whose turn it is: one more than may run, so that no core waits for the statements
    /// that come before a hash and after it.
    turns: Arc<Semaphore>,
    running: Arc<Semaphore>,
    /// For those that are the last of all, those included that nobody waits for any more.
    patient: Arc<Semaphore>,
    crowded: Arc<Mutex<Option<Instant>>>,
    /// Begins the threads that are the last of all; there is none before the first of them.
    starter: Arc<Mutex<Option<mpsc::Sender<Job>>>>,
    /// How many may run at once, and how many more may wait.
    limits: (usize, usize),
    /// Callers that found no place to wait.
    refused: Counter,
}

/// The turn of one caller, who may do a few things with it one after the other. It ends when it is
/// dropped.
#[derive(Debug)]
pub struct Turn {
    hasher: PasswordHasher,
    _place: OwnedSemaphorePermit,
    _turn: OwnedSemaphorePermit,
}

impl PasswordHasher {
    /// A hasher for this machine.
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self::with_limits(at_once(cores), MAX_WAITING)
    }

    /// The memory that hashing takes at most where a process may use so many cores, in bytes: every
    /// hash that runs may have been begun twice.
    #[must_use]
    pub fn memory(cores: usize) -> u64 {
        2 * at_once(cores) as u64 * u64::from(MEMORY_KIB) * 1024
    }

    /// A hasher that runs `running` hashes at once and lets `waiting` more wait.
    pub(crate) fn with_limits(running: usize, waiting: usize) -> Self {
        Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params()),
            places: Arc::new(Semaphore::new(running + waiting)),
            turns: Arc::new(Semaphore::new(running + 1)),
            running: Arc::new(Semaphore::new(running)),
            patient: Arc::new(Semaphore::new(running)),
            crowded: Arc::default(),
            starter: Arc::default(),
            limits: (running, waiting),
            refused: Counter::default(),
        }
    }

    /// Adds the metrics of the queue.
    pub fn register(&self, registry: &mut Registry) {
        registry.register_collector(Box::new(self.clone()));
    }

    /// How many hashes run and how many wait, at this moment.
    fn load(&self) -> (usize, usize) {
        let (running, waiting) = self.limits;
        let inside = (running + waiting).saturating_sub(self.places.available_permits());
        let running = running.saturating_sub(self.running.available_permits());
        (running, inside.saturating_sub(running))
    }

    /// Waits for a turn, if there is still a place to wait.
    pub async fn turn(&self) -> Result<Turn, HashError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            self.refused.inc();
            HashError::Busy
        })?;
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        Ok(Turn {
            hasher: self.clone(),
            _place: place,
            _turn: turn.map_err(|_| HashError::Interrupted)?,
        })
    }

    /// The hash of a password with a salt of its own, as a PHC string, in a turn of its own.
    pub async fn hash(&self, password: Password) -> Result<String, HashError> {
        self.turn().await?.hash(password).await
    }

    async fn work<T: Send + 'static>(
        &self,
        running: OwnedSemaphorePermit,
        work: Arc<impl Fn(&Argon2<'static>) -> Result<T, HashError> + Send + Sync + 'static>,
    ) -> Result<T, HashError> {
        if let Some(patient) = self.patient() {
            let (job, first) = self.job(Some(patient), Arc::clone(&work));
            self.start_last_of_all(job)?;
            match timeout(PATIENCE, first).await {
                Ok(Ok(result)) => return result,
                // There was no thread for it.
                Ok(Err(_)) => {}
                Err(_) => self.note_crowded(),
            }
        }
        let (job, done) = self.job(None, work);
        Manner::Modest.start(job)?;
        let result = done.await;
        drop(running);
        result.map_err(|_| HashError::Interrupted)?
    }

    /// `work` as it is done on a thread, and what tells its outcome.
    fn job<T: Send + 'static>(
        &self,
        patient: Option<OwnedSemaphorePermit>,
        work: Arc<impl Fn(&Argon2<'static>) -> Result<T, HashError> + Send + Sync + 'static>,
    ) -> (Job, oneshot::Receiver<Result<T, HashError>>) {
        let argon2 = self.argon2.clone();
        let (outcome, done) = oneshot::channel();
        let job = move || {
            let result = work(&argon2);
            // First, since whoever gets the result may come again at once.
            drop(patient);
            // Nobody waits for it any more when it took too long.
            let _ = outcome.send(result);
        };
        (Box::new(job), done)
    }

    fn start_last_of_all(&self, job: Job) -> io::Result<()> {
        let hash = Arc::new(());
        // It is done without a pulse as well.
        let _ = thread::pulse(Arc::downgrade(&hash));
        let job: Job = Box::new(move || {
            job();
            drop(hash);
        });
        let mut starter = self.starter.lock().unwrap_or_else(PoisonError::into_inner);
        if starter.is_none() {
            *starter = Some(thread::starter()?);
        }
        if let Some(Err(_)) = starter.as_ref().map(|starter| starter.send(job)) {
            // It ended, so the next one begins another.
            *starter = None;
        }
        Ok(())
    }

    /// The right to be the last of all; nobody has it while the cores leave nothing to those.
    fn patient(&self) -> Option<OwnedSemaphorePermit> {
        let crowded = *self.crowded.lock().unwrap_or_else(PoisonError::into_inner);
        if crowded.is_some_and(|since| since.elapsed() < CROWDED_FOR) {
            return None;
        }
        Arc::clone(&self.patient).try_acquire_owned().ok()
    }

    fn note_crowded(&self) {
        *self.crowded.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

impl Turn {
    /// The hash of a password with a salt of its own, as a PHC string.
    pub async fn hash(&self, password: Password) -> Result<String, HashError> {
        self.run(move |argon2| Ok(argon2.hash_password(password.as_bytes())?.to_string()))
            .await
    }

    /// Checks a password against an account's stored hash; without an account (`None`) it is
    /// [`Verdict::Wrong`] after the same work.
    pub async fn verify(
        &self,
        password: Password,
        stored: Option<String>,
    ) -> Result<Verdict, HashError> {
        self.run(move |argon2| {
            let hash = PasswordHash::new(stored.as_deref().unwrap_or(NOBODYS_HASH))?;
            let matches = match argon2.verify_password(password.as_bytes(), &hash) {
                Ok(()) => stored.is_some(),
                Err(argon2::password_hash::Error::PasswordInvalid) => false,
                Err(other) => return Err(other.into()),
            };
            Ok(match (matches, is_weak(&hash)?) {
                (false, _) => Verdict::Wrong,
                (true, false) => Verdict::Right,
                (true, true) => Verdict::RightButWeak,
            })
        })
        .await
    }

    /// Does `work`, in turn.
    async fn run<T: Send + 'static>(
        &self,
        work: impl Fn(&Argon2<'static>) -> Result<T, HashError> + Send + Sync + 'static,
    ) -> Result<T, HashError> {
        let running = Arc::clone(&self.hasher.running).acquire_owned().await;
        let running = running.map_err(|_| HashError::Interrupted)?;
        // A call that is given up from here on cannot stop the work, which still counts.
        let (hasher, work) = (self.hasher.clone(), Arc::new(work));
        tokio::spawn(async move { hasher.work(running, work).await })
            .await
            .map_err(|_| HashError::Interrupted)?
    }
}

impl Default for PasswordHasher {
    fn default() -> Self {
        Self::new()
    }
}

/// How many hashes run at once: every core but one.
fn at_once(cores: usize) -> usize {
    cores.saturating_sub(1).max(1)
}

/// The parameters that new hashes are made with.
fn params() -> Params {
    const PARAMS: Params = match Params::new(MEMORY_KIB, PASSES, LANES, None) {
        Ok(params) => params,
        Err(_) => panic!("the parameters of Argon2id are out of its range"),
    };
    PARAMS
}

/// Whether a hash was made with less work than new ones are.
fn is_weak(hash: &PasswordHash) -> Result<bool, HashError> {
    let made_with = Params::try_from(hash)?;
    Ok(hash.algorithm != Algorithm::Argon2id.ident()
        || made_with.m_cost() < MEMORY_KIB
        || made_with.t_cost() < PASSES)
}

#[cfg(test)]
mod tests;
