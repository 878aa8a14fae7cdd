//! Signing up: where it is open, as the first administrator, and for somebody else.

use crate::support::Site;
use api::users::v1::Role;
use tonic::Status;

#[tokio::test]
async fn sign_up_says_how_accounts_come_about_here() {
    let site = Site::start().await;
    site.get("/signup")
        .await
        .is(200)
        .has("Sign-up is closed")
        .has_not("<form class=\"card\"");
    site.fakes.sign_up(true, false);
    site.get("/signup")
        .await
        .has("name=\"password\"")
        .has_not("name=\"setup_code\"");
    site.fakes.sign_up(false, true);
    let page = site.get("/signup?setup_code=ab%2Bc").await;
    assert_eq!(page.header("cache-control"), "private, no-store");
    page.has("Make the first account").has("value=\"ab+c\"");
    site.bruce_gets("/signup").await.goes_to("/");
}

#[tokio::test]
async fn whoever_signs_up_is_signed_in() {
    let site = Site::start().await;
    site.fakes.sign_up(false, true);
    let fields = [
        ("username", "jean"),
        ("password", "correct horse"),
        ("setup_code", " abc "),
    ];
    let page = site.post("/signup", &fields).await.goes_to("/");
    assert!(page.header("set-cookie").starts_with("session=ey"));
    let asked = &site.fakes.calls("CreateUser")[0];
    assert!(
        asked.message.contains("setup_code: Some(\"abc\")"),
        "{}",
        asked.message
    );
    assert_eq!(asked.authorization, None);
}

#[tokio::test]
async fn an_administrator_adds_accounts_for_others() {
    let site = Site::start().await;
    site.fakes.have_user("jean", Role::Member);
    let page = site.ada_gets("/signup").await;
    page.is(200).has("Add an account").has_not("setup_code");
    let form = [
        ("username", "jean"),
        ("password", "correct horse"),
        ("adding", "true"),
    ];
    let page = site.ada_posts("/signup", &form).await;
    let page = page.goes_to("/admin/users/jean").leaves_the_cookies();
    let cookies = format!("{}; {}", site.ada(), page.done());
    let page = site.gets_with(&cookies, "/admin/users/jean").await;
    page.is(200).has("The account is added.");
    let page = site.ada_gets("/signup?added=you%20have%20won").await;
    page.is(200).has_not("is added.");
    let link = "href=\"/signup\">Add an account";
    site.ada_gets("/admin/users").await.has(link);
    site.bruce_gets("/settings").await.has_not(link);
    assert!(site.fakes.calls("CreateUser")[0].authorization.is_some());
}

#[tokio::test]
async fn a_member_who_may_not_add_accounts_is_told_so() {
    let site = Site::start().await;
    let form = [("username", "jean"), ("password", "correct horse")];
    site.fakes
        .refuse("CreateUser", Status::permission_denied("no"));
    let page = site.bruce_posts("/signup", &form).await.is(403);
    page.has("<h1>Not yours to do</h1>").leaves_the_cookies();
    assert!(site.fakes.calls("CreateUser")[0].authorization.is_some());
    site.fakes
        .refuse("CreateUser", Status::unauthenticated("over"));
    site.bruce_posts("/signup", &form)
        .await
        .is(401)
        .has("You are not logged in, or not any more.");
}

#[tokio::test]
async fn adding_an_account_survives_an_ended_session_and_makes_none_by_chance() {
    let site = Site::start().await;
    site.fakes.sign_up(true, false);
    let page = site.ada_gets("/signup?username=je%22an").await.is(200);
    assert_eq!(page.hidden("adding"), "true");
    page.has("value=\"je&quot;an\"");
    let fields = [
        ("username", "jean"),
        ("password", "correct horse"),
        ("adding", "true"),
    ];
    let page = site.ada_posts("/signup", &fields).await;
    let page = page.goes_to("/admin/users/jean").leaves_the_cookies();
    assert_eq!(page.done(), "done=account-added");
    // Open as sign-up is, the form of an administrator signs nobody else in.
    let page = site.post("/signup", &fields).await.is(401);
    assert_eq!(page.hidden("next"), "/signup?username=jean");
    page.has_not("correct horse");
    assert_eq!(site.fakes.calls("CreateUser").len(), 1);
    site.fakes
        .refuse("CreateUser", Status::unauthenticated("over"));
    let page = site.ada_posts("/signup", &fields).await.is(401);
    assert_eq!(page.hidden("next"), "/signup?username=jean");
}
