//! Sessions that go on without anybody's noticing, and how they end.

use std::sync::Arc;

use crate::support::{Fakes, Keys, NOWHERE, Page, Site, eventually, send, thought};
use futures_util::future::join_all;
use runtime::status;
use tonic::{Code, Status};

/// What the users backend says of a refresh token that is spent, expired or none.
fn over() -> Status {
    status::error(Code::Unauthenticated, "SESSION_OVER", "the session is over")
}

/// What it says when nothing can be known about a session.
fn passing() -> Vec<(Status, u16)> {
    vec![
        (status::unavailable("DATABASE_UNAVAILABLE", "away"), 503),
        (Status::deadline_exceeded("late"), 503),
        (status::exhausted("BUSY", "busy"), 429),
        (Status::unknown("broken: secret detail"), 500),
    ]
}

#[tokio::test]
async fn s07_parallel_requests_renew_a_session_once() {
    let site = Arc::new(Site::start().await);
    site.fakes.have(vec![thought("bruce", "Ten.", 0)]);
    site.fakes.hold("RefreshSession");
    let cookies = site.bruce_with(-1, "refresh-1");
    let requests: Vec<_> = (0..20)
        .map(|number| {
            let (site, cookies) = (Arc::clone(&site), cookies.clone());
            let path = ["/", "/search", "/users/bruce", "/nowhere"][number % 4];
            tokio::spawn(async move { site.gets_with(&cookies, path).await })
        })
        .collect();
    let write = {
        let (site, cookies) = (Arc::clone(&site), cookies.clone());
        let fields = [("text", "Nine.")];
        tokio::spawn(async move { site.posts_with(&cookies, "/thoughts", &fields).await })
    };
    eventually("a renewal", async || {
        !site.fakes.calls("RefreshSession").is_empty()
    })
    .await;
    site.fakes.release();

    let write = write.await.unwrap().goes_to("/");
    let mut tokens = vec![write.goes_on_with("refresh-1-next").cookies()];
    for page in join_all(requests).await {
        let page = page.unwrap().has("Signed in as <strong>bruce</strong>");
        tokens.push(page.goes_on_with("refresh-1-next").cookies());
    }
    // Somebody who comes a little late, still with the old cookies.
    let late = site.gets_with(&cookies, "/").await.is(200);
    tokens.push(late.goes_on_with("refresh-1-next").cookies());
    let access = |cookies: &[String]| cookies[0].split(';').next().unwrap().to_owned();
    assert!(tokens.iter().all(|it| access(it) == access(&tokens[0])));
    assert_eq!(site.fakes.calls("RefreshSession").len(), 1);
    let token = access(&tokens[0]).replace("session=", "Bearer ");
    for rpc in ["ListThoughts", "SearchThoughts", "CreateThought"] {
        let calls = site.fakes.calls(rpc);
        assert!(
            calls
                .iter()
                .all(|it| it.authorization.as_ref() == Some(&token))
        );
    }
}

#[tokio::test]
async fn sessions_of_different_people_are_renewed_apart() {
    let site = Site::start().await;
    for refresh_token in ["refresh-a", "refresh-b"] {
        let page = site
            .gets_with(&site.bruce_with(-1, refresh_token), "/")
            .await;
        page.is(200).goes_on_with(&format!("{refresh_token}-next"));
    }
    assert_eq!(site.fakes.calls("RefreshSession").len(), 2);
}

#[tokio::test]
async fn a_missing_an_expired_and_a_forged_token_are_all_renewed() {
    let site = Site::start().await;
    let foreign = Keys::generate().token("stephen", "admin", 300);
    for (number, session) in [
        String::new(),
        format!("session={}; ", site.keys.token("bruce", "member", -1)),
        format!("session={foreign}; "),
        "session=nonsense; ".to_owned(),
        "session=; ".to_owned(),
    ]
    .into_iter()
    .enumerate()
    {
        let cookies = format!("{session}renewal=refresh-{number}");
        let page = site.gets_with(&cookies, "/").await.is(200);
        page.has("Signed in as <strong>bruce</strong>")
            .goes_on_with(&format!("refresh-{number}-next"));
        // The answer is kept for those who are late, so log-in leads on at once.
        let page = site.gets_with(&cookies, "/login?next=/search").await;
        page.goes_to("/search");
    }
}

