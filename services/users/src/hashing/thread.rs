//! Hashing threads, and how they are scheduled.

use std::{
    io,
    sync::{Weak, mpsc},
    thread,
    time::Duration,
};

/// How often a core is made to look again who is next on it.
const PULSE: Duration = Duration::from_micros(300);

/// What is done on a thread.
pub(super) type Job = Box<dyn FnOnce() + Send>;

/// How a hash shares its core with other threads.
#[derive(Debug, Clone, Copy)]
pub(super) enum Manner {
    /// Runs while nobody else wants to, and stops as soon as anybody does.
    LastOfAll,
    /// Takes a tenth of a busy core. What wakes up meanwhile may wait for the end of a slice.
    Modest,
}

impl Manner {
    /// Does a job on a new thread. It is not one of the runtime's: those are shared, and what has
    /// stood back once cannot come forward again.
    pub(super) fn start(self, job: Job) -> io::Result<()> {
        let thread = thread::Builder::new().name(self.thread_name().to_owned());
        thread.spawn(move || {
            self.adopt();
            job();
        })?;
        Ok(())
    }

    /// What the system's tools show its threads as: at most 15 bytes on Linux.
    pub(super) fn thread_name(self) -> &'static str {
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

/// A thread that is the last of all, and begins others for the jobs that it is given. They are so from
/// their first moment: a thread that stands back only later has been promised some milliseconds of
/// its core by then, in which whoever wakes up there has to wait. It ends with the sender.
pub(super) fn starter() -> io::Result<mpsc::Sender<Job>> {
    let (jobs, given) = mpsc::channel();
    let job = move || {
        for job in given {
            // A job that is dropped says so to whoever waits for it.
            let _ = Manner::LastOfAll.start(job);
        }
    };
    Manner::LastOfAll.start(Box::new(job))?;
    Ok(jobs)
}

/// A thread that wakes up again and again, and does nothing, until nobody holds `hash` any more. A core
/// looks who is next when somebody wakes up on it, and otherwise at the next tick of the clock, up to
/// 10 ms later. One who wakes up in the moment after having run may have had more than its share, even
/// beside the last of all, and would wait until then.
pub(super) fn pulse(hash: Weak<()>) -> io::Result<()> {
    let thread = thread::Builder::new().name("hash-pulse".to_owned());
    thread.spawn(move || {
        while hash.strong_count() > 0 {
            thread::sleep(PULSE);
        }
    })?;
    Ok(())
}
