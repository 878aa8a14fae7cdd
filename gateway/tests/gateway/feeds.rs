//! Atom feeds.

use crate::support::{Site, send, thought};

/// Every tag of a document is closed in order; its texts are escaped.
fn is_well_formed(document: &str) {
    let mut open = Vec::new();
    let rest = document
        .strip_prefix("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n")
        .expect("a declaration");
    for piece in rest.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').expect("a tag");
        assert!(!text.contains('>'), "{text}");
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "{document}"),
            None => open.push(tag.split(' ').next().unwrap()),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[tokio::test]
async fn a_feed_has_what_everybody_may_read_whoever_asks() {
    let site = Site::with(&["--public-url=https://thoughts.example.org"]).await;
    let written = thought("bruce", "Fish & <chips>\u{ffff}\n#food", 60);
    site.fakes.have(vec![written.clone()]);
    let feeds = [
        "/users/bruce/feed.atom",
        "/tags/food/feed.atom",
        "/search/feed.atom?search=fish",
    ];
    for feed in feeds {
        let page = site.bruce_gets(feed).await.is(200).leaves_the_cookies();
        is_well_formed(&page.body);
        assert_eq!(
            page.header("content-type"),
            "application/atom+xml; charset=utf-8"
        );
        assert_eq!(page.header("cache-control"), "public, max-age=60");
        page.has(&format!("<id>urn:uuid:{}</id>", written.id))
            .has("Fish &amp; &lt;chips&gt;\u{fffd}\n#food</content>")
            .has("<name>bruce</name>")
            .has(&format!("<id>https://thoughts.example.org{feed}</id>"))
            .has(&format!(
                "href=\"https://thoughts.example.org/thoughts/{}\"",
                written.id
            ));
    }
    for rpc in ["ListThoughts", "SearchThoughts"] {
        for call in site.fakes.calls(rpc) {
            assert_eq!(call.authorization, None);
        }
    }
    let searches = site.fakes.calls("SearchThoughts");
    assert!(searches[0].message.contains("query: \"#food\""));
    site.get("/tags/a%20b/feed.atom").await.is(404);
    site.get("/users/no%20body/feed.atom").await.is(404);
}

#[tokio::test]
async fn whoever_has_a_feed_is_told_so() {
    let site = Site::start().await;
    site.fakes.have(vec![thought("bruce", "One.", 60)]);
    let feed = "/users/bruce/feed.atom";
    let first = site.get(feed).await.is(200);
    let asks =
        async |name: &str, value: &str| send(site.request("GET", feed).header(name, value)).await;
    let (etag, modified) = (first.header("etag"), first.header("last-modified"));
    assert!(
        modified.ends_with(" GMT") && modified.len() == 29,
        "{modified}"
    );
    for (name, value) in [("if-none-match", etag), ("if-modified-since", modified)] {
        let again = asks(name, value).await.is(304);
        assert_eq!((again.header("etag"), again.body.as_str()), (etag, ""));
    }
    site.fakes.have(vec![thought("bruce", "Two.", 0)]);
    for (name, value) in [("if-none-match", etag), ("if-modified-since", modified)] {
        let changed = asks(name, value).await.is(200).has("Two.");
        // Another one may come in the same second.
        assert!(!changed.headers.contains_key("last-modified"));
    }
    site.fakes.have(Vec::new());
    let empty = site.get(feed).await.is(200);
    is_well_formed(&empty.body);
    empty.has("<updated>1970-01-01T00:00:00.000Z</updated>");
}

#[tokio::test]
async fn pages_name_their_feeds() {
    let site = Site::start().await;
    let names = |feed: &str| {
        format!("<link rel=\"alternate\" type=\"application/atom+xml\" href=\"{feed}\"")
    };
    let person = site.get("/users/bruce").await;
    person.has(&names("/users/bruce/feed.atom"));
    let tagged = site.get("/tags/food").await;
    tagged.has(&names("/tags/food/feed.atom"));
    let found = site.get("/search?search=a%20b").await;
    found.has(&names("/search/feed.atom?search=a%20b"));
    site.get("/login").await.has_not("application/atom+xml");
}
