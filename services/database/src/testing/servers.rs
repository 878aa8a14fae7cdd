//! The PostgreSQL servers that tests run on: those named by the environment, or one of our own.

use std::{env, sync::OnceLock};

use super::server::{Server, binaries};

/// Addresses of a superuser's database on each server. Asked for once a process.
pub(super) fn postgres_urls() -> &'static [String] {
    static URLS: OnceLock<Vec<String>> = OnceLock::new();
    URLS.get_or_init(|| {
        let named = env::var("TEST_POSTGRES_URLS").unwrap_or_default();
        let mut urls: Vec<_> = named
            .split(',')
            .map(str::trim)
            .filter(|url| !url.is_empty())
            .map(str::to_owned)
            .collect();
        if urls.is_empty() {
            match start() {
                Ok(url) => urls.push(url),
                Err(reason) => left_out(&reason),
            }
        }
        urls
    })
}

/// Says that there is no PostgreSQL to test on, or fails if there has to be.
fn left_out(reason: &str) {
    let required = env::var("REQUIRE_POSTGRES").is_ok_and(|value| value == "1");
    assert!(!required, "REQUIRE_POSTGRES=1, but {reason}");
    eprintln!("LEFT OUT: tests on PostgreSQL, because {reason}");
}

/// Starts a server that ends with this process.
fn start() -> Result<String, String> {
    // Never dropped.
    static SERVER: OnceLock<Server> = OnceLock::new();
    let binaries = binaries().ok_or("there is no postgres on the PATH")?;
    let server = Server::launch(&binaries, None)?;
    Ok(SERVER.get_or_init(|| server).url())
}
