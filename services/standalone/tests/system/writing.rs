//! What the script adds to writing and reading, in a real Chromium: drafts, keys, and lists that go
//! on by themselves.

use crate::support::{Browser, Caller, Scripts, System, eventually};

#[tokio::test]
async fn a_draft_survives_a_closed_tab_and_ends_when_saved_or_logged_out() {
    let Some(browser) = Browser::open(Scripts::On).await else {
        return;
    };
    let system = System::with_examples().await;
    browser.goes_to(&system, "/login").await;
    browser.signs_in("bruce", "bruce").await;
    browser.sees("Signed in as bruce").await;

    browser.types("text", "Half a thought").await;
    browser.closes_the_tab().await;
    browser.goes_to(&system, "/").await;
    browser.sees("What you had begun is here again.").await;
    assert_eq!(browser.typed_in("text").await, "Half a thought");
    browser.sees("236 characters left").await;
    browser.presses("Save").await;
    browser.sees("Your thought is saved.").await;
    browser.goes_to(&system, "/").await;
    browser.sees("250 characters left").await;
    assert_eq!(browser.typed_in("text").await, "", "it is saved");
    assert_eq!(browser.texts("main article").await.len(), 4);

    let edit = browser.edit_page().await;
    browser.goes_to(&system, &edit).await;
    browser.types("text", "A whole thought").await;
    browser.closes_the_tab().await;
    browser.goes_to(&system, &edit).await;
    browser.sees("What you had begun is here again.").await;
    browser.presses("Start afresh").await;
    assert_eq!(browser.typed_in("text").await, "Half a thought");
    browser.types("text", "A whole thought").await;
    browser.presses("Cancel").await;
    browser.sees("Your thoughts").await;
    browser.goes_to(&system, &edit).await;
    assert_eq!(browser.typed_in("text").await, "Half a thought");

    browser.goes_to(&system, "/").await;
    browser.types("text", "Nobody else's").await;
    browser.logs_out().await;
    let kept = browser
        .evaluates("return Object.keys(localStorage).filter(key => key.startsWith('draft'))")
        .await;
    assert_eq!(kept, serde_json::json!([]));
}

#[tokio::test]
async fn a_list_goes_on_by_itself_and_by_its_link_without_javascript() {
    for scripts in [Scripts::On, Scripts::Off] {
        let Some(browser) = Browser::open(scripts).await else {
            return;
        };
        let system = System::with_examples().await;
        browser.goes_to(&system, "/login").await;
        browser.signs_in("bruce", "bruce").await;
        browser.sees("Signed in as bruce").await;
        for number in 0..19 {
            browser.types("text", &format!("Number {number}.")).await;
            browser.presses("Save").await;
            browser.sees(&format!("Number {number}.")).await;
        }
        browser.goes_to(&system, "/users/bruce").await;
        if scripts == Scripts::On {
            browser
                .evaluates("window.scrollTo(0, document.body.scrollHeight)")
                .await;
            eventually("all thoughts on one page", async || {
                (browser.texts("main article").await.len() == 22).then_some(())
            })
            .await;
            assert_eq!(browser.texts("nav.pages a").await, Vec::<String>::new());
        } else {
            assert_eq!(browser.texts("main article").await.len(), 20);
            browser.presses("Older thoughts").await;
            eventually("the rest on the next page", async || {
                (browser.texts("main article").await.len() == 2).then_some(())
            })
            .await;
        }
    }
}

#[tokio::test]
async fn keys_lead_through_the_pages_and_can_be_switched_off() {
    let Some(browser) = Browser::open(Scripts::On).await else {
        return;
    };
    let system = System::with_examples().await;
    browser.goes_to(&system, "/login").await;
    browser.signs_in("bruce", "bruce").await;
    browser.sees("Signed in as bruce").await;
    let focused = "return document.activeElement.name ?? document.activeElement.tagName";

    browser.strikes("n").await;
    assert_eq!(browser.evaluates(focused).await, "text");
    browser.strikes("?j").await;
    assert_eq!(browser.typed_in("text").await, "?j", "writing is writing");
    browser.evaluates("document.activeElement.blur()").await;
    browser.strikes("jj").await;
    assert_eq!(browser.evaluates(focused).await, "ARTICLE");
    browser.strikes("k").await;
    let texts = browser.texts("main article .text").await;
    let here = "return document.activeElement.querySelector('.text').innerText";
    assert_eq!(browser.evaluates(here).await, texts[0].as_str());
    browser.strikes("e").await;
    eventually("the form to change it", async || {
        (browser.evaluates(focused).await == "text").then_some(())
    })
    .await;

    browser.goes_to(&system, "/search").await;
    browser.strikes("?").await;
    browser.sees("Show these keys").await;
    browser
        .evaluates("document.getElementById('keys-on').click()")
        .await;
    browser
        .evaluates("document.querySelector('dialog button').click()")
        .await;
    browser.strikes("?n/").await;
    assert_eq!(browser.path().await, "/search");
    assert_eq!(browser.evaluates(focused).await, "BODY", "keys are off");
    assert_eq!(
        browser
            .evaluates("return document.querySelector('dialog').open")
            .await,
        false
    );
    browser
        .evaluates("document.querySelector('.colophon button').click()")
        .await;
    browser.sees("Show these keys").await;
}

#[tokio::test]
async fn a_double_click_and_the_way_back_make_no_second_thought() {
    for scripts in [Scripts::On, Scripts::Off] {
        let Some(browser) = Browser::open(scripts).await else {
            return;
        };
        let system = System::with_examples().await;
        let bruce = Caller::new(&system.thoughts, &system.users);
        let bruce = bruce.signs_in("bruce", "bruce").await;
        browser.goes_to(&system, "/login").await;
        browser.signs_in("bruce", "bruce").await;
        browser.sees("Signed in as bruce").await;
        browser.types("text", "Only once").await;
        browser.presses_twice("Save").await;
        browser.sees("Your thought is saved.").await;
        assert_eq!(bruce.lists("bruce").await.len(), 4, "{scripts:?}");

        // Whatever the browser has put into the box again.
        browser.goes_back().await;
        browser.sees("Your thoughts").await;
        browser.types("text", "Only once").await;
        browser.presses("Save").await;
        eventually("an answer", async || {
            let text = browser.text().await;
            let answers = ["Your thought is saved.", "You have saved this very text"];
            answers.iter().any(|it| text.contains(it)).then_some(())
        })
        .await;
        assert_eq!(bruce.lists("bruce").await.len(), 4, "{scripts:?}");
        // On purpose it can be had.
        browser.goes_to(&system, "/search").await;
        browser.goes_to(&system, "/").await;
        browser.types("text", "Only once").await;
        browser.presses("Save").await;
        browser.sees("You have saved this very text").await;
        browser.presses("Save").await;
        browser.sees("Your thought is saved.").await;
        assert_eq!(bruce.lists("bruce").await.len(), 5, "{scripts:?}");
    }
}