#[tokio::test]
async fn a_token_that_is_about_to_end_is_renewed_early_and_others_are_left_alone() {
    let site = Site::start().await;
    let page = site.gets_with(&site.bruce_with(60, "refresh-1"), "/").await;
    page.is(200).leaves_the_cookies();
    assert!(site.fakes.calls("RefreshSession").is_empty());
    let soon = site.bruce_with(20, "refresh-1");
    for (status, _) in passing() {
        // It still lives: nobody needs to know that it could not be renewed.
        site.fakes.refuse("RefreshSession", status);
        let page = site.gets_with(&soon, "/").await.is(200);
        page.leaves_the_cookies();
    }
    site.fakes.relent("RefreshSession");
    let page = site.gets_with(&soon, "/").await.is(200);
    page.goes_on_with("refresh-1-next");
}

#[tokio::test]
async fn s07_a_spent_or_expired_refresh_token_signs_out_and_keeps_the_text() {
    let site = Site::start().await;
    site.fakes.have(vec![thought("bruce", "Ten.", 0)]);
    let cookies = site.bruce_with(-1, "spent");
    for refusal in [over(), status::invalid_argument("refresh_token", "is none")] {
        site.fakes.refuse("RefreshSession", refusal);
        let page = site.gets_with(&cookies, "/?page_token=x").await;
        page.goes_to("/login?next=%2F%3Fpage_token%3Dx")
            .ends_the_session();
        let page = site.gets_with(&cookies, "/search").await.is(200);
        page.has("Ten.").has("Log in").ends_the_session();
        let page = site.gets_with(&cookies, "/settings").await;
        page.goes_to("/login?next=%2Fsettings");
        let fields = [("text", "Nine &\r\nEight"), ("visibility", "private")];
        let page = site
            .posts_with(&cookies, "/thoughts", &fields)
            .await
            .is(401);
        let page = page.ends_the_session();
        assert_eq!(page.hidden("text"), "Nine &amp;\r\nEight");
        assert_eq!(page.hidden("visibility"), "private");
    }
    assert!(site.fakes.calls("CreateThought").is_empty());
}

#[tokio::test]
async fn r15_a_renewal_that_fails_for_now_signs_nobody_out() {
    let site = Site::start().await;
    site.fakes.have(vec![thought("bruce", "Ten.", 0)]);
    let cookies = site.bruce_with(-1, "refresh-1");
    for (status, code) in passing() {
        site.fakes.refuse("RefreshSession", status);
        let page = site.gets_with(&cookies, "/search").await.is(200);
        let page = page.has("Ten.").has("Log in").leaves_the_cookies();
        assert_eq!(page.header("cache-control"), "private, no-store");
        for path in ["/", "/settings"] {
            let page = site.gets_with(&cookies, path).await.is(code);
            let page = page.leaves_the_cookies().has_not("secret detail");
            if code == 503 {
                page.has("The accounts are out of reach");
            }
        }
        let fields = [("text", "Nine.")];
        let page = site.posts_with(&cookies, "/thoughts", &fields).await;
        page.is(code)
            .has("Nine.</textarea>")
            .leaves_the_cookies()
            .has_not("secret detail");
    }
    assert!(site.fakes.calls("CreateThought").is_empty());
    // The same cookies are good again once the backend is.
    site.fakes.relent("RefreshSession");
    let page = site.gets_with(&cookies, "/").await.is(200);
    page.goes_on_with("refresh-1-next");
}

#[tokio::test]
async fn r15_without_the_users_backend_nobody_is_signed_out() {
    let keys = Keys::generate();
    let fakes = Fakes::start(&keys).await;
    fakes.have(vec![thought("bruce", "Ten.", 0)]);
    let users = format!("--user-backend-url={NOWHERE}");
    let key = format!("--tokens-public-key={}", keys.pem());
    let site = Site::before(fakes, keys, &[&users, &key]).await;
    let cookies = site.bruce_with(-1, "refresh-1");
    let page = site.gets_with(&cookies, "/search").await.is(200);
    page.has("Ten.").leaves_the_cookies();
    let page = site.gets_with(&cookies, "/").await.is(503);
    page.has("The accounts are out of reach")
        .leaves_the_cookies();
    let fields = [("text", "Nine.")];
    let page = site
        .posts_with(&cookies, "/thoughts", &fields)
        .await
        .is(503);
    page.has("keeps the accounts is out of reach")
        .has("Nine.</textarea>")
        .leaves_the_cookies();
    // Logging out works all the same.
    let page = site.posts_with(&cookies, "/logout", &[]).await;
    page.goes_to("/login").ends_the_session();
}

