//! A gateway on a free port, before backends that answer what a test wants.
//!
//! The backends are real gRPC servers with a real key; only what they say is made up.

#![allow(
    dead_code,
    unused_imports,
    reason = "each test file uses its part of this"
)]
#![allow(missing_docs, unreachable_pub)]
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod backends;
mod keys;

use std::{net::SocketAddr, time::Duration};

use clap::Parser as _;
use gateway::Config;
use reqwest::{Client, RequestBuilder, StatusCode, redirect::Policy};
use runtime::lifecycle::Listeners;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

pub use backends::{Fakes, thought};
pub use keys::{Keys, LIFETIME, REFRESH_LIFETIME};

/// A gateway with its backends.
pub struct Site {
    pub address: SocketAddr,
    pub ops: SocketAddr,
    pub fakes: Fakes,
    pub keys: Keys,
    client: Client,
    shutdown: CancellationToken,
}

/// A response that has arrived whole.
#[derive(Debug)]
pub struct Page {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: String,
}

/// Where nobody listens.
pub const NOWHERE: &str = "http://127.0.0.1:1";

impl Site {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// A gateway with more arguments; they come after the addresses of the fakes and win.
    pub async fn with(arguments: &[&str]) -> Self {
        let keys = Keys::generate();
        let fakes = Fakes::start(&keys).await;
        Self::before(fakes, keys, arguments).await
    }

