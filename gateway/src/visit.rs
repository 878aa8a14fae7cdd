//! One request, as the pages see it.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{Method, StatusCode, request::Parts},
    response::{IntoResponse as _, Response},
};
use maud::{Markup, PreEscaped, html};
use runtime::clock::Timestamp;

use crate::{
    app::App,
    cookies::CookieChange,
    error::{self, Problem},
    flash::{self, Done, Flash},
    model::{Draft, Viewer, Visibility},
    observe::RequestId,
    origin::Origin,
    paths::{self, LocalPath},
    session::{Session, SignedIn, Token},
    ui::{
        form::Feedback,
        layout::{Page, Place},
        notice,
        thought::Eyes,
        trash,
    },
};

/// Who looks at which page, and when.
#[derive(Clone)]
pub(crate) struct Visit {
    pub(crate) app: App,
    pub(crate) request_id: RequestId,
    pub(crate) session: Session,
    /// What the answer does to the session's cookies.
    pub(crate) cookies: CookieChange,
    /// What the page before has led to, to be told once.
    pub(crate) flash: Flash,
    /// What stands before a path in a link for somebody else.
    pub(crate) origin: Origin,
    /// The page itself, to come back to; the start page where the page is none to come back to.
    pub(crate) here: LocalPath,
    pub(crate) now: Timestamp,
    /// The Atom feed of what the page shows.
    pub(crate) feed: Option<String>,
}

impl FromRequestParts<App> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        Ok(Self {
            app: app.clone(),
            request_id: RequestId::from_request_parts(parts, app).await?,
            session: Session::from_request_parts(parts, app).await?,
            cookies: CookieChange::from_request_parts(parts, app).await?,
            flash: Flash::from_request_parts(parts, app).await?,
            origin: Origin::from_request_parts(parts, app).await?,
            here: here(parts),
            now: app.clock.now(),
            feed: None,
        })
    }
}

impl Visit {
    pub(crate) fn viewer(&self) -> Option<&Viewer> {
        self.session.viewer()
    }

    /// What a call carries so that the viewer's own private thoughts are seen as well.
    pub(crate) fn token(&self) -> Option<&Token> {
        self.session.signed_in().map(|signed_in| &signed_in.token)
    }

    pub(crate) fn eyes(&self) -> Eyes<'_> {
        Eyes {
            viewer: self.viewer(),
            now: self.now,
            names: true,
            back: &self.here,
        }
    }

    /// The same for a list in which all is one person's.
    pub(crate) fn eyes_on_one(&self) -> Eyes<'_> {
        Eyes {
            names: false,
            ..self.eyes()
        }
    }

    /// An empty thought of its own.
    pub(crate) fn new_draft(&self) -> Draft {
        Draft {
            text: String::new(),
            visibility: Visibility::default(),
            request_id: self.app.clock.new_id(),
        }
    }

    /// The same visit once somebody has logged in.
    pub(crate) fn signed_in(self, signed_in: SignedIn) -> Self {
        Self {
            session: Session::SignedIn(signed_in),
            here: LocalPath::home(),
            ..self
        }
    }

    /// The same visit to a page that can be followed.
    pub(crate) fn with_feed(self, feed: String) -> Self {
        Self {
            feed: Some(feed),
            ..self
        }
    }

    /// A whole page.
    pub(crate) fn page(&self, title: &str, place: Place, main: &Markup) -> Response {
        let page = Page {
            title,
            viewer: self.viewer(),
            place,
            here: self.here.clone(),
            feed: self.feed.as_deref(),
        };
        let Flash(Some(done)) = self.flash else {
            return page.render(main).into_response();
        };
        let undo = done.can_be_undone().map(|id| trash::undo(id, &self.here));
        let main = html! { (notice::done(done.words(), done.has_saved(), undo.as_ref())) (main) };
        let mut response = page.render(&main).into_response();
        flash::told(&self.app, &mut response);
        response
    }

    /// The two halves of a page, for what is written while it is sent.
    pub(crate) fn halves(&self, title: &str, place: Place) -> (String, String) {
        const MIDDLE: &str = "<!-- -->";
        let page = Page {
            title,
            viewer: self.viewer(),
            place,
            here: self.here.clone(),
            feed: None,
        };
        let page = page.render(&PreEscaped(MIDDLE.to_owned())).into_string();
        let halves = page.split_once(MIDDLE);
        halves.map_or((page.clone(), String::new()), |(begin, end)| {
            (begin.to_owned(), end.to_owned())
        })
    }

    /// Goes on to a page that tells what has been done.
    pub(crate) fn done(&self, done: Done, path: &str) -> Response {
        let mut response = go_to(path);
        flash::tell(&self.app, done, &mut response);
        response
    }

    /// A page that answers a problem: with its status, and when to come back.
    pub(crate) fn page_of(
        &self,
        problem: &Problem,
        title: &str,
        place: Place,
        main: &Markup,
    ) -> Response {
        let page = (problem.status(), self.page(title, place, main)).into_response();
        error::with_retry_after(page, problem)
    }

    /// What a form says when it comes back; see [`Problem::feedback`].
    pub(crate) fn feedback(
        &self,
        problem: &Problem,
        fields: &[(&str, &'static str)],
        failed: &str,
    ) -> Feedback {
        problem.feedback(fields, failed, &self.request_id.to_string())
    }
}

/// A redirect after a form, so that loading the next page again sends nothing twice.
pub(crate) fn go_to(path: &str) -> Response {
    (
        StatusCode::SEE_OTHER,
        [(axum::http::header::LOCATION, path.to_owned())],
    )
        .into_response()
}

/// Addresses with a secret in them, or that make no sense later.
const NO_PLACES: [&str; 3] = [paths::LOGIN, paths::SIGNUP, paths::RESET_PASSWORD];

fn here(parts: &Parts) -> LocalPath {
    let path = parts.uri.path();
    let place = match parts.method {
        Method::GET | Method::HEAD if !NO_PLACES.contains(&path) => {
            let address = parts.uri.path_and_query();
            address.and_then(|address| LocalPath::parse(address.as_str()))
        }
        Method::POST => LocalPath::of_form(path),
        _ => None,
    };
    place.unwrap_or_else(LocalPath::home)
}
