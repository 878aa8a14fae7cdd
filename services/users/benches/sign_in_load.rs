//! S1: other calls stay fast while a hundred people sign in at once.
//!
//! Times `GetUser`, called each few milliseconds, in rounds that are quiet and rounds in which a
//! hundred sign-ins are always under way, in turn. The program that is measured has one core, the
//! callers have another. Fails when the busy rounds' p99 is more than twice the quiet ones' (medians
//! over the rounds).
//!
//! ```sh
//! cargo bench -p users-backend --bench sign_in_load                       # on SQLite, five rounds
//! .ci/postgres BINDIR -- cargo bench -p users-backend --bench sign_in_load -- 9
//! ```

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark says what it finds, and stops where it cannot go on"
)]

use std::{
    env,
    net::TcpListener,
    process::{Child, Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use api::users::v1::{GetUserRequest, LoginRequest, users_service_client::UsersServiceClient};
use database::testing::{Fresh, each_engine};
use runtime::status;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;
use tonic::{
    Code, Request,
    transport::{Channel, Endpoint},
};

const PASSWORD: &str = "correct horse";
const SIGN_INS_AT_ONCE: usize = 100;
const CALLS_A_ROUND: usize = 500;
const PAUSE: Duration = Duration::from_millis(5);
const MOST: f64 = 2.0;

fn main() -> ExitCode {
    let rounds = env::args().find_map(|argument| argument.parse().ok());
    let rounds: usize = rounds.unwrap_or(5);
    let all = sched_getaffinity(None).expect("Linux");
    let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&it| all.is_set(it)).collect();
    let (programs, callers) = (cores[0], cores[cores.len() - 1]);
    stay_on(callers);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let passed = runtime.expect("a runtime").block_on(async {
        let mut passed = true;
        for fresh in each_engine().await {
            // What is started has the affinity of who starts it.
            stay_on(programs);
            let program = Program::start(&fresh);
            stay_on(callers);
            passed &= measure(&program, &format!("{:?}", fresh.engine()), rounds).await;
        }
        passed
    });
    if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Whether the bar is held.
async fn measure(program: &Program, engine: &str, rounds: usize) -> bool {
    let address = &program.address;
    let mut people = Vec::new();
    for _ in 0..SIGN_INS_AT_ONCE {
        people.push(client(address).await);
    }
    let token = sign_in(&mut people[0]).await.expect("signed in");
    let (mut quiet, mut busy) = (Vec::new(), Vec::new());
    let (mut signed_in, mut refused) = (0, 0);
    // The first round of each warms up.
    for round in 0..=rounds {
        let took = quantiles(address, &token).await;
        let (took_busy, outcomes) = while_signing_in(&people, quantiles(address, &token)).await;
        if round > 0 {
            quiet.push(took);
            busy.push(took_busy);
            signed_in += outcomes.0;
            refused += outcomes.1;
        }
    }
    let (quiet, busy) = (medians(&quiet), medians(&busy));
    let ratio = busy[2].as_secs_f64() / quiet[2].as_secs_f64();
    println!("{engine}: GetUser                      p50        p90        p99");
    let [p50, p90, p99] = quiet;
    println!("quiet                        {p50:>10.2?} {p90:>10.2?} {p99:>10.2?}");
    let [p50, p90, p99] = busy;
    println!(
        "with {SIGN_INS_AT_ONCE} sign-ins at once    {p50:>10.2?} {p90:>10.2?} {p99:>10.2?}  {ratio:.2} times"
    );
    println!("sign-ins meanwhile: {signed_in} done, {refused} told to come back");
    ratio <= MOST
}

fn stay_on(core: usize) {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).expect("a core of ours");
}

/// A running backend with the account ada, killed when this is dropped.
struct Program {
    child: Child,
    address: String,
}

impl Program {
    fn start(fresh: &Fresh) -> Self {
        let address = free_address();
        let child = Command::new(env!("CARGO_BIN_EXE_users-backend"))
            .env("DATABASE_URL", fresh.url_text())
            .env("LISTEN_ADDR", &address)
            .env("OPS_ADDR", free_address())
            .env("THOUGHTS_BACKEND_URL", "http://127.0.0.1:9")
            .env("ADMIN_USERNAME", "ada")
            .env("ADMIN_PASSWORD", PASSWORD)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let address = format!("http://{address}");
        Self {
            child: child.expect("the program"),
            address,
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").to_string()
}

async fn client(address: &str) -> UsersServiceClient<Channel> {
    let endpoint = Endpoint::from_shared(address.to_owned()).expect("an address");
    loop {
        match endpoint.connect().await {
            Ok(channel) => return UsersServiceClient::new(channel),
            // It is on its way.
            Err(_) => sleep(PAUSE).await,
        }
    }
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
async fn while_signing_in<T>(
    clients: &[UsersServiceClient<Channel>],
    other: impl Future<Output = T>,
) -> (T, (usize, usize)) {
    let over = CancellationToken::new();
    let mut people = JoinSet::new();
    for client in clients {
        let (over, mut client) = (over.clone(), client.clone());
        people.spawn(async move {
            let (mut done, mut refused) = (0, 0);
            while !over.is_cancelled() {
                match sign_in(&mut client).await {
                    Ok(_) => done += 1,
                    Err(wait) => {
                        refused += 1;
                        over.run_until_cancelled(sleep(wait)).await;
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

/// The median, the 90th and the 99th percentile of a round.
async fn quantiles(address: &str, token: &str) -> [Duration; 3] {
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
    [50, 90, 99].map(|percent| times[CALLS_A_ROUND * percent / 100])
}

fn medians(rounds: &[[Duration; 3]]) -> [Duration; 3] {
    [0, 1, 2].map(|which| {
        let mut times: Vec<_> = rounds.iter().map(|round| round[which]).collect();
        times.sort_unstable();
        times[times.len() / 2]
    })
}
