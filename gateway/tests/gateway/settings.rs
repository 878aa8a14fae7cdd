//! The settings: another password, and where one is signed in.

use std::time::Duration;

use crate::support::{Site, thought};
use api::users::v1::SessionInfo;
use runtime::{clock::Clock, status};
use tonic::{Code, Status};

const CURRENT: &str = "0190a000-0000-7000-8000-000000000001";
const OTHER: &str = "0190a000-0000-7000-8000-000000000002";
const ENDED: &str = "0190a000-0000-7000-8000-000000000003";

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

const PASSWORDS: [(&str, &str); 2] = [
    ("current_password", "seeded current"),
    ("new_password", "seeded new"),
];

fn session(id: &str, user_agent: &str, minutes: u64) -> SessionInfo {
    let ago = |minutes: u64| Clock::system().now() - Duration::from_secs(60 * minutes);
    SessionInfo {
        id: id.to_owned(),
        current: id == CURRENT,
        user_agent: user_agent.to_owned(),
        create_time: Some(ago(minutes).into()),
        last_use_time: Some(ago(minutes / 2).into()),
        expire_time: None,
        reuse_time: (id == ENDED).then(|| ago(minutes / 4).into()),
    }
}

fn revoke(id: &str) -> String {
    format!("/settings/sessions/{id}/revoke")
}

#[tokio::test]
async fn the_settings_show_where_one_is_signed_in() {
    let site = Site::start().await;
    site.bruce_gets("/").await.has("href=\"/settings\"");
    site.fakes.have_sessions(vec![
        session(CURRENT, FIREFOX, 3),
        session(OTHER, "curl/8.14.1", 4 * 60),
    ]);
    let page = site.bruce_gets("/settings").await.is(200);
    assert_eq!(page.header("cache-control"), "private, no-store");
    let page = page
        .has("<strong>Firefox on Linux</strong>")
        .has("This device")
        .has("<strong>curl/8.14.1</strong>");
    let page = page.has(">4 hours ago</time>").has(">2 hours ago</time>");
    page.has(&format!("action=\"{}\"", revoke(OTHER)))
        .has_not(&format!("action=\"{}\"", revoke(CURRENT)))
        .has_not("signed in as you");
    assert!(site.fakes.calls("ListSessions")[0].authorization.is_some());
}

#[tokio::test]
async fn s07_a_session_that_was_ended_for_safety_says_what_happened_and_what_to_do() {
    let site = Site::start().await;
    site.fakes.have_sessions(vec![
        session(CURRENT, FIREFOX, 3),
        session(ENDED, "Mozilla/5.0 (iPhone; x) Safari/604.1", 4 * 60),
    ]);
    let page = site.bruce_gets("/settings").await.is(200);
    let page = page
        .has("Somebody else may have been signed in as you.")
        .has("kept Safari on iPhone signed in was used a second time")
        .has(">1 hour ago</time>")
        .has("Change your password, which ends every session but this one");
    page.has("Ended")
        .has("Dismiss")
        .has(&revoke(ENDED))
        .has_not("Yes, sign out");
}

#[tokio::test]
async fn one_session_is_ended_and_the_page_says_so() {
    let site = Site::start().await;
    site.fakes.have_sessions(vec![
        session(CURRENT, FIREFOX, 3),
        session(OTHER, "curl/8.14.1", 9),
    ]);
    let page = site.bruce_posts(&revoke(OTHER), &[]).await;
    let page = page.goes_to("/settings").leaves_the_cookies();
    let cookies = format!("{}; {}", site.bruce(), page.done());
    let asked = &site.fakes.calls("RevokeSession")[0];
    assert!(asked.message.contains(OTHER), "{asked:?}");
    let page = site.gets_with(&cookies, "/settings").await.is(200);
    let page = page.has("That session is ended").has_not("curl/8.14.1");
    // It is told once.
    assert!(
        page.all_cookies()[0].starts_with("done=; ")
            && page.header("cache-control") == "private, no-store"
    );
    site.bruce_gets("/settings?done=session")
        .await
        .has_not("That session is ended");
    site.bruce_posts(&revoke("nonsense"), &[]).await.is(404);
    site.fakes
        .refuse("RevokeSession", Status::not_found("no session of yours"));
    site.bruce_posts(&revoke(OTHER), &[]).await.is(404);
    site.bruce_gets(&revoke(OTHER)).await.is(405);
}

