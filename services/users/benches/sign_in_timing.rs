//! S2: how long a refused sign-in takes must not tell whether the account exists.
//!
//! Tries a wrong password for a name that there is, one that there is not and one that there cannot
//! be, in turn, and compares the medians. Fails when they are more than 5% apart.
//!
//! ```sh
//! cargo bench -p users-backend --bench sign_in_timing           # 1,000 tries of each
//! cargo bench -p users-backend --bench sign_in_timing -- 200
//! ```

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark says what it finds, and stops where it cannot go on"
)]

use std::{
    env,
    process::ExitCode,
    time::{Duration, Instant},
};

use api::users::v1::{LoginRequest, users_service_client::UsersServiceClient};
use database::testing::Fresh;
use runtime::{
    clock::{Clock, Timestamp},
    lifecycle::Listeners,
};
use tokio_util::sync::CancellationToken;
use tonic::{
    Code,
    transport::{Channel, Endpoint},
};
use users_backend::{Backend, Config};

const NAMES: [&str; 3] = ["ada", "eve", "no such name!"];
const WARM_UP: usize = 10;
const MOST_APART: f64 = 0.05;

#[tokio::main]
async fn main() -> ExitCode {
    let tries = env::args().find_map(|argument| argument.parse().ok());
    let tries: usize = tries.unwrap_or(1_000);
    let fresh = Fresh::sqlite();
    let clock = Clock::manual(Timestamp::from_seconds(1_800_000_000));
    let shutdown = CancellationToken::new();
    let mut client = serve(&fresh, &clock, &shutdown).await;
    let mut times = [const { Vec::new() }; NAMES.len()];
    for round in 0..WARM_UP + tries {
        for (name, times) in NAMES.iter().zip(&mut times) {
            // Long enough that nothing is throttled.
            clock.advance(Duration::from_secs(60));
            let took = refuse(&mut client, name).await;
            if round >= WARM_UP {
                times.push(took);
            }
        }
    }
    shutdown.cancel();
    report(times.map(median))
}

/// A running backend with the account ada.
async fn serve(
    fresh: &Fresh,
    clock: &Clock,
    shutdown: &CancellationToken,
) -> UsersServiceClient<Channel> {
    let unused = "http://127.0.0.1:9".parse().expect("a URL");
    let config = Config {
        admin_username: Some("ada".parse().expect("a name")),
        admin_password: Some("correct horse".parse().expect("a password")),
        ..Config::new(fresh.url().clone(), unused)
    };
    let any = "127.0.0.1:0".parse().expect("an address");
    let listeners = Listeners::bind(["LISTEN_ADDR", "OPS_ADDR"], any, any).await;
    let listeners = listeners.expect("free ports");
    let address = listeners.listen.local_addr().expect("its address");
    let backend = Backend::open_with_clock(config, clock.clone(), shutdown).await;
    let backend = backend.expect("an open backend");
    tokio::spawn(backend.serve(listeners, shutdown.clone()));
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
    UsersServiceClient::new(endpoint.connect().await.expect("a connection"))
}

async fn refuse(client: &mut UsersServiceClient<Channel>, name: &str) -> Duration {
    let message = LoginRequest {
        username: name.to_owned(),
        password: "wrong horse".to_owned(),
    };
    let start = Instant::now();
    let refused = client.login(message).await.expect_err("a refusal");
    let took = start.elapsed();
    assert_eq!(refused.code(), Code::Unauthenticated, "{refused:?}");
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn report(medians: [Duration; NAMES.len()]) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for (name, median) in NAMES.iter().zip(medians) {
        let apart = median.as_secs_f64() / medians[0].as_secs_f64() - 1.0;
        println!("{name:15} {median:>12.1?} {:+6.1}%", apart * 100.0);
        if apart.abs() > MOST_APART {
            code = ExitCode::FAILURE;
        }
    }
    code
}
