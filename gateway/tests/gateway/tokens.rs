//! Personal access tokens: made, shown once, listed, revoked.

use std::time::Duration;

use crate::support::{Site, send};
use api::users::v1::{AccessToken, Scope};
use runtime::{clock::Clock, status};
use tonic::{Code, Status};

const ID: &str = "0190a000-0000-7000-8000-000000000001";

const FORM: [(&str, &str); 3] = [
    ("display_name", "Backup & <script>"),
    ("scope", "read_write"),
    ("days", "90"),
];

fn token(name: &str, used: bool) -> AccessToken {
    let now = Clock::system().now();
    let hours = |hours: u64| Duration::from_secs(hours * 3_600);
    AccessToken {
        id: ID.to_owned(),
        display_name: name.to_owned(),
        scope: Scope::Read.into(),
        create_time: Some((now - hours(48)).into()),
        expire_time: Some((now + hours(48)).into()),
        last_use_time: used.then(|| (now - hours(3)).into()),
        access_token: String::new(),
    }
}

fn revoke(id: &str) -> String {
    format!("/settings/tokens/{id}/revoke")
}

#[tokio::test]
async fn tokens_are_listed_with_what_they_may_do_and_when_they_were_used() {
    let site = Site::start().await;
    let page = site.bruce_gets("/settings/tokens").await.is(200);
    page.has("No tokens").has("Make the token");
    site.fakes.have_tokens(vec![token("Backup", true)]);
    let page = site.bruce_gets("/settings/tokens").await.is(200);
    let page = page.has("<bdi>Backup</bdi>").has(">Read</span>");
    let page = page.has("Made <time").has(">2 days ago</time>");
    let page = page.has("last used <time").has(">3 hours ago</time>");
    page.has(&format!("href=\"{}\"", revoke(ID)));
    site.fakes.have_tokens(vec![token("Backup", false)]);
    let page = site.bruce_gets("/settings/tokens").await;
    page.has("never used");
    let page = site.bruce_gets("/settings").await;
    page.has("href=\"/settings/tokens\"")
        .has("href=\"/settings/delete\"")
        .has_not("/admin/");
}

#[tokio::test]
async fn s05_a_new_token_is_shown_once_and_kept_nowhere() {
    let site = Site::start().await;
    site.fakes.make_secrets("mt_seeded-\"<b>");
    let before = Clock::system().now();
    let page = site.bruce_posts("/settings/tokens", &FORM).await.is(200);
    assert_eq!(page.header("cache-control"), "private, no-store");
    assert_eq!(page.header("location"), "");
    assert_eq!(page.body.matches("mt_seeded").count(), 1, "{}", page.body);
    let page = page.has("value=\"mt_seeded-&quot;&lt;b&gt;\" readonly");
    page.has("ThoughtsService/CreateThought").has("Bearer");
    let asked = &site.fakes.calls("CreateAccessToken")[0];
    assert!(asked.message.contains("\"Backup & <script>\""), "{asked:?}");
    assert!(asked.message.contains("ReadWrite") && asked.authorization.is_some());
    let day = 86_400;
    let end = before.as_seconds() + 90 * day;
    let ends = (end..end + 60).any(|second| asked.message.contains(&format!("seconds: {second}")));
    assert!(ends, "{asked:?}");
    // Afterwards it is in the list, and nothing more is known of it.
    let page = site.bruce_gets("/settings/tokens").await.is(200);
    page.has("<bdi>Backup &amp; &lt;script&gt;</bdi>")
        .has_not("mt_seeded");
}

#[tokio::test]
async fn a_form_that_comes_back_has_what_was_typed() {
    let site = Site::start().await;
    for (refusal, code, mistake) in [
        (
            status::invalid_argument("display_name", "must have at most 100 characters"),
            422,
            "id=\"display_name-mistake\" role=\"alert\">Must have at most",
        ),
        (
            status::invalid_argument("expire_time", "must be within 366 days"),
            422,
            "id=\"days-mistake\" role=\"alert\">Must be within",
        ),
        (
            status::error(Code::FailedPrecondition, "TOO_MANY_ACCESS_TOKENS", "no"),
            409,
            "The token is not made yet. You have as many tokens",
        ),
        (Status::permission_denied("no"), 403, "You may not do that."),
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
        site.fakes.refuse("CreateAccessToken", refusal);
        let page = site.bruce_posts("/settings/tokens", &FORM).await.is(code);
        let page = page.has(mistake).has_not("secret detail");
        assert_eq!(
            !page.header("retry-after").is_empty(),
            code == 429 || code == 503
        );
        page.has("value=\"Backup &amp; &lt;script&gt;\"")
            .has("<option value=\"read_write\" selected>")
            .has("<option value=\"90\" selected>");
    }
    // What is no choice of the form's does not reach the backend.
    let asked = site.fakes.calls("CreateAccessToken").len();
    for (field, value) in [
        ("days", Some("31")),
        ("days", Some("x")),
        ("days", Some("")),
        ("days", None),
        ("scope", Some("all")),
        ("scope", Some("")),
        ("scope", None),
    ] {
        let mut form = FORM.to_vec();
        form.retain(|(name, _)| *name != field);
        form.extend(value.map(|value| (field, value)));
        let page = site.bruce_posts("/settings/tokens", &form).await.is(422);
        let beside = format!("id=\"{field}-mistake\" role=\"alert\">Must be one of the choices.");
        page.has(&beside)
            .has("value=\"Backup &amp; &lt;script&gt;\"");
    }
    assert_eq!(site.fakes.calls("CreateAccessToken").len(), asked);
}

