//! Changing thoughts, deleting them and bringing them back, so that nothing written is lost.

use api::thoughts::v1::{ThoughtRevision, Visibility};
use tonic::Status;

use crate::support::{LIFETIME, Site, thought};

/// A thought of bruce's with an etag, as the site's only one.
fn written(site: &Site, text: &str) -> String {
    let mut written = thought("bruce", text, 0);
    written.etag = "first".to_owned();
    let id = written.id.clone();
    site.fakes.have(vec![written]);
    id
}

fn refusal(code: tonic::Code, reason: &'static str) -> Status {
    runtime::status::error(code, reason, "refused")
}

#[tokio::test]
async fn a_thought_is_changed_where_it_stands() {
    let site = Site::start().await;
    let id = written(&site, "Ten <b>.");
    let edit = format!("/thoughts/{id}/edit");
    site.bruce_gets("/")
        .await
        .has(&format!("href=\"{edit}?next=%2F\""));
    let page = site.bruce_gets(&format!("{edit}?next=%2F")).await.is(200);
    assert_eq!(page.hidden("etag"), "first");
    assert_eq!(page.hidden("next"), "/");
    page.has(">\nTen &lt;b&gt;.</textarea>");
    let fields = [
        ("text", "Nine."),
        ("visibility", "private"),
        ("etag", "first"),
        ("next", "/"),
    ];
    let saved = site.bruce_posts(&edit, &fields).await.goes_to("/");
    let cookies = format!("{}; {}", site.bruce(), saved.done());
    site.gets_with(&cookies, "/")
        .await
        .has("Your change is saved.")
        .has("Nine.")
        .has("Only you")
        .has(&format!("href=\"/thoughts/{id}/revisions\">changed "));
    let asked = &site.fakes.calls("UpdateThought")[0].message;
    assert!(
        asked.contains("[\"text\", \"visibility\"]") && asked.contains("Some(\"first\")"),
        "{asked}"
    );
}

#[tokio::test]
async fn of_two_changes_at_once_both_texts_are_there_to_choose_from() {
    let site = Site::start().await;
    let id = written(&site, "Theirs </textarea>.");
    let edit = format!("/thoughts/{id}/edit");
    let fields = [
        ("text", "Mine <i>."),
        ("visibility", "private"),
        ("etag", "stale"),
        ("next", "/search"),
    ];
    let page = site.bruce_posts(&edit, &fields).await.is(409);
    assert_eq!(
        page.hidden("etag"),
        "first",
        "the next try is on what is there"
    );
    assert_eq!(page.hidden("next"), "/search");
    let page = page
        .has("Changed in the meantime")
        .has("Theirs &lt;/textarea&gt;.")
        .has(">\nMine &lt;i&gt;.</textarea>");
    page.has("href=\"/search\">Keep it as it is")
        .has("<option value=\"private\" selected>");
    let fields = fields.map(|(name, value)| match name {
        "etag" => (name, "first"),
        _ => (name, value),
    });
    site.bruce_posts(&edit, &fields).await.goes_to("/search");
    site.bruce_gets("/").await.has("Mine &lt;i&gt;.");
}

