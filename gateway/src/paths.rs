//! Every address of the site: the routes' patterns, and the links to them.
//!
//! Links are made here alone, so that what goes into them is always percent-encoded.

mod local;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use uuid::Uuid;

use crate::model::{Secret, Username};

pub(crate) use local::LocalPath;

/// Own thoughts; also where a thought is written.
pub(crate) const HOME: &str = "/";
pub(crate) const LOGIN: &str = "/login";
pub(crate) const LOGOUT: &str = "/logout";
pub(crate) const SIGNUP: &str = "/signup";
pub(crate) const THOUGHTS: &str = "/thoughts";
pub(crate) const THOUGHT: &str = "/thoughts/{id}";
pub(crate) const DELETE_THOUGHT: &str = "/thoughts/{id}/delete";
pub(crate) const EDIT_THOUGHT: &str = "/thoughts/{id}/edit";
/// Takes it out of the trash.
pub(crate) const UNDELETE_THOUGHT: &str = "/thoughts/{id}/undelete";
/// What it was before.
pub(crate) const REVISIONS: &str = "/thoughts/{id}/revisions";
pub(crate) const TRASH: &str = "/trash";
pub(crate) const SEARCH: &str = "/search";
pub(crate) const LIVE: &str = "/live";
pub(crate) const TAGS: &str = "/tags";
pub(crate) const TAG: &str = "/tags/{tag}";
pub(crate) const USER: &str = "/users/{username}";
/// Feeds of public thoughts.
pub(crate) const FEED_OF_PERSON: &str = "/users/{username}/feed.atom";
pub(crate) const FEED_OF_TAG: &str = "/tags/{tag}/feed.atom";
pub(crate) const FEED_OF_SEARCH: &str = "/search/feed.atom";
/// Password and sessions.
pub(crate) const SETTINGS: &str = "/settings";
pub(crate) const CHANGE_PASSWORD: &str = "/settings/password";
pub(crate) const REVOKE_SESSION: &str = "/settings/sessions/{id}/revoke";
/// Personal access tokens.
pub(crate) const TOKENS: &str = "/settings/tokens";
pub(crate) const REVOKE_TOKEN: &str = "/settings/tokens/{id}/revoke";
/// Import and export: the page, and what there is to take away.
pub(crate) const DATA: &str = "/settings/data";
pub(crate) const DATA_LINES: &str = "/settings/data/thoughts.jsonl";
pub(crate) const DATA_FOLDER: &str = "/settings/data/thoughts.zip";
pub(crate) const DELETE_ACCOUNT: &str = "/settings/delete";
/// Everybody's accounts, for administrators; so are all that begin like this.
pub(crate) const ACCOUNTS: &str = "/admin/users";
pub(crate) const ACCOUNT: &str = "/admin/users/{username}";
pub(crate) const CHANGE_ROLE: &str = "/admin/users/{username}/role";
/// Whether the account can be used.
pub(crate) const SWITCH_ACCOUNT: &str = "/admin/users/{username}/disabled";
pub(crate) const MAKE_PASSWORD_RESET: &str = "/admin/users/{username}/reset";
pub(crate) const REMOVE_ACCOUNT: &str = "/admin/users/{username}/delete";
pub(crate) const INVITATIONS: &str = "/admin/invitations";
pub(crate) const REVOKE_INVITATION: &str = "/admin/invitations/{id}/revoke";
pub(crate) const MODERATION: &str = "/admin/thoughts";
/// What the addresses of the administration begin with.
const ADMINISTRATION: &str = "/admin/";
/// Where the link for a forgotten password leads.
pub(crate) const RESET_PASSWORD: &str = "/reset-password";
pub(crate) const KEY_SET: &str = "/.well-known/jwks.json";
pub(crate) const ASSET: &str = "/assets/{name}";
pub(crate) const FAVICON: &str = "/favicon.ico";
pub(crate) const ROBOTS: &str = "/robots.txt";

/// What is the same for everybody.
pub(crate) const FILES: [&str; 7] = [
    KEY_SET,
    ASSET,
    FAVICON,
    ROBOTS,
    FEED_OF_PERSON,
    FEED_OF_TAG,
    FEED_OF_SEARCH,
];

/// What forms are sent to, and no page is at.
const FORMS_ONLY: [&str; 9] = [
    LOGOUT,
    THOUGHTS,
    DELETE_THOUGHT,
    UNDELETE_THOUGHT,
    CHANGE_PASSWORD,
    REVOKE_SESSION,
    CHANGE_ROLE,
    SWITCH_ACCOUNT,
    MAKE_PASSWORD_RESET,
];

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

/// The form to change a thought, which goes on to `next`.
pub(crate) fn edit_thought(id: Uuid, next: Option<&LocalPath>) -> String {
    let path = format!("{THOUGHTS}/{id}/edit");
    with_query(&path, &[("next", next.map(LocalPath::as_str))])
}

pub(crate) fn undelete_thought(id: Uuid) -> String {
    format!("{THOUGHTS}/{id}/undelete")
}

pub(crate) fn revisions(id: Uuid, page_token: Option<&str>) -> String {
    let path = format!("{THOUGHTS}/{id}/revisions");
    with_query(&path, &[("page_token", page_token)])
}

pub(crate) fn trash(page_token: Option<&str>) -> String {
    with_query(TRASH, &[("page_token", page_token)])
}

