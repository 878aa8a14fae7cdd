//! What every response tells browsers to be careful with.

use crate::support::{Page, Site, send};

const HTTPS: &str = "--public-url=https://thoughts.example.org";

/// One response of each kind.
async fn responses(site: &Site) -> Vec<(&'static str, Page)> {
    site.fakes
        .refuse("GetThought", tonic::Status::unknown("broken"));
    let thought = "/thoughts/0190a000-0000-7000-8000-000000000001";
    let foreign = site
        .request("POST", "/login")
        .header("origin", "https://evil.example");
    vec![
        ("page", site.get("/search").await.is(200)),
        ("own page", site.bruce_gets("/").await),
        ("redirect", site.get("/").await.is(303)),
        ("file", site.get("/robots.txt").await.is(200)),
        ("404", site.get("/nothing").await.is(404)),
        ("405", site.get("/thoughts").await.is(405)),
        (
            "401",
            site.post("/thoughts", &[("text", "x")]).await.is(401),
        ),
        ("403", send(foreign).await.is(403)),
        ("500", site.get(thought).await.is(500)),
        (
            "414",
            site.get(&format!("/search?search={}", "a".repeat(20_000)))
                .await
                .is(414),
        ),
        (
            "413",
            site.post("/login", &[("username", &"a".repeat(2_000_000))])
                .await
                .is(413),
        ),
        (
            "400",
            send(site.request("POST", "/login").body("x")).await.is(400),
        ),
    ]
}

#[tokio::test]
async fn s12_every_response_tells_browsers_to_be_careful() {
    let site = Site::start().await;
    for (kind, page) in responses(&site).await {
        let policy = page.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "style-src 'self'",
            "script-src 'self'",
            "img-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "object-src 'none'",
        ] {
            assert!(policy.contains(part), "{kind}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{kind}: {policy}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{kind}");
        assert_eq!(page.header("referrer-policy"), "same-origin", "{kind}");
        assert_eq!(
            page.header("cross-origin-opener-policy"),
            "same-origin",
            "{kind}"
        );
        assert_eq!(page.header("strict-transport-security"), "", "{kind}");
        assert_eq!(page.header("x-request-id").len(), 36, "{kind}");
        let kept = page.header("cache-control");
        match kind {
            "page" => assert_eq!(kept, "no-cache"),
            "file" => assert_eq!(kept, "public, max-age=86400"),
            _ => assert_eq!(kept, "private, no-store", "{kind}"),
        }
        assert!(
            !page.body.contains("style=\"") && !page.body.contains("<style"),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn s12_https_is_insisted_on_where_it_is_known() {
    let site = Site::with(&[HTTPS]).await;
    for (kind, page) in responses(&site).await {
        assert_eq!(
            page.header("strict-transport-security"),
            "max-age=31536000",
            "{kind}"
        );
    }
}