#[tokio::test]
async fn a_change_that_fails_comes_back_with_its_text() {
    let site = Site::start().await;
    let id = written(&site, "Ten.");
    let edit = format!("/thoughts/{id}/edit");
    let fields = [("text", "Mine."), ("visibility", ""), ("etag", "first")];
    let violation = runtime::status::invalid_argument("thought.text", "is too long");
    for (status, code, words) in [
        (violation, 422, "Is too long."),
        (Status::not_found("gone"), 404, "It is not there any more."),
        (Status::unavailable("away"), 503, "out of reach"),
        (Status::unknown("broken"), 500, "quote"),
        (Status::permission_denied("no"), 403, "You may not do that."),
        (
            refusal(tonic::Code::FailedPrecondition, "THOUGHT_IN_TRASH"),
            409,
            "It is in the trash.",
        ),
    ] {
        site.fakes.refuse("UpdateThought", status);
        let page = site.bruce_posts(&edit, &fields).await.is(code);
        assert_eq!(page.hidden("etag"), "first");
        page.has(words).has(">\nMine.</textarea>");
    }
    // The thought that it clashes with cannot be shown.
    site.fakes.refuse("UpdateThought", Status::aborted("stale"));
    site.fakes.refuse("GetThought", Status::unavailable("away"));
    let page = site.bruce_posts(&edit, &fields).await.is(503);
    page.has(">\nMine.</textarea>");
    let fields = [("text", "Mine."), ("visibility", "purple")];
    let page = site.bruce_posts(&edit, &fields).await.is(422);
    page.has("Must be one of the choices.").has("Mine.");
}

#[tokio::test]
async fn a_change_survives_the_end_of_the_session() {
    let site = Site::start().await;
    let id = written(&site, "Ten.");
    let edit = format!("/thoughts/{id}/edit");
    let fields = [
        ("text", "Mine."),
        ("visibility", "private"),
        ("etag", "first"),
        ("next", "/search"),
    ];
    let page = site.post(&edit, &fields).await.is(401);
    let page = page.has("Your thought is kept.");
    let (edit_of, etag, next) = (
        page.hidden("edit"),
        page.hidden("etag"),
        page.hidden("next"),
    );
    assert_eq!((&*edit_of, &*etag, &*next), (&*id, "first", "/search"));
    let login = [
        ("username", "bruce"),
        ("password", "correct horse"),
        ("text", &page.hidden("text")),
        ("visibility", &page.hidden("visibility")),
        ("edit", &edit_of),
        ("etag", &etag),
        ("next", &next),
    ];
    let page = site.post("/login", &login).await.is(200);
    assert_eq!(page.hidden("etag"), "first");
    assert_eq!(page.hidden("next"), "/search");
    page.has(&format!("action=\"{edit}\""))
        .has(">\nMine.</textarea>")
        .has("<option value=\"private\" selected>");
}

#[tokio::test]
async fn the_script_is_told_what_is_kept_and_what_was_saved() {
    let site = Site::start().await;
    let id = written(&site, "Ten.");
    let page = site.bruce_gets("/").await.has("data-user=\"bruce\"");
    let page = page.has("data-draft=\"new\"").has_not("data-kept");
    let request_id = page.hidden("request_id");
    let fields = [("text", "Nine."), ("request_id", &request_id)];
    site.fakes
        .refuse("CreateThought", Status::unavailable("away"));
    let page = site.bruce_posts("/thoughts", &fields).await.is(503);
    page.has("data-kept").has_not("data-saved");
    site.fakes.relent("CreateThought");
    let saved = site.bruce_posts("/thoughts", &fields).await.goes_to("/");
    let cookies = format!("{}; {}", site.bruce(), saved.done());
    site.gets_with(&cookies, "/")
        .await
        .has(&format!("data-saved=\"{request_id}\""))
        .has("Your thought is saved.");
    let edit = format!("/thoughts/{id}/edit");
    let page = site.bruce_gets(&edit).await;
    page.has(&format!("data-draft=\"{id}\""))
        .has_not("data-kept");
    let fields = [("text", "Eight."), ("etag", "stale")];
    site.bruce_posts(&edit, &fields)
        .await
        .is(409)
        .has("data-kept");
    let fields = [("text", "Eight."), ("etag", "first")];
    let saved = site.bruce_posts(&edit, &fields).await;
    let cookies = format!("{}; {}", site.bruce(), saved.done());
    site.gets_with(&cookies, "/")
        .await
        .has(&format!("data-saved=\"{id}\""));
    site.get("/search").await.has_not("data-user");
}

