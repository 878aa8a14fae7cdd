//! One's own thoughts, with the box to write one.

use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::login::{self, Carried};
use crate::{
    backends::Backends,
    error::Problem,
    fields::{Fields, Params},
    flash::Done,
    model::{Draft, ThoughtList, Visibility},
    paths::{self, List, LocalPath},
    session::SignedIn,
    ui::{
        form::Feedback,
        layout::Place,
        notice,
        tabs::{self, Tab},
        thought,
        writing::Writing,
    },
    visit::Visit,
    written::{self, Written},
};

const TITLE: &str = "Your thoughts";

/// The form's fields, under the names that the backend has for them.
const FIELDS: [(&str, &str); 2] = [("text", "text"), ("visibility", "visibility")];

/// Which page of the list.
#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    page_token: Option<String>,
}

/// What is written, as it was sent.
#[derive(Debug, Deserialize)]
pub(crate) struct WriteForm {
    #[serde(default)]
    text: String,
    #[serde(default)]
    visibility: String,
    #[serde(default)]
    request_id: String,
    /// `true`: the same text as before, on purpose.
    #[serde(default)]
    again: String,
}

/// The box as it stands on a page.
struct WriteBox {
    draft: Draft,
    feedback: Feedback,
    /// In Unicode scalar values; `None` while the backend cannot be asked.
    limit: Option<u32>,
    /// Whether saving this text once more is on purpose.
    again: bool,
}

/// `GET /`
pub(crate) async fn show(
    signed_in: SignedIn,
    visit: Visit,
    backends: Backends,
    Params(which): Params<Which>,
) -> Result<Response, Problem> {
    let author = &signed_in.viewer.username;
    let page_token = which.page_token.as_deref();
    let (list, limit) = tokio::join!(
        backends.thoughts_of(author, page_token, Some(&signed_in.token)),
        backends.max_thought_length(),
    );
    let write = WriteBox {
        draft: visit.new_draft(),
        feedback: Feedback::default(),
        limit,
        again: false,
    };
    let view = view(&visit, &write, Some(&list?), page_token.is_some());
    Ok(visit.page(TITLE, Place::Own, &view))
}

/// `POST /thoughts`. Whatever goes wrong, the text comes back.
pub(crate) async fn create(
    visit: Visit,
    backends: Backends,
    written: Written,
    Fields(form): Fields<WriteForm>,
) -> Response {
    let visibility = Visibility::parse(&form.visibility);
    let again = form.again == "true";
    let draft = draft(&visit, form);
    if visibility.is_none() {
        let unknown = "must be public or private".to_owned();
        let problem = Problem::Invalid(vec![("visibility".to_owned(), unknown)]);
        return write_again(&visit, &backends, &problem, draft).await;
    }
    if !again && written.is_repeated_by(&draft) {
        return ask_whether_again(&visit, &backends, draft).await;
    }
    let saved = match visit.session.clone().required() {
        Ok(signed_in) => backends.create_thought(&draft, &signed_in.token).await,
        Err(problem) => Err(problem),
    };
    match saved {
        Ok(_) => {
            let mut done = visit.done(Done::ThoughtWritten(draft.request_id), paths::HOME);
            written::remember(&visit.app, &draft, &mut done);
            done
        }
        Err(Problem::SignIn) => login::ask_with(&visit, Carried::Draft(draft), LocalPath::home()),
        Err(problem) => write_again(&visit, &backends, &problem, draft).await,
    }
}

/// The page of somebody who has just logged in, with what they were writing in the box.
pub(crate) async fn show_with_draft(
    visit: &Visit,
    backends: &Backends,
    signed_in: &SignedIn,
    draft: Draft,
) -> Response {
    let author = &signed_in.viewer.username;
    let (list, limit) = tokio::join!(
        backends.thoughts_of(author, None, Some(&signed_in.token)),
        backends.max_thought_length(),
    );
    let write = WriteBox {
        draft,
        feedback: Feedback::default(),
        limit,
        again: false,
    };
    // Without the list the box is still what the person came for.
    let main = html! {
        (notice::status("You are logged in. Your thought is still here: save it when it is ready."))
        (view(visit, &write, list.ok().as_ref(), false))
    };
    visit.page(TITLE, Place::Own, &main)
}

