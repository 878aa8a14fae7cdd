//! The parts put together.

use std::{
    io::{self, Write as _},
    time::Duration,
};

use api::{
    FILE_DESCRIPTOR_SET, thoughts::v1::thoughts_service_server::ThoughtsServiceServer,
    users::v1::users_service_client::UsersServiceClient,
};
use database::{DatabaseUrl, Engine, Summary};
use runtime::{
    auth::Verifier,
    clock::Clock,
    grpc::{client::Channel, server::GrpcServer},
    lifecycle::{Listeners, StartError},
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    example,
    grpc::{
        ThoughtsGrpc, Watches,
        users::{REFUSED_FOR_NOW, key_source, personal_token_source},
    },
    service::{Live, ServiceTokens, Thoughts},
    store::{LEFT_OUT, Store, migrations},
};

/// How often the trash and the log of changes are emptied of what has been there for its time.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(60);

/// How long a command other than to serve waits for a database that is away.
const PATIENCE: Duration = Duration::from_secs(10);

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
    let users = users_channel(&config)?.measured(server.metrics());
    let replica = config.replica()?;
    server
        .serve_when_open(listeners, shutdown, async move |server| {
            let store = open(&config, &opening).await?.with_replica(replica);
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

/// Copies everything from an SQLite file to the configured database, and prints what was copied.
///
/// # Errors
///
/// Nothing was copied, and why.
pub(crate) async fn copy_database(
    config: &Config,
    from: &DatabaseUrl,
    shutdown: &CancellationToken,
) -> Result<(), StartError> {
    let to = config.database();
    let given_up = || async {
        // Either way it has been long enough.
        let _ = timeout(PATIENCE, shutdown.cancelled()).await;
    };
    if to.engine() == Engine::Postgres {
        // Refuses what a copy could not be searched in.
        let opened = Store::open(&to, given_up()).await;
        opened.map_err(StartError::new)?.close().await;
    }
    let schema = migrations();
    let copying = database::copy(from, &to, &schema, &LEFT_OUT, given_up());
    let copied = shutdown.run_until_cancelled(copying).await;
    let copied = copied.ok_or_else(|| StartError::new("stopped before everything was copied"))?;
    let copied = copied.map_err(StartError::new)?;
    write!(io::stdout(), "{}", Summary::new(&copied, &LEFT_OUT)).map_err(StartError::new)
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
    let (followed, ended) = (thoughts.store.clone(), shutdown.clone());
    tokio::spawn(async move { ended.run_until_cancelled(followed.follow_replica()).await });
    tokio::spawn(async move { kept.keep_up(UPKEEP_INTERVAL, shutdown).await });
    tokio::spawn(async move { counted.keep_tags(TAGS_INTERVAL, until).await });
    let watches = Watches::default();
    server.metrics().begin_refusals(&REFUSED_FOR_NOW);
    server.metrics().register(|registry| {
        checked.register(registry);
        watches.register(registry);
    });
    let service = ThoughtsGrpc::new(thoughts, live, watches, service_tokens, verifier, stopping);
    server
        .add_service(ThoughtsServiceServer::new(service))
        .reflection(config.reflection.then_some(FILE_DESCRIPTOR_SET))
        .trusted_proxies(config.trusted_proxies)
        .ready_check(move || {
            let store = checked.clone();
            async move { store.is_there().await.map_err(|error| error.to_string()) }
        })
        .on_stop(async move { closed.close().await })
}
