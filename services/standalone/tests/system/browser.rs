//! A person's tour in a real Chromium.

use crate::support::{Addresses, Browser, Scripts, System, eventually};

#[tokio::test]
async fn signing_in_writing_listing_and_searching() {
    let system = System::with_examples().await;
    tour(Scripts::On, &system).await;
}

#[tokio::test]
async fn the_same_without_javascript() {
    let system = System::with_examples().await;
    tour(Scripts::Off, &system).await;
}

/// In a system with the example data and nothing else.
pub(crate) async fn tour(scripts: Scripts, system: &Addresses) {
    let Some(browser) = Browser::open(scripts).await else {
        return;
    };

    browser.goes_to(system, "/").await;
    browser.sees("Log in").await;
    assert_eq!(browser.path().await, "/login");
    browser.signs_in("bruce", "bruce").await;
    browser.sees("Signed in as bruce").await;
    assert_eq!(browser.path().await, "/");
    assert_eq!(
        browser.texts("main article").await.len(),
        3,
        "bruce's three examples"
    );

    let hint = match scripts {
        Scripts::On => "250 characters left",
        Scripts::Off => "At most 250 characters.",
    };
    browser.sees(hint).await;

    browser.types("text", "A platypus\nin 京都 at 100%").await;
    browser.presses("Save").await;
    eventually("the new thought is in the list", async || {
        (browser.texts("main article").await.len() == 4).then_some(())
    })
    .await;
    let first = browser.texts("main article .text").await.swap_remove(0);
    assert_eq!(
        first, "A platypus\nin 京都 at 100%",
        "newest first, newlines kept"
    );
    assert_eq!(browser.typed_in("text").await, "", "the box is free again");

    browser.types("text", "Nobody else needs to know").await;
    browser.chooses("visibility", "Only for you").await;
    browser.presses("Save").await;
    browser.sees("Nobody else needs to know").await;

    browser.presses("Everyone’s").await;
    eventually("everyone's thoughts", async || {
        (browser.texts("main article").await.len() == 7).then_some(())
    })
    .await;
    browser.types("search", "PLATY 京").await;
    browser.presses("Search").await;
    browser.sees("found for PLATY 京").await;
    assert_eq!(browser.texts("main article").await.len(), 1);
    assert_eq!(
        browser.texts("main mark").await,
        ["platy", "京"],
        "what matches is marked"
    );
    assert_eq!(
        browser.typed_in("search").await,
        "PLATY 京",
        "the words stay in the box"
    );

    browser.presses("Log out").await;
    browser.sees("Log in").await;
    browser.goes_to(system, "/search?search=nobody").await;
    browser.sees("No thought has all of these words").await;
    browser.goes_to(system, "/users/bruce").await;
    browser.sees("A platypus").await;
    assert!(
        !browser.text().await.contains("Nobody else"),
        "private thoughts stay private"
    );
}

