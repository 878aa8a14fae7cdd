//! The parts put together.

use std::sync::Arc;

use api::{
    FILE_DESCRIPTOR_SET,
    thoughts::v1::thoughts_service_server::ThoughtsServiceServer,
    users::v1::{GetKeySetRequest, users_service_client::UsersServiceClient},
};
use runtime::{
    auth::{KeySource, Verifier},
    clock::Clock,
    grpc::{
        client::{BackendUrl, Channel},
        server::GrpcServer,
    },
    lifecycle::{Listeners, StartError},
};
use tokio_util::sync::CancellationToken;

use crate::{config::Config, example, grpc::ThoughtsGrpc, service::Thoughts, store::Store};

/// Opens and migrates the database, waiting for it while it is away, and serves until `shutdown`.
///
/// # Errors
///
/// The database cannot be used, in one line.
pub async fn serve(
    config: Config,
    listeners: Listeners,
    shutdown: CancellationToken,
) -> Result<(), StartError> {
    let store = match Store::open(&config.database_url, shutdown.cancelled()).await {
        Ok(store) => store,
        // Whoever stops a program that waits for its database did not meet an error.
        Err(_) if shutdown.is_cancelled() => return Ok(()),
        Err(reason) => return Err(StartError::new(reason)),
    };
    if config.demo {
        store
            .create_examples(&example::thoughts())
            .await
            .map_err(StartError::new)?;
    }
    let clock = Clock::system();
    let verifier = Verifier::new(
        clock.clone(),
        config.tokens_public_key.unwrap_or_default(),
        keys_of(config.user_backend_url),
    );
    let thoughts = Thoughts {
        store: store.clone(),
        clock,
        max_length: config.max_thought_length,
    };
    let checked = store.clone();
    let served = GrpcServer::new("thoughts-backend")
        .add_service(ThoughtsServiceServer::new(ThoughtsGrpc::new(
            thoughts, verifier,
        )))
        .reflection(config.reflection.then_some(FILE_DESCRIPTOR_SET))
        .ready_check(move || {
            let store = checked.clone();
            async move { store.is_there().await }
        })
        .serve(listeners, shutdown)
        .await;
    store.close().await;
    served
}

/// The key set, as the users backend publishes it.
fn keys_of(users: BackendUrl) -> KeySource {
    let client = UsersServiceClient::new(Channel::new("users", users));
    Arc::new(move || {
        let mut client = client.clone();
        Box::pin(async move {
            let answer = client.get_key_set(GetKeySetRequest {}).await?;
            Ok(answer.into_inner().key_set_json)
        })
    })
}
