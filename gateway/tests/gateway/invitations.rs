//! Invitations: made by administrators, used by whoever has the link.

use std::time::Duration;

use crate::support::Site;
use api::users::v1::{Invitation, Role};
use runtime::{clock::Clock, status};
use tonic::{Code, Status};

const ID: &str = "0190a000-0000-7000-8000-000000000001";
const REVOKE: &str = "/admin/invitations/0190a000-0000-7000-8000-000000000001/revoke";
const INVITATIONS: &str = "/admin/invitations";

fn invitation(inviter: &str) -> Invitation {
    let now = Clock::system().now();
    Invitation {
        id: ID.to_owned(),
        role: Role::Member.into(),
        create_time: Some((now - Duration::from_secs(7_200)).into()),
        expire_time: Some((now + Duration::from_secs(86_400)).into()),
        inviter: inviter.to_owned(),
        code: String::new(),
    }
}

#[tokio::test]
async fn open_invitations_are_listed_and_taken_back_after_one_question() {
    let site = Site::start().await;
    let page = site.ada_gets(INVITATIONS).await.is(200);
    page.has("No open invitations").has("Make the invitation");
    site.fakes.have_invitations(vec![invitation("<b>ada")]);
    site.fakes.have_more("more");
    let page = site.ada_gets(INVITATIONS).await.is(200);
    let page = page
        .has("For a member")
        .has("&lt;b&gt;ada")
        .has(">2 hours ago</time>");
    page.has("href=\"/admin/invitations?page_token=more\"")
        .has(&format!("href=\"{REVOKE}\""));
    site.ada_gets(REVOKE)
        .await
        .is(200)
        .has("Take this invitation back?");
    assert!(site.fakes.calls("RevokeInvitation").is_empty());
    for words in ["That invitation is taken back", "That was gone already"] {
        let page = site.ada_posts(REVOKE, &[]).await.goes_to(INVITATIONS);
        let cookies = format!("{}; {}", site.ada(), page.done());
        let page = site.gets_with(&cookies, INVITATIONS).await.is(200);
        page.has(words).has("No open invitations");
    }
    site.ada_gets("/admin/invitations/x/revoke").await.is(404);
    site.ada_posts("/admin/invitations/x/revoke", &[])
        .await
        .is(404);
}

#[tokio::test]
async fn s05_the_link_of_a_new_invitation_is_shown_once() {
    let site = Site::start().await;
    site.fakes.make_secrets("seeded+/\"<b>");
    let fields = [("role", "admin"), ("days", "28")];
    let before = Clock::system().now().as_seconds();
    let page = site.ada_posts(INVITATIONS, &fields).await.is(200);
    assert_eq!(page.header("cache-control"), "private, no-store");
    let link = format!(
        "http://{}/signup?invitation=seeded%2B%2F%22%3Cb%3E",
        site.address
    );
    page.has(&format!("value=\"{link}\" readonly"))
        .has("an administrator");
    let asked = &site.fakes.calls("CreateInvitation")[0].message;
    let end = before + 28 * 86_400;
    assert!(asked.contains("Admin"), "{asked}");
    assert!(
        (end..end + 60).any(|second| asked.contains(&format!("seconds: {second}"))),
        "{asked}"
    );
    let page = site.ada_gets(INVITATIONS).await;
    page.has("For an administrator").has_not("seeded");
    let fields = [("role", "member"), ("days", "7")];
    site.ada_posts(INVITATIONS, &fields).await.is(200);
    assert!(
        site.fakes.calls("CreateInvitation")[1]
            .message
            .contains("Member")
    );
}

#[tokio::test]
async fn an_invitation_that_is_not_made_keeps_what_was_chosen() {
    let site = Site::start().await;
    let fields = [("role", "admin"), ("days", "1")];
    let chosen = [
        "<option value=\"admin\" selected>",
        "<option value=\"1\" selected>",
    ];
    for (refusal, code) in [
        (status::invalid_argument("expire_time", "is too far"), 422),
        (status::exhausted("BUSY", "busy"), 429),
        (status::unavailable("DATABASE_UNAVAILABLE", "away"), 503),
        (Status::unknown("broken: secret detail"), 500),
    ] {
        site.fakes.refuse("CreateInvitation", refusal);
        let page = site.ada_posts(INVITATIONS, &fields).await.is(code);
        page.has(chosen[0]).has(chosen[1]).has_not("secret detail");
    }
    for (field, value) in [
        ("days", Some("30000")),
        ("days", None),
        ("role", Some("king")),
        ("role", None),
    ] {
        let mut form = fields.to_vec();
        form.retain(|(name, _)| *name != field);
        form.extend(value.map(|value| (field, value)));
        let page = site.ada_posts(INVITATIONS, &form).await.is(422);
        page.has(&format!("id=\"{field}-mistake\""));
    }
    let page = site.post(INVITATIONS, &fields).await.is(401);
    let next = page.hidden("next").replace("&amp;", "&");
    assert_eq!(next, "/admin/invitations?role=admin&days=1");
    site.ada_gets(&next).await.has(chosen[0]).has(chosen[1]);
}

