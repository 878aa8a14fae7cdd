//! Nothing written is lost: changes, clashes, the trash and the way back, in a real Chromium.

use crate::support::{Browser, Caller, Scripts, System};

#[tokio::test]
async fn a_thought_is_changed_in_two_windows_and_both_texts_are_kept() {
    let Some(browser) = Browser::open(Scripts::Off).await else {
        return;
    };
    let (system, bruce) = system_with_bruce().await;
    browser.goes_to(&system, "/login").await;
    browser.signs_in("bruce", "bruce").await;
    browser.sees("Signed in as bruce").await;
    let thought = bruce.lists("bruce").await.swap_remove(0);

    browser.presses("Edit").await;
    browser.sees("Change your thought").await;
    assert_eq!(browser.typed_in("text").await, thought.text);
    bruce.edits(&thought.id, "Theirs\nin two lines").await;
    browser.types("text", "Mine").await;
    browser.presses("Save").await;
    browser.sees("Changed in the meantime").await;
    assert_eq!(
        browser.texts("main article .text").await,
        ["Theirs\nin two lines"]
    );
    assert_eq!(browser.typed_in("text").await, "Mine");
    browser.presses("Save yours instead").await;
    browser.sees("Your change is saved.").await;
    assert_eq!(browser.path().await, "/", "back where it was asked for");
    assert_eq!(browser.texts("main article .text").await[0], "Mine");

    browser.presses("changed just now").await;
    browser.sees("Earlier versions").await;
    assert_eq!(
        browser.texts("main article .text").await,
        ["Mine", "Theirs\nin two lines", &thought.text]
    );
    browser.presses("Restore").await;
    browser.sees("Your change is saved.").await;
    assert_eq!(
        browser.texts("main article .text").await,
        ["Theirs\nin two lines"],
        "the newest of the earlier versions is back"
    );
}

async fn system_with_bruce() -> (System, Caller) {
    let system = System::with_examples().await;
    let bruce = Caller::new(&system.thoughts, &system.users);
    let bruce = bruce.signs_in("bruce", "bruce").await;
    (system, bruce)
}

#[tokio::test]
async fn what_was_deleted_comes_back_with_and_without_javascript() {
    for scripts in [Scripts::On, Scripts::Off] {
        let Some(browser) = Browser::open(scripts).await else {
            return;
        };
        let system = System::with_examples().await;
        browser.goes_to(&system, "/login").await;
        browser.signs_in("bruce", "bruce").await;
        browser.sees("Signed in as bruce").await;
        let before = browser.texts("main article .text").await;

        browser.presses("Delete").await;
        browser.presses("Yes, delete").await;
        browser.sees("Your thought is in the trash.").await;
        assert_eq!(browser.texts("main article .text").await, before[1..]);
        browser.presses("Undo").await;
        browser.sees("Your thought is back where it was.").await;
        assert_eq!(browser.texts("main article .text").await, before);

        browser.presses("Delete").await;
        browser.presses("Yes, delete").await;
        browser.sees("Your thought is in the trash.").await;
        browser.presses("Trash").await;
        browser
            .sees("What you delete stays here for 30 days.")
            .await;
        assert_eq!(browser.texts("main article .text").await, before[..1]);
        browser.presses("Delete for ever").await;
        browser.presses("Yes, for ever").await;
        browser.sees("That thought is gone for ever.").await;
        browser.sees("The trash is empty").await;
    }
}
