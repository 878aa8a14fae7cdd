//! S1: other calls stay fast while a hundred people sign in at once.
//!
//! Times `GetUser`, called each few milliseconds, in rounds that are quiet and rounds in which a
//! hundred sign-ins are always under way, in turn. Fails when the busy rounds' p99 is more than
//! twice the quiet ones' (medians over the rounds).
//!
//! ```sh
//! cargo bench -p users-backend --bench sign_in_load           # five rounds of each
//! cargo bench -p users-backend --bench sign_in_load -- 9
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

use api::users::v1::{GetUserRequest, LoginRequest, users_service_client::UsersServiceClient};
use database::testing::Fresh;
use runtime::{lifecycle::Listeners, status};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;
use tonic::{
    Code, Request,
    transport::{Channel, Endpoint},
};
use users_backend::{Backend, Config};

const PASSWORD: &str = "correct horse";
const SIGN_INS_AT_ONCE: usize = 100;
const CALLS_A_ROUND: usize = 500;
const PAUSE: Duration = Duration::from_millis(5);
const MOST: f64 = 2.0;

#[tokio::main]
async fn main() -> ExitCode {
    let rounds = env::args().find_map(|argument| argument.parse().ok());
    let rounds: usize = rounds.unwrap_or(5);
    let fresh = Fresh::sqlite();
    let shutdown = CancellationToken::new();
    let address = serve(&fresh, &shutdown).await;
    let token = sign_in(&mut client(&address).await)
        .await
        .expect("signed in");
    let (mut quiet, mut busy) = (Vec::new(), Vec::new());
    let (mut signed_in, mut refused) = (0, 0);
    // The first round of each warms up.
    for round in 0..=rounds {
        let took = p99(&address, &token).await;
        let (took_busy, outcomes) = while_signing_in(&address, p99(&address, &token)).await;
        if round > 0 {
            quiet.push(took);
            busy.push(took_busy);
            signed_in += outcomes.0;
            refused += outcomes.1;
        }
    }
    shutdown.cancel();
    let (quiet, busy) = (median(quiet), median(busy));
    let ratio = busy.as_secs_f64() / quiet.as_secs_f64();
    println!("p99 of GetUser, quiet                 {quiet:>10.2?}");
    println!(
        "p99 with {SIGN_INS_AT_ONCE} sign-ins at once         {busy:>10.2?}  {ratio:.2} times"
    );
    println!("sign-ins meanwhile: {signed_in} done, {refused} told to come back");
    if ratio > MOST {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// A running backend with the account ada: its address.
async fn serve(fresh: &Fresh, shutdown: &CancellationToken) -> String {
    let unused = "http://127.0.0.1:9".parse().expect("a URL");
    let config = Config {
        admin_username: Some("ada".parse().expect("a name")),
        admin_password: Some(PASSWORD.parse().expect("a password")),
        ..Config::new(fresh.url().clone(), unused)
    };
    let any = "127.0.0.1:0".parse().expect("an address");
    let listeners = Listeners::bind(["LISTEN_ADDR", "OPS_ADDR"], any, any).await;
    let listeners = listeners.expect("free ports");
    let address = listeners.listen.local_addr().expect("its address");
    let backend = Backend::open(config, shutdown).await;
    let backend = backend.expect("an open backend");
    tokio::spawn(backend.serve(listeners, shutdown.clone()));
    format!("http://{address}")
}

async fn client(address: &str) -> UsersServiceClient<Channel> {
    let endpoint = Endpoint::from_shared(address.to_owned()).expect("an address");
    UsersServiceClient::new(endpoint.connect().await.expect("a connection"))
}

/// Signs in, and gives the access token, or says when to come back: there are too many at it.
async fn sign_in(client: &mut UsersServiceClient<Channel>) -> Result<String, Duration> {
    let message = LoginRequest {
        username: "ada".to_owned(),
        password: PASSWORD.to_owned(),
    };
    match client.login(message).await {
        Ok(session) => Ok(session.into_inner().access_token),
        Err(status) => {
            assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
            Err(status::retry_after(&status).expect("a time to come back"))
        }
    }
}

/// Keeps a hundred sign-ins under way while something else is done; how many came through, and how
/// many were told to come back.
async fn while_signing_in<T>(address: &str, other: impl Future<Output = T>) -> (T, (usize, usize)) {
    let over = CancellationToken::new();
    let mut people = JoinSet::new();
    for _ in 0..SIGN_INS_AT_ONCE {
        let (over, mut client) = (over.clone(), client(address).await);
        people.spawn(async move {
            let (mut done, mut refused) = (0, 0);
            while !over.is_cancelled() {
                match sign_in(&mut client).await {
                    Ok(_) => done += 1,
                    Err(wait) => {
                        refused += 1;
                        sleep(wait).await;
                    }
                }
            }
            (done, refused)
        });
    }
    let outcome = other.await;
    over.cancel();
    let outcomes = people.join_all().await;
    let sums = outcomes.iter().fold((0, 0), |sums, (done, refused)| {
        (sums.0 + done, sums.1 + refused)
    });
    (outcome, sums)
}

async fn p99(address: &str, token: &str) -> Duration {
    let mut client = client(address).await;
    let bearer = format!("Bearer {token}").parse().expect("metadata");
    let mut tick = interval(PAUSE);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut times = Vec::with_capacity(CALLS_A_ROUND);
    for _ in 0..CALLS_A_ROUND {
        tick.tick().await;
        let mut request = Request::new(GetUserRequest {
            username: "ada".to_owned(),
        });
        let bearer: &tonic::metadata::MetadataValue<_> = &bearer;
        request
            .metadata_mut()
            .insert("authorization", bearer.clone());
        let start = Instant::now();
        client.get_user(request).await.expect("an answer");
        times.push(start.elapsed());
    }
    times.sort_unstable();
    times[CALLS_A_ROUND * 99 / 100]
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
