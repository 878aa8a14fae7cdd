//! The end of one's own account, another password by a link, and accounts that are disabled.

use crate::support::{Site, send};
use runtime::status;
use tonic::{Code, Status};

const DELETE: &str = "/settings/delete";
const RESET: &str = "/reset-password";

#[tokio::test]
async fn whoever_leaves_types_the_name_and_is_signed_out_with_a_farewell() {
    let site = Site::start().await;
    site.fakes.have_user("bruce", api::users::v1::Role::Member);
    let page = site.bruce_gets(DELETE).await.is(200);
    page.has("<h1>Delete your account?</h1>")
        .has("never given to anybody again")
        .has("method=\"post\" action=\"/settings/delete\"")
        .has("Keep it");
    for typed in ["", "stephen", "<b>", "bruce2"] {
        let page = site.bruce_posts(DELETE, &[("username", typed)]).await;
        let page = page.is(422).leaves_the_cookies();
        page.has("Must be your own name, bruce.").has_not("<b>");
    }
    assert!(site.fakes.calls("DeleteUser").is_empty());
    let cookies = site.bruce_with(300, "refresh-1");
    let page = site
        .posts_with(&cookies, DELETE, &[("username", " Bruce ")])
        .await;
    let page = page.goes_to("/login").ends_the_session();
    let asked = &site.fakes.calls("DeleteUser")[0];
    assert!(asked.message.contains("\"bruce\"") && asked.authorization.is_some());
    let page = site.gets_with(&page.done(), "/login").await.is(200);
    let page = page.has("Your account is deleted");
    assert_eq!(page.header("cache-control"), "private, no-store");
    assert!(page.all_cookies()[0].starts_with("done=; "));
}

#[tokio::test]
async fn an_account_that_cannot_go_says_why() {
    let site = Site::start().await;
    for (refusal, code, words) in [
        (
            status::error(Code::FailedPrecondition, "LAST_ADMINISTRATOR", "no"),
            409,
            "This is the only administrator",
        ),
        (
            status::unavailable("DATABASE_UNAVAILABLE", "away"),
            503,
            "out of reach",
        ),
        (
            Status::unknown("broken: secret detail"),
            500,
            "Something broke",
        ),
    ] {
        site.fakes.refuse("DeleteUser", refusal);
        let page = site.bruce_posts(DELETE, &[("username", "bruce")]).await;
        let page = page.is(code).leaves_the_cookies().has(words);
        page.has("value=\"bruce\"").has_not("secret detail");
    }
    site.fakes
        .refuse("DeleteUser", Status::unauthenticated("over"));
    for page in [
        site.bruce_posts(DELETE, &[("username", "bruce")]).await,
        site.post(DELETE, &[("username", "bruce")]).await,
    ] {
        assert_eq!(page.is(401).hidden("next"), DELETE);
    }
}

#[tokio::test]
async fn a_link_sets_another_password() {
    let site = Site::start().await;
    let page = site.get("/reset-password?code=a%2Bb%22%3Cc").await.is(200);
    assert_eq!(page.header("cache-control"), "private, no-store");
    assert_eq!(page.header("referrer-policy"), "same-origin");
    assert_eq!(page.hidden("code"), "a+b&quot;&lt;c");
    let fields = [("code", "a+b\"<c"), ("new_password", "seeded new")];
    // By the old password nobody stays signed in here.
    let cookies = site.bruce_with(300, "refresh-1");
    let page = site.posts_with(&cookies, RESET, &fields).await;
    let page = page.goes_to("/login").ends_the_session();
    let asked = &site.fakes.calls("ResetPassword")[0];
    assert!(asked.message.contains("seeded new") && asked.authorization.is_none());
    let page = site.gets_with(&page.done(), "/login").await.is(200);
    page.has("Your new password is set");
    // Nothing of the code is in the links of the page, as the way to log in and back.
    let page = site.get("/reset-password?code=seeded").await;
    assert_eq!(page.body.matches("seeded").count(), 1, "{}", page.body);
    let page = site.get(RESET).await.is(200);
    page.has("That takes a link that is good")
        .has_not("name=\"new_password\"");
    site.get("/login").await.has("href=\"/reset-password\"");
}

#[tokio::test]
async fn a_refused_password_keeps_the_code_and_a_bad_code_says_so() {
    let site = Site::start().await;
    let fields = [("code", "good-code"), ("new_password", "seeded new")];
    for (refusal, code, words) in [
        (
            status::invalid_argument("new_password", "is among the most common"),
            422,
            "id=\"new_password-mistake\" role=\"alert\">Is among",
        ),
        (status::exhausted("BUSY", "busy"), 429, "too much to do"),
        (
            status::unavailable("DATABASE_UNAVAILABLE", "away"),
            503,
            "out of reach",
        ),
        (
            Status::unknown("broken: secret detail"),
            500,
            "Something broke",
        ),
    ] {
        site.fakes.refuse("ResetPassword", refusal);
        let page = site.post(RESET, &fields).await.is(code).has(words);
        assert_eq!(page.hidden("code"), "good-code");
        assert_eq!(page.header("cache-control"), "private, no-store");
        page.has_not("seeded").has_not("secret detail");
    }
    for (refusal, code) in [
        (Status::permission_denied("used"), 403),
        (status::invalid_argument("code", "must not be empty"), 422),
    ] {
        site.fakes.refuse("ResetPassword", refusal);
        let page = site.post(RESET, &fields).await.is(code);
        page.has("This link is unknown, used, or over.")
            .has_not("seeded")
            .has_not("name=\"new_password\"");
    }
}

#[tokio::test]
async fn a_disabled_account_is_told_so() {
    let site = Site::start().await;
    let refusal = status::error(Code::PermissionDenied, "ACCOUNT_DISABLED", "disabled");
    site.fakes.refuse("Login", refusal);
    let fields = [("username", "bruce"), ("password", "seeded")];
    let page = site.post("/login", &fields).await.is(403);
    page.has("This account is disabled.")
        .has("value=\"bruce\"")
        .has_not("seeded")
        .leaves_the_cookies();
}

#[tokio::test]
async fn no_link_and_no_other_cookie_makes_a_page_say_that_something_was_done() {
    let site = Site::start().await;
    for (cookie, path) in [
        ("", "/login?done=farewell"),
        ("done=<b>x</b>", "/login"),
        ("done=Your account is deleted", "/login"),
        ("done=", "/login"),
    ] {
        let page = site.gets_with(cookie, path).await.is(200);
        page.has_not("is deleted")
            .has_not("<b>x")
            .has_not("role=\"status\"");
    }
    // Under https it has the prefix that other hosts cannot set it with.
    let site = Site::with(&["--public-url=https://thoughts.example.org"]).await;
    let page = site.gets_with("done=farewell", "/login").await.is(200);
    page.has_not("is deleted");
    let page = site.gets_with("__Host-done=farewell", "/login").await;
    let page = page.has("is deleted");
    let cookie = &page.all_cookies()[0];
    assert!(cookie.starts_with("__Host-done=; ") && cookie.contains("; Secure"));
    let fields = [("code", "x"), ("new_password", "y")];
    let request = site.request("POST", RESET).form(&fields);
    let done = send(request).await.goes_to("/login").done();
    assert_eq!(done, "__Host-done=password-set");
}
