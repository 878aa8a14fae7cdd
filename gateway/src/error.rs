//! What goes wrong, as a person meets it: the only place where a backend's [`Status`] becomes a
//! page.
//!
//! A handler gives up with a [`Problem`]; [`pages`] puts the page around it on the way out, with
//! what only it knows (who is looking, from where, and the request's id). A form takes the
//! problem's [`Problem::feedback`] instead and comes back with what was typed.

use std::time::Duration;

use axum::{
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use runtime::status;
use tonic::{Code, Status};

use crate::{pages, ui::form::Feedback, visit::Visit};

/// The parts of the system behind the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The users backend.
    Accounts,
    /// The thoughts backend.
    Thoughts,
}

/// A rule of the system that stands against something, whoever asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Somebody has to be left who administers the server.
    LastAdministrator,
    /// Nobody has more than so many personal tokens.
    TooManyTokens,
    /// What is in the trash cannot be changed.
    InTrash,
}

/// Why there is no ordinary answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// Nobody is signed in, or the token is no longer accepted.
    SignIn,
    /// Fields, by the names that the backend has for them, and what is wrong with each.
    Invalid(Vec<(String, String)>),
    /// It clashes with something that is there already.
    Conflict,
    /// A rule stands against it.
    Against(Rule),
    /// There is no such thing, or not for this person.
    NotFound,
    /// This person may not do that.
    Forbidden,
    /// The password is right, but an administrator has disabled the account.
    Disabled,
    /// An administrator removed the thought, so its author cannot bring it back.
    Removed,
    /// Too much at once; come back after so long.
    Busy(Duration),
    /// Too many wrong passwords; come back after so long.
    Throttled(Duration),
    /// A part does not answer; try again after so long.
    OutOfReach(Part, Duration),
    /// A form sent from another site.
    CrossSite,
    /// The path is there, the method is not.
    MethodNotAllowed,
    /// Bytes that are no text, or no form.
    Unreadable,
    /// The body is larger than any form of ours.
    TooLarge,
    /// The address is longer than any of ours.
    AddressTooLong,
    /// The body did not come in time.
    TooSlow,
    /// A defect: here, or behind.
    Defect,
}

impl Problem {
    /// What a backend's refusal means. The cause is logged here; it goes no further.
    pub(crate) fn from_status(part: Part, status: &Status) -> Self {
        let problem = match status.code() {
            Code::Unauthenticated => Self::SignIn,
            Code::InvalidArgument => Self::Invalid(status::field_violations(status)),
            Code::AlreadyExists | Code::Aborted => Self::Conflict,
            Code::FailedPrecondition => Rule::of(status).map_or(Self::Conflict, Self::Against),
            Code::NotFound => Self::NotFound,
            Code::PermissionDenied => match status::reason(status).as_deref() {
                Some("ACCOUNT_DISABLED") => Self::Disabled,
                Some("REMOVED_BY_ADMINISTRATOR") => Self::Removed,
                _ => Self::Forbidden,
            },
            Code::ResourceExhausted => {
                let delay = status::retry_after(status).unwrap_or(BUSY);
                match status::reason(status).as_deref() {
                    Some("SIGN_IN_THROTTLED") => Self::Throttled(delay),
                    _ => Self::Busy(delay),
                }
            }
            Code::Unavailable | Code::DeadlineExceeded => Self::OutOfReach(
                part_away(part, status),
                status::retry_after(status).unwrap_or(AWAY),
            ),
            _ => Self::Defect,
        };
        if matches!(problem, Self::OutOfReach(..) | Self::Busy(_) | Self::Defect) {
            tracing::warn!(?part, code = ?status.code(), message = status.message(), "a backend failed");
        }
        problem
    }

    /// What was chosen is none of the choices. `field` is the name that the backend has for it.
    pub(crate) fn no_choice(field: &str) -> Self {
        let what = "must be one of the choices".to_owned();
        Self::Invalid(vec![(field.to_owned(), what)])
    }

