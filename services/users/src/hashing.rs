//! The work of hashing and checking passwords.

use std::{
    fmt, io,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version,
};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::Counter, gauge::ConstGauge},
    registry::Registry,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::{Instant, timeout},
};

use crate::password::Password;

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
/// at once. A caller that gives up while waiting leaves its place to others.
///
/// A hash gives way to everything else on its core. Where everything else leaves nothing, it begins
/// again on a thread that is given a tenth, as do those after it for a while.
#[derive(Debug, Clone)]
pub struct PasswordHasher {
    argon2: Argon2<'static>,
    running: Arc<Semaphore>,
    places: Arc<Semaphore>,
    /// For those that are the last of all, those included that nobody waits for any more.
    patient: Arc<Semaphore>,
    crowded: Arc<Mutex<Option<Instant>>>,
    /// How many may run at once, and how many more may wait.
    limits: (usize, usize),
    /// Callers that found no place to wait.
    refused: Counter,
}

/// The right to be one of those that run, and its place.
type Turn = (OwnedSemaphorePermit, OwnedSemaphorePermit);

/// How a hash shares its core with other threads.
#[derive(Debug, Clone, Copy)]
enum Manner {
    /// Runs while nobody else wants to, and stops as soon as anybody does.
    LastOfAll,
    /// Takes a tenth of a busy core. What wakes up meanwhile may wait for the end of a slice.
    Modest,
}

impl PasswordHasher {
    /// A hasher for this machine.
    pub fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self::with_limits(at_once(cores), MAX_WAITING)
    }

    /// The memory that hashing takes at most where a process may use so many cores, in bytes: every
    /// hash that runs may have been begun twice.
    #[must_use]
    pub fn memory(cores: usize) -> u64 {
        2 * at_once(cores) as u64 * u64::from(MEMORY_KIB) * 1024
    }

    /// A hasher that runs `running` hashes at once and lets `waiting` more wait.
    fn with_limits(running: usize, waiting: usize) -> Self {
        Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params()),
            running: Arc::new(Semaphore::new(running)),
            places: Arc::new(Semaphore::new(running + waiting)),
            patient: Arc::new(Semaphore::new(running)),
            crowded: Arc::default(),
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
        let turn = self.turn().await?;
        // A call that is given up from here on cannot stop the work, so the work keeps the turn.
        let (hasher, work) = (self.clone(), Arc::new(work));
        tokio::spawn(async move { hasher.in_turn(turn, work).await })
            .await
            .map_err(|_| HashError::Interrupted)?
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        turn: Turn,
        work: Arc<impl Fn(&Argon2<'static>) -> Result<T, HashError> + Send + Sync + 'static>,
    ) -> Result<T, HashError> {
        if let Some(patient) = self.patient() {
            let first = self.start(Manner::LastOfAll, Some(patient), Arc::clone(&work))?;
            match timeout(PATIENCE, first).await {
                Ok(result) => return result.map_err(|_| HashError::Interrupted)?,
                Err(_) => self.note_crowded(),
            }
        }
        let result = self.start(Manner::Modest, None, work)?.await;
        drop(turn);
        result.map_err(|_| HashError::Interrupted)?
    }

    /// Begins `work` on a thread of its own.
    ///
    /// It is not one of the runtime's: those are shared, and what has stood back once cannot come
    /// forward again.
    fn start<T: Send + 'static>(
        &self,
        manner: Manner,
        patient: Option<OwnedSemaphorePermit>,
        work: Arc<impl Fn(&Argon2<'static>) -> Result<T, HashError> + Send + Sync + 'static>,
    ) -> Result<oneshot::Receiver<Result<T, HashError>>, HashError> {
        let argon2 = self.argon2.clone();
        let (outcome, done) = oneshot::channel();
        thread::Builder::new()
            .name(manner.thread_name().to_owned())
            .spawn(move || {
                manner.adopt();
                let result = work(&argon2);
                // First, since whoever gets the result may come again at once.
                drop(patient);
                // Nobody waits for it any more when it took too long.
                let _ = outcome.send(result);
            })?;
        Ok(done)
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

    /// Waits for a turn, if there is still a place to wait.
    async fn turn(&self) -> Result<Turn, HashError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            self.refused.inc();
            HashError::Busy
        })?;
        let turn = Arc::clone(&self.running).acquire_owned().await;
        Ok((place, turn.map_err(|_| HashError::Interrupted)?))
    }
}

impl Collector for PasswordHasher {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let (running, waiting) = self.load();
        let gauges = [
            (
                "running",
                "Passwords that are hashed at this moment",
                running,
            ),
            ("waiting", "Passwords that wait to be hashed", waiting),
        ];
        for (what, help, count) in gauges {
            let name = format!("mythoughts_password_hashes_{what}");
            let gauge = ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(&name, help, None, MetricType::Gauge)?)?;
        }
        let (name, help) = (
            "mythoughts_password_hashes_refused",
            "Passwords that were not hashed because too many waited",
        );
        let refused = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        self.refused.encode(refused)
    }
}

impl Default for PasswordHasher {
    fn default() -> Self {
        Self::new()
    }
}

