//! What a browser is called, for people.

/// The most that is shown of a name that tells nothing, in characters.
const CUT: usize = 60;

/// Marks in a `User-Agent` and whose they are: browsers claim to be each other, so the one that
/// others copy comes later.
const BROWSERS: [(&str, &str); 11] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chromium/", "Chromium"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// The same for what the browser runs on.
const SYSTEMS: [(&str, &str); 7] = [
    ("Windows", "Windows"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
];

/// A `User-Agent` in words, such as "Firefox on Linux". What is no browser's is shown as it is, cut
/// short: a guess would say more than anybody knows.
pub(crate) fn name(user_agent: &str) -> String {
    let known = |marks: &[(&str, &'static str)]| {
        let mut marks = marks.iter();
        let (_, name) = marks.find(|(mark, _)| user_agent.contains(mark))?;
        Some(*name)
    };
    let is_browser = user_agent.starts_with("Mozilla/5.0 (");
    match (known(&BROWSERS), known(&SYSTEMS)) {
        (Some(browser), Some(system)) if is_browser => format!("{browser} on {system}"),
        _ if user_agent.trim().is_empty() => "A program without a name".to_owned(),
        _ => cut(user_agent),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(CUT) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_known_under_whatever_they_claim_to_be() {
        for (user_agent, words) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36",
                "Chrome on Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36 Edg/143.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
                "Safari on Mac",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36",
                "Samsung Internet on Android",
            ),
        ] {
            assert_eq!(name(user_agent), words);
        }
    }

    #[test]
    fn what_is_no_browser_is_not_guessed_at() {
        assert_eq!(name("curl/8.14.1"), "curl/8.14.1");
        assert_eq!(
            name("Chrome/1 on Linux, honestly"),
            "Chrome/1 on Linux, honestly"
        );
        assert_eq!(name(" "), "A program without a name");
        assert_eq!(name(&"é".repeat(200)).chars().count(), CUT + 1);
    }
}