    /// A part that cannot be asked at all just now.
    pub(crate) const fn out_of_reach(part: Part) -> Self {
        Self::OutOfReach(part, AWAY)
    }

    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::SignIn => StatusCode::UNAUTHORIZED,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Conflict | Self::Against(_) => StatusCode::CONFLICT,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden | Self::Disabled | Self::Removed | Self::CrossSite => {
                StatusCode::FORBIDDEN
            }
            Self::Busy(_) | Self::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::OutOfReach(..) => StatusCode::SERVICE_UNAVAILABLE,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unreadable => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::AddressTooLong => StatusCode::URI_TOO_LONG,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Defect => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// When it makes sense to try again, for those that pass.
    pub(crate) const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy(delay) | Self::Throttled(delay) | Self::OutOfReach(_, delay) => Some(*delay),
            _ => None,
        }
    }

    /// What a form says when it comes back. `fields` are the names that the backend has for the
    /// form's fields, with the form's own; what is wrong elsewhere goes to the top.
    pub(crate) fn feedback(
        &self,
        fields: &[(&str, &'static str)],
        failed: &str,
        request_id: &str,
    ) -> Feedback {
        if let Self::Invalid(violations) = self {
            return beside_fields(violations, fields, failed);
        }
        let why = match self {
            Self::Busy(_) => {
                "There is too much to do at this moment. Try again in a few seconds.".to_owned()
            }
            Self::Throttled(delay) => {
                let seconds = delay.as_secs().max(1);
                format!("There were too many wrong passwords. Try again in {seconds} s.")
            }
            Self::OutOfReach(part, _) => format!("{} Try again in a moment.", part.away()),
            Self::Forbidden => "You may not do that.".to_owned(),
            Self::NotFound => "It is not there any more.".to_owned(),
            Self::Conflict => "It clashes with what is there already.".to_owned(),
            Self::Against(rule) => rule.words().to_owned(),
            Self::Disabled => DISABLED.to_owned(),
            Self::Removed => REMOVED.to_owned(),
            _ => format!("Something broke on our side. If it goes on, quote {request_id}."),
        };
        Feedback::general(format!("{failed} {why}"))
    }
}

impl Rule {
    /// The rule that a `FAILED_PRECONDITION` names.
    fn of(status: &Status) -> Option<Self> {
        match status::reason(status)?.as_str() {
            "LAST_ADMINISTRATOR" => Some(Self::LastAdministrator),
            "TOO_MANY_ACCESS_TOKENS" => Some(Self::TooManyTokens),
            "THOUGHT_IN_TRASH" => Some(Self::InTrash),
            _ => None,
        }
    }

    /// What it asks for.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::LastAdministrator => {
                "This is the only administrator, and somebody has to look after the server. Make \
                 somebody else one first."
            }
            Self::TooManyTokens => {
                "You have as many tokens as anybody may have. Revoke one that you do not need first."
            }
            Self::InTrash => "It is in the trash. Restore it first.",
        }
    }
}

impl Part {
    /// One sentence that says that it is away.
    pub(crate) const fn away(self) -> &'static str {
        match self {
            Self::Accounts => "The part of MyThoughts that keeps the accounts is out of reach.",
            Self::Thoughts => "The part of MyThoughts that keeps the thoughts is out of reach.",
        }
    }
}

impl IntoResponse for Problem {
    /// Only the status and the mark that [`pages`] looks for; it writes the page.
    fn into_response(self) -> Response {
        (self.status(), axum::Extension(self)).into_response()
    }
}

/// Puts the page around every [`Problem`] that a handler or a layer further in gave up with.
pub(crate) async fn pages(visit: Visit, request: Request, next: Next) -> Response {
    let may_go_on = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = next.run(request).await;
    let Some(problem) = response.extensions_mut().remove::<Problem>() else {
        return response;
    };
    let mut page = match problem {
        Problem::SignIn if may_go_on => pages::login::ask(&visit),
        Problem::SignIn => pages::login::ask_again(&visit, visit.here.clone()),
        _ => pages::problem::show(&visit, &problem, may_go_on),
    };
    // A 405 says which methods there are.
    if let Some(methods) = response.headers_mut().remove(header::ALLOW) {
        page.headers_mut().insert(header::ALLOW, methods);
    }
    page
}

/// A page that answers a problem, with the header that says when to come back.
pub(crate) fn with_retry_after(mut page: Response, problem: &Problem) -> Response {
    if let Some(delay) = problem.retry_after() {
        let seconds = delay.as_millis().div_ceil(1_000).max(1);
        let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
        page.headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    page
}

/// What somebody is told whose account is disabled.
pub(crate) const DISABLED: &str =
    "This account is disabled. Whoever looks after this server can say why, and enable it.";

/// What the author of a removed thought is told.
pub(crate) const REMOVED: &str = "An administrator removed this thought, so you cannot bring it back. Until it leaves the trash \
     you can read and copy it there.";

const BUSY: Duration = Duration::from_secs(5);
const AWAY: Duration = Duration::from_secs(5);

/// A backend that cannot check a token for want of keys is there itself; the accounts are not.
fn part_away(part: Part, status: &Status) -> Part {
    match status::reason(status).as_deref() {
        Some("KEYS_UNAVAILABLE") => Part::Accounts,
        _ => part,
    }
}

fn beside_fields(
    violations: &[(String, String)],
    fields: &[(&str, &'static str)],
    failed: &str,
) -> Feedback {
    let mut feedback = Feedback::default();
    for (field, description) in violations {
        match fields.iter().find(|(theirs, _)| theirs == field) {
            Some((_, ours)) => feedback.fields.push((ours, sentence(description))),
            None => feedback.general = Some(format!("{failed} {}", sentence(description))),
        }
    }
    feedback
        .fields
        .sort_by_key(|(name, _)| fields.iter().position(|(_, ours)| ours == name));
    if !feedback.is_bad() {
        feedback.general = Some(failed.to_owned());
    }
    feedback
}

/// A backend's description as a sentence: "must not be empty" reads "Must not be empty."
pub(crate) fn sentence(description: &str) -> String {
    let mut letters = description.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    let stop = if description.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{}{}{stop}", first.unwrap_or_default(), letters.as_str())
}