/// Somebody goes back to the form, which has the text in it and another id, and sends it again.
#[tokio::test]
async fn the_same_text_in_another_form_is_asked_about_first() {
    let site = Site::start().await;
    let (first, other) = (
        "0190a000-0000-7000-8000-000000000001",
        "0190a000-0000-7000-8000-000000000002",
    );
    let fields = |text: &'static str, id: &'static str| [("text", text), ("request_id", id)];
    let sent = fields("Ten.\r\nIt is.", first);
    let saved = site.bruce_posts("/thoughts", &sent).await.goes_to("/");
    let cookies = saved.all_cookies();
    let written = cookies.iter().find(|cookie| cookie.starts_with("written="));
    let written = written.expect("a cookie").split(';').next().unwrap();
    assert!(!written.contains("Ten"), "{written}");
    let cookies = format!("{}; {written}", site.bruce());
    let sent = fields("Ten.\nIt is. ", other);
    let again = site.posts_with(&cookies, "/thoughts", &sent).await.is(409);
    let again = again.has("You have saved this very text");
    assert_eq!(site.fakes.calls("CreateThought").len(), 1);
    let again = again.has(">\nTen.\nIt is. </textarea>");
    let (request_id, on_purpose) = (again.hidden("request_id"), again.hidden("again"));
    assert_eq!((&*request_id, &*on_purpose), (other, "true"));
    let twice = [
        ("text", "Ten.\nIt is. "),
        ("request_id", other),
        ("again", "true"),
    ];
    // Another text, the same form once more, and the same text on purpose.
    for fields in [
        &fields("Nine.", other)[..],
        &fields("Ten.\nIt is.", first),
        &twice,
    ] {
        let saved = site.posts_with(&cookies, "/thoughts", fields).await;
        saved.goes_to("/");
    }
    assert_eq!(site.fakes.calls("CreateThought").len(), 4);
    let out = site.posts_with(&cookies, "/logout", &[]).await;
    let gone = |cookie: &String| cookie.starts_with("written=;") && cookie.contains("Max-Age=0");
    assert!(out.all_cookies().iter().any(gone));
}

#[tokio::test]
async fn only_its_author_changes_a_thought() {
    let site = Site::start().await;
    let id = written(&site, "Ten.");
    let edit = format!("/thoughts/{id}/edit");
    site.get("/search").await.has_not(&edit);
    site.get(&edit)
        .await
        .goes_to(&format!("/login?next=%2Fthoughts%2F{id}%2Fedit"));
    for role in ["member", "admin"] {
        let cookie = format!("session={}", site.keys.token("stephen", role, LIFETIME));
        site.gets_with(&cookie, "/search").await.has_not(&edit);
        site.gets_with(&cookie, &edit).await.is(403);
    }
    site.bruce_gets("/thoughts/nonsense/edit").await.is(404);
}

#[tokio::test]
async fn what_was_just_deleted_comes_back_by_one_press() {
    let site = Site::start().await;
    let id = written(&site, "Ten.");
    let (delete, undelete) = (
        format!("/thoughts/{id}/delete"),
        format!("/thoughts/{id}/undelete"),
    );
    for _ in 0..2 {
        // The second press finds it in the trash already, and says the same.
        let deleted = site.bruce_posts(&delete, &[("next", "/search")]).await;
        let cookies = format!("{}; {}", site.bruce(), deleted.goes_to("/search").done());
        let page = site.gets_with(&cookies, "/search?search=x").await;
        let page = page.has("Your thought is in the trash.");
        assert_eq!(page.hidden("next"), "/search?search=x");
        page.has(&format!("action=\"{undelete}\""))
            .has(">Undo</button>");
    }
    site.bruce_gets("/").await.has_not("Ten.");
    let restored = site.bruce_posts(&undelete, &[("next", "/")]).await;
    let cookies = format!("{}; {}", site.bruce(), restored.goes_to("/").done());
    site.gets_with(&cookies, "/")
        .await
        .has("Your thought is back where it was.")
        .has("Ten.");
    site.bruce_posts(&undelete, &[])
        .await
        .goes_to(&format!("/thoughts/{id}"));
}

