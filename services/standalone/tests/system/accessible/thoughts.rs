//! What becomes of a thought: its changes, the trash.

use crate::support::{Browser, System};

/// Goes through them as bruce, who is signed in.
pub(super) async fn on_every_page(
    browser: &Browser,
    system: &System,
    look: &mut impl AsyncFnMut(&'static str),
) {
    browser.goes_to(system, "/search").await;
    browser.presses("How to search").await;
    look("search-help").await;
    for (name, path) in [
        (
            "search-problems",
            "/search?search=ten+since%3Ayesterday+%22never",
        ),
        ("tags-none", "/tags"),
    ] {
        browser.goes_to(system, path).await;
        look(name).await;
    }
    browser.goes_to(system, "/").await;
    browser
        .types("text", "@stephen, look: #platypus #京都 and #platypus")
        .await;
    browser.presses("Save").await;
    browser.sees("look:").await;
    for (name, path) in [
        ("tags", "/tags"),
        ("tags-of-one", "/tags?author=bruce"),
        ("tag", "/tags/platypus"),
    ] {
        browser.goes_to(system, path).await;
        look(name).await;
    }
    browser.goes_to(system, "/").await;
    browser.strikes("?").await;
    browser.sees("Show these keys").await;
    look("keys").await;
    browser
        .evaluates("document.querySelector('dialog button').click()")
        .await;
    browser.types("text", "Half a thought").await;
    browser.goes_to(system, "/").await;
    browser.sees("is here again").await;
    look("draft").await;
    browser.presses("Start afresh").await;
    browser.presses("Edit").await;
    browser.sees("Cancel").await;
    look("edit-in-place").await;
    let edit = browser.edit_page().await;
    browser.goes_to(system, &edit).await;
    look("edit").await;
    let stale = browser.etag().await;
    browser.types("text", "Once more, from the top").await;
    browser.presses("Save").await;
    browser.sees("Your change is saved").await;
    look("edit-saved").await;
    browser.goes_to(system, &edit).await;
    browser.types("text", "Twice, in another window").await;
    browser.has_etag(&stale).await;
    browser.presses("Save").await;
    browser.sees("Changed in the meantime").await;
    look("edit-clash").await;
    browser.presses("Save yours instead").await;
    browser.sees("Your change is saved").await;
    browser.presses("changed just now").await;
    browser.sees("Earlier versions").await;
    look("revisions").await;
    browser.presses("Delete").await;
    browser.presses("Yes, delete").await;
    browser.sees("Your thought is in the trash").await;
    look("undo").await;
    browser.goes_to(system, "/trash").await;
    browser.presses("Delete for ever").await;
    look("trash").await;
    browser
        .evaluates("document.querySelector('main article footer a').click()")
        .await;
    browser.sees("A thought by bruce").await;
    look("thought-in-the-trash").await;
    browser.presses("Restore").await;
    browser.sees("back where it was").await;
    browser.goes_to(system, "/trash").await;
    look("trash-empty").await;
}
