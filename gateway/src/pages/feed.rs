//! Atom feeds (RFC 4287): what a person writes, what carries a tag, what a search finds. Of public
//! thoughts alone, whoever asks: a feed reader keeps what it gets.

use std::time::Duration;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use maud::{Markup, PreEscaped, html};
use runtime::clock::Timestamp;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::files::is_known;
use crate::{
    app::App,
    backends::Backends,
    error::Problem,
    fields::{Params, Segment},
    model::{Thought, ThoughtList},
    origin::Origin,
    paths,
    ui::{text, time},
};

/// A reader that asks more often gets what it has.
const A_MINUTE: &str = "public, max-age=60";

/// How long after a change its date is told.
const A_LITTLE: Duration = Duration::from_secs(5);

/// Which page of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    page_token: Option<String>,
}

/// Which words, and which page of the list.
#[derive(Debug, Deserialize)]
pub(crate) struct Words {
    #[serde(default)]
    search: String,
    page_token: Option<String>,
}

/// `GET /users/{username}/feed.atom`
pub(crate) async fn of_person(
    State(app): State<App>,
    origin: Origin,
    backends: Backends,
    headers: HeaderMap,
    username: Segment,
    Params(which): Params<Which>,
) -> Result<Response, Problem> {
    let username = username.username()?;
    let username = username.as_str();
    let token = which.page_token.as_deref();
    let list = backends.thoughts_of(username, token, None).await?;
    let feed = Feed {
        title: format!("Thoughts by {username}"),
        page: paths::user(username, None),
        itself: paths::feed_of_person(username, None),
        next: next(&list).map(|token| paths::feed_of_person(username, Some(token))),
        thoughts: &list.thoughts,
    };
    Ok(feed.answer(&origin, &headers, app.clock.now()))
}

/// `GET /tags/{tag}/feed.atom`
pub(crate) async fn of_tag(
    State(app): State<App>,
    origin: Origin,
    backends: Backends,
    headers: HeaderMap,
    Segment(tag): Segment,
    Params(which): Params<Which>,
) -> Result<Response, Problem> {
    // Anything else would be another search.
    if !text::is_tag(&tag) {
        return Err(Problem::NotFound);
    }
    let words = format!("#{tag}");
    let token = which.page_token.as_deref();
    let list = backends.search(&words, token, None).await?.list;
    let feed = Feed {
        page: paths::tag(&tag, None),
        title: words,
        itself: paths::feed_of_tag(&tag, None),
        next: next(&list).map(|token| paths::feed_of_tag(&tag, Some(token))),
        thoughts: &list.thoughts,
    };
    Ok(feed.answer(&origin, &headers, app.clock.now()))
}

/// `GET /search/feed.atom`
pub(crate) async fn of_search(
    State(app): State<App>,
    origin: Origin,
    backends: Backends,
    headers: HeaderMap,
    Params(asked): Params<Words>,
) -> Result<Response, Problem> {
    let words = asked.search.trim();
    let token = asked.page_token.as_deref();
    let list = backends.search(words, token, None).await?.list;
    let feed = Feed {
        title: super::search::title(words),
        page: paths::search(words, None),
        itself: paths::feed_of_search(words, None),
        next: next(&list).map(|token| paths::feed_of_search(words, Some(token))),
        thoughts: &list.thoughts,
    };
    Ok(feed.answer(&origin, &headers, app.clock.now()))
}

/// A page of a feed. Its links are paths.
struct Feed<'a> {
    title: String,
    /// The page that shows the same.
    page: String,
    itself: String,
    /// Where it goes on with older ones (RFC 5005, section 3).
    next: Option<String>,
    thoughts: &'a [Thought],
}

impl Feed<'_> {
    /// The feed, or that it is what the reader has.
    fn answer(&self, origin: &Origin, asked: &HeaderMap, now: Timestamp) -> Response {
        let body = self.document(origin).into_string();
        let digest = Sha256::digest(&body);
        let hex: String = digest[..16].iter().map(|b| format!("{b:02x}")).collect();
        let etag = format!("\"{hex}\"");
        let modified = self.modified(now).map(time::http_date);
        let mut response = if is_current(asked, &etag, modified.as_deref()) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let content_type = "application/atom+xml; charset=utf-8";
            ([(header::CONTENT_TYPE, content_type)], body).into_response()
        };
        let modified = modified.as_deref().map(|it| (header::LAST_MODIFIED, it));
        let kept = [
            (header::CACHE_CONTROL, A_MINUTE),
            (header::ETAG, etag.as_str()),
        ];
        for (name, value) in kept.into_iter().chain(modified) {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }

    fn document(&self, origin: &Origin) -> Markup {
        let itself = origin.address(&self.itself);
        html! {
            (PreEscaped("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"))
            feed xmlns="http://www.w3.org/2005/Atom" {
                id { (itself) }
                title { (legal(&self.title)) }
                updated { (time::machine(self.updated())) }
                // Not void elements, as they would be in HTML.
                link rel="self" type="application/atom+xml" href=(itself) {}
                link rel="alternate" type="text/html" href=(origin.address(&self.page)) {}
                @if let Some(next) = &self.next {
                    link rel="next" type="application/atom+xml" href=(origin.address(next)) {}
                }
                generator { "MyThoughts" }
                @for thought in self.thoughts { (entry(thought, origin)) }
            }
        }
    }

    /// When it was changed, if no more can come in the same second, which a date could not tell apart
    /// (RFC 9110, section 8.8.2.2). Clocks differ a little.
    fn modified(&self, now: Timestamp) -> Option<Timestamp> {
        let updated = self.updated();
        (updated + A_LITTLE <= now).then_some(updated)
    }

    /// A feed without thoughts has never changed.
    fn updated(&self) -> Timestamp {
        let times = self.thoughts.iter().map(updated);
        times.max().unwrap_or(Timestamp::from_seconds(0))
    }
}

fn entry(thought: &Thought, origin: &Origin) -> Markup {
    let text = legal(&thought.text);
    html! {
        entry {
            id { "urn:uuid:" (thought.id) }
            title { (text::beginning(&text)) }
            published { (time::machine(thought.written)) }
            updated { (time::machine(updated(thought))) }
            author {
                name { (thought.author) }
                uri { (origin.address(&paths::user(&thought.author, None))) }
            }
            link rel="alternate" type="text/html" href=(origin.address(&paths::thought(thought.id))) {}
            content type="text" { (text) }
        }
    }
}

fn updated(thought: &Thought) -> Timestamp {
    thought.changed.unwrap_or(thought.written)
}

fn next(list: &ThoughtList) -> Option<&str> {
    list.next_page_token.as_deref()
}

/// Whether the reader has it already. A date counts only if there is no tag (RFC 9110, section
/// 13.1.3), and only if it is the very same: when the newest thought is deleted, it goes back.
fn is_current(asked: &HeaderMap, etag: &str, modified: Option<&str>) -> bool {
    if asked.contains_key(header::IF_NONE_MATCH) {
        return is_known(asked, etag);
    }
    let since = asked.get(header::IF_MODIFIED_SINCE);
    modified.is_some_and(|modified| since.is_some_and(|since| since == modified))
}

/// What XML 1.0 cannot hold, even escaped, is replaced; there is hardly any in a thought.
fn legal(text: &str) -> String {
    let legal = |c: char| match c {
        '\t' | '\n' => c,
        '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => char::REPLACEMENT_CHARACTER,
        _ => c,
    };
    text.chars().map(legal).collect()
}
