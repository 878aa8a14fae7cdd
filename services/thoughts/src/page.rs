//! Pages of thoughts, newest first, and of tags, the most frequent first.

use uuid::Uuid;

use crate::thought::Thought;

/// A place in a list of thoughts, which goes by their times and, among those of one time, by their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Microseconds since 1970.
    pub time: i64,
    /// Nil before all thoughts of that time.
    pub id: Uuid,
}

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// How many thoughts at most.
    pub size: usize,
    /// Only those before this place, which the page before ended with.
    pub before: Option<Place>,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Newest first.
    pub thoughts: Vec<Thought>,
    /// Where the next page begins; `None` on the last one. A page may have fewer thoughts than asked
    /// for, and still have a next one.
    pub next: Option<Place>,
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

impl Place {
    /// After every thought: no time that can be told is as late, and a position still is in range.
    pub(crate) const END: Self = Self::before(i64::MAX / 2);
    /// Before every thought, in the same way.
    const START: Self = Self::before(i64::MIN / 2);

    /// The place before all thoughts of a time and after those that are older.
    #[must_use]
    pub const fn before(time: i64) -> Self {
        Self {
            time,
            id: Uuid::nil(),
        }
    }

    /// The place of a thought.
    #[must_use]
    pub fn of(thought: &Thought) -> Self {
        Self {
            time: thought.create_time.as_micros(),
            id: thought.id,
        }
    }

    /// Whether the time alone tells the place.
    #[must_use]
    pub fn is_between_times(self) -> bool {
        self.id.is_nil()
    }
}

impl PageRequest {
    /// What is before this place is asked for.
    pub(crate) fn bound(self) -> Place {
        self.before
            .unwrap_or(Place::END)
            .clamp(Place::START, Place::END)
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

    /// The page of what [`PageRequest::limit`] gave, in order.
    pub(crate) fn of(mut thoughts: Vec<Thought>, request: PageRequest) -> Self {
        let further = thoughts.get(request.size).map(Place::of);
        thoughts.truncate(request.size);
        let last = thoughts.last().map(Place::of);
        let next = last.zip(further).map(|(last, further)| {
            // An older program knows no other places than those between times.
            let alone = further.time < last.time;
            if alone {
                Place::before(last.time)
            } else {
                last
            }
        });
        Self { thoughts, next }
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
