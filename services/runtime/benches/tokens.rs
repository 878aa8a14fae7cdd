//! P10: what it costs to check a token that was seen before, and one that was not.
//!
//! Fails when a known one takes more than 2 µs, as the median of its rounds.
//!
//! ```sh
//! cargo bench -p mythoughts-runtime --bench tokens
//! ```

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark says what it finds, and stops where it cannot go on"
)]

#[path = "../tests/tokens/support.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod support;

use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::FutureExt as _;
use runtime::{
    auth::{PersonalToken, PersonalTokenSource, Scope, Verifier},
    clock::Timestamp,
};
use serde_json::json;
use tonic::metadata::MetadataMap;
use uuid::Uuid;

use self::support::{Issuer, NOW, bearer, claims};

const ROUNDS: usize = 9;
const CALLS: u32 = 100_000;
const NEW_TOKENS: u32 = 500;
const MOST: Duration = Duration::from_micros(2);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let issuer = Issuer::new();
    let verifier = issuer.verifier().with_personal_tokens(source());
    let access = known(&verifier, &bearer(&issuer.token()));
    let personal = known(&verifier, &bearer("mt_bruces"));
    let new = new(&verifier, &issuer);
    println!("known access token {access:.2?}, known personal token {personal:.2?}, new {new:.2?}");
    if access.max(personal) <= MOST {
        ExitCode::SUCCESS
    } else {
        println!("a known token takes more than {MOST:?}");
        ExitCode::FAILURE
    }
}

fn known(verifier: &Verifier, metadata: &MetadataMap) -> Duration {
    let check = || verifier.caller(metadata).now_or_never().unwrap().unwrap();
    assert!(check().is_some());
    median((0..ROUNDS).map(|_| {
        let start = Instant::now();
        for _ in 0..CALLS {
            check();
        }
        start.elapsed() / CALLS
    }))
}

/// Tokens that differ, each seen for the first time.
fn new(verifier: &Verifier, issuer: &Issuer) -> Duration {
    median((0..ROUNDS).map(|_| {
        let tokens: Vec<MetadataMap> = (0..NEW_TOKENS)
            .map(|_| {
                let mut claims = claims();
                claims["jti"] = json!(Uuid::new_v4());
                bearer(&issuer.sign(&issuer.header(), &claims))
            })
            .collect();
        let start = Instant::now();
        for token in &tokens {
            verifier.caller(token).now_or_never().unwrap().unwrap();
        }
        start.elapsed() / NEW_TOKENS
    }))
}

fn source() -> PersonalTokenSource {
    Arc::new(|_| {
        let token = PersonalToken {
            user_id: Uuid::from_u128(1),
            username: "bruce".to_owned(),
            scope: Scope::ReadWrite,
            expires: Timestamp::from_seconds(NOW + 3_600),
        };
        async move { Ok(Some(token)) }.boxed()
    })
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<_> = times.collect();
    times.sort_unstable();
    times[times.len() / 2]
}
