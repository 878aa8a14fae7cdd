//! What administrators do for others, and people for themselves, in a real Chromium.

use crate::support::{ADMIN_PASSWORD, Browser, Scripts, System, eventually};

#[tokio::test]
async fn inviting_disabling_resetting_and_leaving() {
    tour(Scripts::On).await;
}

#[tokio::test]
async fn the_administration_without_javascript() {
    tour(Scripts::Off).await;
}

async fn tour(scripts: Scripts) {
    let Some(browser) = Browser::open(scripts).await else {
        return;
    };
    let system = System::with_administrator().await;
    let link = ada_invites_somebody(&browser, &system).await;
    jean_signs_up(&browser, &system, &link).await;
    ada_disables_and_enables_jean(&browser, &system).await;
    jean_gets_another_password(&browser, &system).await;
    jean_leaves(&browser, &system).await;
}

async fn ada_invites_somebody(browser: &Browser, system: &System) -> String {
    browser.goes_to(system, "/login").await;
    browser.signs_in("ada", ADMIN_PASSWORD).await;
    browser.sees("Signed in as ada").await;
    browser.presses("Settings").await;
    browser.presses("Admin").await;
    browser.sees("stephen").await;
    browser.presses("Invitations").await;
    browser.sees("No open invitations").await;
    browser.chooses("days", "1 day").await;
    browser.presses("Make the invitation").await;
    browser.sees("Your new invitation").await;
    let link = path_of(system, &browser.secret().await);
    browser.presses("I have copied it").await;
    browser.sees("For a member").await;

    // One that nobody shall use after all.
    browser.presses("Make the invitation").await;
    browser.sees("Your new invitation").await;
    let unwanted = path_of(system, &browser.secret().await);
    browser.presses("I have copied it").await;
    browser.sees("For a member").await;
    browser.presses("Take back …").await;
    browser.presses("Yes, take it back").await;
    browser.sees("That invitation is taken back").await;
    assert_eq!(browser.texts("main .rows > li").await.len(), 1);
    browser.goes_to(system, &unwanted).await;
    browser.sees("You have an account already").await;
    browser.logs_out().await;
    browser.goes_to(system, &unwanted).await;
    browser.sees("This invitation leads nowhere").await;
    link
}

async fn jean_signs_up(browser: &Browser, system: &System, link: &str) {
    browser.goes_to(system, link).await;
    browser.sees("You have been invited").await;
    browser.types("username", "Jean").await;
    browser.types("password", "short").await;
    browser.presses("Sign up").await;
    browser.sees("8 characters").await;
    assert_eq!(browser.typed_in("username").await, "Jean");
    browser.types("password", "a hall of mirrors").await;
    browser.presses("Sign up").await;
    browser.sees("Signed in as jean").await;
    browser.types("text", "Out of place").await;
    browser.presses("Save").await;
    eventually("jean's thought", async || {
        (browser.texts("main article").await.len() == 1).then_some(())
    })
    .await;
    browser.goes_to(system, "/admin/users").await;
    browser.sees("Not yours to do").await;
    browser.logs_out().await;
    // The link was good once.
    browser.goes_to(system, link).await;
    browser.sees("This invitation leads nowhere").await;
}

async fn ada_disables_and_enables_jean(browser: &Browser, system: &System) {
    let disabled = |words: &'static str| async move {
        browser.goes_to(system, "/login").await;
        browser.signs_in("jean", "a hall of mirrors").await;
        browser.sees(words).await;
    };
    ada_looks_at_jean(browser, system).await;
    browser.presses("Disable").await;
    browser.presses("Yes, disable").await;
    browser.sees("This account is disabled: signed out").await;
    browser.logs_out().await;
    disabled("This account is disabled. Whoever looks after this server").await;

    ada_looks_at_jean(browser, system).await;
    browser.presses("Enable").await;
    browser.sees("This account can be used again.").await;
    browser.presses("Public thoughts").await;
    browser.types("search", "out of place").await;
    browser.presses("Search").await;
    eventually("one thought is found", async || {
        (browser.texts("main article").await.len() == 1).then_some(())
    })
    .await;
    browser.presses("Delete").await;
    browser.presses("Yes, delete").await;
    browser
        .sees("No public thought has all of these words")
        .await;
    assert_eq!(browser.path().await, "/admin/thoughts");
    browser.logs_out().await;
    disabled("Signed in as jean").await;
    browser.logs_out().await;
}