impl Manner {
    /// What the system's tools show its threads as: at most 15 bytes on Linux.
    fn thread_name(self) -> &'static str {
        match self {
            Self::LastOfAll => "hash-last",
            Self::Modest => "hash-modest",
        }
    }

    /// Makes it this thread's, for good. Where it is refused, passwords are hashed all the same.
    fn adopt(self) {
        #[cfg(target_os = "linux")]
        match self {
            Self::LastOfAll => {
                use thread_priority::{
                    NormalThreadSchedulePolicy::Idle, ThreadPriority, ThreadSchedulePolicy,
                    set_thread_priority_and_policy, thread_native_id,
                };
                // sched(7), SCHED_IDLE.
                let policy = ThreadSchedulePolicy::Normal(Idle);
                let thread = thread_native_id();
                let _ = set_thread_priority_and_policy(thread, ThreadPriority::Min, policy);
            }
            // nice(2), whose value is a thread's own on Linux.
            Self::Modest => {
                let _ = rustix::process::nice(10);
            }
        }
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
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_alone() {
        let hasher = PasswordHasher::new();
        let hash = hasher.hash(password("open\0sesame")).await.unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        let check = |text, hash: &str| hasher.verify(password(text), Some(hash.to_owned()));
        assert_eq!(check("open\0sesame", &hash).await.unwrap(), Verdict::Right);
        assert_eq!(check("open\0sesamE", &hash).await.unwrap(), Verdict::Wrong);
        assert_eq!(check("open", &hash).await.unwrap(), Verdict::Wrong);
        assert_ne!(
            hash,
            hasher.hash(password("open\0sesame")).await.unwrap(),
            "salted"
        );
    }

    #[tokio::test]
    async fn the_last_character_of_the_longest_password_counts() {
        let hasher = PasswordHasher::new();
        let long = "a".repeat(256);
        let hash = hasher.hash(password(&long)).await.unwrap();
        let other = format!("{}b", &long[1..]);
        assert_eq!(
            hasher.verify(password(&other), Some(hash)).await.unwrap(),
            Verdict::Wrong
        );
    }

    #[tokio::test]
    async fn nobody_has_a_password() {
        let verdict = PasswordHasher::new()
            .verify(password("anything"), None)
            .await;
        assert_eq!(verdict.unwrap(), Verdict::Wrong);
    }

    #[test]
    fn nobodys_hash_costs_what_a_new_one_does() {
        let hash = PasswordHash::new(NOBODYS_HASH).unwrap();
        let made_with = Params::try_from(&hash).unwrap();
        assert_eq!(hash.algorithm, Algorithm::Argon2id.ident());
        assert_eq!(made_with.m_cost(), MEMORY_KIB);
        assert_eq!(made_with.t_cost(), PASSES);
        assert_eq!(made_with.p_cost(), LANES);
        assert_eq!(made_with.output_len(), Some(Params::DEFAULT_OUTPUT_LEN));
        assert_eq!(hash.salt.unwrap().len(), argon2::RECOMMENDED_SALT_LEN);
    }

    #[tokio::test]
    async fn s01_a_weaker_hash_is_told() {
        let weak = Argon2::from(Params::new(8_192, 1, 1, None).unwrap());
        let hash = weak.hash_password(b"open sesame").unwrap().to_string();
        let hasher = PasswordHasher::new();
        let verdict = hasher
            .verify(password("open sesame"), Some(hash.clone()))
            .await;
        assert_eq!(verdict.unwrap(), Verdict::RightButWeak);
        let verdict = hasher.verify(password("close sesame"), Some(hash)).await;
        assert_eq!(verdict.unwrap(), Verdict::Wrong);
    }

    #[tokio::test(start_paused = true)]
    async fn s01_where_the_cores_leave_nothing_a_hash_begins_again() {
        let hasher = PasswordHasher::with_limits(1, 2);
        let (finish, starved) = std::sync::mpsc::channel::<()>();
        let starved = Mutex::new(starved);
        let work = move |_: &Argon2<'static>| {
            let name = thread::current().name().unwrap().to_owned();
            if name == Manner::LastOfAll.thread_name() {
                // It gets nowhere until it is let.
                let _ = starved.lock().unwrap().recv();
            }
            Ok(name)
        };
        let done_by = hasher.run(work).await.unwrap();
        assert_eq!(done_by, Manner::Modest.thread_name());
        // Those after it do not try, and when they do again, there are no more than may run.
        assert!(hasher.patient().is_none());
        tokio::time::advance(CROWDED_FOR).await;
        assert!(hasher.patient().is_none());
        finish.send(()).unwrap();
        drop(hasher.patient.acquire().await.unwrap());
        assert!(hasher.patient().is_some());
    }

    #[tokio::test]
    async fn s01_beyond_the_queue_callers_are_refused_at_once() {
        let hasher = PasswordHasher::with_limits(1, 2);
        let turn = hasher.turn().await.unwrap();
        let mut first = Box::pin(hasher.hash(password("first")));
        let mut second = Box::pin(hasher.hash(password("second")));
        assert!(futures_util::poll!(&mut first).is_pending());
        assert!(futures_util::poll!(&mut second).is_pending());
        assert!(matches!(
            hasher.hash(password("third")).await,
            Err(HashError::Busy)
        ));
        assert_eq!((hasher.load(), hasher.refused.get()), ((1, 2), 1));
        // Who gives up leaves the place to another.
        drop(first);
        let mut third = Box::pin(hasher.hash(password("third")));
        assert!(futures_util::poll!(&mut third).is_pending());
        drop(turn);
        assert!(second.await.is_ok());
        assert!(third.await.is_ok());
    }
}
