//! What the pages show: the backends' answers, parsed.

mod access;
mod account;
mod keeping;

use std::ops::Range;

use runtime::clock::Timestamp;
use uuid::Uuid;

pub(crate) use access::{Days, Invitation, PasswordReset, PersonalToken, Scope, Secret};
pub(crate) use account::{Account, KnownSession, Role, SignUp, SignUpState, Username};
pub(crate) use keeping::{Edit, Revision, Trashed};

/// A thought as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Thought {
    pub(crate) id: Uuid,
    pub(crate) author: String,
    pub(crate) text: String,
    /// Only its author may read it.
    pub(crate) private: bool,
    pub(crate) written: Timestamp,
    /// When it was last changed; `None` if it never was.
    pub(crate) changed: Option<Timestamp>,
    /// Changes with every change.
    pub(crate) etag: String,
    /// `None` unless it is in its author's trash.
    pub(crate) trashed: Option<Trashed>,
    /// What a search matched, in Unicode scalar values of `text`. As a backend said it: not to be
    /// relied on to lie within the text, or to be in order.
    pub(crate) matches: Vec<Range<usize>>,
}

impl Thought {
    pub(crate) fn visibility(&self) -> Visibility {
        if self.private {
            Visibility::Private
        } else {
            Visibility::Public
        }
    }
}

/// What has become of a thought in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is there now.
    Created(Thought),
    /// It says something else now.
    Updated(Thought),
    /// It is not there any more.
    Deleted(Uuid),
}

/// One page of a list, newest first. It may be short, even empty, and not the last one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ThoughtList {
    pub(crate) thoughts: Vec<Thought>,
    /// What the page of older ones is asked with; `None` on the last page.
    pub(crate) next_page_token: Option<String>,
    /// From where to follow it; `None` on other pages than the first.
    pub(crate) since: Option<String>,
}

/// One page of what a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) list: ThoughtList,
    /// What of the words was not understood, and was searched for as it stands.
    pub(crate) problems: Vec<QueryProblem>,
}

/// A part of a search that was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueryProblem {
    /// In Unicode scalar values of the words. As a backend said it: not to be relied on to lie
    /// within them.
    pub(crate) range: Range<usize>,
    /// What was expected there.
    pub(crate) description: String,
}

/// One page of another list, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListPage<T> {
    pub(crate) items: Vec<T>,
    /// What the next page is asked with; `None` on the last page.
    pub(crate) next_page_token: Option<String>,
}

/// A tag, and how many thoughts carry it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TagCount {
    /// Without its sign.
    pub(crate) tag: String,
    pub(crate) thoughts: i64,
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
    /// Whether this person may remove a thought that is there: their own, or any public one as
    /// administrator.
    pub(crate) fn may_delete(&self, thought: &Thought) -> bool {
        thought.trashed.is_none()
            && (self.wrote(thought) || (self.administrator && !thought.private))
    }

    /// Whether this person may change a thought that is there.
    pub(crate) fn may_edit(&self, thought: &Thought) -> bool {
        thought.trashed.is_none() && self.wrote(thought)
    }

    pub(crate) fn wrote(&self, thought: &Thought) -> bool {
        self.username == thought.author
    }
}
