//! From what was typed to a query.
//!
//! ```text
//! query    = { white space | term }
//! term     = [ "-" ] ( phrase | operator | tag | word )
//! phrase   = quote, any characters but a quote, quote
//! operator = ( "from" | "since" | "until" | "is" ) ":" ( word | phrase )
//! tag      = "#" word
//! word     = characters other than white space and quotes
//! ```
//!
//! It cannot fail: whatever looks like an operator and is none is a word, and a [`Problem`]. Names
//! of operators, their values and signs may be in capitals or full width, as keyboards of Chinese
//! and Japanese have them, and quotes in the curved form that telephones make of them. A second
//! sign (`--release`) is part of a word, and so is a sign alone.

use std::ops::Range;

use super::{Problem, SearchQuery, Span, Username, problem::Expected};
use crate::{
    fold::fold,
    tag::{SIGN, Tag},
    thought::Visibility,
};

/// Reads a query of any text.
pub(super) fn parse(query: &str) -> SearchQuery {
    let mut parser = Parser {
        typed: query.chars().collect(),
        at: 0,
        query: SearchQuery::default(),
    };
    while parser.at < parser.typed.len() {
        if parser.typed[parser.at].is_whitespace() {
            parser.at += 1;
        } else {
            parser.term();
        }
    }
    parser.query
}

struct Parser {
    typed: Vec<char>,
    /// The next character to be read.
    at: usize,
    query: SearchQuery,
}

/// A part of the query that has been read as one.
struct Part {
    /// The whole, with its sign.
    range: Range<usize>,
    negated: bool,
    /// Without its sign.
    text: String,
}

impl Parser {
    fn term(&mut self) {
        let start = self.at;
        let negated = is_minus(self.typed[start])
            && (self.typed.get(start + 1)).is_some_and(|&c| !is_minus(c) && !c.is_whitespace());
        self.at += usize::from(negated);
        if is_quote(self.typed[self.at]) {
            match self.phrase() {
                Some(phrase) => self.word(negated, &phrase),
                None => self.unclosed(negated),
            }
            return;
        }
        let mut text: String = self.run().collect();
        self.at += text.chars().count();
        // The value of an operator may be quoted.
        if operator(&text).is_some_and(|(_, value)| value.is_empty())
            && self.typed.get(self.at).is_some_and(|&c| is_quote(c))
            && let Some(phrase) = self.phrase()
        {
            text.push_str(&phrase);
        }
        let range = start..self.at;
        self.interpret(&Part {
            range,
            negated,
            text,
        });
    }

    /// What stands from here to the next white space or quote.
    fn run(&self) -> impl Iterator<Item = char> {
        let rest = self.typed[self.at..].iter().copied();
        rest.take_while(|&c| !c.is_whitespace() && !is_quote(c))
    }

    /// What is between the quote here and the next one, which is read as well; nothing is read if
    /// there is none.
    fn phrase(&mut self) -> Option<String> {
        let start = self.at + 1;
        let length = self.typed[start..].iter().position(|&c| is_quote(c))?;
        self.at = start + length + 1;
        Some(self.typed[start..start + length].iter().collect())
    }

    /// Takes all that is left for plain words.
    fn unclosed(&mut self, negated: bool) {
        self.problem(self.at..self.typed.len(), Expected::ClosingQuote);
        let rest: String = self.typed[self.at + 1..].iter().collect();
        self.at = self.typed.len();
        for word in rest.split_whitespace() {
            self.word(negated, word);
        }
    }

    fn interpret(&mut self, part: &Part) {
        let understood = match operator(&part.text) {
            Some((name, value)) => self.operator(name, &fold(value), part.negated),
            None if fold(&part.text).starts_with(SIGN) => self.tag(part),
            None => {
                self.word(part.negated, &part.text);
                Ok(())
            }
        };
        if let Err(expected) = understood {
            self.problem(part.range.clone(), expected);
            self.word(part.negated, &part.text);
        }
    }

    fn operator(&mut self, name: Name, value: &str, negated: bool) -> Result<(), Expected> {
        match name {
            Name::From => {
                let username = value.strip_prefix('@').unwrap_or(value);
                let username = Username::parse(username).ok_or(Expected::Username)?;
                self.query.authors.add(negated, username);
            }
            Name::Since => {
                let days = Span::parse(value).ok_or(Expected::Day("since"))?;
                match negated {
                    false => self.query.span.begin(days.from),
                    true => self.query.span.end(days.from),
                }
            }
            Name::Until => {
                let days = Span::parse(value).ok_or(Expected::Day("until"))?;
                match negated {
                    false => self.query.span.end(days.before),
                    true => self.query.span.begin(days.before),
                }
            }
            Name::Is => {
                let visibility = match (value, negated) {
                    ("private", false) | ("public", true) => Visibility::Private,
                    ("public", false) | ("private", true) => Visibility::Public,
                    _ => return Err(Expected::Visibility),
                };
                if !self.query.visibilities.contains(&visibility) {
                    self.query.visibilities.push(visibility);
                }
            }
        }
        Ok(())
    }

    fn tag(&mut self, part: &Part) -> Result<(), Expected> {
        match Tag::parse(&part.text) {
            Some(tag) => self.query.tags.add(part.negated, tag),
            // `#1` and `##` are no more than that.
            None if !part.text.chars().any(char::is_alphabetic) => {
                self.word(part.negated, &part.text);
            }
            None => return Err(Expected::Tag),
        }
        Ok(())
    }

    /// What folds to nothing is left out.
    fn word(&mut self, negated: bool, text: &str) {
        let word = fold(text);
        if !word.is_empty() {
            self.query.words.add(negated, word);
        }
    }

    fn problem(&mut self, range: Range<usize>, expected: Expected) {
        self.query.problems.push(Problem { range, expected });
    }
}

#[derive(Clone, Copy)]
enum Name {
    From,
    Since,
    Until,
    Is,
}

/// The operator that a word begins with, and what follows its colon.
fn operator(word: &str) -> Option<(Name, &str)> {
    let (name, value) = word.split_once([':', '：'])?;
    let name = match fold(name).as_str() {
        "from" => Name::From,
        "since" => Name::Since,
        "until" => Name::Until,
        "is" => Name::Is,
        _ => return None,
    };
    Some((name, value))
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '＂' | '“' | '”' | '„')
}

fn is_minus(c: char) -> bool {
    matches!(c, '-' | '－')
}

#[cfg(test)]
mod tests;
