//! The administration: accounts, and public thoughts.

use crate::support::{Site, send, thought};
use api::users::v1::Role;
use runtime::status;
use tonic::{Code, Status};

/// Pages and forms of the administration, whoever asks for them.
const PAGES: [&str; 6] = [
    "/admin/users",
    "/admin/users/bruce",
    "/admin/users/bruce/delete",
    "/admin/invitations",
    "/admin/invitations/0190a000-0000-7000-8000-000000000001/revoke",
    "/admin/thoughts",
];
const FORMS: [(&str, &[(&str, &str)]); 6] = [
    ("/admin/users/bruce/role", &[("role", "admin")]),
    ("/admin/users/bruce/disabled", &[("disabled", "true")]),
    ("/admin/users/bruce/reset", &[]),
    ("/admin/users/bruce/delete", &[]),
    ("/admin/invitations", &[("role", "admin"), ("days", "7")]),
    (
        "/admin/invitations/0190a000-0000-7000-8000-000000000001/revoke",
        &[],
    ),
];
const RPCS: [&str; 8] = [
    "GetUser",
    "ListUsers",
    "UpdateUser",
    "DeleteUser",
    "CreateInvitation",
    "ListInvitations",
    "RevokeInvitation",
    "CreatePasswordReset",
];

async fn site() -> Site {
    let site = Site::start().await;
    site.fakes.have_user("ada", Role::Admin);
    site.fakes.have_user("bruce", Role::Member);
    site
}

#[tokio::test]
async fn s14_the_administration_is_for_administrators_alone() {
    let site = site().await;
    for path in PAGES {
        site.bruce_gets(path).await.is(403).has("Not yours to do");
        let page = site.get(path).await;
        let next = path.replace('/', "%2F");
        page.goes_to(&format!("/login?next={next}"));
        site.ada_gets(path).await.is(200);
    }
    let asked: usize = RPCS.iter().map(|rpc| site.fakes.calls(rpc).len()).sum();
    for (path, fields) in FORMS {
        site.bruce_posts(path, fields).await.is(403);
        site.post(path, fields).await.is(401);
    }
    let after: usize = RPCS.iter().map(|rpc| site.fakes.calls(rpc).len()).sum();
    assert_eq!(after, asked, "nobody's forms reach no backend");
    // The ways there are shown to those who may go.
    let page = site.bruce_gets("/settings").await.is(200);
    page.has_not("/admin/");
    let page = site.ada_gets("/settings").await.is(200);
    assert_eq!(page.body.matches("href=\"/admin/users\"").count(), 1);
}

#[tokio::test]
async fn whoever_has_lost_the_right_since_is_told_so_by_the_backend() {
    let site = site().await;
    for rpc in RPCS {
        site.fakes.refuse(rpc, Status::permission_denied("no more"));
    }
    for path in &PAGES[..4] {
        site.ada_gets(path).await.is(403);
    }
    for (path, fields) in FORMS {
        site.ada_posts(path, fields).await.is(403);
    }
}

#[tokio::test]
async fn an_ended_session_leads_back_to_the_page_of_the_form() {
    let site = site().await;
    for rpc in RPCS {
        site.fakes.refuse(rpc, Status::unauthenticated("over"));
    }
    for (form, page) in [
        ("/admin/users/bruce/role", "/admin/users/bruce"),
        ("/admin/users/bruce/disabled", "/admin/users/bruce"),
        ("/admin/users/bruce/reset", "/admin/users/bruce"),
        ("/admin/users/bruce/delete", "/admin/users/bruce/delete"),
    ] {
        let fields = [("role", "admin"), ("disabled", "true")];
        let answer = site.ada_posts(form, &fields).await.is(401);
        assert_eq!(answer.hidden("next"), page);
        let answer = site.post(form, &fields).await.is(401);
        assert_eq!(answer.hidden("next"), page);
    }
    let page = site.ada_gets("/admin/users?page_token=a%26b").await;
    page.goes_to("/login?next=%2Fadmin%2Fusers%3Fpage_token%3Da%2526b");
}

