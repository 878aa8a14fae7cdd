//! Fields with their labels, and what is wrong with them.

use maud::{Markup, html};

use super::notice;
use crate::model::Days;

/// What a form that comes back has to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Feedback {
    /// About the whole of it.
    pub(crate) general: Option<String>,
    /// About one field each, in the form's order: its name, and what is wrong.
    pub(crate) fields: Vec<(&'static str, String)>,
}

impl Feedback {
    /// One message for the whole form.
    pub(crate) fn general(message: impl Into<String>) -> Self {
        Self {
            general: Some(message.into()),
            fields: Vec::new(),
        }
    }

    /// One message beside one field.
    pub(crate) fn field(name: &'static str, message: impl Into<String>) -> Self {
        Self {
            general: None,
            fields: vec![(name, message.into())],
        }
    }

    /// What is wrong with a field.
    pub(crate) fn mistake(&self, field: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        let (_, message) = fields.find(|(name, _)| *name == field)?;
        Some(message)
    }

    /// Whether the cursor starts in this field: the first with a mistake, if there is any.
    fn starts_at(&self, input: Input<'_>) -> bool {
        let wrong = self.fields.first();
        wrong.map_or(input.first, |(name, _)| *name == input.name)
    }

    /// Whether anything is wrong.
    pub(crate) fn is_bad(&self) -> bool {
        self.general.is_some() || !self.fields.is_empty()
    }

    /// The message about the whole form, spoken at once by screen readers.
    pub(crate) fn alert(&self) -> Markup {
        html! {
            @if let Some(message) = &self.general { (notice::alert(message)) }
        }
    }
}

/// A one-line field.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a> {
    pub(crate) name: &'static str,
    pub(crate) label: &'a str,
    /// `text` or `password`.
    pub(crate) kind: &'static str,
    pub(crate) value: &'a str,
    /// The token that lets browsers and password managers help.
    pub(crate) autocomplete: &'static str,
    pub(crate) hint: Option<&'a str>,
    pub(crate) required: bool,
    /// The cursor starts here, unless something is wrong with a field.
    pub(crate) first: bool,
}

impl Input<'_> {
    /// The field with its label, its hint, and what is wrong with it.
    pub(crate) fn render(self, feedback: &Feedback) -> Markup {
        let mistake = feedback.mistake(self.name);
        html! {
            div.field {
                label for=(self.name) { (self.label) }
                input id=(self.name) name=(self.name) type=(self.kind) value=(self.value)
                    autocomplete=(self.autocomplete) autocapitalize="none" spellcheck="false"
                    required[self.required] autofocus[feedback.starts_at(self)]
                    aria-invalid=[mistake.map(|_| "true")]
                    aria-describedby=[described_by(self.name, self.hint.is_some(), mistake.is_some())];
                @if let Some(hint) = self.hint { p.hint id={ (self.name) "-hint" } { (hint) } }
                (mistake_below(self.name, mistake))
            }
        }
    }
}

/// A choice of one among few.
#[derive(Clone, Debug)]
pub(crate) struct Select<'a> {
    pub(crate) name: &'static str,
    pub(crate) label: &'a str,
    /// The values, and what they are called.
    pub(crate) choices: Vec<(String, String)>,
    pub(crate) chosen: &'a str,
}

impl Select<'_> {
    /// The choice with its label, and what is wrong with it.
    pub(crate) fn render(&self, feedback: &Feedback) -> Markup {
        let mistake = feedback.mistake(self.name);
        html! {
            div.field {
                label for=(self.name) { (self.label) }
                select id=(self.name) name=(self.name) aria-invalid=[mistake.map(|_| "true")]
                    aria-describedby=[described_by(self.name, false, mistake.is_some())] {
                    @for (value, name) in &self.choices {
                        option value=(value) selected[value == self.chosen] { (name) }
                    }
                }
                (mistake_below(self.name, mistake))
            }
        }
    }
}

/// How long something may last, as choices.
pub(crate) fn days(choices: [Days; 3]) -> Vec<(String, String)> {
    let choice = |days: Days| (days.value().to_string(), days.name());
    choices.into_iter().map(choice).collect()
}

/// What is wrong with a field, in the place that [`described_by`] refers to.
pub(crate) fn mistake_below(field: &str, mistake: Option<&str>) -> Markup {
    html! {
        @if let Some(mistake) = mistake {
            p.mistake id={ (field) "-mistake" } role="alert" { (mistake) }
        }
    }
}

/// The ids of a field's hint and message, as far as there are any.
pub(crate) fn described_by(field: &str, hint: bool, mistake: bool) -> Option<String> {
    match (hint, mistake) {
        (false, false) => None,
        (true, false) => Some(format!("{field}-hint")),
        (false, true) => Some(format!("{field}-mistake")),
        (true, true) => Some(format!("{field}-mistake {field}-hint")),
    }
}
