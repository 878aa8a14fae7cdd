//! The page itself.

use maud::{Markup, html};

use super::{SignUpForm, purpose::Purpose};
use crate::{
    model::SignUp,
    paths,
    ui::{
        form::{Feedback, Input},
        notice,
    },
};

pub(super) fn view(purpose: Purpose, form: &SignUpForm, feedback: &Feedback) -> Markup {
    let has_account = purpose == Purpose::HasAccount;
    html! {
        div.narrow {
            h1 { (purpose.title()) }
            p.lead { (purpose.lead()) }
            // A form that comes back says so itself.
            @if purpose.is_in_vain() && (purpose.is_closed() || !feedback.is_bad()) { (in_vain()) }
            @if purpose.is_closed() && !purpose.may_try(feedback) {
                (closed())
            } @else if has_account {
                (log_out_first())
            } @else {
                (open(purpose, form, feedback))
            }
            @if !has_account && purpose != Purpose::SomebodyElses {
                div.aside {
                    p { "Have an account? " a href=(paths::LOGIN) { "Log in" } }
                }
            }
        }
    }
}

fn in_vain() -> Markup {
    notice::alert(
        "This invitation is unknown, used, or over. If you have just made an account with it, log \
         in. Otherwise ask whoever gave it to you for another.",
    )
}

fn closed() -> Markup {
    notice::empty(
        "Sign-up is closed",
        &html! {
            "Ask whoever runs this server for an account. Reading is free: "
            a href=(paths::SEARCH) { "everyone’s thoughts" } "."
        },
    )
}

fn log_out_first() -> Markup {
    html! {
        form.card method="post" action=(paths::LOGOUT) {
            p { "Log out first, and open the link again." }
            button { "Log out" }
        }
    }
}

fn open(purpose: Purpose, form: &SignUpForm, feedback: &Feedback) -> Markup {
    html! {
        form.card method="post" action=(paths::SIGNUP) {
            (feedback.alert())
            @if purpose == Purpose::Invited {
                input type="hidden" name="invitation" value=(form.invitation);
            }
            @if purpose == Purpose::SomebodyElses {
                input type="hidden" name="adding" value="true";
            }
            (username(form).render(feedback))
            (password().render(feedback))
            @if let Some(SignUp::FirstAdministrator { open }) = purpose.sign_up() {
                (setup_code(form, !open).render(feedback))
            }
            button { (purpose.button()) }
        }
    }
}

fn username(form: &SignUpForm) -> Input<'_> {
    Input {
        name: "username",
        label: "Username",
        kind: "text",
        value: &form.username,
        autocomplete: "username",
        hint: Some("Up to 50 of a–z, 0–9, _ and -."),
        required: true,
        first: true,
    }
}

fn password() -> Input<'static> {
    Input {
        name: "password",
        label: "Password",
        kind: "password",
        value: "",
        autocomplete: "new-password",
        hint: Some("At least 8 characters, of any kind. A few words make a good one."),
        required: true,
        first: false,
    }
}

fn setup_code(form: &SignUpForm, required: bool) -> Input<'_> {
    Input {
        name: "setup_code",
        label: "Set-up code",
        kind: "text",
        value: &form.setup_code,
        autocomplete: "off",
        hint: Some(
            "Whoever started this server has it: it was shown at the start, or “users-backend setup-code” tells it.",
        ),
        required,
        first: false,
    }
}
