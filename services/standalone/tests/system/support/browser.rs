//! A real Chromium, looked at through ChromeDriver.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::{
    By, ChromiumLikeCapabilities as _, Cookie, DesiredCapabilities, Key, WebDriver, WebElement,
    error::WebDriverResult,
};

use super::{Addresses, PATIENCE, Program, eventually, free_port, system::answers, tool};

/// One window of one person. Everything is ended and removed when this is dropped.
pub(crate) struct Browser {
    driver: Option<WebDriver>,
    chromedriver: Program,
    /// Its home, with the profile and all that it leaves behind.
    home: TempDir,
}

/// Whether pages may run scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scripts {
    On,
    Off,
}

impl Browser {
    /// A new window with an empty profile, or `None` where there is no Chromium.
    pub(crate) async fn open(scripts: Scripts) -> Option<Self> {
        let chromium = tool(
            &["chromium", "google-chrome"],
            "CHROMIUM",
            "REQUIRE_CHROMIUM",
        )?;
        let chromedriver = tool(&["chromedriver"], "CHROMEDRIVER", "REQUIRE_CHROMIUM")?;
        let home = tempfile::tempdir().expect("a temporary folder");
        let place = home.path().display().to_string();
        let port = free_port();
        let chromedriver = Program::start(
            &chromedriver,
            &[&format!("--port={port}"), "--log-level=SEVERE"],
            &[("HOME", place.clone()), ("TMPDIR", place)],
        );
        let address = format!("http://127.0.0.1:{port}");
        answers(&format!("{address}/status"), 200).await;
        let profile = home.path().join("profile");
        let capabilities = capabilities(&chromium, &profile, scripts).expect("capabilities");
        let mut browser = Self {
            driver: None,
            chromedriver,
            home,
        };
        let driver = WebDriver::new(&address, capabilities)
            .await
            .expect("Chromium starts");
        driver
            .set_page_load_timeout(PATIENCE)
            .await
            .expect("a timeout is set");
        browser.driver = Some(driver);
        Some(browser)
    }

    /// Opens an address.
    pub(crate) async fn goes_to(&self, system: &Addresses, path: &str) {
        self.driver()
            .goto(system.page(path))
            .await
            .expect("the page loads");
    }

    /// The path of the page, without its query.
    pub(crate) async fn path(&self) -> String {
        self.driver()
            .current_url()
            .await
            .expect("an address")
            .path()
            .to_owned()
    }

    /// Waits until these words can be read on the page.
    pub(crate) async fn sees(&self, words: &str) {
        eventually(&format!("{words:?} on the page"), async || {
            self.text().await.contains(words).then_some(())
        })
        .await;
    }

    /// All that can be read on the page.
    pub(crate) async fn text(&self) -> String {
        let Ok(body) = self.driver().find(By::Tag("body")).await else {
            return String::new();
        };
        body.text().await.unwrap_or_default()
    }

    /// What can be read in each element that a CSS selector finds.
    pub(crate) async fn texts(&self, selector: &str) -> Vec<String> {
        // Again, if the page goes away half-way.
        eventually(&format!("the texts of {selector}"), async || {
            self.read(selector).await.ok()
        })
        .await
    }

    /// What is typed in a field.
    pub(crate) async fn typed_in(&self, field: &str) -> String {
        let field = self.field(field).await;
        field
            .prop("value")
            .await
            .expect("a property")
            .unwrap_or_default()
    }

    /// What stands in the field of what is shown once.
    pub(crate) async fn secret(&self) -> String {
        let field = self.only(By::Id("secret")).await;
        let value = field.prop("value").await.expect("a property");
        value.unwrap_or_default()
    }

    /// Strikes keys, wherever the cursor is.
    pub(crate) async fn strikes(&self, keys: &str) {
        let chain = self.driver().action_chain().send_keys(keys);
        chain.perform().await.expect("keys");
    }

    /// Presses Ctrl and Enter, wherever the cursor is.
    pub(crate) async fn strikes_ctrl_enter(&self) {
        let chain = self.driver().action_chain().key_down(Key::Control);
        let chain = chain.send_keys(Key::Enter).key_up(Key::Control);
        chain.perform().await.expect("keys");
    }

    /// Presses the only button that shows these words, twice and fast.
    pub(crate) async fn presses_twice(&self, words: &str) {
        let xpath = format!("//main//button[normalize-space()='{words}']");
        let button = self.only(By::XPath(xpath)).await;
        let chain = self.driver().action_chain().double_click_element(&button);
        chain.perform().await.expect("two clicks");
    }

    /// Goes back to the page before.
    pub(crate) async fn goes_back(&self) {
        self.driver().back().await.expect("the page before");
    }

    /// Closes the tab, and opens another.
    pub(crate) async fn closes_the_tab(&self) {
        let driver = self.driver();
        let other = driver.new_tab().await.expect("another tab");
        driver.close_window().await.expect("it closes");
        driver.switch_to_window(other).await.expect("the other");
    }

