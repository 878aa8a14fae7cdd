//! Each row of the table of errors, page by page; and what was typed comes back.

use std::time::Duration;

use crate::support::{NOWHERE, Page, Site, thought};
use runtime::status;
use tonic::{Code, Status};

/// A code, and what the browser gets for it.
fn table() -> Vec<(Status, u16)> {
    vec![
        (status::invalid_argument("text", "must not be empty"), 422),
        (status::error(Code::AlreadyExists, "EXISTS", "exists"), 409),
        (status::error(Code::Aborted, "STALE", "stale"), 409),
        (Status::not_found("no"), 404),
        (Status::permission_denied("no"), 403),
        (status::exhausted("BUSY", "busy"), 429),
        (status::unavailable("DATABASE_UNAVAILABLE", "away"), 503),
        (Status::deadline_exceeded("late"), 503),
        (Status::unknown("broken: secret detail"), 500),
        (Status::unknown("broken: secret detail"), 500),
        (Status::data_loss("broken: secret detail"), 500),
    ]
}

/// What holds for every failure, whatever the page.
#[track_caller]
fn check(page: &Page, code: u16) {
    let retry = page.header("retry-after");
    assert_eq!(
        !retry.is_empty(),
        code == 429 || code == 503,
        "{code}: {retry}"
    );
    assert!(!page.body.contains("secret detail"), "{}", page.body);
    if code == 500 {
        assert!(
            page.body.contains(page.header("x-request-id")),
            "{}",
            page.body
        );
    }
    assert_eq!(page.body.matches("<h1>").count(), 1, "{}", page.body);
}

#[tokio::test]
async fn reading_fails_by_the_table() {
    let site = Site::start().await;
    let ten = thought("bruce", "Ten.", 0);
    let path = format!("/thoughts/{}", ten.id);
    site.fakes.have(vec![ten]);
    for (rpc, path) in [
        ("ListThoughts", "/"),
        ("ListThoughts", "/users/bruce"),
        ("SearchThoughts", "/search?search=x"),
        ("GetThought", &path),
    ] {
        for (status, code) in table() {
            site.fakes.refuse(rpc, status);
            check(&site.bruce_gets(path).await.is(code), code);
        }
    }
}

#[tokio::test]
async fn a_refused_token_leads_to_log_in_and_back() {
    let site = Site::start().await;
    site.fakes
        .refuse("ListThoughts", Status::unauthenticated("no"));
    site.fakes
        .refuse("SearchThoughts", Status::unauthenticated("no"));
    let page = site.bruce_gets("/").await.goes_to("/login");
    // Or the log-in page, which believes the cookie, would send the browser back at once.
    assert!(
        page.header("set-cookie").contains("session=; "),
        "{}",
        page.header("set-cookie")
    );
    assert!(page.header("set-cookie").contains("Max-Age=0"));
    let page = site.bruce_gets("/search?search=a%20b&page_token=x").await;
    page.goes_to("/login?next=%2Fsearch%3Fsearch%3Da%2520b%26page_token%3Dx");
}

#[tokio::test]
async fn a_failed_save_brings_the_text_back() {
    let site = Site::start().await;
    let text = "\n Nine & <counting>\n\"twice\"";
    let id = site.bruce_gets("/").await.hidden("request_id");
    let fields = [
        ("text", text),
        ("visibility", "private"),
        ("request_id", id.as_str()),
    ];
    for (status, code) in table() {
        site.fakes.refuse("CreateThought", status);
        let page = site.bruce_posts("/thoughts", &fields).await.is(code);
        check(&page, code);
        assert_eq!(page.hidden("request_id") == id, code != 409, "{code}");
        // The first newline is the one that HTML drops.
        let page = page.has(">\n\n Nine &amp; &lt;counting&gt;\n&quot;twice&quot;</textarea>");
        page.has("<option value=\"private\" selected>")
            .has("role=\"alert\"");
    }
}

#[tokio::test]
async fn what_is_wrong_stands_beside_its_field() {
    let site = Site::start().await;
    site.fakes.refuse(
        "CreateThought",
        status::invalid_argument("text", "must not be empty"),
    );
    let page = site
        .bruce_posts("/thoughts", &[("text", " ")])
        .await
        .is(422);
    let page = page
        .has("aria-invalid=\"true\"")
        .has("aria-describedby=\"text-mistake text-hint\"");
    page.has("id=\"text-mistake\" role=\"alert\">Must not be empty.</p>");
    let page = site
        .bruce_posts("/thoughts", &[("text", "Ten."), ("visibility", "friends")])
        .await;
    page.is(422).has("Must be public or private.").has("Ten.");
    site.fakes.refuse(
        "SearchThoughts",
        status::invalid_argument("query", "must be shorter"),
    );
    let page = site.get("/search?search=zebra").await.is(422);
    page.has("id=\"search-mistake\" role=\"alert\">Must be shorter.</p>")
        .has("value=\"zebra\"");
    let other = status::invalid_argument("page_token", "must be the next_page_token of this list");
    site.fakes.refuse("SearchThoughts", other);
    let page = site.get("/search?page_token=x").await.is(422);
    page.has("Start again from the beginning")
        .has_not("next_page_token");
}

