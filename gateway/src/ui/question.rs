//! The question before something is destroyed, on a page of its own.

use maud::{Markup, html};

/// What is asked, and where the two answers lead.
pub(crate) struct Question<'a> {
    pub(crate) title: &'a str,
    /// What will happen, and whatever else the form has to say or to ask.
    pub(crate) about: Markup,
    /// Where the form goes.
    pub(crate) action: &'a str,
    pub(crate) yes: &'a str,
    /// Where no leads.
    pub(crate) back: &'a str,
    pub(crate) no: &'a str,
}

impl Question<'_> {
    pub(crate) fn render(&self) -> Markup {
        html! {
            div.narrow {
                h1 { (self.title) }
                form.card.question method="post" action=(self.action) {
                    (self.about)
                    button.danger { (self.yes) }
                    a.button.other href=(self.back) { (self.no) }
                }
            }
        }
    }
}