#[tokio::test]
async fn accounts_are_listed_by_pages() {
    let site = site().await;
    site.fakes.have_more("next & more");
    let page = site.ada_gets("/admin/users").await.is(200);
    let page = page
        .has("<strong>bruce</strong>")
        .has(">Administrator</span>")
        .has("href=\"/admin/users/bruce\"")
        .has("href=\"/signup\"");
    page.has("href=\"/admin/users?page_token=next%20%26%20more\"")
        .has_not("Newest accounts");
    let page = site.ada_gets("/admin/users?page_token=x").await;
    page.has("Newest accounts");
    assert!(site.fakes.calls("ListUsers")[1].message.contains("\"x\""));
}

#[tokio::test]
async fn a_role_is_given_and_taken() {
    let site = site().await;
    let page = site.ada_gets("/admin/users/bruce").await.is(200);
    assert_eq!(page.hidden("role"), "admin");
    let role = "/admin/users/bruce/role";
    let page = site.ada_posts(role, &[("role", "admin")]).await;
    let page = page.goes_to("/admin/users/bruce");
    let cookies = format!("{}; {}", site.ada(), page.done());
    let page = site.gets_with(&cookies, "/admin/users/bruce").await;
    let page = page.has("This account is an administrator’s now.");
    assert_eq!(page.hidden("role"), "member");
    let asked = &site.fakes.calls("UpdateUser")[0].message;
    assert!(asked.contains("[\"role\"]") && asked.contains("\"bruce\""));
    let page = site.ada_posts(role, &[("role", "member")]).await;
    page.goes_to("/admin/users/bruce");
    // To be no administrator oneself any more closes this page.
    let page = site
        .ada_posts("/admin/users/ada/role", &[("role", "member")])
        .await;
    page.goes_to("/settings");
    for none in ["king", ""] {
        site.ada_posts(role, &[("role", none)]).await.is(422);
    }
    site.ada_posts(role, &[]).await.is(400);
    let page = site
        .ada_posts("/admin/users/nobody/role", &[("role", "admin")])
        .await;
    page.is(404);
    site.ada_gets("/admin/users/%3Cb%3E").await.is(404);
    site.ada_gets("/admin/users/nobody").await.is(404);
}

#[tokio::test]
async fn disabling_asks_once_and_enabling_does_not() {
    let site = site().await;
    let path = "/admin/users/bruce";
    let page = site.ada_gets(path).await;
    page.has("<summary>").has("Yes, disable");
    let switch = format!("{path}/disabled");
    let page = site
        .ada_posts(&switch, &[("disabled", "true")])
        .await
        .goes_to(path);
    let cookies = format!("{}; {}", site.ada(), page.done());
    let page = site.gets_with(&cookies, path).await;
    page.has("This account is disabled: signed out everywhere")
        .has("Disabled</span>")
        .has(">Enable</button>");
    site.ada_gets("/admin/users").await.has("Disabled</span>");
    site.ada_posts(&switch, &[("disabled", "false")])
        .await
        .goes_to(path);
    site.ada_gets(path).await.has("Can log in");
    let asked = &site.fakes.calls("UpdateUser")[1].message;
    assert!(asked.contains("[\"disabled\"]") && asked.contains("disabled: false"));
    site.ada_posts(&switch, &[("disabled", "perhaps")])
        .await
        .is(400);
}

#[tokio::test]
async fn s05_a_link_for_a_forgotten_password_is_shown_once() {
    let site = site().await;
    site.fakes.make_secrets("seeded+/&\"<b>");
    let page = site
        .ada_posts("/admin/users/bruce/reset", &[])
        .await
        .is(200);
    assert_eq!(page.header("cache-control"), "private, no-store");
    let host = site.address;
    let link = format!("http://{host}/reset-password?code=seeded%2B%2F%26%22%3Cb%3E");
    page.has(&format!("value=\"{link}\" readonly")).has("UTC");
    // What the browser says of itself is believed when it is this host.
    for (origin, scheme) in [
        (format!("https://{host}"), "https"),
        (format!("http://{host}"), "http"),
    ] {
        let request = site.request("POST", "/admin/users/bruce/reset");
        let request = request
            .header("origin", origin)
            .header("cookie", site.ada());
        let page = send(request).await.is(200);
        page.has(&format!(
            "value=\"{scheme}://{host}/reset-password?code=seeded"
        ));
    }
    let path = "/admin/users/bruce";
    site.ada_gets(path).await.has_not("seeded");

    let site = Site::with(&["--public-url=https://thoughts.example.org"]).await;
    let token = site.ada().replace("session=", "__Host-session=");
    let page = site
        .posts_with(&token, "/admin/users/bruce/reset", &[])
        .await;
    page.has("value=\"https://thoughts.example.org/reset-password?code=seeded-secret\"");
}

