//! What a search asks for.

use crate::fold::fold;

/// The longest query, in Unicode scalar values.
const MAX_LENGTH: usize = 1_000;
/// The most words of a query.
const MAX_WORDS: usize = 50;

/// Folded words, all of which have to be in a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchQuery {
    words: Vec<String>,
}

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
    /// Splits at white space, except between a `"` and the next one (or the end): what is between
    /// is one phrase, with its spaces. What folds to nothing is left out.
    ///
    /// # Errors
    ///
    /// See [`QueryError`].
    pub fn parse(query: &str) -> Result<Self, QueryError> {
        if query.chars().nth(MAX_LENGTH).is_some() {
            return Err(QueryError::TooLong);
        }
        if query.contains('\0') {
            return Err(QueryError::Nul);
        }
        let mut words = Vec::new();
        for (index, part) in query.split('"').enumerate() {
            let quoted = index % 2 == 1;
            let found: Vec<&str> = if quoted {
                vec![part]
            } else {
                part.split_whitespace().collect()
            };
            for word in found.into_iter().map(fold).filter(|word| !word.is_empty()) {
                if !words.contains(&word) {
                    words.push(word);
                }
            }
        }
        if words.len() > MAX_WORDS {
            return Err(QueryError::TooManyWords);
        }
        Ok(Self { words })
    }

    /// The words, folded, each once. Without any, every text matches.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Whether a folded text has every word.
    #[must_use]
    pub fn matches(&self, folded: &str) -> bool {
        self.words.iter().all(|word| folded.contains(word.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(query: &str) -> Vec<String> {
        SearchQuery::parse(query).expect("a query").words
    }

    #[test]
    fn words_are_split_at_any_white_space() {
        assert_eq!(
            words(" Platypus\u{3000}京都\n\tx "),
            ["platypus", "京都", "x"]
        );
        assert_eq!(words("same SAME"), ["same"]);
        assert!(words(" \n ").is_empty());
    }

    #[test]
    fn quoted_words_are_one_phrase_with_its_spaces() {
        assert_eq!(words(r#""Two  words" more"#), ["two  words", "more"]);
        assert_eq!(words(r#"a"b c"d"#), ["a", "b c", "d"]);
        assert_eq!(words(r#""to the end "#), ["to the end "]);
        assert!(words(r#""" "" """#).is_empty());
    }

    #[test]
    fn a_query_has_its_limits() {
        assert!(SearchQuery::parse(&"京".repeat(1_000)).is_ok());
        assert_eq!(
            SearchQuery::parse(&"京".repeat(1_001)),
            Err(QueryError::TooLong)
        );
        let fifty_one: String = (100..151).map(|n| format!("{n} ")).collect();
        assert_eq!(
            SearchQuery::parse(&fifty_one),
            Err(QueryError::TooManyWords)
        );
        assert_eq!(SearchQuery::parse("a\0b"), Err(QueryError::Nul));
    }
}
