//! What each page shows, and what it asks of the backends.

use crate::support::{LIFETIME, Site, eventually, send, thought};
use tonic::Status;

#[tokio::test]
async fn a_visitor_is_sent_to_log_in_and_a_member_sees_the_own_thoughts() {
    let site = Site::start().await;
    site.fakes.have(vec![
        thought("bruce", "Ten.", 130),
        thought("stephen", "Lantern.", 0),
    ]);
    site.get("/").await.goes_to("/login");
    let page = site.bruce_gets("/").await.is(200);
    let page = page
        .has("<h1>Your thoughts</h1>")
        .has("Ten.")
        .has("2 minutes ago");
    page.has("At most 250 characters.")
        .has("Signed in as <strong>bruce</strong>")
        .has_not("Lantern.");
    let asked = &site.fakes.calls("ListThoughts")[0];
    assert!(
        asked
            .authorization
            .as_ref()
            .is_some_and(|token| token.starts_with("Bearer ey"))
    );
    assert!(
        asked.message.contains("author: \"bruce\""),
        "{}",
        asked.message
    );
}

#[tokio::test]
async fn a_thought_is_written_with_its_visibility_and_the_id_of_its_form() {
    let site = Site::start().await;
    let id = site.bruce_gets("/").await.hidden("request_id");
    let fields = [
        ("text", "Nine.\r\nEight."),
        ("visibility", "private"),
        ("request_id", &id),
    ];
    site.bruce_posts("/thoughts", &fields).await.goes_to("/");
    let asked = &site.fakes.calls("CreateThought")[0];
    assert!(
        asked.message.contains("Nine.\\r\\nEight."),
        "{}",
        asked.message
    );
    assert!(asked.message.contains("Private"), "{}", asked.message);
    assert!(asked.message.contains(&id), "{}", asked.message);
    site.bruce_gets("/").await.has("Only you");
}

#[tokio::test]
async fn every_rendering_of_the_box_has_an_id_of_its_own() {
    let site = Site::start().await;
    let (one, other) = (site.bruce_gets("/").await, site.bruce_gets("/").await);
    assert_ne!(one.hidden("request_id"), other.hidden("request_id"));
}

#[tokio::test]
async fn everyones_thoughts_can_be_read_and_searched_by_anyone() {
    let site = Site::start().await;
    site.fakes
        .have(vec![thought("bruce", "Ten <b>seconds</b> left.", 0)]);
    site.fakes.match_at(&[(7, 14)]);
    let page = site.get("/search?search=seconds").await.is(200);
    let page = page.has("Ten &lt;b&gt;<mark>seconds</mark>&lt;/b&gt; left.");
    page.has("value=\"seconds\"")
        .has("href=\"/users/bruce\"")
        .has_not("Delete");
    let asked = &site.fakes.calls("SearchThoughts")[0];
    assert_eq!(asked.authorization, None);
    assert!(
        asked.message.contains("query: \"seconds\""),
        "{}",
        asked.message
    );
    site.get("/search").await.is(200).has("Everyone’s thoughts");
}

#[tokio::test]
async fn lists_lead_on_to_older_thoughts_and_back_to_the_newest() {
    let site = Site::start().await;
    site.fakes.have(vec![thought("bruce", "Ten.", 0)]);
    site.fakes.have_more("a+b/c=");
    site.bruce_gets("/")
        .await
        .has("href=\"/?page_token=a%2Bb%2Fc%3D\">Older")
        .has_not("Newest thoughts");
    let page = site.get("/search?search=a%20b&page_token=x").await;
    let page = page.has("href=\"/search?search=a%20b&amp;page_token=a%2Bb%2Fc%3D\">Older");
    page.has("href=\"/search?search=a%20b\">Newest thoughts");
    site.get("/users/bruce")
        .await
        .has("href=\"/users/bruce?page_token=a%2Bb%2Fc%3D\"");
    site.get("/users/bruce?page_token=a%2Bb%2Fc%3D")
        .await
        .is(200);
    let asked = site.fakes.calls("ListThoughts");
    assert!(
        asked
            .last()
            .unwrap()
            .message
            .contains("page_token: \"a+b/c=\"")
    );
}

#[tokio::test]
async fn a_person_has_a_page_whatever_the_case_of_the_name() {
    let site = Site::start().await;
    site.fakes.have(vec![thought("bruce", "Ten.", 0)]);
    site.get("/users/Bruce")
        .await
        .is(200)
        .has("Thoughts by bruce")
        .has("Ten.");
    site.get("/users/nobody-here")
        .await
        .is(200)
        .has("Nothing to see here");
    for impossible in ["a%20b", "..%2F", "caf%C3%A9", "%FF", &"a".repeat(51)] {
        site.get(&format!("/users/{impossible}")).await.is(404);
    }
}

