//! The same by hand, in a real Chromium.

use std::fs;

use crate::support::{Browser, Scripts, System};

#[tokio::test]
async fn a_file_is_uploaded_with_and_without_javascript() {
    for scripts in [Scripts::On, Scripts::Off] {
        let Some(browser) = Browser::open(scripts).await else {
            return;
        };
        let system = System::with_examples().await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.jsonl");
        fs::write(&file, "{\"text\":\"Brought along\"}\n{\"text\":\"\"}\n").unwrap();
        browser.goes_to(&system, "/login?next=/settings/data").await;
        browser.signs_in("bruce", "bruce").await;
        browser.sees("What you write is yours").await;
        browser.chooses_file("file", &file).await;
        browser.presses("Import").await;
        browser.sees("Imported, but for some").await;
        browser
            .sees("mine.jsonl, line 2 The text must not be empty.")
            .await;
        assert_eq!(browser.texts("main dd").await, ["1", "0", "1"]);
        browser.presses("Your thoughts").await;
        browser.sees("Brought along").await;
    }
}