    /// From now on requests to addresses like these fail.
    pub(crate) async fn cannot_reach(&self, addresses: &[&str]) {
        let cdp = self.driver().cdp();
        cdp.send_raw("Network.enable", json!({}))
            .await
            .expect("the network");
        cdp.send_raw("Network.setBlockedURLs", json!({ "urls": addresses }))
            .await
            .expect("addresses");
    }

    /// From now on this runs in each page before its own script.
    pub(crate) async fn runs_first(&self, script: &str) {
        let script = json!({ "source": script });
        let cdp = self.driver().cdp();
        cdp.send_raw("Page.addScriptToEvaluateOnNewDocument", script)
            .await
            .expect("a script");
    }

    /// The page where the first thought of this one can be changed.
    pub(crate) async fn edit_page(&self) -> String {
        let link = "return document.querySelector('main a.act').getAttribute('href')";
        let link = self.evaluates(link).await;
        link.as_str().expect("a link").to_owned()
    }

    /// The state that the form on the page changes.
    pub(crate) async fn etag(&self) -> String {
        let etag = self.only(By::Css("main form.write [name='etag']")).await;
        let value = etag.prop("value").await.expect("a property");
        value.unwrap_or_default()
    }

    /// Makes the form on the page one that was opened before the last change.
    pub(crate) async fn has_etag(&self, etag: &str) {
        self.evaluates(&format!(
            "document.querySelector('main form.write [name=etag]').value = {etag:?}"
        ))
        .await;
    }

    /// Goes on by the Tab key to what shows these words, and presses Enter there.
    pub(crate) async fn presses_by_keyboard(&self, words: &str) {
        let driver = self.driver();
        for _ in 0..60 {
            let active = driver.active_element().await.expect("a place");
            let text = active.text().await.expect("a text");
            let tag = active.tag_name().await.expect("a tag");
            if tag != "body" && in_one_line(&text) == words {
                active.send_keys(Key::Enter).await.expect("a key");
                return;
            }
            active.send_keys(Key::Tab).await.expect("a key");
        }
        panic!("no Tab leads to {words:?}");
    }

    /// Types into a field of the main part, by its name, in place of what is there.
    pub(crate) async fn types(&self, field: &str, text: &str) {
        let field = self.field(field).await;
        field.clear().await.expect("the field can be emptied");
        field.send_keys(text).await.expect("the field takes text");
    }

    /// Chooses a file of this machine's for a field.
    pub(crate) async fn chooses_file(&self, field: &str, file: &Path) {
        let path = file.display().to_string();
        let chosen = self.field(field).await.send_keys(path).await;
        chosen.expect("the field takes a file");
    }

    /// Chooses from a list, by the words of the choice.
    pub(crate) async fn chooses(&self, field: &str, choice: &str) {
        let xpath = format!("//select[@name='{field}']/option[normalize-space()='{choice}']");
        self.only(By::XPath(xpath))
            .await
            .click()
            .await
            .expect("a choice");
    }

    /// Presses the first button, or follows the first link, that shows these words: in the main
    /// part of the page, or else at its head.
    pub(crate) async fn presses(&self, words: &str) {
        for place in ["main", "header"] {
            let any = ["button", "a", "summary"]
                .map(|tag| format!("//{place}//{tag}[contains(., '{words}')]"))
                .join(" | ");
            for element in self
                .driver()
                .find_all(By::XPath(any))
                .await
                .expect("an XPath")
            {
                // Parts may be hidden, so what is shown counts.
                if in_one_line(&element.text().await.expect("a text")) == words {
                    element.click().await.expect("it can be pressed");
                    return;
                }
            }
        }
        panic!(
            "nothing to press that says {words:?} on this page:\n{}",
            self.text().await
        );
    }

    /// Signs in by the form on the page.
    pub(crate) async fn signs_in(&self, name: &str, password: &str) {
        self.types("username", name).await;
        self.types("password", password).await;
        self.presses("Log in").await;
    }

    /// Logs out, wherever that is, and is at the log-in page then.
    pub(crate) async fn logs_out(&self) {
        self.presses("Log out").await;
        self.sees("Just looking?").await;
    }

    /// Replaces both cookies of the session, so that it cannot be renewed either.
    pub(crate) async fn loses_the_session(&self, to: &str) {
        for name in ["session", "renewal"] {
            self.replaces_cookie(name, to).await;
        }
    }

    /// Replaces a cookie that scripts must not see.
    pub(crate) async fn replaces_cookie(&self, name: &str, value: &str) {
        let driver = self.driver();
        let had = driver
            .get_named_cookie(name)
            .await
            .expect("the cookie is there");
        assert_eq!(had.http_only, Some(true), "scripts must not read {name}");
        driver
            .delete_cookie(name)
            .await
            .expect("the cookie is deleted");
        let mut cookie = Cookie::new(name, value);
        cookie.set_path("/");
        driver.add_cookie(cookie).await.expect("the cookie is set");
    }

