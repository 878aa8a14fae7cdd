//! Addresses within this site that a browser can be sent to.

use std::fmt;

use uuid::Uuid;

use super::{ADMINISTRATION, FORMS_ONLY, HOME, SETTINGS, thought};

/// The longest place to go on to after log-in, in bytes.
const MAX_NEXT: usize = 2_000;

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
        Self::of(HOME)
    }

    /// One of our own pages.
    pub(crate) fn of(page: &'static str) -> Self {
        Self(page.to_owned())
    }

    /// The page that a form of the settings or the administration belongs to, from the path that
    /// it is sent to: the form's own page, if there is one.
    pub(crate) fn of_form(path: &str) -> Option<Self> {
        let page = match Self::parse(path) {
            Some(page) => page,
            None if path.starts_with(SETTINGS) => Self(SETTINGS.to_owned()),
            None => Self::parse(path.rsplit_once('/')?.0)?,
        };
        let within = [SETTINGS, ADMINISTRATION];
        within
            .iter()
            .any(|start| page.0.starts_with(start))
            .then_some(page)
    }

    /// The page of a thought.
    pub(crate) fn of_thought(id: Uuid) -> Self {
        Self(thought(id))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the page of that thought, or one below it.
    pub(crate) fn is_thought(&self, id: Uuid) -> bool {
        let page = thought(id);
        let path = self.path().to_ascii_lowercase();
        let below = path.strip_prefix(&page);
        below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_belong_to_the_page_that_they_stand_on() {
        for (form, page) in [
            ("/settings/password", "/settings"),
            ("/settings/sessions/x/revoke", "/settings"),
            ("/settings/tokens", "/settings/tokens"),
            ("/settings/tokens/x/revoke", "/settings/tokens/x/revoke"),
            ("/admin/users/bruce/role", "/admin/users/bruce"),
            ("/admin/users/bruce/delete", "/admin/users/bruce/delete"),
        ] {
            assert_eq!(LocalPath::of_form(form).unwrap().as_str(), page);
        }
        for form in ["/thoughts", "/thoughts/x/delete", "/logout", "/login"] {
            assert_eq!(LocalPath::of_form(form), None);
        }
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
            "/admin/users/bruce/role",
            "/é",
            "/\u{0}",
            "/#x",
            &long,
        ] {
            assert_eq!(LocalPath::parse(place), None, "{place:?}");
        }
    }
}
