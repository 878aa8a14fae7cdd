//! Changing a thought where it stands, in a real Chromium.

use thirtyfour::Key;

use crate::support::{Browser, Caller, Scripts, System, eventually};

const FOCUSED: &str = "const it = document.activeElement; return it.closest('.editor') ? 'editor' \
                       : it.matches('a.act') ? 'edit' : it.tagName";

async fn start() -> Option<(Browser, System, Caller)> {
    let browser = Browser::open(Scripts::On).await?;
    let system = System::with_examples().await;
    let bruce = Caller::new(&system.thoughts, &system.users);
    let bruce = bruce.signs_in("bruce", "bruce").await;
    browser.goes_to(&system, "/login").await;
    browser.signs_in("bruce", "bruce").await;
    browser.sees("Signed in as bruce").await;
    // Gone with the page.
    browser.evaluates("window.stayed = true").await;
    Some((browser, system, bruce))
}

async fn focus_is(browser: &Browser, place: &str) {
    let focused = async || (browser.evaluates(FOCUSED).await == place).then_some(());
    eventually(&format!("the cursor in {place}"), focused).await;
}

async fn stayed(browser: &Browser) -> bool {
    browser.evaluates("return window.stayed === true").await == true
}

async fn first_is(browser: &Browser, text: &str) {
    eventually(&format!("{text:?} in the first place"), async || {
        let texts = browser.texts("main article > .text").await;
        (texts[0] == text).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_thought_is_changed_where_it_stands() {
    let Some((browser, system, bruce)) = start().await else {
        return;
    };
    let before = bruce.lists("bruce").await;
    browser.types("text", "Something else, half done").await;
    browser.presses("Edit").await;
    focus_is(&browser, "editor").await;
    browser.strikes(" More").await;
    browser.strikes(&Key::Escape.value().to_string()).await;
    focus_is(&browser, "edit").await;
    assert_eq!(browser.texts(".editor").await, Vec::<String>::new());
    first_is(&browser, &before[0].text).await;

    browser.strikes(&Key::Enter.value().to_string()).await;
    browser.sees("What you had begun is here again.").await;
    focus_is(&browser, "editor").await;
    browser.strikes_ctrl_enter().await;
    let more = format!("{} More", before[0].text);
    first_is(&browser, &more).await;
    focus_is(&browser, "edit").await;
    assert_eq!(bruce.lists("bruce").await[0].text, more);
    assert_eq!(browser.typed_in("text").await, "Something else, half done");

    browser.strikes("je").await;
    focus_is(&browser, "editor").await;
    browser.presses("Cancel").await;
    focus_is(&browser, "edit").await;
    assert!(stayed(&browser).await, "no other page was needed");

    // The page of the thought itself.
    browser
        .goes_to(&system, &format!("/thoughts/{}", before[1].id))
        .await;
    browser.presses("Edit").await;
    focus_is(&browser, "editor").await;
    browser.strikes("!").await;
    browser.presses("Save").await;
    first_is(&browser, &format!("{}!", before[1].text)).await;
    browser.sees("A thought by bruce").await;
}

#[tokio::test]
async fn a_change_meanwhile_is_a_choice_where_it_stands() {
    let Some((browser, _system, bruce)) = start().await else {
        return;
    };
    let id = bruce.lists("bruce").await.swap_remove(0).id;
    for (theirs, choice, chosen) in [
        ("Theirs", "Save yours instead", "Theirs, and mine"),
        ("Theirs again", "Keep it as it is", "Theirs again"),
    ] {
        browser.presses("Edit").await;
        focus_is(&browser, "editor").await;
        bruce.edits(&id, theirs).await;
        browser
            .evaluates("document.querySelector('.editor textarea').value = 'Theirs, and mine'")
            .await;
        browser.strikes_ctrl_enter().await;
        browser.sees("As it is now").await;
        browser.sees("Nothing is lost").await;
        assert_eq!(browser.texts(".editor article .text").await, [theirs]);
        browser.presses(choice).await;
        first_is(&browser, chosen).await;
        focus_is(&browser, "edit").await;
        assert_eq!(bruce.lists("bruce").await[0].text, chosen);
    }
    assert!(stayed(&browser).await, "no other page was needed");
}

#[tokio::test]
async fn what_was_changed_is_kept_when_it_cannot_be_saved() {
    let Some((browser, _system, bruce)) = start().await else {
        return;
    };
    browser.presses("Edit").await;
    focus_is(&browser, "editor").await;
    browser.strikes(" More").await;
    browser.cannot_reach(&["*/edit"]).await;
    browser.strikes_ctrl_enter().await;
    browser
        .sees("Not saved: MyThoughts cannot be reached.")
        .await;
    focus_is(&browser, "editor").await;
    browser.cannot_reach(&[]).await;
    browser.loses_the_session("garbled").await;
    browser.strikes_ctrl_enter().await;
    browser.sees("Your thought is kept.").await;
    browser.signs_in("bruce", "bruce").await;
    browser.sees("Your change is still here").await;
    browser.presses("Save").await;
    browser.sees("Your change is saved.").await;
    assert!(bruce.lists("bruce").await[0].text.ends_with(" More"));
}
