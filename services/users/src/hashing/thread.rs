//! How a hashing thread is scheduled.

/// How a hash shares its core with other threads.
#[derive(Debug, Clone, Copy)]
pub(super) enum Manner {
    /// Runs while nobody else wants to, and stops as soon as anybody does.
    LastOfAll,
    /// Takes a tenth of a busy core. What wakes up meanwhile may wait for the end of a slice.
    Modest,
}

impl Manner {
    /// What the system's tools show its threads as: at most 15 bytes on Linux.
    pub(super) fn thread_name(self) -> &'static str {
        match self {
            Self::LastOfAll => "hash-last",
            Self::Modest => "hash-modest",
        }
    }

    /// Makes it this thread's, for good. Where it is refused, passwords are hashed all the same.
    pub(super) fn adopt(self) {
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
        // What a new thread was promised as one like all others, some milliseconds of its core, it
        // would otherwise still be given: others woke up for nothing until the next tick.
        std::thread::yield_now();
    }
}
