//! Tags and names as links, pages of tags, and how a search explains itself.

use crate::support::{Site, thought};

#[tokio::test]
async fn tags_and_names_lead_to_their_pages() {
    let site = Site::start().await;
    let text = "@Stephen saw #京都 at https://x.y/#top and a@example.org";
    site.fakes.have(vec![thought("bruce", text, 0)]);
    let page = site.get("/search").await;
    page.has("<a href=\"/users/stephen\">@Stephen</a>")
        .has("<a href=\"/tags/%E4%BA%AC%E9%83%BD\">#京都</a>")
        .has_not("href=\"/tags/top\"")
        .has_not("href=\"/users/example");
}

#[tokio::test]
async fn a_tag_has_a_page() {
    let site = Site::start().await;
    site.get("/tags/%E4%BA%AC%E9%83%BD")
        .await
        .is(200)
        .has("Nobody has written about this yet");
    site.fakes.have(vec![thought("bruce", "To #京都.", 0)]);
    site.fakes.have_more("more");
    site.bruce_gets("/tags/%E4%BA%AC%E9%83%BD?page_token=x")
        .await
        .is(200)
        .has("<h1><bdi>#京都</bdi></h1>")
        .has("href=\"/tags/%E4%BA%AC%E9%83%BD?page_token=more\"");
    let asked = site.fakes.calls("SearchThoughts");
    let asked = asked.last().unwrap();
    assert!(
        asked.message.contains("query: \"#京都\"") && asked.message.contains("\"x\""),
        "{}",
        asked.message
    );
    assert!(asked.authorization.is_some(), "one's own private ones too");
    for none in ["a%20b", "1", "%22a%22", "a-b", "%23a", "%FF"] {
        site.get(&format!("/tags/{none}")).await.is(404);
    }
}

#[tokio::test]
async fn tags_are_listed_with_their_numbers() {
    let site = Site::start().await;
    site.get("/tags").await.is(200).has("No tags yet");
    site.fakes.have_tags(&[("京都", 1_234), ("rust", 1)]);
    site.fakes.have_more("more");
    site.get("/tags")
        .await
        .has("Everyone’s tags")
        .has("<a href=\"/tags/rust\">#<bdi>rust</bdi></a>")
        .has("1234<span class=\"unseen\"> thoughts</span>")
        .has("href=\"/tags?page_token=more\"");
    site.bruce_gets("/tags?author=Bruce")
        .await
        .has("Your tags")
        .has("href=\"/search?search=from%3Abruce%20%23rust\"")
        .has("href=\"/tags?author=bruce&amp;page_token=more\"");
    site.get("/tags?author=bruce").await.has("Tags of bruce");
    site.get("/tags?author=a%20b").await.is(404);
    let asked = &site.fakes.calls("ListTags")[1].message;
    assert!(asked.contains("author: \"\""), "{asked}");
}

#[tokio::test]
async fn a_search_explains_itself_and_says_what_to_try() {
    let site = Site::start().await;
    site.get("/search")
        .await
        .has("How to search")
        .has("href=\"/search?search=is%3Aprivate\"");
    let nothing = async |words: &str| {
        let page = site.get(&format!("/search?search={words}")).await;
        page.is(200).has("No thought has all of these words")
    };
    let page = nothing("zebra").await.has("only the beginning of the word");
    let page = page.has_not("quotes,").has_not("Leave out what limits");
    page.has("your private thoughts are searched as well");
    let page = nothing("%22a+b%22+-c+%23d+from:bruce").await;
    page.has("Try fewer words")
        .has("Without the quotes")
        .has("A tag is found only whole")
        .has("What begins with -")
        .has("Leave out what limits it");
}