#[tokio::test]
async fn the_trash_says_until_when_and_gives_back_or_deletes_for_ever() {
    let site = Site::start().await;
    site.get("/trash").await.goes_to("/login?next=%2Ftrash");
    site.bruce_gets("/trash").await.has("The trash is empty");
    let mut ten = thought("bruce", "Ten <b>.", 0);
    let day = |day: i64| {
        Some(prost_types::Timestamp {
            seconds: day * 86_400,
            nanos: 0,
        })
    };
    (ten.delete_time, ten.expire_time) = (day(0), day(30));
    let id = ten.id.clone();
    let mut removed = ten.clone();
    (removed.id, removed.removed) = ("0190a000-0000-7000-8000-000000000001".to_owned(), true);
    site.fakes.have(vec![ten, thought("bruce", "Nine.", 0)]);
    site.fakes.have_more("more");
    let page = site.bruce_gets("/trash").await.is(200);
    page.has("Ten &lt;b&gt;.")
        .has("31 January 1970</time>")
        .has(&format!("action=\"/thoughts/{id}/undelete\""))
        .has("name=\"permanently\" value=\"true\"")
        .has("href=\"/trash?page_token=more\"")
        .has_not("Nine.")
        .has_not("An administrator removed");
    let fields = [("next", "/trash"), ("permanently", "true")];
    let delete = format!("/thoughts/{id}/delete");
    let gone = site.bruce_posts(&delete, &fields).await.goes_to("/trash");
    let cookies = format!("{}; {}", site.bruce(), gone.done());
    site.gets_with(&cookies, "/trash")
        .await
        .has("gone for ever");
    let undelete = format!("/thoughts/{}/undelete", removed.id);
    let own_page = format!("/thoughts/{}", removed.id);
    site.fakes.have(vec![removed]);
    for path in ["/trash", &own_page] {
        let page = site.bruce_gets(path).await;
        page.has("An administrator removed this thought")
            .has("Yes, for ever")
            .has_not(&undelete);
    }
    let code = tonic::Code::PermissionDenied;
    site.fakes
        .refuse("UndeleteThought", refusal(code, "REMOVED_BY_ADMINISTRATOR"));
    site.bruce_posts(&undelete, &[])
        .await
        .is(403)
        .has("This thought was removed");
}

#[tokio::test]
async fn earlier_versions_can_be_read_and_restored() {
    let site = Site::start().await;
    let id = written(&site, "Now.");
    let path = format!("/thoughts/{id}/revisions");
    site.bruce_gets(&path).await.is(200).has("Nothing else");
    let time = |seconds: i64| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let revision = |text: &str, visibility: Visibility| ThoughtRevision {
        text: text.to_owned(),
        visibility: visibility.into(),
        create_time: time(0),
        end_time: time(86_400),
    };
    site.fakes.have_revisions(vec![
        revision("Before <b>.", Visibility::Private),
        revision("Now.", Visibility::Public),
    ]);
    site.fakes.have_more("more");
    let page = site.bruce_gets(&path).await.is(200);
    let page = page
        .has("Before &lt;b&gt;.")
        .has("Only you")
        .has("2 January 1970, 00:00:00 UTC")
        .has(&format!("{path}?page_token=more"));
    assert_eq!(page.hidden("etag"), "first");
    assert_eq!(page.hidden("text"), "Before &lt;b&gt;.");
    assert_eq!(
        page.hidden("visibility"),
        "public",
        "it does not hide or show"
    );
    assert_eq!(
        page.body.matches(">Restore</button>").count(),
        1,
        "what is the same needs none"
    );
    site.get(&path).await.is(303);
    site.fakes
        .refuse("ListThoughtRevisions", Status::permission_denied("no"));
    site.ada_gets(&path).await.is(403);
}
