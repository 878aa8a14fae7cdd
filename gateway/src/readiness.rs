//! What `/readyz` says: ready from the start to the end, whatever the backends do, since without
//! them pages still say what is the matter; and for people, which backend answers.

use std::time::Duration;

use api::{thoughts::v1::GetLimitsRequest, users::v1::GetKeySetRequest};
use runtime::ops::Readiness;
use tokio::{sync::watch, time::interval};
use tonic::{Request, Status};

use crate::app::App;

/// How often the backends are asked.
const INTERVAL: Duration = Duration::from_secs(5);

/// What does not answer within this time is out of reach.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Keeps the report true; does not end.
pub(crate) async fn watch(app: &App, readiness: &watch::Sender<Readiness>) {
    let report = vec![
        "thoughts: not asked yet".to_owned(),
        "users: not asked yet".to_owned(),
    ];
    readiness.send_replace(Readiness {
        ready: true,
        report,
    });
    let mut tick = interval(INTERVAL);
    loop {
        tick.tick().await;
        let (mut thoughts, mut users) = (app.thoughts.clone(), app.users.clone());
        let (thoughts, users) = tokio::join!(
            thoughts.get_limits(soon(GetLimitsRequest {})),
            users.get_key_set(soon(GetKeySetRequest {})),
        );
        let report = vec![line("thoughts", thoughts.err()), line("users", users.err())];
        readiness.send_replace(Readiness {
            ready: true,
            report,
        });
    }
}

fn soon<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(TIMEOUT);
    request
}

fn line(backend: &str, error: Option<Status>) -> String {
    match error {
        None => format!("{backend}: answers"),
        Some(error) => format!("{backend}: {}", error.message()),
    }
}