#[tokio::test]
async fn a_token_that_a_backend_refuses_is_renewed_once_when_reading() {
    let site = Site::start().await;
    site.fakes.have(vec![thought("bruce", "Ten.", 0)]);
    let token = site.keys.token("bruce", "member", 300);
    let cookies = format!("session={token}; renewal=refresh-1");
    site.fakes.refuse_token(&token);
    let page = site.gets_with(&cookies, "/").await.is(200);
    page.has("Ten.").goes_on_with("refresh-1-next");
    let fields = [("text", "Nine.")];
    let page = site
        .posts_with(&cookies, "/thoughts", &fields)
        .await
        .is(401);
    assert_eq!(page.hidden("text"), "Nine.");
    assert_eq!(site.fakes.calls("RefreshSession").len(), 1);

    // Other failures after it keep the new tokens, or they would be lost.
    site.fakes
        .refuse("ListThoughts", Status::permission_denied("no"));
    site.fakes.refuse_token("another");
    let late = site.bruce_with(-1, "refresh-2");
    let page = site.gets_with(&late, "/").await.is(403);
    page.goes_on_with("refresh-2-next");

    // A backend that refuses the new one as well has the last word.
    site.fakes
        .refuse("ListThoughts", Status::unauthenticated("no"));
    let cookies = site.bruce_with(300, "refresh-3");
    let page = site.gets_with(&cookies, "/").await.goes_to("/login");
    page.ends_the_session();
    assert_eq!(site.fakes.calls("RefreshSession").len(), 3);
}

#[tokio::test]
async fn files_have_nothing_to_do_with_sessions() {
    let site = Site::start().await;
    let page = site.get("/search").await;
    let (_, style) = page.body.split_once("href=\"/assets/style-").unwrap();
    let style = format!("/assets/style-{}", style.split('"').next().unwrap());
    let cookies = site.bruce_with(-1, "refresh-1");
    for path in [
        &style,
        "/favicon.ico",
        "/robots.txt",
        "/.well-known/jwks.json",
    ] {
        let page = site.gets_with(&cookies, path).await.is(200);
        let page = page.leaves_the_cookies();
        assert!(page.header("cache-control").starts_with("public"), "{path}");
    }
    assert!(site.fakes.calls("RefreshSession").is_empty());
}

#[tokio::test]
async fn logging_out_ends_the_session_everywhere() {
    let site = Site::start().await;
    let old = site.bruce_with(-1, "refresh-1");
    site.gets_with(&old, "/")
        .await
        .goes_on_with("refresh-1-next");
    let new = site.bruce_with(300, "refresh-1-next");
    let page = site.posts_with(&new, "/logout", &[]).await;
    page.goes_to("/login").ends_the_session();
    let asked = &site.fakes.calls("Logout")[0];
    assert!(asked.message.contains("\"refresh-1-next\""), "{asked:?}");

    // What came late does not bring it back.
    site.fakes.refuse("RefreshSession", over());
    let page = site.gets_with(&old, "/").await.goes_to("/login");
    page.ends_the_session();

    // An expired access token is not renewed only to be thrown away.
    let page = site
        .posts_with(&site.bruce_with(-1, "refresh-2"), "/logout", &[])
        .await;
    page.goes_to("/login").ends_the_session();
    assert_eq!(site.fakes.calls("RefreshSession").len(), 2);
    assert_eq!(site.fakes.calls("Logout").len(), 2);
}

