//! What the pages show: the backends' answers, parsed.

use std::ops::Range;

use runtime::clock::Timestamp;
use uuid::Uuid;

/// A thought as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Thought {
    pub(crate) id: Uuid,
    pub(crate) author: String,
    pub(crate) text: String,
    /// Only its author may read it.
    pub(crate) private: bool,
    pub(crate) written: Timestamp,
    /// What a search matched, in Unicode scalar values of `text`. As a backend said it: not to be
    /// relied on to lie within the text, or to be in order.
    pub(crate) matches: Vec<Range<usize>>,
}

/// One page of a list, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ThoughtList {
    pub(crate) thoughts: Vec<Thought>,
    /// What the page of older ones is asked with; `None` on the last page.
    pub(crate) next_page_token: Option<String>,
}

/// Who may read a thought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Visibility {
    #[default]
    Public,
    Private,
}

impl Visibility {
    /// Reads a form's value; the contract's own names are understood as well.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        match value {
            "" | "public" | "VISIBILITY_PUBLIC" => Some(Self::Public),
            "private" | "VISIBILITY_PRIVATE" => Some(Self::Private),
            _ => None,
        }
    }

    /// What a form's value is.
    pub(crate) const fn value(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }
}

/// What somebody is about to write; kept in the form until it is saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Draft {
    /// As it was typed.
    pub(crate) text: String,
    pub(crate) visibility: Visibility,
    /// Stands for this one thought, however often its form is sent.
    pub(crate) request_id: Uuid,
}

/// Who is looking at a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Viewer {
    pub(crate) username: String,
    pub(crate) administrator: bool,
}

impl Viewer {
    /// Whether this person may remove a thought: their own, or any public one as administrator.
    pub(crate) fn may_delete(&self, thought: &Thought) -> bool {
        self.username == thought.author || (self.administrator && !thought.private)
    }
}

/// A session as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownSession {
    pub(crate) id: Uuid,
    /// The one that the page is asked for with.
    pub(crate) current: bool,
    /// What the program that signed in called itself. Anybody's to make up.
    pub(crate) user_agent: String,
    pub(crate) begun: Timestamp,
    pub(crate) last_used: Timestamp,
    /// When its refresh token was used a second time: somebody else may have had it, so the session
    /// was ended.
    pub(crate) reused: Option<Timestamp>,
}

/// How accounts come about on this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignUp {
    /// Nobody administers the server yet: the set-up code makes the first account.
    FirstAdministrator {
        /// Others may sign up as well.
        open: bool,
    },
    /// Anyone may make an account.
    Open,
    /// An administrator makes accounts.
    Closed,
}
