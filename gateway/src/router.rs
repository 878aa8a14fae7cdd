//! Every route, and what all of them pass through.

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    routing::{get, post},
};
use runtime::lifecycle::StartError;
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer};

use crate::{
    app::App,
    error::{self, Problem},
    observe,
    pages::{
        admin::{account, accounts, invitations, moderation},
        edit, feed, files, live, login, own, person, reset, revisions, search,
        settings::{self, data, deletion, tokens},
        signup, tags, thought, trash,
    },
    paths, security, session,
};

/// The whole site.
///
/// # Errors
///
/// `PUBLIC_URL` is no origin that a browser could send.
pub(crate) fn router(app: App) -> Result<Router, StartError> {
    let routes = Router::new()
        .route(paths::HOME, get(own::show))
        .route(paths::LOGIN, get(login::show).post(login::log_in))
        .route(paths::LOGOUT, post(login::log_out))
        .route(paths::SIGNUP, get(signup::show).post(signup::sign_up))
        .route(paths::THOUGHTS, post(own::create))
        .route(paths::THOUGHT, get(thought::show))
        .route(paths::DELETE_THOUGHT, post(thought::delete))
        .route(paths::UNDELETE_THOUGHT, post(thought::undelete))
        .route(paths::EDIT_THOUGHT, get(edit::show).post(edit::save))
        .route(paths::REVISIONS, get(revisions::show))
        .route(paths::TRASH, get(trash::show))
        .route(paths::SEARCH, get(search::show))
        .route(paths::TAGS, get(tags::show))
        .route(paths::TAG, get(tags::show_one))
        .route(paths::LIVE, get(live::follow))
        .route(paths::USER, get(person::show))
        .route(paths::FEED_OF_PERSON, get(feed::of_person))
        .route(paths::FEED_OF_TAG, get(feed::of_tag))
        .route(paths::FEED_OF_SEARCH, get(feed::of_search))
        .route(paths::SETTINGS, get(settings::show))
        .route(paths::CHANGE_PASSWORD, post(settings::change_password))
        .route(paths::REVOKE_SESSION, post(settings::revoke_session))
        .route(paths::TOKENS, get(tokens::show).post(tokens::create))
        .route(paths::REVOKE_TOKEN, get(tokens::ask).post(tokens::revoke))
        .route(paths::DATA, get(data::show).post(data::import))
        .route(paths::DATA_LINES, get(data::lines))
        .route(paths::DATA_FOLDER, get(data::folder))
        .route(
            paths::DELETE_ACCOUNT,
            get(deletion::ask).post(deletion::delete),
        )
        .route(paths::RESET_PASSWORD, get(reset::show).post(reset::reset))
        .route(paths::ACCOUNTS, get(accounts::show))
        .route(paths::ACCOUNT, get(account::show))
        .route(paths::CHANGE_ROLE, post(account::change_role))
        .route(paths::SWITCH_ACCOUNT, post(account::switch))
        .route(
            paths::MAKE_PASSWORD_RESET,
            post(account::make_password_reset),
        )
        .route(
            paths::REMOVE_ACCOUNT,
            get(account::ask).post(account::delete),
        )
        .route(
            paths::INVITATIONS,
            get(invitations::show).post(invitations::create),
        )
        .route(
            paths::REVOKE_INVITATION,
            get(invitations::ask).post(invitations::revoke),
        )
        .route(paths::MODERATION, get(moderation::show))
        .route(paths::KEY_SET, get(files::key_set))
        .route(paths::ASSET, get(files::asset))
        .route(paths::FAVICON, get(files::favicon))
        .route(paths::ROBOTS, get(files::robots))
        .fallback(async || Problem::NotFound)
        .method_not_allowed_fallback(async || Problem::MethodNotAllowed);
    through_layers(routes, app)
}

/// A layer is around those above it: requests pass them from the bottom up.
fn through_layers(routes: Router<App>, app: App) -> Result<Router, StartError> {
    let own_forms_only = security::own_forms_only(&app)
        .map_err(|error| StartError::new(format!("PUBLIC_URL: {error}")))?;
    Ok(routes
        .layer(own_forms_only)
        .layer(from_fn(security::short_addresses))
        .layer(CatchPanicLayer::custom(security::OnPanic))
        .layer(from_fn_with_state(app.clone(), session::renew_refused))
        .layer(from_fn_with_state(app.clone(), error::pages))
        .layer(from_fn_with_state(app.clone(), security::headers))
        .layer(from_fn_with_state(app.clone(), session::identify))
        .layer(CompressionLayer::new().compress_when(files::may_be_compressed()))
        .layer(from_fn_with_state(app.clone(), observe::observe))
        .with_state(app))
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use clap::Parser as _;
    use http::Request;
    use runtime::{clock::Clock, metrics::Metrics};
    use tower::ServiceExt as _;

    use super::*;
    use crate::Config;

    #[tokio::test]
    async fn s15_a_panic_is_a_page_with_the_id_to_quote() {
        let config = Config::parse_from(["gateway"]);
        let app = App::new(&config, Clock::system(), Metrics::new("gateway")).unwrap();
        let broken = Router::new().route("/", get(async || -> () { panic!("secret detail") }));
        let site = through_layers(broken, app).unwrap();
        for _ in 0..2 {
            let request = Request::get("/").body(Body::empty()).unwrap();
            let response = site.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), 500);
            assert_eq!(response.headers()["x-content-type-options"], "nosniff");
            let id = response.headers()["x-request-id"]
                .to_str()
                .unwrap()
                .to_owned();
            let page = to_bytes(response.into_body(), 100_000).await.unwrap();
            let page = String::from_utf8(page.to_vec()).unwrap();
            assert!(
                page.contains(&id) && !page.contains("secret detail"),
                "{page}"
            );
        }
    }
}
