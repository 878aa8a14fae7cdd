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
    pages::{files, login, own, person, search, signup, thought},
    paths, security, session,
};

/// The whole site.
///
/// # Errors
///
/// `PUBLIC_URL` is no origin that a browser could send.
pub(crate) fn router(app: App) -> Result<Router, StartError> {
    let own_forms_only = security::own_forms_only(&app)
        .map_err(|error| StartError::new(format!("PUBLIC_URL: {error}")))?;
    // A layer is around those above it: requests pass them from the bottom up.
    Ok(Router::new()
        .route(paths::HOME, get(own::show))
        .route(paths::LOGIN, get(login::show).post(login::log_in))
        .route(paths::LOGOUT, post(login::log_out))
        .route(paths::SIGNUP, get(signup::show).post(signup::sign_up))
        .route(paths::THOUGHTS, post(own::create))
        .route(paths::THOUGHT, get(thought::show))
        .route(paths::DELETE_THOUGHT, post(thought::delete))
        .route(paths::SEARCH, get(search::show))
        .route(paths::USER, get(person::show))
        .route(paths::KEY_SET, get(files::key_set))
        .route(paths::ASSET, get(files::asset))
        .route(paths::FAVICON, get(files::favicon))
        .route(paths::ROBOTS, get(files::robots))
        .fallback(async || Problem::NotFound)
        .method_not_allowed_fallback(async || Problem::MethodNotAllowed)
        .layer(own_forms_only)
        .layer(from_fn(security::short_addresses))
        .layer(CatchPanicLayer::custom(security::OnPanic))
        .layer(from_fn_with_state(app.clone(), error::pages))
        .layer(from_fn_with_state(app.clone(), security::headers))
        .layer(from_fn_with_state(app.clone(), session::identify))
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(app.clone(), observe::observe))
        .with_state(app))
}