#[tokio::test]
async fn a_thought_has_a_page_and_a_title() {
    let site = Site::start().await;
    let ten = thought("bruce", "Ten\nseconds", 0);
    site.fakes.have(vec![ten.clone()]);
    let page = site.get(&format!("/thoughts/{}", ten.id)).await.is(200);
    page.has("<title>Ten seconds · MyThoughts</title>")
        .has("Ten\nseconds")
        .has("UTC");
    for nothing in [
        "00000000-0000-7000-8000-000000000000",
        "nonsense",
        &format!("%7B{}%7D", ten.id),
        &ten.id.replace('-', ""),
        "%FF",
        "..%2f",
    ] {
        site.get(&format!("/thoughts/{nothing}"))
            .await
            .is(404)
            .has("Nothing here");
    }
}

#[tokio::test]
async fn only_who_may_delete_is_asked_to() {
    let site = Site::start().await;
    let mut secret = thought("bruce", "Secret.", 0);
    secret.visibility = api::thoughts::v1::Visibility::Private.into();
    let public = thought("bruce", "Public.", 0);
    let delete = |id: &str| format!("action=\"/thoughts/{id}/delete\"");
    let (of_secret, of_public) = (delete(&secret.id), delete(&public.id));
    site.fakes.have(vec![secret, public]);
    site.bruce_gets("/search")
        .await
        .has(&of_secret)
        .has(&of_public);
    site.get("/search")
        .await
        .has_not(&of_secret)
        .has_not(&of_public);
    for (role, may) in [("member", false), ("admin", true)] {
        let cookie = format!("session={}", site.keys.token("stephen", role, LIFETIME));
        let page = send(site.request("GET", "/search").header("cookie", cookie)).await;
        assert_eq!(page.body.contains(&of_public), may, "{role}");
        page.has_not(&of_secret);
    }
}

#[tokio::test]
async fn deleting_leads_back_to_where_it_was_asked_for() {
    let site = Site::start().await;
    for (next, place) in [
        ("/search?search=x", "/search?search=x"),
        ("//evil.example", "/"),
        ("", "/"),
    ] {
        let ten = thought("bruce", "Ten.", 0);
        let path = format!("/thoughts/{}/delete", ten.id);
        site.fakes.have(vec![ten]);
        site.bruce_posts(&path, &[("next", next)])
            .await
            .goes_to(place);
    }
    assert_eq!(site.fakes.calls("DeleteThought").len(), 3);
}

#[tokio::test]
async fn a_deleted_thoughts_own_page_is_left_and_logging_in_leads_back_to_it() {
    let site = Site::start().await;
    let ten = thought("bruce", "Ten.", 0);
    let page = format!("/thoughts/{}", ten.id);
    let delete = format!("{page}/delete");
    site.fakes.have(vec![ten]);
    let next = site.bruce_gets(&page).await.hidden("next");
    assert_eq!(next, page);
    let asked = site.post(&delete, &[("next", &next)]).await.is(401);
    assert_eq!(asked.hidden("next"), page);
    site.fakes
        .refuse("DeleteThought", Status::unauthenticated("over"));
    let asked = site.bruce_posts(&delete, &[("next", &next)]).await.is(401);
    assert_eq!(asked.hidden("next"), page);
    site.fakes.relent("DeleteThought");
    let next = format!("{next}?x=y");
    site.bruce_posts(&delete, &[("next", &next)])
        .await
        .goes_to("/");
}

#[tokio::test]
async fn empty_places_say_what_to_do_next() {
    let site = Site::start().await;
    site.bruce_gets("/")
        .await
        .has("Write your first thought in the box above");
    site.get("/search").await.has("write the first thought");
    site.bruce_gets("/search").await.has("write a thought");
    site.get("/search?search=zebra")
        .await
        .has("No thought has all of these words")
        .has("<strong><bdi>zebra</bdi></strong>");
    site.bruce_gets("/?page_token=x")
        .await
        .has("There are no older thoughts of yours.");
}

#[tokio::test]
async fn a_search_that_has_not_come_to_its_end_goes_on() {
    let site = Site::start().await;
    site.fakes.have_more("more");
    for path in ["/search?search=-the", "/search?search=-the&page_token=x"] {
        site.bruce_gets(path)
            .await
            .is(200)
            .has("Nothing found so far for <strong><bdi>-the</bdi></strong>")
            .has("Go on with older ones below")
            .has("href=\"/search?search=-the&amp;page_token=more\"")
            .has_not("No thought has all of these words")
            .has_not("That was all");
    }
    site.fakes.have(vec![thought("bruce", "Ten.", 0)]);
    site.get("/search?search=-the")
        .await
        .has("Thoughts found for")
        .has("href=\"/search?search=-the&amp;page_token=more\"");
}

#[tokio::test]
async fn what_of_a_search_was_not_understood_is_said_above_the_results() {
    let site = Site::start().await;
    site.fakes.have(vec![thought("bruce", "Ten.", 0)]);
    site.get("/search?search=ten").await.has_not("understood");
    site.fakes.do_not_understand((3, 12), "is: needs <private>");
    site.fakes.do_not_understand((-1, 999), "something else");
    site.fakes.do_not_understand((9, 2), "and more");
    let words = "%E4%BA%AC+é+is:purple";
    site.get(&format!("/search?search=++{words}+"))
        .await
        .is(200)
        .has("Not all of it was understood")
        .has("<bdi class=\"query\"><mark>京 é is:purple</mark></bdi>")
        .has("<strong><bdi> is:purpl</bdi></strong> – is: needs &lt;private&gt;")
        .has("<strong><bdi>京 é is:purple</bdi></strong> – something else")
        .has("<strong><bdi></bdi></strong> – and more")
        .has("Ten.");
}