#[tokio::test]
async fn a_thought_is_deleted_after_one_question() {
    let Some(browser) = Browser::open(Scripts::Off).await else {
        return;
    };
    let system = System::with_examples().await;
    browser.goes_to(&system, "/login").await;
    browser.signs_in("stephen", "stephen").await;
    browser.sees("Signed in as stephen").await;
    let before = browser.texts("main article .text").await;
    browser.presses("Delete").await;
    browser.presses("Yes, delete").await;
    eventually("the list has one thought less", async || {
        (browser.texts("main article .text").await == before[1..]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_first_administrator_signs_up_by_the_link_and_adds_another() {
    let Some(browser) = Browser::open(Scripts::On).await else {
        return;
    };
    let system = System::start(&[]).await;
    let output = system.program.output();
    let link = output
        .split_whitespace()
        .find_map(|word| {
            word.split_once("/signup?")
                .map(|(_, query)| format!("/signup?{query}"))
        })
        .unwrap_or_else(|| panic!("no set-up link in:\n{output}"));

    browser.goes_to(&system, &link).await;
    browser.types("username", "ada").await;
    browser.types("password", "short").await;
    browser.presses("Sign up").await;
    browser.sees("8 characters").await;
    assert_eq!(
        browser.typed_in("username").await,
        "ada",
        "only the password is typed again"
    );
    browser.types("password", "an analytical engine").await;
    browser.presses("Sign up").await;
    browser.sees("Signed in as ada").await;
    browser.sees("Nothing here yet").await;

    browser.presses("Settings").await;
    browser.presses("Admin").await;
    browser.presses("Add an account").await;
    browser.sees("For somebody else").await;
    browser.types("username", "charles").await;
    browser.types("password", "a difference engine").await;
    browser.presses("Add the account").await;
    browser.sees("The account is added").await;
    assert_eq!(browser.path().await, "/admin/users/charles");
    browser.logs_out().await;

    browser.goes_to(&system, &link).await;
    browser.sees("Sign-up is closed").await;
    browser.goes_to(&system, "/login").await;
    browser.signs_in("charles", "a difference engine").await;
    browser.sees("Signed in as charles").await;
}

#[tokio::test]
async fn a_wrong_password_says_no_more_than_that() {
    let Some(browser) = Browser::open(Scripts::On).await else {
        return;
    };
    let system = System::with_examples().await;
    browser.goes_to(&system, "/login?next=/users/stephen").await;
    let mut answers = Vec::new();
    for name in ["bruce", "nobody"] {
        browser.signs_in(name, "not the password").await;
        browser.sees("do not belong together").await;
        assert_eq!(browser.typed_in("username").await, name, "the name is kept");
        assert_eq!(
            browser.typed_in("password").await,
            "",
            "the password is not"
        );
        answers.push(browser.text().await);
    }
    assert_eq!(answers[0], answers[1], "an unknown name looks the same");
    browser.signs_in("bruce", "bruce").await;
    browser.sees("Signed in as bruce").await;
    assert_eq!(
        browser.path().await,
        "/users/stephen",
        "on to where the person was going"
    );
}

#[tokio::test]
async fn a_text_that_is_too_long_comes_back_whole() {
    let Some(browser) = Browser::open(Scripts::On).await else {
        return;
    };
    let system = System::with_examples().await;
    browser.goes_to(&system, "/login").await;
    browser.signs_in("bruce", "bruce").await;
    browser.sees("Signed in as bruce").await;

    browser.types("text", &"é".repeat(249)).await;
    browser.sees("1 character left").await;
    let long = format!("{}!", "é".repeat(250));
    browser.types("text", &long).await;
    browser.sees("1 character too many").await;
    browser.presses("Save").await;
    browser.sees("Not saved yet").await;
    assert_eq!(browser.typed_in("text").await, long);
    browser.types("text", &long[..long.len() - 1]).await;
    browser.presses("Save").await;
    browser.sees(&"é".repeat(250)).await;
    assert_eq!(browser.texts("main article").await.len(), 4);
}

#[tokio::test]
async fn a_session_that_ends_amid_writing_keeps_the_text() {
    let Some(browser) = Browser::open(Scripts::On).await else {
        return;
    };
    let system = System::with_examples().await;
    browser.goes_to(&system, "/login").await;
    browser.signs_in("bruce", "bruce").await;
    browser.sees("Signed in as bruce").await;

    let text = "Lost?\n\"No\", <b>kept</b> & safe";
    browser.types("text", text).await;
    browser.chooses("visibility", "Only for you").await;
    browser.loses_the_session("garbled").await;
    browser.presses("Save").await;
    browser.sees("Your thought is kept").await;
    browser.signs_in("bruce", "wrong").await;
    browser.sees("do not belong together").await;
    browser.signs_in("bruce", "bruce").await;
    browser.sees("Your thought is still here").await;
    assert_eq!(browser.typed_in("text").await, text);
    assert_eq!(browser.typed_in("visibility").await, "private");
    browser.presses("Save").await;
    browser.sees("Only you").await;
    assert_eq!(browser.texts("main article .text").await[0], text);
    assert_eq!(browser.texts("main article").await.len(), 4, "saved once");
}

#[tokio::test]
async fn a_session_is_renewed_without_a_word() {
    let Some(browser) = Browser::open(Scripts::Off).await else {
        return;
    };
    let system = System::with_examples().await;
    browser.goes_to(&system, "/login").await;
    browser.signs_in("bruce", "bruce").await;
    browser.sees("Signed in as bruce").await;

    browser.types("text", "Written with an old token").await;
    browser.replaces_cookie("session", "garbled").await;
    browser.presses("Save").await;
    browser.sees("Written with an old token").await;
    browser.sees("Signed in as bruce").await;
}

#[tokio::test]
async fn s13_what_people_write_is_never_run() {
    const CORPUS: [&str; 14] = [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg onload=alert(1)>",
        "\"><script>alert(1)</script>",
        "' onmouseover='alert(1)",
        "javascript:alert(1)",
        "javascript://example.org/%0aalert(1)",
        "https://example.org/\"onmouseover=\"alert(1)",
        "https://example.org/'><img/src=x onerror=alert(1)>",
        "</textarea><script>alert(1)</script>",
        "</title><script>alert(1)</script>",
        "<!--<script>alert(1)//--></script>",
        "<iframe srcdoc='<script>alert(1)</script>'>",
        "&lt;script&gt;alert(1)&lt;/script&gt; <a href=data:text/html,x>y</a>",
    ];
    let Some(browser) = Browser::open(Scripts::On).await else {
        return;
    };
    let system = System::with_examples().await;
    browser.goes_to(&system, "/login").await;
    browser.signs_in("bruce", "bruce").await;
    browser.sees("Signed in as bruce").await;
    for (count, text) in CORPUS.iter().enumerate() {
        browser.types("text", text).await;
        browser.presses("Save").await;
        eventually("it is in the list", async || {
            (browser.texts("main article").await.len() == count + 4).then_some(())
        })
        .await;
        nothing_ran(&browser, text).await;
        assert_eq!(
            browser.texts("main article .text").await[0],
            *text,
            "read as it was written"
        );
        // As a title, and in the box of a search that has marks in what it finds.
        browser
            .evaluates("document.querySelector('main article footer a').click()")
            .await;
        browser.sees("A thought by bruce").await;
        nothing_ran(&browser, text).await;
        browser.goes_to(&system, "/search").await;
        browser.types("search", text).await;
        browser.presses("Search").await;
        browser.sees("found for").await;
        nothing_ran(&browser, text).await;
        browser.goes_to(&system, "/").await;
    }
}

/// No dialog, no script, no handler, no frame, and no link but to the web in what people wrote.
async fn nothing_ran(browser: &Browser, text: &str) {
    assert!(!browser.has_dialog().await, "a script of this ran: {text}");
    let foreign = browser
        .evaluates(
            "return [...document.querySelectorAll('body *')].filter(element => \
             element.matches('script, iframe, object, embed, base, main img, main svg') \
             || [...element.attributes].some(attribute => attribute.name.startsWith('on')) \
             || (element.href && !/^https?:/.test(element.href))).map(element => element.outerHTML)",
        )
        .await;
    assert_eq!(foreign, serde_json::json!([]), "made of this: {text}");
}
