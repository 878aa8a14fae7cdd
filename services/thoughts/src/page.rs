//! Pages of thoughts, newest first.

use crate::thought::Thought;

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// How many thoughts at most.
    pub size: usize,
    /// Only those created before this one: the time in microseconds since 1970 that the page
    /// before ended with.
    pub before: Option<i64>,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Newest first.
    pub thoughts: Vec<Thought>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<i64>,
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
        let last = thoughts
            .last()
            .map(|thought| thought.create_time.as_micros());
        Self {
            thoughts,
            next: last.filter(|_| more),
        }
    }
}