#[tokio::test]
async fn a_session_that_ended_keeps_what_was_typed() {
    let site = Site::start().await;
    let page = site.post("/settings/tokens", &FORM).await.is(401);
    let next = page.hidden("next").replace("&amp;", "&");
    assert!(next.starts_with("/settings/tokens?display_name=Backup%20%26%20%3Cscript"));
    assert!(site.fakes.calls("CreateAccessToken").is_empty());
    let log_in = [("username", "bruce"), ("password", "x"), ("next", &next)];
    site.post("/login", &log_in).await.goes_to(&next);
    let page = site.bruce_gets(&next).await.is(200);
    page.has("value=\"Backup &amp; &lt;script&gt;\"")
        .has("<option value=\"read_write\" selected>")
        .has("<option value=\"90\" selected>");
    assert!(site.fakes.calls("CreateAccessToken").is_empty());
    // The same when the backend is who says so; and what no address has room for is left out.
    site.fakes
        .refuse("CreateAccessToken", Status::unauthenticated("over"));
    let page = site.bruce_posts("/settings/tokens", &FORM).await.is(401);
    assert!(
        page.hidden("next")
            .starts_with("/settings/tokens?display_name=B")
    );
    let long = [("display_name", "京".repeat(1_000))];
    let request = site.request("POST", "/settings/tokens").form(&long);
    assert_eq!(
        send(request).await.is(401).hidden("next"),
        "/settings/tokens"
    );
}

#[tokio::test]
async fn revoking_asks_once_and_says_what_was_done() {
    let site = Site::start().await;
    site.fakes
        .have_tokens(vec![token("<b>Old</b> phone", false)]);
    let page = site.bruce_gets(&revoke(ID)).await.is(200);
    let page = page
        .has("<h1>Revoke this token?</h1>")
        .has("&lt;b&gt;Old&lt;/b&gt; phone");
    page.has(&format!("method=\"post\" action=\"{}\"", revoke(ID)))
        .has("Keep it")
        .has_not("<b>Old");
    assert!(site.fakes.calls("RevokeAccessToken").is_empty());
    let page = site
        .bruce_posts(&revoke(ID), &[])
        .await
        .goes_to("/settings/tokens");
    let cookies = format!("{}; {}", site.bruce(), page.done());
    let page = site.gets_with(&cookies, "/settings/tokens").await.is(200);
    page.has("That token is revoked").has_not("Old");
    // A second press finds it gone, and says that.
    let page = site
        .bruce_posts(&revoke(ID), &[])
        .await
        .goes_to("/settings/tokens");
    let cookies = format!("{}; {}", site.bruce(), page.done());
    let page = site.gets_with(&cookies, "/settings/tokens").await;
    page.has("That was gone already").has_not("is revoked");
    site.bruce_gets(&revoke(ID)).await.is(404);
    site.bruce_gets(&revoke("nonsense")).await.is(404);
    site.bruce_posts(&revoke("nonsense"), &[]).await.is(404);
}

#[tokio::test]
async fn token_pages_fail_by_the_table() {
    let site = Site::start().await;
    for (refusal, code) in [
        (Status::permission_denied("no"), 403),
        (status::exhausted("BUSY", "busy"), 429),
        (status::unavailable("DATABASE_UNAVAILABLE", "away"), 503),
        (Status::unknown("broken: secret detail"), 500),
    ] {
        for rpc in ["ListAccessTokens", "RevokeAccessToken"] {
            site.fakes.refuse(rpc, refusal.clone());
        }
        for page in [
            site.bruce_gets("/settings/tokens").await,
            site.bruce_gets(&revoke(ID)).await,
            site.bruce_posts(&revoke(ID), &[]).await,
        ] {
            page.is(code).has_not("secret detail");
        }
    }
    // Nobody signed in: back to the very page, which only asks.
    let page = site.get("/settings/tokens").await;
    page.goes_to("/login?next=%2Fsettings%2Ftokens");
    let page = site.post(&revoke(ID), &[]).await.is(401);
    assert_eq!(page.hidden("next"), revoke(ID));
}
