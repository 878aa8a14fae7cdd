//! Pages that are open stay current, in two windows of a real Chromium.

use crate::support::{Browser, Scripts, System, eventually};

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
