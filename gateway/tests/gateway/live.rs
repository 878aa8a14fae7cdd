//! Following a list.

use std::time::Duration;

use api::thoughts::v1::watch_thoughts_response::Change;
use reqwest::Response;
use runtime::status;
use tokio::time::timeout;
use tonic::Code;

use crate::support::{Site, eventually, thought};

const SOON: Duration = Duration::from_secs(20);

/// A reader of `/live`, and what it has heard so far.
struct Reader {
    response: Response,
    heard: String,
}

impl Reader {
    async fn open(site: &Site, path: &str, cookie: Option<String>, since: &str) -> Self {
        let mut request = site.request("GET", path);
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        if !since.is_empty() {
            request = request.header("last-event-id", since);
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        let kind = &response.headers()["content-type"];
        assert_eq!(kind, "text/event-stream");
        let mut reader = Self {
            response,
            heard: String::new(),
        };
        reader.hears("retry: 2000\n\n").await;
        reader
    }

    /// Reads until it has heard this.
    async fn hears(&mut self, expected: &str) -> &str {
        while !self.heard.contains(expected) {
            let chunk = timeout(SOON, self.response.chunk()).await;
            let chunk = chunk.expect("soon").expect("no error").expect("no end");
            self.heard.push_str(&String::from_utf8_lossy(&chunk));
        }
        &self.heard
    }

    async fn ends(&mut self) {
        let end = async { while let Ok(Some(_)) = self.response.chunk().await {} };
        timeout(SOON, end).await.expect("an end");
    }
}

#[tokio::test]
async fn readers_of_one_list_are_told_by_one_stream_of_the_backend() {
    let site = Site::start().await;
    let mut readers = Vec::new();
    for _ in 0..3 {
        readers.push(Reader::open(&site, "/live?author=stephen", None, "").await);
    }
    assert_eq!(site.fakes.calls("WatchThoughts").len(), 1);
    let written = thought("stephen", "<b>Lantern</b>\nlight", 0);
    site.fakes.tell(None, "T0");
    site.fakes
        .tell(Some(Change::Created(written.clone())), "T1");
    site.fakes
        .tell(Some(Change::Deleted(written.id.clone())), "T2");
    for reader in &mut readers {
        let heard = reader.hears("id: T2\n").await;
        assert!(heard.contains("id: T0\n\n"), "{heard}");
        assert!(heard.contains("id: T1\nevent: created\ndata: <article"));
        assert!(
            heard.contains("&lt;b&gt;Lantern&lt;/b&gt;\ndata: light"),
            "{heard}"
        );
        let deleted = format!("id: T2\nevent: deleted\ndata: {}\n\n", written.id);
        reader.hears(&deleted).await;
    }
    let mut own = Reader::open(&site, "/live?author=bruce", Some(site.bruce()), "").await;
    let asked = site.fakes.calls("WatchThoughts");
    assert_eq!(asked.len(), 2);
    assert!(asked[0].authorization.is_none() && asked[1].authorization.is_some());
    site.fakes
        .tell(Some(Change::Updated(thought("bruce", "Ten.", 0))), "T3");
    let heard = own.hears("Ten.").await;
    assert!(heard.contains("event: updated"), "{heard}");
    drop(site);
    own.ends().await;
    for reader in &mut readers {
        reader.ends().await;
    }
}

#[tokio::test]
async fn a_reader_goes_on_from_the_last_event_or_is_told_to_load_again() {
    let site = Site::start().await;
    let mut reader = Reader::open(&site, "/live?search=platypus", None, "T7").await;
    let asked = &site.fakes.calls("WatchThoughts")[0].message;
    assert!(asked.contains("resume_token: \"T7\""), "{asked}");
    assert!(asked.contains("query: \"platypus\""), "{asked}");
    site.fakes
        .tell(Some(Change::Created(thought("bruce", "platypus", 0))), "T8");
    reader.hears("id: T8\n").await;
    // Who comes back to the same place is told the same, and the backend is not asked again.
    let mut other = Reader::open(&site, "/live?search=platypus", None, "T7").await;
    other.hears("id: T8\n").await;
    assert_eq!(site.fakes.calls("WatchThoughts").len(), 1);
    let old = status::error(Code::OutOfRange, "RESUME_TOKEN_TOO_OLD", "too old");
    site.fakes.refuse("WatchThoughts", old);
    let page = site.request("GET", "/live").header("last-event-id", "T1");
    let lost = page.send().await.expect("an answer").text().await;
    let lost = lost.expect("a text");
    assert!(lost.contains("id:\nevent: lost\n"), "{lost}");
    drop(site);
}

/// What happens after a list was read and before it is followed is told: the page carries a place
/// from before it was read.
#[tokio::test]
async fn a_page_is_followed_from_before_its_list_was_read() {
    let site = Site::start().await;
    site.fakes.have(vec![thought("bruce", "#ten", 0)]);
    site.fakes.lead_on_from("P1");
    for (page, live) in [
        ("/", "/live?author=bruce&amp;since=P1"),
        ("/users/stephen", "/live?author=stephen&amp;since=P1"),
        ("/search", "/live?since=P1"),
        ("/search?search=a%20b", "/live?search=a%20b&amp;since=P1"),
        ("/tags/%E4%BA%AC", "/live?tag=%E4%BA%AC&amp;since=P1"),
    ] {
        let page = site.bruce_gets(page).await.is(200);
        page.has(&format!("data-live=\"{live}\""));
    }
    for older in [
        "/?page_token=x",
        "/search?page_token=x",
        "/tags/ten?page_token=x",
    ] {
        site.bruce_gets(older).await.has_not("data-live=");
    }
    site.get("/live?tag=a%20b").await.is(404);

    let asked = |number: usize| site.fakes.calls("WatchThoughts")[number].message.clone();
    let mut reader = Reader::open(&site, "/live?tag=ten&since=P1", None, "").await;
    assert!(asked(0).contains("query: \"#ten\"") && asked(0).contains("resume_token: \"P1\""));
    let told = Some(Change::Created(thought("bruce", "#ten now", 0)));
    site.fakes.tell(told.clone(), "P2");
    let heard = reader.hears("id: P2\n").await;
    // Its forms lead back to the page of the tag.
    assert!(!heard.contains("value=\"/search"), "{heard}");

    // Whoever comes back says itself from where on, whatever the page said.
    let back = Reader::open(&site, "/live?tag=ten&since=P1", None, "P2").await;
    assert_eq!(site.fakes.calls("WatchThoughts").len(), 1);
    drop(back);

    // From a place that nobody here knows, the backend is asked for what was missed.
    let open = Reader::open(&site, "/live?tag=ten&since=P0", None, "");
    let answer = async {
        let asked = async || site.fakes.calls("WatchThoughts").len() == 2;
        eventually("it is asked", asked).await;
        let before = thought("bruce", "#ten before", 0);
        site.fakes.tell_last(Some(Change::Created(before)), "P1");
        site.fakes.tell(told, "P2");
        site.fakes.tell(None, "P2");
    };
    let (mut late, ()) = tokio::join!(open, answer);
    assert!(asked(1).contains("resume_token: \"P0\""));
    let after = thought("bruce", "#ten after", 0);
    site.fakes.tell(Some(Change::Created(after)), "P3");
    let heard = late.hears("id: P3\n").await;
    for once in ["before", "now", "after"] {
        let text = format!("#ten</a> {once}</p>");
        assert_eq!(heard.matches(&text).count(), 1, "{once}: {heard}");
    }
    drop(site);
    late.ends().await;
    reader.ends().await;
}

#[tokio::test]
async fn whoever_has_missed_too_much_is_told_to_load_again() {
    let site = Site::start().await;
    let _reader = Reader::open(&site, "/live", None, "").await;
    let open = site.get("/live?since=P0");
    let answer = async {
        let asked = async || site.fakes.calls("WatchThoughts").len() == 2;
        eventually("it is asked", asked).await;
        for number in 0..=200 {
            let gone = thought("bruce", "x", 0).id;
            site.fakes
                .tell_last(Some(Change::Deleted(gone)), &format!("Q{number}"));
        }
    };
    let (late, ()) = tokio::join!(open, answer);
    late.is(200).has("event: lost\n");
}
