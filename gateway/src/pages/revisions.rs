//! What a thought was before each change.

use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    backends::Backends,
    error::Problem,
    fields::{Params, Segment},
    model::{Edit, Revision, Thought, Visibility},
    paths,
    session::SignedIn,
    ui::{layout::Place, notice, text, thought, time},
    visit::Visit,
};

const TITLE: &str = "Earlier versions";

/// Which page of the list.
#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    page_token: Option<String>,
}

/// `GET /thoughts/{id}/revisions`
pub(crate) async fn show(
    signed_in: SignedIn,
    visit: Visit,
    backends: Backends,
    id: Segment,
    Params(which): Params<Which>,
) -> Result<Response, Problem> {
    let id = id.id()?;
    let page_token = which.page_token.as_deref();
    let (thought, revisions) = tokio::join!(
        backends.thought(id, Some(&signed_in.token)),
        backends.revisions(id, page_token, &signed_in.token),
    );
    let (thought, revisions) = (thought?, revisions?);
    let next = revisions.next_page_token.as_deref();
    let first = paths::revisions(id, None);
    let main = html! {
        h1 { (TITLE) }
        p.lead {
            "What your thought was before you changed it. Restoring makes a change of its own, so \
             nothing is lost by it; who may read the thought stays as it is."
        }
        h2 { "Now" }
        (thought::alone(&thought, visit.eyes()))
        h2 { "Before" }
        (list(&thought, &revisions.items))
        (thought::pages(
            page_token.map(|_| first.as_str()),
            next.map(|token| paths::revisions(id, Some(token))).as_deref(),
        ))
    };
    Ok(visit.page(TITLE, Place::Own, &main))
}

fn list(thought: &Thought, revisions: &[Revision]) -> Markup {
    if revisions.is_empty() {
        return notice::empty(
            "Nothing else",
            &html! { "There are no other versions of it." },
        );
    }
    html! {
        ol.thoughts {
            @for revision in revisions {
                li {
                    article.thought.revision {
                        p.text dir="auto" { (text::text(&revision.text, &[])) }
                        footer {
                            span.when {
                                "From " (time::full(revision.since)) " to " (time::full(revision.until))
                            }
                            @if revision.visibility == Visibility::Private {
                                span.badge { "Only you" }
                            }
                            @if thought.trashed.is_none() && revision.text != thought.text {
                                (restore(thought, revision))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The form that makes the earlier text the present one.
fn restore(thought: &Thought, revision: &Revision) -> Markup {
    let Edit {
        id,
        visibility,
        etag,
        ..
    } = Edit::of(thought);
    html! {
        form.act method="post" action=(paths::edit_thought(id, None)) {
            input type="hidden" name="text" value=(revision.text);
            input type="hidden" name="visibility" value=(visibility.value());
            input type="hidden" name="etag" value=(etag);
            input type="hidden" name="next" value=(paths::thought(id));
            button.plain { "Restore" }
        }
    }
}