#[tokio::test]
async fn a_thought_in_the_trash_says_until_when() {
    let site = Site::start().await;
    let mut ten = thought("bruce", "Ten.", 0);
    let page = format!("/thoughts/{}", ten.id);
    site.fakes.have(vec![ten.clone()]);
    site.bruce_gets(&page)
        .await
        .has("It goes to the trash, and for ever after 30 days.")
        .has_not("In the trash since");
    let day = |number: i64| {
        Some(prost_types::Timestamp {
            seconds: number * 86_400,
            nanos: 0,
        })
    };
    (ten.delete_time, ten.expire_time) = (day(0), day(30));
    site.fakes.have(vec![ten]);
    site.bruce_gets(&page)
        .await
        .is(200)
        .has("In the trash since")
        .has("1 January 1970</time>")
        .has("31 January 1970</time>")
        .has_not("Yes, delete");
}

#[tokio::test]
async fn the_key_set_is_there_for_other_systems() {
    let site = Site::start().await;
    let page = site.get("/.well-known/jwks.json").await.is(200);
    assert_eq!(page.header("content-type"), "application/jwk-set+json");
    assert_eq!(page.body, site.keys.key_set());
}

#[tokio::test]
async fn files_are_kept_by_browsers_and_named_after_their_content() {
    let site = Site::start().await;
    let page = site.bruce_gets("/").await;
    for (start, content_type) in [
        ("href=\"/assets/style-", "text/css; charset=utf-8"),
        ("href=\"/assets/icon-", "image/svg+xml"),
        ("src=\"/assets/script-", "text/javascript; charset=utf-8"),
    ] {
        let (_, path) = page.body.split_once(start).unwrap();
        let prefix = start.split_once('"').unwrap().1;
        let path = format!("{prefix}{}", path.split('"').next().unwrap());
        let file = site.get(&path).await.is(200);
        assert_eq!(file.header("content-type"), content_type);
        assert_eq!(
            file.header("cache-control"),
            "public, max-age=31536000, immutable"
        );
        let again = site
            .request("GET", &path)
            .header("if-none-match", file.header("etag"));
        assert_eq!(send(again).await.is(304).body, "");
    }
    site.get("/assets/style-0000000000000000.css").await.is(404);
    site.get("/favicon.ico").await.is(200);
    site.get("/robots.txt")
        .await
        .is(200)
        .has("Disallow: /login");
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let site = Site::start().await;
    for path in ["/search", "/login", "/robots.txt"] {
        let page = send(site.request("HEAD", path)).await.is(200);
        assert_eq!(page.body, "", "{path}");
    }
    send(site.request("HEAD", "/")).await.goes_to("/login");
}

#[tokio::test]
async fn the_operations_port_reports_the_backends_and_counts_by_route() {
    let site = Site::with(&[&format!("--user-backend-url={}", crate::support::NOWHERE)]).await;
    site.get("/search?search=secret-word").await.is(200);
    site.get("/no/such/place").await.is(404);
    eventually("the report", async || {
        let page = site.ops("/readyz").await;
        page.status == 200
            && page.body.contains("thoughts: answers")
            && page
                .body
                .contains("users: the users backend is out of reach")
    })
    .await;
    site.ops("/healthz").await.is(200);
    let metrics = site.ops("/metrics").await.is(200);
    let metrics =
        metrics.has("http_requests_total{method=\"GET\",route=\"/search\",status=\"200\"} 1");
    metrics
        .has("route=\"none\",status=\"404\"")
        .has_not("secret-word")
        .has_not("/no/such");
    site.get("/metrics").await.is(404);
}

#[tokio::test]
async fn p08_pages_are_small() {
    let site = Site::start().await;
    let text = |number: u32| format!("{number} The shelter is far, the road is long. ").repeat(6);
    site.fakes.have(
        (0..20)
            .map(|number| thought("bruce", &text(number), 0))
            .collect(),
    );
    let size = async |path: &str| {
        let request = site.request("GET", path).header("cookie", site.bruce());
        let response = request
            .header("accept-encoding", "gzip")
            .send()
            .await
            .unwrap();
        assert_eq!(response.headers()["content-encoding"], "gzip", "{path}");
        response.bytes().await.unwrap().len()
    };
    assert!(size("/").await < 12_000);
    let page = site.bruce_gets("/").await;
    let mut files = 0;
    for start in ["/assets/style-", "/assets/script-"] {
        let (_, rest) = page.body.split_once(start).unwrap();
        let path = format!("{start}{}", rest.split('"').next().unwrap());
        files += size(&path).await;
        if start.contains("script") {
            let script = site.get(&path).await.body.len();
            assert!(script < 20_000, "the script has {script} bytes");
        }
    }
    assert!(files < 35_000);
    println!(
        "page {} bytes, style and script {files} bytes, compressed",
        size("/").await
    );
}
