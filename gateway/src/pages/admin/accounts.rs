//! All accounts.

use axum::response::Response;
use maud::html;
use serde::Deserialize;

use super::Administrator;
use crate::{
    backends::Backends,
    error::Problem,
    fields::Params,
    paths,
    ui::{
        account,
        layout::Place,
        notice, paging,
        tabs::{self, Tab},
    },
    visit::Visit,
};

const TITLE: &str = "Accounts";

/// Which page of the list.
#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    page_token: Option<String>,
}

/// `GET /admin/users`
pub(crate) async fn show(
    Administrator(signed_in): Administrator,
    visit: Visit,
    backends: Backends,
    Params(which): Params<Which>,
) -> Result<Response, Problem> {
    let page_token = which.page_token.as_deref();
    let list = backends.accounts(page_token, &signed_in.token).await?;
    let older = list
        .next_page_token
        .map(|token| paths::accounts(Some(&token)));
    let main = html! {
        (tabs::administration(Some(Tab::Accounts)))
        h1 { (TITLE) }
        p.actions.first {
            a.button href=(paths::SIGNUP) { "Add an account" }
            a href=(paths::INVITATIONS) { "Invite somebody by a link" }
        }
        @if list.items.is_empty() {
            (notice::empty("That was all", &html! { "There are no older accounts." }))
        } @else {
            (account::list(&list.items, visit.now))
        }
        (paging::nav(
            page_token.map(|_| (paths::ACCOUNTS, "Newest accounts")),
            older.as_deref().map(|path| (path, "Older accounts")),
        ))
    };
    Ok(visit.page(TITLE, Place::Administration, &main))
}