#[tokio::test]
async fn whoever_changes_the_password_stays_signed_in_with_a_new_access_token() {
    let site = Site::start().await;
    let cookies = site.bruce_with(300, "refresh-1");
    let page = site
        .posts_with(&cookies, "/settings/password", &PASSWORDS)
        .await
        .goes_to("/settings");
    // The refresh token is still good, so its cookie stays as it is.
    let set = page.cookies();
    assert!(
        set.len() == 1 && set[0].starts_with("session=ey"),
        "{set:?}"
    );
    let asked = &site.fakes.calls("ChangePassword")[0];
    assert!(asked.message.contains("seeded current"), "{asked:?}");
    assert!(asked.message.contains("seeded new"), "{asked:?}");
    assert!(asked.authorization.is_some() && asked.client_address.is_some());
    let cookies = format!("{}; {}", site.bruce(), page.done());
    let page = site.gets_with(&cookies, "/settings").await.is(200);
    page.has("Your password is changed.");

    // Renewed on the way to it, its successor must not be lost.
    let expired = site.bruce_with(-1, "refresh-1");
    let page = site
        .posts_with(&expired, "/settings/password", &PASSWORDS)
        .await;
    page.goes_to("/settings").goes_on_with("refresh-1-next");
}

#[tokio::test]
async fn what_is_wrong_with_a_password_stands_beside_its_field() {
    let site = Site::start().await;
    for (refusal, code, mistake) in [
        (
            Status::permission_denied("wrong"),
            403,
            "id=\"current_password-mistake\" role=\"alert\">This is not your current password.",
        ),
        (
            status::invalid_argument("new_password", "must have at least 8 characters"),
            422,
            "id=\"new_password-mistake\" role=\"alert\">Must have at least 8 characters.",
        ),
    ] {
        site.fakes.refuse("ChangePassword", refusal);
        let page = site.bruce_posts("/settings/password", &PASSWORDS).await;
        let page = page.is(code).has(mistake).leaves_the_cookies();
        page.has("<h1>Not changed yet</h1>").has_not("seeded");
    }
}

#[tokio::test]
async fn the_settings_fail_by_the_table() {
    let site = Site::start().await;
    for (refusal, code) in [
        (status::invalid_argument("other", "must not be empty"), 422),
        (status::error(Code::Aborted, "STALE", "stale"), 409),
        (Status::not_found("no"), 404),
        (Status::permission_denied("no"), 403),
        (status::exhausted("BUSY", "busy"), 429),
        (status::unavailable("DATABASE_UNAVAILABLE", "away"), 503),
        (Status::deadline_exceeded("late"), 503),
        (Status::unknown("broken: secret detail"), 500),
    ] {
        for rpc in ["ListSessions", "ChangePassword", "RevokeSession"] {
            site.fakes.refuse(rpc, refusal.clone());
        }
        for page in [
            site.bruce_gets("/settings").await,
            site.bruce_posts("/settings/password", &PASSWORDS).await,
            site.bruce_posts(&revoke(OTHER), &[]).await,
        ] {
            let page = page.is(code).has_not("secret detail").has_not("seeded");
            let retry = page.header("retry-after");
            assert_eq!(!retry.is_empty(), code == 429 || code == 503, "{code}");
            assert_eq!(page.body.matches("<h1>").count(), 1, "{}", page.body);
        }
    }
}

#[tokio::test]
async fn the_settings_are_for_whoever_is_signed_in() {
    let site = Site::start().await;
    site.get("/settings")
        .await
        .goes_to("/login?next=%2Fsettings");
    for path in ["/settings/password", &revoke(OTHER)] {
        let page = site.post(path, &PASSWORDS).await.is(401);
        assert_eq!(page.hidden("next"), "/settings", "{path}");
        page.has("name=\"username\"").has_not("seeded");
    }
    // The same when the backend is who refuses.
    for rpc in ["ListSessions", "ChangePassword", "RevokeSession"] {
        site.fakes.refuse(rpc, Status::unauthenticated("over"));
    }
    let page = site.bruce_gets("/settings").await;
    page.goes_to("/login?next=%2Fsettings").ends_the_session();
    let page = site.bruce_posts("/settings/password", &PASSWORDS).await;
    assert_eq!(page.is(401).hidden("next"), "/settings");
    site.bruce_posts(&revoke(OTHER), &[]).await.is(401);
}

#[tokio::test]
async fn s13_what_a_program_calls_itself_is_text() {
    let site = Site::start().await;
    site.fakes.have(vec![thought("bruce", "Ten.", 0)]);
    for attack in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "Mozilla/5.0 (<b>Linux</b>) Firefox/\"onmouseover=\"alert(1)",
    ] {
        site.fakes
            .have_sessions(vec![session(OTHER, attack, 1), session(ENDED, attack, 1)]);
        let page = site.bruce_gets("/settings").await.is(200);
        for live in ["<script>", "<img src=x", "<b>", "\"onmouseover"] {
            assert!(!page.body.contains(live), "{attack}: {}", page.body);
        }
    }
}
