//! What a search asks for.
//!
//! - [`SearchQuery`] is the query in parsed types, and says what it matches;
//! - `parser` reads what was typed, and understands all of it in some way;
//! - [`problem`] is what of it was meant otherwise, probably;
//! - [`span`] is `since:` and `until:`.

mod parser;
pub mod problem;
pub mod span;

pub use self::{problem::Problem, span::Span};
use crate::{
    fold::fold,
    tag::{Tag, tags_of_folded},
    thought::{Thought, Visibility},
};

/// The longest query, in Unicode scalar values.
const MAX_LENGTH: usize = 1_000;
/// The most words of a query, tags and names included.
const MAX_WORDS: usize = 50;

/// A search as it was understood: all of it has to hold for a thought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchQuery {
    /// Words and phrases, folded, to be anywhere in the text.
    pub(crate) words: Terms<String>,
    /// Tags to be carried.
    pub(crate) tags: Terms<Tag>,
    /// Who is to have written it.
    pub(crate) authors: Terms<Username>,
    /// Who may see it; two different ones are nobody's.
    pub(crate) visibilities: Vec<Visibility>,
    /// When it is to have been written.
    pub(crate) span: Span,
    problems: Vec<Problem>,
}

/// What has to be, and what must not, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Terms<T> {
    /// Every one of these.
    pub(crate) all: Vec<T>,
    /// None of these.
    pub(crate) none: Vec<T>,
}

/// A username, in lower case: 1 to 50 of `a-z 0-9 _ -`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Username(String);

/// Why a query is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// It has too many Unicode scalar values.
    #[error("must have at most {MAX_LENGTH} characters")]
    TooLong,
    /// It has too many words.
    #[error("must have at most {MAX_WORDS} words")]
    TooManyWords,
    /// It has the one character that PostgreSQL can neither hold nor be asked for.
    #[error("must not contain U+0000")]
    Nul,
}

impl SearchQuery {
    /// Reads what was typed. What cannot be meant as it stands is taken for words, and told by
    /// [`SearchQuery::problems`].
    ///
    /// # Errors
    ///
    /// See [`QueryError`]; it has nothing to do with what the query says.
    pub fn parse(query: &str) -> Result<Self, QueryError> {
        if query.chars().nth(MAX_LENGTH).is_some() {
            return Err(QueryError::TooLong);
        }
        if query.contains('\0') {
            return Err(QueryError::Nul);
        }
        let query = parser::parse(query);
        if query.words.len() + query.tags.len() + query.authors.len() > MAX_WORDS {
            return Err(QueryError::TooManyWords);
        }
        Ok(query)
    }

    /// What was not understood, in the order of the query.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The one author whose thoughts can match, if there is only one.
    #[must_use]
    pub fn author(&self) -> Option<&str> {
        self.authors.all.first().map(Username::as_str)
    }

    /// Whether it asks for nothing, so that every thought matches.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self
            == Self {
                problems: self.problems.clone(),
                ..Self::default()
            }
    }

    /// Whether it contradicts itself, so that no thought can match.
    #[must_use]
    pub fn is_impossible(&self) -> bool {
        self.words.is_contradiction()
            || self.tags.is_contradiction()
            || self.authors.is_contradiction()
            || self.authors.all.len() > 1
            || self.visibilities.len() > 1
            || self.span.is_empty()
    }

    /// Whether the thought is what is asked for; who may see it is another question.
    #[must_use]
    pub fn matches(&self, thought: &Thought) -> bool {
        let folded = fold(&thought.text);
        let tags = tags_of_folded(&folded);
        self.words.hold(|word| folded.contains(word.as_str()))
            && self.tags.hold(|tag| tags.contains(tag))
            && self.authors.hold(|name| name.0 == thought.author.username)
            && self.visibilities.iter().all(|&v| v == thought.visibility)
            && self.span.contains(thought.create_time)
    }
}