#[tokio::test]
async fn a_spent_form_says_so_and_saves_the_text_as_a_new_thought() {
    let site = Site::start().await;
    site.fakes.refuse(
        "CreateThought",
        status::error(Code::AlreadyExists, "X", "x"),
    );
    let page = site
        .bruce_posts("/thoughts", &[("text", "Eight.")])
        .await
        .is(409);
    page.has("This form has saved another text already.")
        .has("Eight.");
}

#[tokio::test]
async fn nobody_signed_in_means_the_log_in_form_with_the_text_and_then_the_box_again() {
    let site = Site::start().await;
    let id = "0190a000-0000-7000-8000-000000000001";
    let fields = [
        ("text", "Nine &\r\nEight"),
        ("visibility", "private"),
        ("request_id", id),
    ];
    let page = site.post("/thoughts", &fields).await.is(401);
    assert_eq!(page.hidden("text"), "Nine &amp;\r\nEight");
    assert_eq!(page.hidden("visibility"), "private");
    assert_eq!(page.hidden("request_id"), id);
    assert!(site.fakes.calls("CreateThought").is_empty());

    // The same when the backend is who refuses.
    site.fakes
        .refuse("CreateThought", Status::unauthenticated("no"));
    assert_eq!(
        site.bruce_posts("/thoughts", &fields)
            .await
            .is(401)
            .hidden("request_id"),
        id
    );

    // A wrong password keeps it all; a right one leads to the box.
    let mut all = vec![("username", "bruce"), ("password", "wrong password")];
    all.extend(fields);
    site.fakes.refuse("Login", Status::unauthenticated("no"));
    let page = site.post("/login", &all).await.is(401);
    assert_eq!(page.hidden("request_id"), id);
    page.has("value=\"bruce\"").has_not("wrong password");
    site.fakes.relent("Login");
    let page = site.post("/login", &all).await.is(200);
    assert!(page.header("set-cookie").starts_with("session=ey"));
    assert_eq!(page.hidden("request_id"), id);
    page.has("Nine &amp;\r\nEight</textarea>")
        .has("<option value=\"private\" selected>");
}

#[tokio::test]
async fn a_wrong_password_is_401_and_keeps_the_name_and_the_way_on() {
    let site = Site::start().await;
    site.fakes.refuse("Login", Status::unauthenticated("no"));
    let fields = [
        ("username", "bruce"),
        ("password", "wrong password"),
        ("next", "/search?search=x"),
    ];
    let page = site.post("/login", &fields).await.is(401);
    assert_eq!(page.hidden("next"), "/search?search=x");
    assert_eq!(page.header("set-cookie"), "");
    page.has("value=\"bruce\"")
        .has("do not belong together")
        .has_not("wrong password");
}

#[tokio::test]
async fn s04_whoever_has_to_wait_after_wrong_passwords_is_told_so_and_how_long() {
    let site = Site::start().await;
    let wait = Duration::from_secs(16);
    let refusal = status::throttled("SIGN_IN_THROTTLED", "too many failed sign-ins", wait);
    site.fakes.refuse("Login", refusal);
    let fields = [("username", "bruce"), ("password", "wrong password")];
    let page = site.post("/login", &fields).await.is(429);
    assert_eq!(page.header("retry-after"), "16");
    page.has("There were too many wrong passwords. Try again in 16 s.")
        .has("value=\"bruce\"");
}

#[tokio::test]
async fn log_in_and_sign_up_fail_by_the_table() {
    let site = Site::start().await;
    site.fakes.sign_up(true, false);
    let fields = [("username", "jean"), ("password", "correct horse")];
    for (rpc, path) in [("Login", "/login"), ("CreateUser", "/signup")] {
        for (status, code) in table() {
            site.fakes.refuse(rpc, status);
            let page = site.post(path, &fields).await.is(code);
            check(&page, code);
            page.has("value=\"jean\"")
                .has("role=\"alert\"")
                .has_not("correct horse");
        }
    }
}