pub(crate) fn search(words: &str, page_token: Option<&str>) -> String {
    let words = (!words.is_empty()).then_some(words);
    with_query(SEARCH, &[("search", words), ("page_token", page_token)])
}

/// Everyone's tags, or one author's.
pub(crate) fn tags(author: Option<&str>, page_token: Option<&str>) -> String {
    with_query(TAGS, &[("author", author), ("page_token", page_token)])
}

/// What carries a tag.
pub(crate) fn tag(tag: &str, page_token: Option<&str>) -> String {
    let path = format!("{TAGS}/{}", utf8_percent_encode(tag, ESCAPED));
    with_query(&path, &[("page_token", page_token)])
}

/// A list that can be followed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum List<'a> {
    /// One person's.
    Of(&'a str),
    /// What carries a tag.
    Tagged(&'a str),
    /// What a search finds; everyone's without words.
    Found(&'a str),
}

/// What becomes of a list, behind the place that its page tells.
pub(crate) fn live(list: List<'_>, since: Option<&str>) -> String {
    let which = match list {
        List::Of(author) => ("author", Some(author)),
        List::Found(words) => ("search", Some(words).filter(|words| !words.is_empty())),
        List::Tagged(tag) => ("tag", Some(tag)),
    };
    with_query(LIVE, &[which, ("since", since)])
}

pub(crate) fn user(username: &str, page_token: Option<&str>) -> String {
    let path = format!("/users/{}", utf8_percent_encode(username, ESCAPED));
    with_query(&path, &[("page_token", page_token)])
}

pub(crate) fn feed_of_person(username: &str, page_token: Option<&str>) -> String {
    let path = format!("{}/feed.atom", user(username, None));
    with_query(&path, &[("page_token", page_token)])
}

pub(crate) fn feed_of_tag(tag: &str, page_token: Option<&str>) -> String {
    let path = format!("/tags/{}/feed.atom", utf8_percent_encode(tag, ESCAPED));
    with_query(&path, &[("page_token", page_token)])
}

pub(crate) fn feed_of_search(words: &str, page_token: Option<&str>) -> String {
    let words = (!words.is_empty()).then_some(words);
    with_query(
        FEED_OF_SEARCH,
        &[("search", words), ("page_token", page_token)],
    )
}

/// The page where an administrator adds an account of this name.
pub(crate) fn add_account(username: &str) -> String {
    with_query(SIGNUP, &[("username", Some(username))])
}

/// The link that invites somebody.
pub(crate) fn invitation(code: &Secret) -> String {
    with_query(SIGNUP, &[("invitation", Some(code.expose()))])
}

/// The link for somebody who has forgotten the password.
pub(crate) fn reset_password(code: &Secret) -> String {
    with_query(RESET_PASSWORD, &[("code", Some(code.expose()))])
}

pub(crate) fn revoke_session(id: Uuid) -> String {
    format!("{SETTINGS}/sessions/{id}/revoke")
}

pub(crate) fn revoke_token(id: Uuid) -> String {
    format!("{TOKENS}/{id}/revoke")
}

/// The form for a token, filled in.
pub(crate) fn new_token(name: &str, scope: &str, days: &str) -> String {
    let fields = [("display_name", name), ("scope", scope), ("days", days)];
    with_query(TOKENS, &fields.map(|(field, value)| (field, Some(value))))
}

pub(crate) fn accounts(page_token: Option<&str>) -> String {
    with_query(ACCOUNTS, &[("page_token", page_token)])
}

pub(crate) fn account(username: &Username) -> String {
    format!("{ACCOUNTS}/{username}")
}

pub(crate) fn change_role(username: &Username) -> String {
    format!("{ACCOUNTS}/{username}/role")
}

pub(crate) fn switch_account(username: &Username) -> String {
    format!("{ACCOUNTS}/{username}/disabled")
}

pub(crate) fn make_password_reset(username: &Username) -> String {
    format!("{ACCOUNTS}/{username}/reset")
}

pub(crate) fn remove_account(username: &Username) -> String {
    format!("{ACCOUNTS}/{username}/delete")
}

pub(crate) fn invitations(page_token: Option<&str>) -> String {
    with_query(INVITATIONS, &[("page_token", page_token)])
}

/// The form for an invitation, filled in.
pub(crate) fn new_invitation(role: &str, days: &str) -> String {
    with_query(INVITATIONS, &[("role", Some(role)), ("days", Some(days))])
}

pub(crate) fn revoke_invitation(id: Uuid) -> String {
    format!("{INVITATIONS}/{id}/revoke")
}

pub(crate) fn moderation(words: &str, page_token: Option<&str>) -> String {
    let words = (!words.is_empty()).then_some(words);
    with_query(MODERATION, &[("search", words), ("page_token", page_token)])
}

pub(crate) fn asset(name: &str) -> String {
    format!("/assets/{}", utf8_percent_encode(name, ESCAPED))
}

/// The log-in page that goes on to `next` afterwards.
pub(crate) fn login(next: &LocalPath) -> String {
    let next = (next.as_str() != HOME).then_some(next.as_str());
    with_query(LOGIN, &[("next", next)])
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
        let code = Secret::new("a+b&c=#\"<d".to_owned());
        assert_eq!(
            invitation(&code),
            "/signup?invitation=a%2Bb%26c%3D%23%22%3Cd"
        );
        assert_eq!(
            reset_password(&code),
            "/reset-password?code=a%2Bb%26c%3D%23%22%3Cd"
        );
    }
}
