//! What is shown once.

use maud::{Markup, html};

/// A secret to copy: a field, so that it can be reached and selected whole by keyboard.
pub(crate) fn field(label: &str, value: &str, hint: &Markup) -> Markup {
    html! {
        div.field.secret {
            label for="secret" { (label) }
            input #secret type="text" value=(value) readonly autocomplete="off"
                spellcheck="false" dir="ltr" aria-describedby="secret-hint";
            p.hint #secret-hint { (hint) }
        }
    }
}