#[tokio::test]
async fn sign_up_says_which_field_is_wrong() {
    let site = Site::start().await;
    let fields = [
        ("username", "jean"),
        ("password", "12345678"),
        ("setup_code", "guess"),
    ];
    site.fakes.refuse(
        "CreateUser",
        status::invalid_argument("password", "is among the most common"),
    );
    let page = site.post("/signup", &fields).await.is(422);
    let page = page.has("Is among the most common.");
    assert_eq!(page.body.matches(" autofocus").count(), 1);
    page.has(" autofocus aria-invalid=\"true\" aria-describedby=\"password-mistake");
    site.fakes
        .refuse("CreateUser", Status::already_exists("taken"));
    let page = site.post("/signup", &fields[..2]).await.is(409);
    page.has("id=\"username-mistake\" role=\"alert\">This name is taken");
    site.fakes
        .refuse("CreateUser", Status::failed_precondition("spent"));
    site.post("/signup", &fields)
        .await
        .is(409)
        .has("set-up code is spent");
    site.fakes.sign_up(false, true);
    site.fakes
        .refuse("CreateUser", Status::permission_denied("wrong code"));
    site.post("/signup", &fields)
        .await
        .is(403)
        .has("This is not the set-up code.");
    site.fakes.sign_up(false, false);
    site.fakes
        .refuse("CreateUser", Status::unauthenticated("closed"));
    site.post("/signup", &fields)
        .await
        .is(401)
        .has("an administrator makes the accounts")
        .has("Log in");
}

#[tokio::test]
async fn deleting_fails_by_the_table() {
    let site = Site::start().await;
    let path = "/thoughts/0190a000-0000-7000-8000-000000000001/delete";
    for (status, code) in table() {
        site.fakes.refuse("DeleteThought", status);
        check(&site.bruce_posts(path, &[]).await.is(code), code);
    }
    site.post(path, &[]).await.is(401).has("name=\"password\"");
    site.bruce_posts("/thoughts/nonsense/delete", &[])
        .await
        .is(404);
}

#[tokio::test]
async fn r15_without_the_thoughts_backend_pages_say_so_and_keep_the_text() {
    let site = Site::with(&[&format!("--thoughts-backend-url={NOWHERE}")]).await;
    for path in ["/", "/search", "/users/bruce"] {
        let page = site.bruce_gets(path).await.is(503);
        check(&page, 503);
        page.has("The thoughts are out of reach").has("Try again");
    }
    let page = site
        .bruce_posts("/thoughts", &[("text", "Nine.")])
        .await
        .is(503);
    page.has("keeps the thoughts is out of reach")
        .has("Nine.</textarea>");
    site.get("/login").await.is(200);
    let page = site
        .post("/login", &[("username", "bruce"), ("password", "bruce")])
        .await;
    page.goes_to("/");
}

#[tokio::test]
async fn r15_without_the_users_backend_everyone_reads_and_who_is_known_still_writes() {
    let keys = crate::support::Keys::generate();
    let fakes = crate::support::Fakes::start(&keys).await;
    fakes.have(vec![thought("bruce", "Ten.", 0)]);
    let users = format!("--user-backend-url={NOWHERE}");
    let key = format!("--tokens-public-key={}", keys.pem());
    let site = Site::before(fakes, keys, &[&users, &key]).await;
    site.get("/search").await.is(200).has("Ten.");
    site.bruce_gets("/").await.is(200).has("Ten.");
    site.bruce_posts("/thoughts", &[("text", "Nine.")])
        .await
        .goes_to("/");
    let page = site
        .post("/login", &[("username", "bruce"), ("password", "x")])
        .await
        .is(503);
    page.has("keeps the accounts is out of reach")
        .has("value=\"bruce\"");
    for path in ["/signup", "/.well-known/jwks.json"] {
        site.get(path)
            .await
            .is(503)
            .has("The accounts are out of reach");
    }
}

#[tokio::test]
async fn r15_without_any_key_public_pages_go_on_and_own_pages_say_what_is_away() {
    let site = Site::with(&[&format!("--user-backend-url={NOWHERE}")]).await;
    site.fakes.have(vec![thought("bruce", "Ten.", 0)]);
    site.bruce_gets("/search")
        .await
        .is(200)
        .has("Ten.")
        .has("Log in");
    assert_eq!(site.fakes.calls("SearchThoughts")[0].authorization, None);
    site.bruce_gets("/")
        .await
        .is(503)
        .has("The accounts are out of reach");
    let page = site
        .bruce_posts("/thoughts", &[("text", "Nine.")])
        .await
        .is(503);
    page.has("keeps the accounts is out of reach")
        .has("Nine.</textarea>");
}

#[tokio::test]
async fn a_backend_that_has_no_keys_is_not_the_one_that_is_away() {
    let site = Site::start().await;
    site.fakes.refuse(
        "ListThoughts",
        status::unavailable("KEYS_UNAVAILABLE", "no keys"),
    );
    site.bruce_gets("/")
        .await
        .is(503)
        .has("The accounts are out of reach");
}

#[tokio::test]
async fn every_call_carries_the_id_that_the_response_shows() {
    let site = Site::start().await;
    site.fakes
        .refuse("SearchThoughts", Status::unknown("broken"));
    let page = crate::support::send(
        site.request("GET", "/search")
            .header("x-request-id", "mine"),
    )
    .await
    .is(500);
    let id = page.header("x-request-id").to_owned();
    assert_ne!(id, "mine");
    assert_eq!(
        site.fakes.calls("SearchThoughts")[0].request_id.as_deref(),
        Some(id.as_str())
    );
    page.has(&format!("<code>{id}</code>"));
}
