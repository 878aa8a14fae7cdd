//! The frame around every page.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{
    assets::{ICON, SCRIPT, STYLE_SHEET},
    model::Viewer,
    paths::{self, LocalPath},
};

/// Which of the main places a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Own,
    Everyone,
    Login,
    Settings,
    /// Where the settings lead administrators.
    Administration,
    Elsewhere,
}

/// What the frame needs to know of its page.
#[derive(Clone, Debug)]
pub(crate) struct Page<'a> {
    /// For the browser's tab, without the name of the site.
    pub(crate) title: &'a str,
    pub(crate) viewer: Option<&'a Viewer>,
    pub(crate) place: Place,
    /// Where a visitor who logs in from here comes back to.
    pub(crate) here: LocalPath,
    /// The Atom feed of what it shows.
    pub(crate) feed: Option<&'a str>,
}

impl Page<'_> {
    /// The whole document around the content of `<main>`.
    pub(crate) fn render(&self, main: &Markup) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="theme-color" media="(prefers-color-scheme: light)" content="#fffdf9";
                    meta name="theme-color" media="(prefers-color-scheme: dark)" content="#201e1b";
                    title { (self.title) " · MyThoughts" }
                    link rel="stylesheet" href=(STYLE_SHEET.path);
                    link rel="icon" type="image/svg+xml" href=(ICON.path);
                    @if let Some(feed) = self.feed {
                        link rel="alternate" type="application/atom+xml" href=(feed) title=(self.title);
                    }
                    script src=(SCRIPT.path) defer {}
                }
                // The script keeps what is being written for each account by itself.
                body data-user=[self.viewer.map(|viewer| &viewer.username)] {
                    a.skip.unseen href="#main" { "Skip to the content" }
                    (self.masthead())
                    main.frame #main tabindex="-1" { (main) }
                    (self.colophon())
                }
            }
        }
    }

    fn masthead(&self) -> Markup {
        html! {
            header.masthead.own[self.viewer.is_some()] {
                div.frame {
                    a.wordmark href=(paths::HOME) {
                        img src=(ICON.path) alt="" width="28" height="28";
                        span { "MyThoughts" }
                    }
                    // The page of everyone's thoughts has this form in its middle.
                    @if self.place != Place::Everyone { (quick_search()) }
                    nav aria-label="Main" {
                        @if self.viewer.is_some() {
                            (self.link(Place::Own, paths::HOME, "Yours"))
                            (self.link(Place::Everyone, paths::SEARCH, "Everyone’s"))
                            (self.link(Place::Settings, paths::SETTINGS, "Settings"))
                            form method="post" action=(paths::LOGOUT) {
                                button.plain { "Log out" }
                            }
                        } @else {
                            (self.link(Place::Everyone, paths::SEARCH, "Everyone’s"))
                            (self.link(Place::Login, &paths::login(&self.here), "Log in"))
                        }
                    }
                }
            }
        }
    }

    fn link(&self, place: Place, path: &str, name: &str) -> Markup {
        let current = match (self.place, place) {
            (here, there) if here == there => Some("page"),
            (Place::Administration, Place::Settings) => Some("true"),
            _ => None,
        };
        html! { a href=(path) aria-current=[current] { (name) } }
    }

    fn colophon(&self) -> Markup {
        html! {
            footer.colophon {
                div.frame {
                    p {
                        @if let Some(viewer) = self.viewer {
                            "Signed in as " strong { (viewer.username) } "."
                        } @else {
                            "MyThoughts: short thoughts, yours and everyone’s."
                        }
                    }
                }
            }
        }
    }
}

/// Decoration: the button's name is beside it.
const MAGNIFIER: PreEscaped<&str> = PreEscaped(
    "<svg viewBox=\"0 0 20 20\" width=\"20\" height=\"20\" fill=\"none\" stroke=\"currentColor\" \
     stroke-width=\"2\" stroke-linecap=\"round\" aria-hidden=\"true\">\
     <circle cx=\"8.5\" cy=\"8.5\" r=\"5.5\"/><path d=\"m13 13 4.5 4.5\"/></svg>",
);

fn quick_search() -> Markup {
    html! {
        form.search role="search" action=(paths::SEARCH) {
            label.unseen for="quick-search" { "Search everyone’s thoughts" }
            input #quick-search type="search" name="search" placeholder="Search" autocomplete="off";
            button {
                (MAGNIFIER)
                span.unseen { "Search" }
            }
        }
    }
}
