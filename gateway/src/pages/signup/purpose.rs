//! What the page is for, for whoever looks at it.

use crate::{
    model::{SignUp, SignUpState},
    ui::form::Feedback,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Own(SignUp),
    /// The link brought an invitation that can be used.
    Invited,
    /// It brought one that cannot; what there is without it.
    NotInvited(SignUp),
    /// Somebody with an account has opened such a link.
    HasAccount,
    /// An administrator makes an account for somebody else.
    SomebodyElses,
}

impl Purpose {
    pub(super) const fn of(state: SignUpState, invitation: bool) -> Self {
        match (invitation, state.invited) {
            (true, true) => Self::Invited,
            (true, false) => Self::NotInvited(state.sign_up),
            (false, _) => Self::Own(state.sign_up),
        }
    }

    /// While the users backend cannot say. The form comes back in any case.
    pub(super) const fn unknown(invitation: bool) -> Self {
        if invitation {
            Self::Invited
        } else {
            Self::Own(SignUp::Open)
        }
    }

    pub(super) const fn sign_up(self) -> Option<SignUp> {
        match self {
            Self::Own(sign_up) | Self::NotInvited(sign_up) => Some(sign_up),
            Self::Invited | Self::HasAccount | Self::SomebodyElses => None,
        }
    }

    /// Whether only the set-up code makes the account.
    pub(super) const fn needs_code(self) -> bool {
        matches!(self.sign_up(), Some(SignUp::FirstAdministrator { .. }))
    }

    /// Whether somebody came with an invitation that cannot be used.
    pub(super) const fn is_in_vain(self) -> bool {
        matches!(self, Self::NotInvited(_))
    }

    pub(super) const fn is_closed(self) -> bool {
        matches!(self.sign_up(), Some(SignUp::Closed))
    }

    /// Whether a form that came back can be sent again, closed as sign-up is.
    pub(super) fn may_try(self, feedback: &Feedback) -> bool {
        matches!(self, Self::Own(_)) && feedback.is_bad()
    }

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Invited => "You have been invited",
            Self::NotInvited(SignUp::Closed) => "This invitation leads nowhere",
            Self::Own(SignUp::FirstAdministrator { .. })
            | Self::NotInvited(SignUp::FirstAdministrator { .. }) => "Make the first account",
            Self::Own(SignUp::Open | SignUp::Closed) | Self::NotInvited(SignUp::Open) => "Sign up",
            Self::HasAccount => "You have an account already",
            Self::SomebodyElses => "Add an account",
        }
    }

    pub(super) const fn lead(self) -> &'static str {
        match self {
            Self::Invited => "Choose a name and a password, and you are in.",
            Self::Own(SignUp::FirstAdministrator { .. })
            | Self::NotInvited(SignUp::FirstAdministrator { .. }) => {
                "Nobody looks after this server yet. The first account will: it adds the others."
            }
            Self::Own(SignUp::Open) => "A name and a password are all it takes.",
            Self::NotInvited(SignUp::Open) => {
                "Here nobody needs an invitation: a name and a password are all it takes."
            }
            Self::Own(SignUp::Closed) | Self::NotInvited(SignUp::Closed) => {
                "Here an administrator makes the accounts."
            }
            Self::HasAccount => "This link makes an account for somebody who has none.",
            Self::SomebodyElses => {
                "For somebody else, who then logs in with this name and password."
            }
        }
    }

    pub(super) const fn button(self) -> &'static str {
        match self {
            Self::SomebodyElses => "Add the account",
            Self::Own(_) | Self::Invited | Self::NotInvited(_) | Self::HasAccount => "Sign up",
        }
    }
}