#[tokio::test]
async fn logging_out_ends_the_cookies_whatever_the_users_backend_says() {
    let site = Site::start().await;
    for (status, _) in passing() {
        site.fakes.refuse("Logout", status);
        let cookies = site.bruce_with(300, "refresh-1");
        let page = site.posts_with(&cookies, "/logout", &[]).await;
        page.goes_to("/login").ends_the_session();
    }
}

#[tokio::test]
async fn the_users_backend_learns_of_the_browser_where_a_session_begins_and_goes_on() {
    let site = Site::start().await;
    let request = |method: &str, path: &str| {
        let user_agent = &b"Mozilla/5.0 (X11)\t\xff\xc3\xa9 Firefox/1"[..];
        site.request(method, path)
            .header("user-agent", user_agent)
            .header("x-forwarded-for", "203.0.113.7")
            .header("x-client-address", "203.0.113.7")
    };
    let form = [("username", "bruce"), ("password", "correct horse")];
    send(request("POST", "/login").form(&form)).await.is(303);
    let renewing = request("GET", "/").header("cookie", "renewal=refresh-1");
    send(renewing).await.is(200);
    for rpc in ["Login", "RefreshSession"] {
        let asked = &site.fakes.calls(rpc)[0];
        assert_eq!(
            asked.client_user_agent.as_deref(),
            Some("Mozilla/5.0 (X11) Firefox/1")
        );
        assert_eq!(asked.client_address.as_deref(), Some("127.0.0.1"));
        assert!(asked.authorization.is_none() && asked.request_id.is_some());
    }
    // Nobody else needs to know.
    assert_eq!(site.fakes.calls("ListThoughts")[0].client_address, None);
}

#[tokio::test]
async fn s18_a_forwarded_address_is_believed_of_configured_proxies_alone() {
    let form = [("username", "bruce"), ("password", "correct horse")];
    for (trusted, lines, told) in [
        ("10.0.0.0/8", &["203.0.113.7"][..], "127.0.0.1"),
        ("127.0.0.1", &["203.0.113.7"], "203.0.113.7"),
        ("127.0.0.1", &["1.1.1.1, 203.0.113.7"], "203.0.113.7"),
        (
            "127.0.0.1,10.0.0.0/8",
            &["1.1.1.1, 203.0.113.7", "10.1.2.3"],
            "203.0.113.7",
        ),
        (
            "127.0.0.1,10.0.0.0/8",
            &["203.0.113.7, whoever, 10.1.2.3"],
            "10.1.2.3",
        ),
        ("127.0.0.1", &["2001:db8::7"], "2001:db8::7"),
        ("127.0.0.1", &["garbage"], "127.0.0.1"),
        ("127.0.0.1", &[], "127.0.0.1"),
    ] {
        let site = Site::with(&[&format!("--trusted-proxies={trusted}")]).await;
        let mut request = site.request("POST", "/login").form(&form);
        for line in lines {
            request = request.header("x-forwarded-for", *line);
        }
        send(request).await.is(303);
        let asked = &site.fakes.calls("Login")[0];
        assert_eq!(asked.client_address.as_deref(), Some(told), "{lines:?}");
    }
}

#[tokio::test]
async fn s10_the_refresh_token_is_as_well_kept_as_the_access_token() {
    let form = [("username", "bruce"), ("password", "correct horse")];
    let flags = |page: &Page| {
        let cookie = page.cookies()[1].clone();
        for part in ["; HttpOnly", "; SameSite=Lax", "; Path=/", "; Max-Age=25"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
        cookie
    };
    let site = Site::start().await;
    let cookie = flags(&site.post("/login", &form).await.goes_to("/"));
    assert!(cookie.starts_with("renewal=refresh-1;") && !cookie.contains("Secure"));

    let site = Site::with(&["--public-url=https://thoughts.example.org"]).await;
    let cookie = flags(&site.post("/login", &form).await.goes_to("/"));
    assert!(cookie.starts_with("__Host-renewal=refresh-1;") && cookie.contains("; Secure"));
    // Without the prefix it may come from anywhere.
    let page = site.gets_with("renewal=refresh-1", "/").await;
    page.goes_to("/login");
    assert!(site.fakes.calls("RefreshSession").is_empty());
    let page = site
        .gets_with("__Host-renewal=refresh-1", "/")
        .await
        .is(200);
    flags(&page);
}
