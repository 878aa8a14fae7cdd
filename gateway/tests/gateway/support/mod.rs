//! A gateway on a free port, before backends that answer what a test wants.
//!
//! The backends are real gRPC servers with a real key; only what they say is made up.

mod backends;
mod keys;

use std::{net::SocketAddr, time::Duration};

use clap::Parser as _;
use gateway::Config;
use reqwest::{Client, RequestBuilder, StatusCode, redirect::Policy};
use runtime::lifecycle::Listeners;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

pub(crate) use backends::{Fakes, thought};
pub(crate) use keys::{Keys, LIFETIME, REFRESH_LIFETIME};

/// A gateway with its backends.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    pub(crate) ops: SocketAddr,
    pub(crate) fakes: Fakes,
    pub(crate) keys: Keys,
    client: Client,
    shutdown: CancellationToken,
}

/// A response that has arrived whole.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: String,
}

/// Where nobody listens.
pub(crate) const NOWHERE: &str = "http://127.0.0.1:1";

impl Site {
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// A gateway with more arguments; they come after the addresses of the fakes and win.
    pub(crate) async fn with(arguments: &[&str]) -> Self {
        let keys = Keys::generate();
        let fakes = Fakes::start(&keys).await;
        Self::before(fakes, keys, arguments).await
    }

    pub(crate) async fn before(fakes: Fakes, keys: Keys, arguments: &[&str]) -> Self {
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

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.client.request(method.parse().unwrap(), self.url(path))
    }

    /// A visitor reads a page.
    pub(crate) async fn get(&self, path: &str) -> Page {
        send(self.request("GET", path)).await
    }

    /// Bruce, who is signed in, reads a page.
    pub(crate) async fn bruce_gets(&self, path: &str) -> Page {
        send(self.request("GET", path).header("cookie", self.bruce())).await
    }

    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        send(self.request("POST", path).form(fields)).await
    }

    pub(crate) async fn bruce_posts(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        send(
            self.request("POST", path)
                .form(fields)
                .header("cookie", self.bruce()),
        )
        .await
    }

    /// Bruce's cookie.
    pub(crate) fn bruce(&self) -> String {
        format!("session={}", self.keys.token("bruce", "member", LIFETIME))
    }

    /// The cookie of Ada, who is an administrator.
    pub(crate) fn ada(&self) -> String {
        format!("session={}", self.keys.token("ada", "admin", LIFETIME))
    }

    pub(crate) async fn ada_gets(&self, path: &str) -> Page {
        self.gets_with(&self.ada(), path).await
    }

    pub(crate) async fn ada_posts(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.posts_with(&self.ada(), path, fields).await
    }

    /// Bruce's cookies when his access token has so many seconds left.
    pub(crate) fn bruce_with(&self, seconds: i64, refresh_token: &str) -> String {
        let token = self.keys.token("bruce", "member", seconds);
        format!("session={token}; renewal={refresh_token}")
    }

    /// Somebody with these cookies reads a page.
    pub(crate) async fn gets_with(&self, cookies: &str, path: &str) -> Page {
        send(self.request("GET", path).header("cookie", cookies)).await
    }

    pub(crate) async fn posts_with(
        &self,
        cookies: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Page {
        let request = self.request("POST", path).form(fields);
        send(request.header("cookie", cookies)).await
    }

    pub(crate) async fn ops(&self, path: &str) -> Page {
        send(self.client.get(format!("http://{}{path}", self.ops))).await
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The session's cookies that the page sets, in order.
    pub(crate) fn cookies(&self) -> Vec<String> {
        let mut cookies = self.all_cookies();
        cookies.retain(|cookie| {
            let name = cookie.trim_start_matches("__Host-");
            !name.starts_with("done=") && !name.starts_with("written=")
        });
        cookies
    }

    /// All of them.
    pub(crate) fn all_cookies(&self) -> Vec<String> {
        let cookies = self.headers.get_all("set-cookie").iter();
        cookies
            .map(|cookie| cookie.to_str().unwrap().to_owned())
            .collect()
    }

    /// The cookie that lets the next page tell what was done, as a browser sends it back.
    #[track_caller]
    pub(crate) fn done(&self) -> String {
        let cookies = self.all_cookies();
        let done = cookies.iter().find(|cookie| cookie.contains("done="));
        let done = done.unwrap_or_else(|| panic!("nothing done: {cookies:?}"));
        assert!(done.contains("; HttpOnly; SameSite=Lax; ") && done.contains("Max-Age=60"));
        done.split(';').next().unwrap().to_owned()
    }

    /// It sets no cookie, and takes none away.
    #[track_caller]
    pub(crate) fn leaves_the_cookies(self) -> Self {
        assert_eq!(self.cookies(), Vec::<String>::new());
        self
    }

    /// It takes both cookies away.
    #[track_caller]
    pub(crate) fn ends_the_session(self) -> Self {
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
    pub(crate) fn goes_on_with(self, refresh_token: &str) -> Self {
        let cookies = self.cookies();
        assert_eq!(cookies.len(), 2, "{cookies:?}");
        assert!(cookies[0].starts_with("session=ey"), "{}", cookies[0]);
        let renewal = format!("renewal={refresh_token};");
        assert!(cookies[1].starts_with(&renewal), "{}", cookies[1]);
        assert_eq!(self.header("cache-control"), "private, no-store");
        self
    }

    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self
    }

    #[track_caller]
    pub(crate) fn has(self, text: &str) -> Self {
        assert!(self.body.contains(text), "no {text:?} in {}", self.body);
        self
    }

    #[track_caller]
    pub(crate) fn has_not(self, text: &str) -> Self {
        assert!(!self.body.contains(text), "{text:?} in {}", self.body);
        self
    }

    /// Leads on to a place.
    #[track_caller]
    pub(crate) fn goes_to(self, place: &str) -> Self {
        let page = self.is(303);
        assert_eq!(page.header("location"), place);
        page
    }

    /// The value of a hidden field.
    #[track_caller]
    pub(crate) fn hidden(&self, name: &str) -> String {
        let start = format!("<input type=\"hidden\" name=\"{name}\" value=\"");
        let (_, rest) = self
            .body
            .split_once(&start)
            .unwrap_or_else(|| panic!("no {name} in {}", self.body));
        rest.split('"').next().unwrap().to_owned()
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Page {
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
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut so: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !so().await {
        assert!(Instant::now() < deadline, "never: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}
