//! What every request shares.

use std::sync::Arc;

use api::{
    thoughts::v1::thoughts_service_client::ThoughtsServiceClient,
    users::v1::{GetKeySetRequest, users_service_client::UsersServiceClient},
};
use futures_util::FutureExt as _;
use runtime::{
    auth::{KeySource, Verifier},
    clock::Clock,
    grpc::client::{BackendUrl, Channel},
    lifecycle::StartError,
    metrics::Metrics,
    proxies::TrustedProxies,
};

use crate::{
    backends::Watching,
    cache::Cached,
    config::{Config, PublicUrl},
    live::Live,
    porting::limits::Porting,
    renewal::Renewals,
};

/// The state behind the router. Clones share all of it.
#[derive(Clone)]
pub(crate) struct App(Arc<Shared>);

/// What [`App`] gives access to.
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) metrics: Metrics,
    pub(crate) thoughts: ThoughtsServiceClient<Channel>,
    pub(crate) users: UsersServiceClient<Channel>,
    /// For following lists.
    pub(crate) watching: Watching,
    pub(crate) live: Live,
    pub(crate) porting: Porting,
    pub(crate) verifier: Verifier,
    pub(crate) renewals: Renewals,
    /// What browsers know the site by, if that was said.
    pub(crate) public_url: Option<PublicUrl>,
    /// Whose word is taken for where a request comes from.
    pub(crate) trusted_proxies: TrustedProxies,
    /// The longest text of a thought, in Unicode scalar values.
    pub(crate) max_thought_length: Cached<u32>,
    /// The public keys as the users backend last gave them.
    pub(crate) key_set: Cached<String>,
}

impl App {
    /// Nothing is connected before it is used.
    pub(crate) fn new(config: &Config, clock: Clock, metrics: Metrics) -> Result<Self, StartError> {
        let tls = config.tls.client()?;
        let channel = |name, variable, url: &BackendUrl| {
            let channel = Channel::secured(name, variable, url.clone(), tls.as_ref())?;
            Ok::<_, StartError>(channel.measured(&metrics))
        };
        let thoughts = &config.thoughts_backend_url;
        let thoughts = channel("thoughts", "THOUGHTS_BACKEND_URL", thoughts)?;
        let users = channel("users", "USER_BACKEND_URL", &config.user_backend_url)?;
        let users = UsersServiceClient::new(users);
        let fixed = config.tokens_public_key.clone().unwrap_or_default();
        let live = Live::default();
        metrics.register(|registry| live.register(registry));
        Ok(Self(Arc::new(Shared {
            verifier: Verifier::new(clock.clone(), fixed, key_source(users.clone())),
            renewals: Renewals::default(),
            clock,
            metrics,
            watching: Watching::new(thoughts.clone()),
            live,
            porting: Porting::default(),
            thoughts: ThoughtsServiceClient::new(thoughts),
            users,
            public_url: config.public_url.clone(),
            trusted_proxies: config.trusted_proxies.clone(),
            max_thought_length: Cached::default(),
            key_set: Cached::default(),
        })))
    }

    /// Whether browsers come by https. Never inferred from a request, which anybody can write.
    pub(crate) fn is_secure(&self) -> bool {
        self.public_url.as_ref().is_some_and(PublicUrl::is_secure)
    }
}

impl std::ops::Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

fn key_source(users: UsersServiceClient<Channel>) -> KeySource {
    Arc::new(move || {
        let mut users = users.clone();
        async move {
            let answer = users.get_key_set(GetKeySetRequest {}).await?;
            Ok(answer.into_inner().key_set_json)
        }
        .boxed()
    })
}
