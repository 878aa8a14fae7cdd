//! The fields that a thought is written in, be it a new one or a change.

use maud::{Markup, html};

use super::form::{Feedback, described_by, mistake_below};
use crate::model::Visibility;

/// The fields as they stand on a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writing<'a> {
    pub(crate) label: &'a str,
    pub(crate) text: &'a str,
    pub(crate) visibility: Visibility,
    /// In Unicode scalar values; `None` while the backend cannot be asked.
    pub(crate) limit: Option<u32>,
    pub(crate) feedback: &'a Feedback,
    /// Whether the cursor starts in the text.
    pub(crate) first: bool,
}

impl Writing<'_> {
    /// The text.
    pub(crate) fn text(&self) -> Markup {
        let mistake = self.feedback.mistake("text");
        html! {
            div.field {
                label for="text" { (self.label) }
                // No maxlength: it counts UTF-16 units and would cut off what the server accepts.
                textarea #text name="text" rows="3" dir="auto" required data-limit=[self.limit]
                    autofocus[self.first] aria-invalid=[mistake.map(|_| "true")]
                    aria-describedby=[described_by("text", self.limit.is_some(), mistake.is_some())] {
                    // HTML drops a newline that comes first.
                    "\n" (self.text)
                }
                @if let Some(limit) = self.limit {
                    p.hint #text-hint { "At most " (limit) " characters." }
                }
                (mistake_below("text", mistake))
            }
        }
    }

    /// Who may read it.
    pub(crate) fn visibility(&self) -> Markup {
        let option = |value: Visibility, name: &str| {
            html! { option value=(value.value()) selected[value == self.visibility] { (name) } }
        };
        html! {
            label.unseen for="visibility" { "Who may read it" }
            select #visibility name="visibility" {
                (option(Visibility::Public, "For everyone"))
                (option(Visibility::Private, "Only for you"))
            }
            (mistake_below("visibility", self.feedback.mistake("visibility")))
        }
    }
}