impl<T: PartialEq> Terms<T> {
    fn add(&mut self, negated: bool, term: T) {
        let terms = if negated {
            &mut self.none
        } else {
            &mut self.all
        };
        if !terms.contains(&term) {
            terms.push(term);
        }
    }

    fn hold(&self, mut is_there: impl FnMut(&T) -> bool) -> bool {
        self.all.iter().all(&mut is_there) && !self.none.iter().any(is_there)
    }

    fn is_contradiction(&self) -> bool {
        self.all.iter().any(|term| self.none.contains(term))
    }

    fn len(&self) -> usize {
        self.all.len() + self.none.len()
    }
}

impl<T> Default for Terms<T> {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            none: Vec::new(),
        }
    }
}

impl Username {
    fn parse(text: &str) -> Option<Self> {
        let allowed = |c: u8| c.is_ascii_alphanumeric() || c == b'_' || c == b'-';
        ((1..=50).contains(&text.len()) && text.bytes().all(allowed))
            .then(|| Self(text.to_ascii_lowercase()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use runtime::clock::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::thought::Author;

    fn parsed(query: &str) -> SearchQuery {
        SearchQuery::parse(query).expect("a query")
    }

    #[test]
    fn a_query_has_its_limits() {
        assert!(SearchQuery::parse(&"京".repeat(1_000)).is_ok());
        assert_eq!(
            SearchQuery::parse(&"京".repeat(1_001)),
            Err(QueryError::TooLong)
        );
        for prefix in ["", "-", "#t", "-from:"] {
            let words = |count| -> String {
                let numbers = 100..100 + count;
                numbers.map(|n| format!("{prefix}{n} ")).collect()
            };
            assert!(SearchQuery::parse(&words(50)).is_ok());
            assert_eq!(
                SearchQuery::parse(&words(51)),
                Err(QueryError::TooManyWords)
            );
        }
        assert_eq!(SearchQuery::parse("a\0b"), Err(QueryError::Nul));
    }

    #[test]
    fn all_of_a_query_has_to_hold() {
        let thought = Thought {
            id: Uuid::nil(),
            author: Author {
                id: Uuid::nil(),
                username: "bruce".to_owned(),
            },
            text: "A Platypus in the pond #Animals".to_owned(),
            visibility: Visibility::Public,
            // 2026-01-31T23:59:59.999999Z
            create_time: Timestamp::from_micros(1_769_903_999_999_999),
            position: 1_769_903_999_999_999,
            update_time: Timestamp::from_seconds(0),
            trashed: None,
        };
        for query in [
            "",
            "platy POND",
            "\"platypus in\"",
            "platypus -wombat -\"pond in\"",
            "#animals -#plants animal",
            "from:Bruce -from:stephen",
            "since:2026-01-31 until:2026-01-31",
            "-since:2026-02-01 -until:2026-01-30",
            "is:public -is:private",
        ] {
            assert!(parsed(query).matches(&thought), "{query}");
        }
        for query in [
            "platy wombat",
            "-platy",
            "-\"in the\"",
            "#animal",
            "-#animals",
            "from:stephen",
            "-from:bruce",
            "since:2026-02-01",
            "until:2026-01-30",
            "-since:2026-01-31",
            "-until:2026-01-31",
            "is:private",
            "-is:public",
        ] {
            assert!(!parsed(query).matches(&thought), "{query}");
        }
    }

    #[test]
    fn contradictions_are_seen() {
        for query in [
            "a -A",
            "#a -#A",
            "from:bruce from:stephen",
            "from:bruce -from:bruce",
            "is:private is:public",
            "is:public -is:public",
            "since:2026-01-02 until:2026-01-01",
            "since:2026-01-02 -since:2026-01-02",
        ] {
            assert!(parsed(query).is_impossible(), "{query}");
        }
        for query in ["a -b", "-from:bruce -from:stephen", "is:public -is:private"] {
            assert!(!parsed(query).is_impossible(), "{query}");
        }
        assert!(parsed(" \"\" \u{ad}").is_empty());
        assert!(!parsed("is:public").is_empty());
    }
}
