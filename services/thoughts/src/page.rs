//! Pages of thoughts, newest first, and of tags, the most frequent first.

use crate::thought::Thought;

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// How many thoughts at most.
    pub size: usize,
    /// Only those at positions below this one, which the page before ended with.
    pub before: Option<i64>,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Newest first.
    pub thoughts: Vec<Thought>,
    /// Where the next page begins; `None` on the last one. A page may have fewer thoughts than asked
    /// for, and still have a next one.
    pub next: Option<i64>,
}

/// A tag and how many thoughts carry it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagCount {
    /// As it is compared, without its sign.
    pub tag: String,
    /// At least one.
    pub thought_count: i64,
}

/// Which part of a list of tags is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagPageRequest {
    /// How many tags at most.
    pub size: usize,
    /// What the page before ended with.
    pub behind: Option<TagCount>,
}

/// A part of a list of tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagPage {
    /// The most frequent first.
    pub tags: Vec<TagCount>,
    /// Behind which the next page begins; `None` on the last one.
    pub next: Option<TagCount>,
}

impl PageRequest {
    /// Positions below this one are asked for.
    pub(crate) fn bound(self) -> i64 {
        self.before.unwrap_or(i64::MAX)
    }

    /// One more than the page holds, which tells whether there is a next one.
    pub(crate) fn limit(self) -> i64 {
        i64::try_from(self.size)
            .unwrap_or(i64::MAX)
            .saturating_add(1)
    }
}

impl Page {
    /// A page without thoughts.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            thoughts: Vec::new(),
            next: None,
        }
    }

    /// The page of what [`PageRequest::limit`] gave.
    pub(crate) fn of(mut thoughts: Vec<Thought>, request: PageRequest) -> Self {
        let more = thoughts.len() > request.size;
        thoughts.truncate(request.size);
        let last = thoughts.last().map(|thought| thought.position);
        Self {
            thoughts,
            next: last.filter(|_| more),
        }
    }
}

impl TagPage {
    /// The page of one tag more than it holds, if there are as many.
    pub(crate) fn of(mut tags: Vec<TagCount>, request: &TagPageRequest) -> Self {
        let more = tags.len() > request.size;
        tags.truncate(request.size);
        let next = tags.last().filter(|_| more).cloned();
        Self { tags, next }
    }
}
