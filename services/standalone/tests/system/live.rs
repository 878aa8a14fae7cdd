//! Pages that are open stay current, in two windows of a real Chromium.

use api::thoughts::v1::{DeleteThoughtRequest, UndeleteThoughtRequest};

use crate::support::{Browser, Caller, Scripts, System, eventually};

#[tokio::test]
async fn what_becomes_of_thoughts_is_seen_in_other_windows() {
    let (Some(writer), Some(own), Some(reader)) = (
        Browser::open(Scripts::Off).await,
        Browser::open(Scripts::On).await,
        Browser::open(Scripts::On).await,
    ) else {
        return;
    };
    let system = System::with_examples().await;
    for browser in [&writer, &own] {
        browser.goes_to(&system, "/login").await;
        browser.signs_in("bruce", "bruce").await;
        browser.sees("Signed in as bruce").await;
    }
    reader.goes_to(&system, "/search").await;
    reader.sees("Everyone’s thoughts").await;
    let open = "return document.querySelector('[data-live-open]') !== null";
    for browser in [&own, &reader] {
        eventually("the list is followed", async || {
            browser.evaluates(open).await.as_bool()?.then_some(())
        })
        .await;
    }
    let before = reader.texts("main article .text").await.len();

    for text in ["<b>One</b> & only", "Two"] {
        writer.types("text", text).await;
        writer.presses("Save").await;
        writer.sees(text).await;
    }
    eventually("one's own list has both", async || {
        let texts = own.texts("main article .text").await;
        (texts[..2] == ["Two", "<b>One</b> & only"]).then_some(())
    })
    .await;
    reader.sees("2 new thoughts").await;
    assert_eq!(reader.texts("main article .text").await.len(), before);
    reader.presses("2 new thoughts").await;
    let texts = reader.texts("main article .text").await;
    assert_eq!(texts[..2], ["Two", "<b>One</b> & only"]);

    writer.presses("Delete").await;
    writer.presses("Yes, delete").await;
    for browser in [&own, &reader] {
        eventually("it is gone", async || {
            let texts = browser.texts("main article .text").await;
            (texts[0] == "<b>One</b> & only").then_some(())
        })
        .await;
    }
}

/// A stream that begins late, or was refused, tells what happened since the page was made.
#[tokio::test]
async fn nothing_is_missed_between_a_page_and_its_stream() {
    let Some(browser) = Browser::open(Scripts::On).await else {
        return;
    };
    let system = System::with_examples().await;
    let bruce = Caller::new(&system.thoughts, &system.users);
    let bruce = bruce.signs_in("bruce", "bruce").await;
    browser.goes_to(&system, "/login").await;
    browser.signs_in("bruce", "bruce").await;
    browser.sees("Signed in as bruce").await;
    for path in [
        "/",
        "/users/bruce",
        "/search",
        "/search?search=platypus",
        "/tags/platypus",
    ] {
        browser.cannot_reach(&["*/live*"]).await;
        browser.goes_to(&system, path).await;
        let mut texts = browser.texts("main article .text").await;
        let text = format!("#platypus of {}", path.replace('#', ""));
        bruce.writes(&text).await;
        browser.cannot_reach(&[]).await;
        if path.starts_with("/search") || path.starts_with("/tags") {
            browser.sees("1 new thought").await;
            browser.presses("1 new thought").await;
        } else {
            browser.sees(&text).await;
        }
        texts.insert(0, text);
        assert_eq!(browser.texts("main article .text").await, texts, "{path}");
    }
}

#[tokio::test]
async fn what_a_page_shows_already_is_not_shown_twice_and_what_comes_back_is_where_it_was() {
    let Some(browser) = Browser::open(Scripts::On).await else {
        return;
    };
    let system = System::with_examples().await;
    let bruce = Caller::new(&system.thoughts, &system.users);
    let bruce = bruce.signs_in("bruce", "bruce").await;
    browser.goes_to(&system, "/search").await;
    let followed = "return document.querySelector('[data-live]').dataset.live";
    let followed = browser.evaluates(followed).await;
    bruce.writes("Here already").await;
    // As if the place of the page were from before that.
    browser
        .runs_first(&format!(
            "const Real = EventSource; \
             window.EventSource = class extends Real {{ constructor() {{ super({followed}) }} }}"
        ))
        .await;
    browser.goes_to(&system, "/search").await;
    browser.sees("Here already").await;
    let mut texts = browser.texts("main article .text").await;
    let new = bruce.writes("New").await;
    browser.sees("1 new thought").await;
    assert_eq!(browser.texts("main article .text").await, texts);
    browser.presses("1 new thought").await;
    texts.insert(0, "New".to_owned());
    assert_eq!(browser.texts("main article .text").await, texts);

    let older = bruce.writes("Newer").await;
    browser.sees("1 new thought").await;
    browser.presses("1 new thought").await;
    texts.insert(0, older.text);
    let delete = DeleteThoughtRequest {
        id: new.id.clone(),
        permanently: false,
    };
    let deleted = bruce.thoughts().delete_thought(bruce.asks(delete)).await;
    deleted.expect("deleted");
    let is_gone = async || (browser.texts("main article .text").await[1] == texts[2]).then_some(());
    eventually("it is gone", is_gone).await;
    let back = UndeleteThoughtRequest { id: new.id };
    let back = bruce.thoughts().undelete_thought(bruce.asks(back)).await;
    back.expect("back");
    browser.sees("1 new thought").await;
    browser.presses("1 new thought").await;
    assert_eq!(browser.texts("main article .text").await, texts);
}