    /// Whether a dialog of a script stands open.
    pub(crate) async fn has_dialog(&self) -> bool {
        self.driver().get_alert_text().await.is_ok()
    }

    /// What a script of the test's own says in the page.
    pub(crate) async fn evaluates(&self, script: &str) -> Value {
        let answer = self
            .driver()
            .execute(script, Vec::new())
            .await
            .expect("the script runs");
        answer.json().clone()
    }

    /// The same for a script that calls its last argument with what it has to say.
    pub(crate) async fn waits_for(&self, script: &str) -> Value {
        let driver = self.driver();
        driver
            .set_script_timeout(PATIENCE)
            .await
            .expect("a timeout is set");
        let answer = driver
            .execute_async(script, Vec::new())
            .await
            .expect("the script runs");
        answer.json().clone()
    }

    /// Shows pages at this width and height, with so many points to a pixel, in these colours
    /// (`light`, `dark`).
    pub(crate) async fn looks_at(&self, size: (u32, u32), points: u32, colours: &str) {
        let colours = json!({
            "media": "",
            "features": [{ "name": "prefers-color-scheme", "value": colours }],
        });
        self.emulates(size, points, colours).await;
    }

    /// Shows pages as they are printed.
    pub(crate) async fn looks_at_it_printed(&self, width: u32, height: u32) {
        let print = json!({ "media": "print", "features": [] });
        self.emulates((width, height), 1, print).await;
    }

    async fn emulates(&self, (width, height): (u32, u32), points: u32, media: Value) {
        let metrics = json!({
            "width": width,
            "height": height,
            "deviceScaleFactor": points,
            "mobile": false,
        });
        let cdp = self.driver().cdp();
        cdp.send_raw("Emulation.setDeviceMetricsOverride", metrics)
            .await
            .expect("a size");
        cdp.send_raw("Emulation.setEmulatedMedia", media)
            .await
            .expect("a medium");
        // Colours that fade over would be seen half-way.
        self.evaluates("document.getAnimations().forEach(animation => animation.finish())")
            .await;
    }

    /// Keeps a picture of the window in `target/screenshots/`.
    pub(crate) async fn screenshot(&self, name: &str) {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots");
        fs::create_dir_all(&folder).expect("a folder for pictures");
        let png = self.driver().screenshot_as_png().await.expect("a picture");
        fs::write(folder.join(format!("{name}.png")), png).expect("a picture is kept");
    }

    fn driver(&self) -> &WebDriver {
        self.driver.as_ref().expect("it has started")
    }

    async fn read(&self, selector: &str) -> WebDriverResult<Vec<String>> {
        let mut texts = Vec::new();
        for element in self.driver().find_all(By::Css(selector)).await? {
            texts.push(element.text().await?);
        }
        Ok(texts)
    }

    async fn field(&self, name: &str) -> WebElement {
        self.only(By::Css(format!(
            "main [name='{name}']:not([type='hidden'])"
        )))
        .await
    }

    async fn only(&self, by: By) -> WebElement {
        let found = self
            .driver()
            .find_all(by.clone())
            .await
            .expect("a selector");
        match <[WebElement; 1]>::try_from(found) {
            Ok([element]) => element,
            Err(found) => {
                let text = self.text().await;
                panic!("{} of {by:?} on this page, not one:\n{text}", found.len())
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // ChromeDriver is about to end, so there is nobody to tell.
        let _ = self.driver.take().map(WebDriver::leak);
        self.chromedriver.kill();
        for process in processes_with(&self.home.path().display().to_string()) {
            let _ = std::process::Command::new("sh")
                .args(["-c", "kill -s KILL \"$0\" 2>/dev/null", &process])
                .status();
        }
        // The last of them lets go of the profile a moment later.
        for _ in 0..100 {
            if processes_with(&self.home.path().display().to_string()).is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A text as it would be read aloud, wherever its lines break.
fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn capabilities(
    chromium: &Path,
    profile: &Path,
    scripts: Scripts,
) -> WebDriverResult<thirtyfour::ChromeCapabilities> {
    let mut capabilities = DesiredCapabilities::chrome();
    capabilities.set_binary(&chromium.display().to_string())?;
    for argument in [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1280,900",
        &format!("--user-data-dir={}", profile.display()),
    ] {
        capabilities.add_arg(argument)?;
    }
    if scripts == Scripts::Off {
        let off = json!({ "profile.managed_default_content_settings.javascript": 2 });
        capabilities.add_experimental_option("prefs", off)?;
    }
    Ok(capabilities)
}

/// The ids of the processes whose command line has these words.
fn processes_with(words: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path: &PathBuf| {
            fs::read(path.join("cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains(words))
        })
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        .collect()
}
