//! Every address of the site: the routes' patterns, and the links to them.
//!
//! Links are made here alone, so that what goes into them is always percent-encoded.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use uuid::Uuid;

/// Own thoughts; also where a thought is written.
pub(crate) const HOME: &str = "/";
pub(crate) const LOGIN: &str = "/login";
pub(crate) const LOGOUT: &str = "/logout";
pub(crate) const SIGNUP: &str = "/signup";
pub(crate) const THOUGHTS: &str = "/thoughts";
pub(crate) const THOUGHT: &str = "/thoughts/{id}";
pub(crate) const DELETE_THOUGHT: &str = "/thoughts/{id}/delete";
pub(crate) const SEARCH: &str = "/search";
pub(crate) const USER: &str = "/users/{username}";
/// Password and sessions.
pub(crate) const SETTINGS: &str = "/settings";
pub(crate) const CHANGE_PASSWORD: &str = "/settings/password";
pub(crate) const REVOKE_SESSION: &str = "/settings/sessions/{id}/revoke";
pub(crate) const KEY_SET: &str = "/.well-known/jwks.json";
pub(crate) const ASSET: &str = "/assets/{name}";
pub(crate) const FAVICON: &str = "/favicon.ico";
pub(crate) const ROBOTS: &str = "/robots.txt";

/// What is the same for everybody.
pub(crate) const FILES: [&str; 4] = [KEY_SET, ASSET, FAVICON, ROBOTS];

/// What forms are sent to, and no page is at.
const FORMS_ONLY: [&str; 5] = [
    LOGOUT,
    THOUGHTS,
    DELETE_THOUGHT,
    CHANGE_PASSWORD,
    REVOKE_SESSION,
];

/// The longest place to go on to after log-in, in bytes.
const MAX_NEXT: usize = 2_000;

/// Everything that RFC 3986 does not leave unreserved.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

pub(crate) fn home(page_token: Option<&str>) -> String {
    with_query(HOME, &[("page_token", page_token)])
}

pub(crate) fn thought(id: Uuid) -> String {
    format!("{THOUGHTS}/{id}")
}

pub(crate) fn delete_thought(id: Uuid) -> String {
    format!("{THOUGHTS}/{id}/delete")
}

pub(crate) fn search(words: &str, page_token: Option<&str>) -> String {
    let words = (!words.is_empty()).then_some(words);
    with_query(SEARCH, &[("search", words), ("page_token", page_token)])
}

pub(crate) fn user(username: &str, page_token: Option<&str>) -> String {
    let path = format!("/users/{}", utf8_percent_encode(username, ESCAPED));
    with_query(&path, &[("page_token", page_token)])
}

/// The settings, with word of what has been done there.
pub(crate) fn settings(done: &str) -> String {
    with_query(SETTINGS, &[("done", Some(done))])
}

/// Where an administrator adds accounts, with word of the one that has been added.
pub(crate) fn account_added(username: &str) -> String {
    with_query(SIGNUP, &[("added", Some(username))])
}

pub(crate) fn revoke_session(id: Uuid) -> String {
    format!("{SETTINGS}/sessions/{id}/revoke")
}

pub(crate) fn asset(name: &str) -> String {
    format!("/assets/{}", utf8_percent_encode(name, ESCAPED))
}

/// The log-in page that goes on to `next` afterwards.
pub(crate) fn login(next: &LocalPath) -> String {
    let next = (next.as_str() != HOME).then_some(next.as_str());
    with_query(LOGIN, &[("next", next)])
}

/// An address within this site, safe to send a browser to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalPath(String);

impl LocalPath {
    /// Takes `text` if a browser cannot read it as another site's address: one slash at the start
    /// and not two, no backslash (browsers take it for a slash), nothing but the printable ASCII
    /// that an address has (browsers drop tabs and newlines before they look). What only forms are sent to is no place
    /// to send anybody.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let printable = text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let rooted = text.starts_with('/') && !text.starts_with("//");
        let parsed = text.parse::<http::uri::PathAndQuery>().is_ok();
        let place = Self(text.to_owned());
        let page = !FORMS_ONLY.iter().any(|route| place.is_at(route));
        (printable && rooted && parsed && page && text.len() <= MAX_NEXT && !text.contains('#'))
            .then_some(place)
    }

    pub(crate) fn home() -> Self {
        Self(HOME.to_owned())
    }

    pub(crate) fn settings() -> Self {
        Self(SETTINGS.to_owned())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the page of that thought.
    pub(crate) fn is_thought(&self, id: Uuid) -> bool {
        self.path().eq_ignore_ascii_case(&thought(id))
    }

    /// Whether a route's pattern has this path.
    fn is_at(&self, route: &str) -> bool {
        let mut segments = self.path().split('/');
        let fits = route.split('/').all(|wanted| {
            let segment = segments.next();
            segment.is_some_and(|segment| wanted.starts_with('{') || wanted == segment)
        });
        fits && segments.next().is_none()
    }

    fn path(&self) -> &str {
        self.0.split('?').next().unwrap_or_default()
    }
}

impl fmt::Display for LocalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn with_query(path: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let mut link = path.to_owned();
    let mut separator = '?';
    for (name, value) in pairs {
        if let Some(value) = value {
            link.push(separator);
            link.push_str(name);
            link.push('=');
            link.extend(utf8_percent_encode(value, ESCAPED));
            separator = '&';
        }
    }
    link
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_carry_any_text() {
        assert_eq!(
            search("a&b=c #京", Some("x+/=")),
            "/search?search=a%26b%3Dc%20%23%E4%BA%AC&page_token=x%2B%2F%3D"
        );
        assert_eq!(search("", None), "/search");
        assert_eq!(user("../x", None), "/users/..%2Fx");
    }

    #[test]
    fn places_within_the_site_are_kept() {
        for place in [
            "/",
            "/search?search=a%20b&page_token=x",
            "/users/bruce",
            "/a//b",
            "/?u=http://x",
            "/?u=/logout",
            "/thoughts/0190a000-0000-7000-8000-000000000001",
            "/settings",
        ] {
            assert_eq!(LocalPath::parse(place).unwrap().as_str(), place);
        }
    }

    #[test]
    fn places_elsewhere_are_refused() {
        let long = format!("/{}", "a".repeat(MAX_NEXT));
        for place in [
            "",
            "search",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
            "\t//evil.example",
            "/\n/evil.example",
            " /",
            "/ x",
            "/logout",
            "/thoughts?x",
            "/thoughts/0190a000-0000-7000-8000-000000000001/delete",
            "/settings/password",
            "/settings/sessions/x/revoke?y=/",
            "/é",
            "/\u{0}",
            "/#x",
            &long,
        ] {
            assert_eq!(LocalPath::parse(place), None, "{place:?}");
        }
    }
}