/// Reads a draft that a form carried along.
pub(crate) fn draft(visit: &Visit, form: WriteForm) -> Draft {
    let fresh = visit.new_draft();
    Draft {
        text: form.text,
        visibility: Visibility::parse(&form.visibility).unwrap_or_default(),
        request_id: form.request_id.parse().unwrap_or(fresh.request_id),
    }
}

impl WriteForm {
    /// A form from the fields that another form carries.
    pub(crate) fn new(text: String, visibility: String, request_id: String) -> Self {
        Self {
            text,
            visibility,
            request_id,
            again: String::new(),
        }
    }
}

/// Somebody may have gone back to the form, and not know that it has been sent.
async fn ask_whether_again(visit: &Visit, backends: &Backends, draft: Draft) -> Response {
    let write = WriteBox {
        draft,
        feedback: Feedback::general(
            "You have saved this very text already, not long ago. Save once more to have it twice.",
        ),
        limit: backends.max_thought_length().await,
        again: true,
    };
    let main = view(visit, &write, None, false);
    visit.page_of(&Problem::Conflict, "Saved already", Place::Own, &main)
}

async fn write_again(
    visit: &Visit,
    backends: &Backends,
    problem: &Problem,
    mut draft: Draft,
) -> Response {
    let mut feedback = visit.feedback(problem, &FIELDS, "Your thought is not saved yet.");
    if *problem == Problem::Conflict {
        draft.request_id = visit.new_draft().request_id;
        feedback = Feedback::general(
            "This form has saved another text already. Save once more to keep this one as a thought of its own.",
        );
    }
    let write = WriteBox {
        draft,
        feedback,
        limit: backends.max_thought_length().await,
        again: false,
    };
    let main = view(visit, &write, None, false);
    visit.page_of(problem, "Not saved yet", Place::Own, &main)
}

fn view(visit: &Visit, write: &WriteBox, list: Option<&ThoughtList>, older: bool) -> Markup {
    html! {
        @if let Some(viewer) = visit.viewer() { (tabs::own(Tab::Own, viewer)) }
        h1 { @if write.again { "Saved already" } @else if write.feedback.is_bad() { "Not saved yet" } @else { (TITLE) } }
        (write_box(write))
        @match list {
            Some(list) => {
                h2.unseen { "What you have written" }
                (own_list(visit, list, older))
            }
            None => p.actions { a href=(paths::HOME) { "All your thoughts" } },
        }
    }
}

fn own_list(visit: &Visit, list: &ThoughtList, older: bool) -> Markup {
    let next = list.next_page_token.as_deref();
    html! {
        @let own = List::Of(visit.viewer().map_or("", |viewer| &viewer.username));
        (thought::followed(own, list, older, true, &html! {
        @if list.thoughts.is_empty() {
            @if older {
                (notice::empty("That was all", &html! { "There are no older thoughts of yours." }))
            } @else {
                (notice::empty("Nothing here yet", &html! {
                    "Write your first thought in the box above, or "
                    a href=(paths::SEARCH) { "read what others write" } "."
                }))
            }
        } @else {
            (thought::list(list, visit.eyes_on_one()))
        }
        }))
        (thought::pages(
            older.then_some(paths::HOME),
            next.map(|token| paths::home(Some(token))).as_deref(),
        ))
    }
}

fn write_box(write: &WriteBox) -> Markup {
    let writing = Writing {
        label: "What are you thinking?",
        text: &write.draft.text,
        visibility: write.draft.visibility,
        limit: write.limit,
        feedback: &write.feedback,
        first: write.feedback.is_bad(),
    };
    html! {
        form.card.write method="post" action=(paths::THOUGHTS)
            data-draft="new" data-kept[!write.draft.text.is_empty()] {
            (write.feedback.alert())
            input type="hidden" name="request_id" value=(write.draft.request_id);
            @if write.again { input type="hidden" name="again" value="true"; }
            (writing.text())
            div.row {
                (writing.visibility())
                button { "Save" }
            }
        }
    }
}