    pub async fn before(fakes: Fakes, keys: Keys, arguments: &[&str]) -> Self {
        let thoughts = format!("--thoughts-backend-url={}", fakes.thoughts_url);
        let users = format!("--user-backend-url={}", fakes.users_url);
        let own: Vec<&str> = [thoughts.as_str(), users.as_str()]
            .into_iter()
            .filter(|own| {
                let name = own.split('=').next().unwrap();
                !arguments.iter().any(|argument| argument.starts_with(name))
            })
            .collect();
        let arguments = ["gateway"].iter().chain(&own).chain(arguments);
        let config = Config::try_parse_from(arguments).unwrap();
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let listeners = Listeners::bind(["LISTEN_ADDR", "OPS_ADDR"], any, any)
            .await
            .unwrap();
        let address = listeners.listen.local_addr().unwrap();
        let ops = listeners.ops.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        tokio::spawn(gateway::serve(config, listeners, shutdown.clone()));
        let client = Client::builder()
            .redirect(Policy::none())
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap();
        Self {
            address,
            ops,
            fakes,
            keys,
            client,
            shutdown,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.client.request(method.parse().unwrap(), self.url(path))
    }

    /// A visitor reads a page.
    pub async fn get(&self, path: &str) -> Page {
        send(self.request("GET", path)).await
    }

    /// Bruce, who is signed in, reads a page.
    pub async fn bruce_gets(&self, path: &str) -> Page {
        send(self.request("GET", path).header("cookie", self.bruce())).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        send(self.request("POST", path).form(fields)).await
    }

    pub async fn bruce_posts(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        send(
            self.request("POST", path)
                .form(fields)
                .header("cookie", self.bruce()),
        )
        .await
    }

    /// Bruce's cookie.
    pub fn bruce(&self) -> String {
        format!("session={}", self.keys.token("bruce", "member", LIFETIME))
    }

    /// The cookie of Ada, who is an administrator.
    pub fn ada(&self) -> String {
        format!("session={}", self.keys.token("ada", "admin", LIFETIME))
    }

    pub async fn ada_gets(&self, path: &str) -> Page {
        self.gets_with(&self.ada(), path).await
    }

    pub async fn ada_posts(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.posts_with(&self.ada(), path, fields).await
    }

    /// Bruce's cookies when his access token has so many seconds left.
    pub fn bruce_with(&self, seconds: i64, refresh_token: &str) -> String {
        let token = self.keys.token("bruce", "member", seconds);
        format!("session={token}; renewal={refresh_token}")
    }

    /// Somebody with these cookies reads a page.
    pub async fn gets_with(&self, cookies: &str, path: &str) -> Page {
        send(self.request("GET", path).header("cookie", cookies)).await
    }

    pub async fn posts_with(&self, cookies: &str, path: &str, fields: &[(&str, &str)]) -> Page {
        let request = self.request("POST", path).form(fields);
        send(request.header("cookie", cookies)).await
    }

    pub async fn ops(&self, path: &str) -> Page {
        send(self.client.get(format!("http://{}{path}", self.ops))).await
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Page {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The session's cookies that the page sets, in order.
    pub fn cookies(&self) -> Vec<String> {
        let mut cookies = self.all_cookies();
        cookies
            .retain(|cookie| !cookie.starts_with("done=") && !cookie.starts_with("__Host-done="));
        cookies
    }

    /// All of them.
    pub fn all_cookies(&self) -> Vec<String> {
        let cookies = self.headers.get_all("set-cookie").iter();
        cookies
            .map(|cookie| cookie.to_str().unwrap().to_owned())
            .collect()
    }

    /// The cookie that lets the next page tell what was done, as a browser sends it back.
    #[track_caller]
    pub fn done(&self) -> String {
        let cookies = self.all_cookies();
        let done = cookies.iter().find(|cookie| cookie.contains("done="));
        let done = done.unwrap_or_else(|| panic!("nothing done: {cookies:?}"));
        assert!(done.contains("; HttpOnly; SameSite=Lax; ") && done.contains("Max-Age=60"));
        done.split(';').next().unwrap().to_owned()
    }

    /// It sets no cookie, and takes none away.
    #[track_caller]
    pub fn leaves_the_cookies(self) -> Self {
        assert_eq!(self.cookies(), Vec::<String>::new());
        self
    }

    /// It takes both cookies away.
    #[track_caller]
    pub fn ends_the_session(self) -> Self {
        let cookies = self.cookies();
        assert_eq!(cookies.len(), 2, "{cookies:?}");
        for (cookie, name) in cookies.iter().zip(["session", "renewal"]) {
            assert!(cookie.starts_with(&format!("{name}=; ")), "{cookie}");
            assert!(cookie.contains("Max-Age=0"), "{cookie}");
        }
        assert_eq!(self.header("cache-control"), "private, no-store");
        self
    }

    /// It sets both cookies, the second to this refresh token.
    #[track_caller]
    pub fn goes_on_with(self, refresh_token: &str) -> Self {
        let cookies = self.cookies();
        assert_eq!(cookies.len(), 2, "{cookies:?}");
        assert!(cookies[0].starts_with("session=ey"), "{}", cookies[0]);
        let renewal = format!("renewal={refresh_token};");
        assert!(cookies[1].starts_with(&renewal), "{}", cookies[1]);
        assert_eq!(self.header("cache-control"), "private, no-store");
        self
    }

    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self
    }

    #[track_caller]
    pub fn has(self, text: &str) -> Self {
        assert!(self.body.contains(text), "no {text:?} in {}", self.body);
        self
    }

    #[track_caller]
    pub fn has_not(self, text: &str) -> Self {
        assert!(!self.body.contains(text), "{text:?} in {}", self.body);
        self
    }

    /// Leads on to a place.
    #[track_caller]
    pub fn goes_to(self, place: &str) -> Self {
        let page = self.is(303);
        assert_eq!(page.header("location"), place);
        page
    }

    /// The value of a hidden field.
    #[track_caller]
    pub fn hidden(&self, name: &str) -> String {
        let start = format!("<input type=\"hidden\" name=\"{name}\" value=\"");
        let (_, rest) = self
            .body
            .split_once(&start)
            .unwrap_or_else(|| panic!("no {name} in {}", self.body));
        rest.split('"').next().unwrap().to_owned()
    }
}

pub async fn send(request: RequestBuilder) -> Page {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.text().await.unwrap();
    Page {
        status,
        headers,
        body,
    }
}

/// Waits, at most ten seconds, until something is so.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut so: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !so().await {
        assert!(Instant::now() < deadline, "never: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}