#[tokio::test]
async fn deleting_an_account_asks_once_and_says_what_was_done() {
    let site = site().await;
    let path = "/admin/users/bruce/delete";
    let page = site.ada_gets(path).await.is(200);
    page.has("<h1>Delete bruce?</h1>")
        .has("Yes, delete")
        .has("Keep it");
    assert!(site.fakes.calls("DeleteUser").is_empty());
    for words in ["The account is deleted.", "That was gone already."] {
        let page = site.ada_posts(path, &[]).await.goes_to("/admin/users");
        let cookies = format!("{}; {}", site.ada(), page.done());
        let page = site.gets_with(&cookies, "/admin/users").await;
        page.has(words).has_not("<strong>bruce");
    }
    site.ada_gets(path).await.is(404);
    // One's own goes by the settings, where the name is asked for.
    let page = site.ada_gets("/admin/users/ada").await.is(200);
    page.has("This is you.")
        .has_not("/delete\"")
        .has_not("Disable");
}

#[tokio::test]
async fn what_stands_in_the_way_is_said_on_the_page_it_came_from() {
    let site = site().await;
    for (refusal, code, words) in [
        (
            status::error(Code::FailedPrecondition, "LAST_ADMINISTRATOR", "no"),
            409,
            "Nothing is changed yet. This is the only administrator",
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
        for rpc in ["UpdateUser", "DeleteUser", "CreatePasswordReset"] {
            site.fakes.refuse(rpc, refusal.clone());
        }
        for (path, fields) in &FORMS[..4] {
            let page = site.ada_posts(path, fields).await.is(code);
            assert_eq!(
                !page.header("retry-after").is_empty(),
                code == 429 || code == 503
            );
            page.has("<h1>bruce</h1>")
                .has(words)
                .has_not("secret detail");
        }
    }
}

#[tokio::test]
async fn public_thoughts_are_found_and_removed() {
    let site = site().await;
    let nine = thought("bruce", "Nine & <script>", 60);
    let delete = format!("/thoughts/{}/delete", nine.id);
    site.fakes.have(vec![nine]);
    site.fakes.have_more("more");
    let page = site
        .ada_gets("/admin/thoughts?search=nine+%26")
        .await
        .is(200);
    let page = page
        .has("Nine &amp; &lt;script&gt;")
        .has("Its author cannot bring it back.")
        .has("Yes, delete");
    let page = page
        .has("action=\"/admin/thoughts\"")
        .has("value=\"nine &amp;\"");
    assert_eq!(page.hidden("next"), "/admin/thoughts?search=nine+%26");
    page.has("href=\"/admin/thoughts?search=nine%20%26&amp;page_token=more\"");
    // Asked for as nobody: an administrator's own private thoughts are no case for this page.
    let asked = &site.fakes.calls("SearchThoughts")[0];
    assert_eq!(asked.authorization, None);
    let fields = [("next", "/admin/thoughts?search=nine+%26")];
    let page = site.ada_posts(&delete, &fields).await;
    page.goes_to("/admin/thoughts?search=nine+%26");
    assert!(site.fakes.calls("DeleteThought")[0].authorization.is_some());
    site.fakes.have(Vec::new());
    site.fakes.do_not_understand((0, 6), "needs a username");
    let page = site.ada_gets("/admin/thoughts?search=from:%20x").await;
    page.has("Nothing found so far")
        .has("page_token=more")
        .has("needs a username")
        .has_not("No public thought has all of these words");
    let refusal = status::invalid_argument("query", "has too many words");
    site.fakes.refuse("SearchThoughts", refusal);
    let page = site.ada_gets("/admin/thoughts?search=x").await.is(422);
    page.has("Has too many words.")
        .has("<h1>Public thoughts</h1>");
    let away = status::unavailable("DATABASE_UNAVAILABLE", "away");
    site.fakes.refuse("SearchThoughts", away);
    site.ada_gets("/admin/thoughts").await.is(503);
}