#[tokio::test]
async fn whoever_is_invited_signs_up_with_the_link() {
    let site = Site::start().await;
    site.fakes.invite(true);
    let page = site.get("/signup?invitation=a%2Bb%22%3Cc").await.is(200);
    assert_eq!(page.header("cache-control"), "private, no-store");
    let page = page
        .has("<h1>You have been invited</h1>")
        .has_not("setup_code");
    assert_eq!(page.hidden("invitation"), "a+b&quot;&lt;c");
    assert_eq!(page.body.matches("a+b").count(), 1);
    let asked = &site.fakes.calls("GetSignUpState")[0].message;
    assert!(asked.contains("a+b\\\"<c"), "{asked}");
    let fields = [
        ("username", "jean"),
        ("password", "correct horse"),
        ("invitation", "a+b\"<c"),
    ];
    let page = site.post("/signup", &fields).await.goes_to("/");
    assert_eq!(page.cookies().len(), 2);
    let asked = &site.fakes.calls("CreateUser")[0].message;
    assert!(
        asked.contains("invitation_code: Some(\"a+b\\\"<c\")"),
        "{asked}"
    );
    assert!(asked.contains("setup_code: None"), "{asked}");
}

#[tokio::test]
async fn a_mistake_keeps_the_invitation_and_the_name() {
    let site = Site::start().await;
    site.fakes.invite(true);
    let fields = [
        ("username", "jean"),
        ("password", "12345678"),
        ("invitation", "code"),
    ];
    for (refusal, code, words) in [
        (
            status::invalid_argument("password", "is among the most common"),
            422,
            "Is among the most common.",
        ),
        (
            status::error(Code::AlreadyExists, "USERNAME_TAKEN", "taken"),
            409,
            "This name is taken",
        ),
        (
            status::unavailable("DATABASE_UNAVAILABLE", "away"),
            503,
            "out of reach",
        ),
    ] {
        site.fakes.refuse("CreateUser", refusal);
        let page = site.post("/signup", &fields).await.is(code).has(words);
        assert_eq!(page.hidden("invitation"), "code");
        page.has("value=\"jean\"").has_not("12345678");
    }
    // While nobody can say what the invitation is worth, the form comes back all the same.
    let away = status::unavailable("DATABASE_UNAVAILABLE", "away");
    site.fakes.refuse("GetSignUpState", away);
    let page = site.post("/signup", &fields).await.is(503);
    assert_eq!(page.hidden("invitation"), "code");
}

#[tokio::test]
async fn an_invitation_that_cannot_be_used_says_so_and_what_there_is_instead() {
    let site = Site::start().await;
    let bad = "This invitation is unknown, used, or over.";
    let page = site.get("/signup?invitation=seeded").await.is(200);
    page.has("This invitation leads nowhere")
        .has(bad)
        .has("Sign-up is closed")
        .has_not("seeded")
        .has_not("name=\"password\"");
    site.fakes.sign_up(true, false);
    let page = site.get("/signup?invitation=seeded").await.is(200);
    page.has(bad).has("name=\"password\"").has_not("seeded");
    site.fakes.sign_up(false, true);
    let page = site.get("/signup?invitation=seeded").await.is(200);
    page.has(bad).has("name=\"setup_code\"").has_not("seeded");
    // Used while the form was being filled in, perhaps by a second press of the button.
    site.fakes.sign_up(false, false);
    site.fakes
        .refuse("CreateUser", Status::permission_denied("used"));
    let fields = [
        ("username", "jean"),
        ("password", "correct horse"),
        ("invitation", "seeded"),
    ];
    let page = site.post("/signup", &fields).await.is(403);
    page.has(bad)
        .has("If you have just made an account with it")
        .has("href=\"/login\"")
        .has_not("seeded")
        .has_not("correct horse");
    site.fakes.sign_up(true, false);
    let page = site.post("/signup", &fields).await.is(403);
    let page = page.has("this invitation is unknown").has("value=\"jean\"");
    assert_eq!(page.body.matches("role=\"alert\"").count(), 1);
}

#[tokio::test]
async fn whoever_has_an_account_is_told_to_log_out_first() {
    let site = Site::start().await;
    for cookies in [site.bruce(), site.ada()] {
        let page = site.gets_with(&cookies, "/signup?invitation=seeded").await;
        page.is(200)
            .has("You have an account already")
            .has_not("seeded")
            .has_not("name=\"password\"");
    }
}
