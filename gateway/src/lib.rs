//! Pages for browsers. The gateway calls the backends over gRPC and keeps nothing itself.
//!
//! A request comes in through `router` (every route on one screen), gets its id and log line
//! (`observe`) and its person (`session`: the cookie, checked here, and renewed when its time is
//! over), and reaches a handler in `pages`: a file a page, with its handlers, its form and its private view. A handler asks the
//! `backends`, whose answers are parsed into `model`, and writes HTML with the pure components of
//! `ui`. What goes wrong is a `Problem` (`error`: the only place where a gRPC status becomes a
//! page).
//!
//! Beside them: `fields` reads forms and addresses strictly, `paths` makes every link, `assets`
//! are the files in the binary, `security` the headers and the guard against other sites' forms,
//! `cookies` are the session's two, `flash` tells the next page what has been done,
//! `written` knows what was saved last, `origin` is what
//! links for others begin with, `renewal` renews a session once for all requests that need it,
//! `device` is what the users backend is told of the browser, `cache` keeps rare answers for a
//! minute, `live` hands what becomes of a list on to all who follow it, `porting` reads and writes the files of import and export, `app` is what all requests share, and `visit` what one request knows.

mod app;
mod assets;
mod backends;
mod cache;
mod config;
mod cookies;
mod device;
mod error;
mod fields;
mod flash;
mod live;
mod model;
mod observe;
mod origin;
mod pages;
mod paths;
mod porting;
mod readiness;
mod renewal;
mod router;
mod security;
mod session;
mod ui;
mod visit;
mod written;

pub use config::{Config, PublicUrl};

use runtime::{
    clock::Clock,
    http::serve_web,
    lifecycle::{Listeners, StartError},
    metrics::Metrics,
    ops,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Serves pages until `shutdown`, then lets running requests finish.
///
/// # Errors
///
/// `PUBLIC_URL` is no origin that a browser could send, or the certificates cannot be used.
pub async fn serve(
    config: Config,
    listeners: Listeners,
    shutdown: CancellationToken,
) -> Result<(), StartError> {
    let metrics = Metrics::new("gateway").with_http().with_grpc_clients();
    let app = app::App::new(&config, Clock::system(), metrics.clone())?;
    let router = router::router(app.clone())?;
    let (readiness, readiness_seen) = watch::channel(ops::Readiness::default());
    let ops = ops::serve(
        listeners.ops,
        metrics.clone(),
        readiness_seen,
        shutdown.clone(),
    );
    let stopping = CancellationToken::new();
    let pages = serve_web(listeners.listen, router, &metrics, stopping.clone());
    let watching = async {
        shutdown
            .run_until_cancelled(readiness::watch(&app, &readiness))
            .await;
        readiness.send_replace(ops::Readiness::default());
        app.live.stop();
        stopping.cancel();
    };
    tokio::join!(ops, pages, watching);
    Ok(())
}