async fn jean_gets_another_password(browser: &Browser, system: &System) {
    ada_looks_at_jean(browser, system).await;
    browser.presses("Make a link").await;
    browser.sees("A link for jean").await;
    let link = path_of(system, &browser.secret().await);
    browser.logs_out().await;
    browser.goes_to(system, &link).await;
    browser.types("new_password", "password").await;
    browser.presses("Set the password").await;
    browser.sees("common").await;
    browser.types("new_password", "forty minutes of rain").await;
    browser.presses("Set the password").await;
    browser.sees("Your new password is set").await;
    browser.goes_to(system, &link).await;
    browser
        .types("new_password", "somebody else was here")
        .await;
    browser.presses("Set the password").await;
    browser.sees("This link is unknown, used, or over").await;
}

async fn jean_leaves(browser: &Browser, system: &System) {
    browser.goes_to(system, "/login").await;
    browser.signs_in("jean", "forty minutes of rain").await;
    browser.sees("Signed in as jean").await;
    browser.presses("Settings").await;
    browser.presses("Delete account").await;
    browser.sees("Delete your account?").await;
    browser.types("username", "bruce").await;
    browser.presses("Delete it for good").await;
    browser.sees("Must be your own name, jean.").await;
    browser.types("username", "jean").await;
    browser.presses("Delete it for good").await;
    browser.sees("Your account is deleted").await;
    assert_eq!(browser.path().await, "/login");
    browser.signs_in("jean", "forty minutes of rain").await;
    browser.sees("do not belong together").await;
}

#[tokio::test]
async fn the_last_administrator_stays_and_learns_why() {
    let Some(browser) = Browser::open(Scripts::Off).await else {
        return;
    };
    let system = System::with_administrator().await;
    browser.goes_to(&system, "/login").await;
    browser.signs_in("ada", ADMIN_PASSWORD).await;
    browser.sees("Signed in as ada").await;
    browser.goes_to(&system, "/admin/users/ada").await;
    browser.presses("Make member").await;
    browser.sees("This is the only administrator").await;
    browser.goes_to(&system, "/settings/delete").await;
    browser.types("username", "ada").await;
    browser.presses("Delete it for good").await;
    browser.sees("This is the only administrator").await;

    // With another one beside, it goes; all of it by keyboard.
    browser.goes_to(&system, "/admin/users/bruce").await;
    browser.presses_by_keyboard("Make administrator").await;
    browser.sees("is an administrator’s now").await;
    browser.goes_to(&system, "/admin/users/stephen").await;
    browser.presses_by_keyboard("Disable").await;
    browser.presses_by_keyboard("Yes, disable").await;
    browser.sees("This account is disabled").await;
    browser.presses_by_keyboard("Delete …").await;
    browser.sees("Delete stephen?").await;
    browser.presses_by_keyboard("Yes, delete").await;
    browser.sees("The account is deleted.").await;
    assert_eq!(browser.path().await, "/admin/users");
    browser.goes_to(&system, "/admin/users/ada").await;
    browser.presses_by_keyboard("Make member").await;
    browser.sees("is a member’s now").await;
    assert_eq!(browser.path().await, "/settings");
}

#[tokio::test]
async fn a_double_click_makes_one_invitation() {
    let Some(browser) = Browser::open(Scripts::On).await else {
        return;
    };
    let system = System::with_administrator().await;
    browser
        .goes_to(&system, "/login?next=/admin/invitations")
        .await;
    browser.signs_in("ada", ADMIN_PASSWORD).await;
    browser.sees("No open invitations").await;
    browser
        .evaluates(
            "const button = document.querySelector('main section button'); \
             button.click(); button.click();",
        )
        .await;
    browser.sees("Your new invitation").await;
    let selected = browser
        .evaluates(
            "const field = document.activeElement; \
             return field.value.slice(field.selectionStart, field.selectionEnd)",
        )
        .await;
    assert_eq!(selected, browser.secret().await, "ready to be copied");
    browser.presses("I have copied it").await;
    browser.sees("For a member").await;
    assert_eq!(browser.texts("main .rows > li").await.len(), 1);
}

async fn ada_looks_at_jean(browser: &Browser, system: &System) {
    browser.goes_to(system, "/login?next=/admin/users").await;
    browser.signs_in("ada", ADMIN_PASSWORD).await;
    browser.sees("Signed in as ada").await;
    browser.presses("jean").await;
    browser.sees("Make administrator").await;
}

/// The path of a link of this system's.
fn path_of(system: &System, link: &str) -> String {
    let path = link.strip_prefix(&system.page(""));
    path.unwrap_or_else(|| panic!("{link} leads elsewhere"))
        .to_owned()
}
