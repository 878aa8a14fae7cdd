//! Every page under axe-core, on a narrow screen, zoomed to 200% and on a desk, in light and in dark;
//! and a picture of each, for people to look at.

mod thoughts;

use std::{collections::BTreeSet, fs};

use crate::support::{ADMIN_PASSWORD, Browser, Scripts, System, tool};

const COLOURS: [&str; 2] = ["light", "dark"];

/// The narrowest screen that pages are made for, one on a desk, and the same at 200%: so wide, with so
/// many points to a pixel.
const SCREENS: [(u32, u32); 3] = [(320, 1), (1280, 1), (640, 2)];

/// What is no page, by how its route begins.
const NO_PAGES: [&str; 8] = [
    "/live",
    "/assets/",
    "/favicon.ico",
    "/robots.txt",
    "/.well-known/",
    "/metrics",
    "/healthz",
    "/settings/data/thoughts.",
];

/// What pictures show: a phone and a desk.
const PICTURES: [(&str, u32, u32); 2] = [("phone", 390, 844), ("desk", 1280, 900)];

#[tokio::test]
async fn pages_are_for_everybody() {
    let Some(axe) = tool(&["axe.min.js"], "AXE_CORE", "REQUIRE_AXE_CORE") else {
        return;
    };
    let Some(browser) = Browser::open(Scripts::On).await else {
        return;
    };
    let axe = fs::read_to_string(axe).expect("axe-core can be read");
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    on_every_page(&browser, async |name| {
        seen.insert(browser.path().await);
        for colours in COLOURS {
            for (width, points) in SCREENS {
                browser.looks_at((width, 900), points, colours).await;
                let place = format!("{name}, {width} px, {colours}");
                faults.extend(
                    violations(&browser, &axe)
                        .await
                        .map(|fault| format!("{place}: {fault}")),
                );
                let wide = browser
                    .evaluates("return document.documentElement.scrollWidth")
                    .await;
                if wide.as_u64() > Some(u64::from(width)) {
                    faults.push(format!("{place}: scrolls sideways, being {wide} px wide"));
                }
            }
        }
    })
    .await;
    for route in pages() {
        let is_of_it = |path: &&String| is_of(path, &route);
        if !seen.iter().any(|path| is_of_it(&path)) {
            faults.push(format!("{route} has not been looked at"));
        }
    }
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

#[tokio::test]
async fn pages_are_pictured() {
    let Some(browser) = Browser::open(Scripts::On).await else {
        return;
    };
    on_every_page(&browser, async |name| {
        for colours in COLOURS {
            for (device, width, height) in PICTURES {
                browser.looks_at((width, height), 1, colours).await;
                browser
                    .screenshot(&format!("{name}-{device}-{colours}"))
                    .await;
            }
        }
        browser.looks_at_it_printed(700, 900).await;
        browser.screenshot(&format!("{name}-print")).await;
        // On a screen again, where all is to be seen.
        browser.looks_at((1280, 900), 1, "light").await;
    })
    .await;
}

/// Brings up one page after the other, each in the state that has most to show.
async fn on_every_page(browser: &Browser, mut look: impl AsyncFnMut(&'static str)) {
    let empty = System::start(&[]).await;
    browser.goes_to(&empty, "/signup").await;
    look("first-account").await;
    browser.goes_to(&empty, "/search").await;
    look("everyone-empty").await;
    drop(empty);

    let system = System::with_examples().await;
    for (name, path) in [
        ("login", "/login"),
        ("everyone", "/search"),
        ("found", "/search?search=the"),
        ("found-nothing", "/search?search=nowhere+to+be+found"),
        ("person", "/users/bruce"),
        ("not-found", "/nowhere"),
    ] {
        browser.goes_to(&system, path).await;
        look(name).await;
    }

    browser.goes_to(&system, "/login").await;
    browser.signs_in("bruce", "wrong").await;
    browser.sees("do not belong together").await;
    look("login-refused").await;

    browser.signs_in("bruce", "bruce").await;
    browser.sees("Signed in as bruce").await;
    look("own").await;
    browser
        .evaluates("document.querySelector('main details').open = true")
        .await;
    look("own-deleting").await;
    browser
        .evaluates("document.querySelector('main article footer a').click()")
        .await;
    browser.sees("A thought by bruce").await;
    look("thought").await;

    thoughts::on_every_page(browser, &system, &mut look).await;

    browser.goes_to(&system, "/settings").await;
    browser.sees("This device").await;
    look("settings").await;

    data_on_every_page(browser, &system, &mut look).await;

    browser.goes_to(&system, "/").await;
    browser.types("text", &"far too long ".repeat(30)).await;
    browser.presses("Save").await;
    browser.sees("Not saved yet").await;
    look("own-refused").await;
    browser.loses_the_session("garbled").await;
    browser.presses("Save").await;
    browser.sees("Your thought is kept").await;
    look("login-with-draft").await;

    on_every_page_of_the_administration(browser, &mut look).await;
}

async fn data_on_every_page(
    browser: &Browser,
    system: &System,
    look: &mut impl AsyncFnMut(&'static str),
) {
    browser.goes_to(system, "/settings/data").await;
    look("data").await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("thoughts-of-a-long-time.jsonl");
    let lines = format!(
        "{{\"text\":\"one\"}}\n{{\"text\":\"{}\"}}\nno thought\n",
        "long ".repeat(60)
    );
    fs::write(&file, lines).expect("a file");
    browser.chooses_file("file", &file).await;
    browser.presses("Import").await;
    browser.sees("Imported, but for some").await;
    look("data-imported").await;
}

async fn on_every_page_of_the_administration(
    browser: &Browser,
    look: &mut impl AsyncFnMut(&'static str),
) {
    let system = System::with_administrator().await;
    browser.goes_to(&system, "/reset-password").await;
    look("reset-without-link").await;
    browser.goes_to(&system, "/signup?invitation=none").await;
    look("invitation-in-vain").await;
    browser.goes_to(&system, "/login?next=/settings").await;
    browser.signs_in("ada", ADMIN_PASSWORD).await;
    browser.sees("This device").await;
    look("settings-of-administrator").await;
    browser.goes_to(&system, "/signup").await;
    browser
        .types(
            "username",
            "a-name-that-is-as-long-as-any-name-may-ever-be-50",
        )
        .await;
    browser.types("password", "a difference engine").await;
    browser.presses("Add the account").await;
    browser.sees("The account is added").await;
    look("account-added").await;
    browser.goes_to(&system, "/admin/users/stephen").await;
    browser.presses("Disable").await;
    look("account-disabling").await;
    browser.presses("Yes, disable").await;
    browser.sees("This account is disabled").await;
    browser
        .goes_to(&system, "/admin/users/stephen/delete")
        .await;
    look("account-deleting").await;
    browser.goes_to(&system, "/admin/users/ada").await;
    browser.presses("Make member").await;
    browser.sees("only administrator").await;
    look("account-own-refused").await;
    browser.goes_to(&system, "/admin/users").await;
    look("accounts").await;
    browser.goes_to(&system, "/admin/thoughts").await;
    look("moderation").await;
    browser.goes_to(&system, "/settings/delete").await;
    look("leaving").await;
    browser.goes_to(&system, "/settings/tokens").await;
    browser.sees("No tokens").await;
    look("tokens-none").await;
    browser
        .types("display_name", &"far too long ".repeat(20))
        .await;
    browser.chooses("scope", "Read and write").await;
    browser.presses("Make the token").await;
    browser.sees("Not made yet").await;
    look("token-refused").await;
    browser
        .types("display_name", "Each night, to the box in the cellar")
        .await;
    browser.presses("Make the token").await;
    browser.sees("Your new access token").await;
    look("token").await;
    browser.presses("I have copied it").await;
    browser.sees("never used").await;
    look("tokens").await;
    browser
        .presses("Revoke … Each night, to the box in the cellar")
        .await;
    browser.sees("Revoke this token?").await;
    look("token-revoking").await;

    browser.goes_to(&system, "/admin/users/bruce").await;
    browser.presses("Make a link").await;
    browser.sees("A link for bruce").await;
    look("reset-link").await;
    let reset = browser.secret().await;
    browser.goes_to(&system, "/admin/invitations").await;
    look("invitations-none").await;
    browser.presses("Make the invitation").await;
    browser.sees("Your new invitation").await;
    look("invitation-link").await;
    let invitation = browser.secret().await;
    browser.presses("I have copied it").await;
    browser.sees("For a member").await;
    look("invitations").await;
    browser.presses("Take back …").await;
    browser.sees("Take this invitation back?").await;
    look("invitation-taking-back").await;

    browser.logs_out().await;
    for (name, link) in [("invited", invitation), ("reset", reset)] {
        browser
            .goes_to(&system, link.trim_start_matches(&system.page("")))
            .await;
        look(name).await;
    }
}

/// The routes of all pages, as the documentation has them.
fn pages() -> Vec<String> {
    let place = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ARCHITECTURE.md");
    let text = fs::read_to_string(place).expect("ARCHITECTURE.md");
    let routes = text.split('`').filter_map(|it| it.strip_prefix("GET /"));
    let routes = routes.map(|route| format!("/{}", route.split('?').next().unwrap_or_default()));
    let pages: Vec<_> = routes
        .filter(|route| !NO_PAGES.iter().any(|no| route.starts_with(no)))
        .filter(|route| *route != "/readyz" && !route.ends_with(".atom"))
        .collect();
    assert!(pages.len() > 20, "{pages:?}");
    pages
}

/// Whether a path is of a route such as `/thoughts/{id}`.
fn is_of(path: &str, route: &str) -> bool {
    let (path, route) = (path.split('/'), route.split('/'));
    path.clone().count() == route.clone().count()
        && path
            .zip(route)
            .all(|(part, pattern)| part == pattern || pattern.starts_with('{'))
}

/// What axe-core finds wrong with the page.
async fn violations(browser: &Browser, axe: &str) -> impl Iterator<Item = String> + use<> {
    browser
        .evaluates(&format!("if (!window.axe) {{ {axe} }}"))
        .await;
    let found = browser
        .waits_for(
            "const done = arguments[arguments.length - 1]; \
             axe.run(document) \
             .then(results => done(results.violations.map(violation => violation.id + ': ' \
             + violation.help + ': ' + violation.nodes.map(node => node.html).join(' ')))) \
             .catch(error => done(['axe failed: ' + error]))",
        )
        .await;
    let found: Vec<String> = serde_json::from_value(found).expect("a list of texts");
    found.into_iter()
}
