//! The parts put together.

use std::time::Duration;

use api::{
    FILE_DESCRIPTOR_SET, thoughts::v1::thoughts_service_server::ThoughtsServiceServer,
    users::v1::users_service_client::UsersServiceClient,
};
use runtime::{
    auth::Verifier,
    clock::Clock,
    grpc::{client::Channel, server::GrpcServer},
    lifecycle::{Listeners, StartError},
};
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    example,
    grpc::{
        ThoughtsGrpc,
        users::{key_source, personal_token_source},
    },
    service::{Live, ServiceTokens, Thoughts},
    store::Store,
};

/// How often the trash and the log of changes are emptied of what has been there for its time.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(60);

/// How often tags are counted.
const TAGS_INTERVAL: Duration = Duration::from_secs(1);

/// Opens and migrates the database, waiting for it while it is away, and serves until `shutdown`.
/// Meanwhile the program is alive, and not ready.
///
/// # Errors
///
/// The database or the certificates cannot be used, in one line.
pub async fn serve(
    config: Config,
    listeners: Listeners,
    shutdown: CancellationToken,
) -> Result<(), StartError> {
    let opening = shutdown.clone();
    let server = GrpcServer::new("thoughts-backend").tls(config.tls.server()?);
    let users = users_channel(&config)?;
    server
        .serve_when_open(listeners, shutdown, async move |server| {
            let store = open(&config, &opening).await?;
            Ok(add_to(server, store, config, users, opening))
        })
        .await
}

async fn open(config: &Config, cancelled: &CancellationToken) -> Result<Store, StartError> {
    let store = Store::open(&config.database(), cancelled.cancelled())
        .await
        .map_err(StartError::new)?;
    if config.demo {
        store
            .create_examples(&example::thoughts())
            .await
            .map_err(StartError::new)?;
    }
    Ok(store)
}

fn users_channel(config: &Config) -> Result<Channel, StartError> {
    let (url, tls) = (config.user_backend_url.clone(), config.tls.client()?);
    Channel::secured("users", "USER_BACKEND_URL", url, tls.as_ref())
}

fn add_to(
    server: GrpcServer,
    store: Store,
    config: Config,
    users: Channel,
    shutdown: CancellationToken,
) -> GrpcServer {
    let clock = Clock::system();
    let users = UsersServiceClient::new(users);
    let service_tokens = ServiceTokens::new(store.clone(), clock.clone());
    let verifier = Verifier::new(
        clock.clone(),
        config.tokens_public_key.unwrap_or_default(),
        key_source(users.clone()),
    )
    .with_personal_tokens(personal_token_source(users, service_tokens.clone()));
    let (checked, closed) = (store.clone(), store.clone());
    let thoughts = Thoughts {
        store,
        clock,
        max_length: config.max_thought_length,
    };
    let kept = thoughts.clone();
    let (counted, until) = (thoughts.clone(), shutdown.clone());
    let stopping = shutdown.clone();
    let live = Live::start(thoughts.store.clone(), shutdown.clone());
    tokio::spawn(async move { kept.keep_up(UPKEEP_INTERVAL, shutdown).await });
    tokio::spawn(async move { counted.keep_tags(TAGS_INTERVAL, until).await });
    let service = ThoughtsGrpc::new(thoughts, live, service_tokens, verifier, stopping);
    server
        .add_service(ThoughtsServiceServer::new(service))
        .reflection(config.reflection.then_some(FILE_DESCRIPTOR_SET))
        .ready_check(move || {
            let store = checked.clone();
            async move { store.is_there().await.map_err(|error| error.to_string()) }
        })
        .on_stop(async move { closed.close().await })
}
