//! What is too large, too long, or no text.

use crate::support::{Site, send};

#[tokio::test]
async fn s17_what_is_too_large_is_refused_early() {
    let site = Site::start().await;
    let text = "a".repeat(10 * 1024 * 1024);
    let page = site
        .bruce_posts("/thoughts", &[("text", &text)])
        .await
        .is(413);
    page.has("That is too much");
    // A text that is merely too long is the backend's to judge, and comes back.
    site.fakes.refuse(
        "CreateThought",
        runtime::status::invalid_argument("text", "is too long"),
    );
    for text in ["é".repeat(10_000), "京".repeat(100_000)] {
        site.bruce_posts("/thoughts", &[("text", &text)])
            .await
            .is(422)
            .has(&text);
    }
    // A megabyte is more than the connection takes for a head; the rest of the site goes on.
    let long = site.request(
        "GET",
        &format!("/search?search={}", "a".repeat(1024 * 1024)),
    );
    if let Ok(response) = long.send().await {
        assert!(response.status().is_client_error());
    }
    let asked = site.fakes.calls("SearchThoughts").len() + site.fakes.calls("CreateThought").len();
    assert_eq!(asked, 2);
    site.get("/search").await.is(200);
}

#[tokio::test]
async fn s17_a_body_without_an_announced_length_is_bounded_too() {
    let site = Site::start().await;
    let mut chunks = vec![Ok::<_, std::io::Error>("text=".to_owned())];
    chunks.extend((0..100).map(|_| Ok("a".repeat(10_000))));
    let request = site
        .request("POST", "/thoughts")
        .header("cookie", site.bruce());
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
    send(request.body(body)).await.is(413);
}

#[tokio::test]
async fn bytes_that_are_no_text_are_refused() {
    let site = Site::start().await;
    let post = |path: &str, body: &'static [u8]| {
        let request = site.request("POST", path).header("cookie", site.bruce());
        request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
    };
    for body in [
        &b"text=%FF"[..],
        b"text=%C3",
        b"text=\xff\xfe",
        b"text=%ED%A0%80",
        b"text=a&text=b",
    ] {
        send(post("/thoughts", body))
            .await
            .is(400)
            .has("That cannot be read");
    }
    send(post("/login", b"username=%FF&password=x"))
        .await
        .is(400);
    site.get("/search?search=%FF").await.is(400);
    site.get("/login?next=%C0%AF").await.is(400);
    assert!(site.fakes.calls("CreateThought").is_empty());
}
