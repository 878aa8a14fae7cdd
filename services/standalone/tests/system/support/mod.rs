//! Starting the system, reaching it, and ending it whatever happens.

mod apart;
mod browser;
mod caller;
mod certificates;
pub(crate) mod docker;
mod grpcurl;
mod ports;
mod program;
mod system;
#[path = "../../support/tools.rs"]
mod tools;

use std::time::Duration;

use tokio::time::{Instant, sleep};

pub(crate) use self::{
    apart::Apart,
    browser::{Browser, Scripts},
    caller::Caller,
    certificates::Authority,
    grpcurl::{Grpcurl, Refusal},
    ports::free_port,
    program::{Program, binary},
    system::{ADMIN_PASSWORD, Addresses, System, answers, client},
    tools::{left_out, tool},
};

/// How long anything may take that does take some time. Far longer than it does: only a failing
/// test waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Asks `condition` again and again until it has an answer.
///
/// # Panics
///
/// There is none in good time.
pub(crate) async fn eventually<T>(what: &str, condition: impl AsyncFn() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = condition().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "in vain waited for this: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}
