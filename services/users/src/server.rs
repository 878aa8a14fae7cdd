//! The parts put together.

use std::{
    future::ready,
    io::{self, Write as _},
    sync::Arc,
    time::Duration,
};

use api::{
    FILE_DESCRIPTOR_SET, thoughts::v1::thoughts_service_client::ThoughtsServiceClient,
    users::v1::users_service_server::UsersServiceServer,
};
use database::{Database, DatabaseUrl, Summary};
use futures_util::FutureExt as _;
use prometheus_client::metrics::gauge::Gauge;
use runtime::{
    auth::{FixedKeys, Verifier},
    clock::Clock,
    grpc::{client::Channel, server::GrpcServer},
    lifecycle::{Listeners, StartError},
    proxies::TrustedProxies,
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    error::Error,
    first_run,
    grpc::{REFUSED_FOR_NOW, UsersGrpc, keep_known, personal_tokens, thoughts},
    hashing::PasswordHasher,
    password::NewPassword,
    service::{
        Accounts, Policy, Presentations,
        keys::{Keys, Source},
        purging::Purging,
        reset,
    },
    setup::SetupCode,
    store::{Store, migrations},
    user::User,
    username::Username,
};

const PROGRAM: &str = "users-backend";

/// How often signing keys are looked after, and what is over is cleared away.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(60);

/// How often deletions are looked for that other replicas have left.
const PURGE_INTERVAL: Duration = Duration::from_secs(1);

/// How long a command other than to serve waits for a database that is away.
const PATIENCE: Duration = Duration::from_secs(10);

/// The service on its open database, ready to serve.
///
/// Opening and serving are two steps so that a program which has this service inside can ask for
/// the set-up code in between.
pub struct Backend {
    accounts: Accounts,
    thoughts: Channel,
    trusted_proxies: TrustedProxies,
    reflection: bool,
}

impl Backend {
    /// Opens and migrates the database, waiting for it while it is away, and gives it what it has
    /// to have: the signing key, the example accounts, the first administrator.
    ///
    /// # Errors
    ///
    /// The database or the certificates cannot be used, or `shutdown` came first, or the configured
    /// administrator's name belongs to a member.
    pub async fn open(config: Config, shutdown: &CancellationToken) -> Result<Self, StartError> {
        Self::open_with_clock(config, Clock::system(), shutdown).await
    }

    /// As [`Backend::open`], by another clock than the machine's.
    ///
    /// # Errors
    ///
    /// As [`Backend::open`].
    pub async fn open_with_clock(
        config: Config,
        clock: Clock,
        shutdown: &CancellationToken,
    ) -> Result<Self, StartError> {
        let thoughts = thoughts_channel(&config)?;
        let store = open_store(&config, shutdown.cancelled()).await?;
        let keys = match config.tokens_signing_key {
            Some(key) => Source::Configured(key),
            None => Source::Database(config.key_encryption_secret),
        };
        let keys = Keys::open(&store, &clock, keys).await;
        let policy = Policy {
            sign_up: config.sign_up,
            setup_code: config.setup_code,
        };
        let accounts = Accounts {
            store,
            hasher: PasswordHasher::new(),
            clock,
            keys: keys.map_err(StartError::new)?,
            policy: Arc::new(policy),
            deletions: Arc::default(),
            presentations: Presentations::default(),
        };
        if config.demo {
            accounts.add_examples().await.map_err(StartError::new)?;
        }
        if let (Some(username), Some(password)) = (config.admin_username, config.admin_password) {
            accounts.add_administrator(username, password).await?;
        }
        let backend = Self {
            accounts,
            thoughts,
            trusted_proxies: config.trusted_proxies,
            reflection: config.reflection,
        };
        // Made now, so that it is there for whoever asks another replica for it.
        backend.setup_code().await?;
        Ok(backend)
    }

    /// The code that lets the first administrator be made, to be shown to whoever runs this and
    /// never to be logged; `None` once there is an administrator.
    ///
    /// # Errors
    ///
    /// The database does not answer.
    pub async fn setup_code(&self) -> Result<Option<String>, StartError> {
        let configured = self.accounts.policy.setup_code.as_ref();
        let code = first_run::setup_code(&self.accounts.store, configured).await?;
        Ok(code.map(|code| code.expose().to_owned()))
    }

    /// Serves until `shutdown`.
    ///
    /// # Errors
    ///
    /// As [`GrpcServer::serve`].
    pub async fn serve(
        self,
        listeners: Listeners,
        shutdown: CancellationToken,
    ) -> Result<(), StartError> {
        let server = self.add_to(GrpcServer::new(PROGRAM), &shutdown);
        server.serve(listeners, shutdown).await
    }

    fn add_to(self, server: GrpcServer, shutdown: &CancellationToken) -> GrpcServer {
        let (kept, until) = (self.accounts.clone(), shutdown.clone());
        tokio::spawn(async move { kept.keep_up(UPKEEP_INTERVAL, until).await });
        let thoughts = ThoughtsServiceClient::new(self.thoughts.measured(server.metrics()));
        let purging = self.purging(&server, thoughts.clone());
        tokio::spawn(purging.run(PURGE_INTERVAL, shutdown.clone()));
        tokio::spawn(keep_known(
            self.accounts.clone(),
            thoughts,
            shutdown.clone(),
        ));
        server.metrics().begin_refusals(&REFUSED_FOR_NOW);
        server.metrics().register(|registry| {
            self.accounts.store.register(registry);
            self.accounts.hasher.register(registry);
        });
        let (checked, closed) = (self.accounts.store.clone(), self.accounts.store.clone());
        let service = UsersGrpc::new(self.accounts.clone(), self.verifier());
        server
            .add_service(UsersServiceServer::new(service))
            .reflection(self.reflection.then_some(FILE_DESCRIPTOR_SET))
            .trusted_proxies(self.trusted_proxies)
            .ready_check(move || {
                let store = checked.clone();
                async move { store.is_there().await.map_err(|error| error.to_string()) }
            })
            .on_stop(async move { closed.close().await })
    }

    /// What completes deletions, and tells of those that are not complete.
    fn purging(&self, server: &GrpcServer, thoughts: ThoughtsServiceClient<Channel>) -> Purging {
        let pending: Gauge = Gauge::default();
        server.metrics().register(|registry| {
            registry.register(
                "mythoughts_pending_purges",
                "Deleted accounts whose thoughts are still to be deleted",
                pending.clone(),
            );
        });
        Purging {
            accounts: self.accounts.clone(),
            purge_author: thoughts::purge_author(self.accounts.clone(), thoughts),
            pending: Arc::new(move |count| {
                pending.set(count);
            }),
        }
    }

    /// Checks tokens with the keys that this very service publishes, and the personal access tokens
    /// that it keeps.
    fn verifier(&self) -> Verifier {
        let accounts = self.accounts.clone();
        let source = move || ready(Ok(accounts.key_set_json())).boxed();
        Verifier::new(
            self.accounts.clock.clone(),
            FixedKeys::default(),
            Arc::new(source),
        )
        .with_personal_tokens_uncached(personal_tokens(self.accounts.clone()))
    }
}

/// Opens the database and serves until `shutdown`. While the database is away the program is
/// alive, and not ready.
///
/// # Errors
///
/// As [`Backend::open`] and [`Backend::serve`].
pub async fn serve(
    config: Config,
    listeners: Listeners,
    shutdown: CancellationToken,
) -> Result<(), StartError> {
    let opening = shutdown.clone();
    GrpcServer::new(PROGRAM)
        .tls(config.tls.server()?)
        .serve_when_open(listeners, shutdown, async move |server| {
            let backend = Backend::open(config, &opening).await?;
            Ok(backend.add_to(server, &opening))
        })
        .await
}

/// The set-up code of a database that some replica serves, or is going to; `None` once there is an
/// administrator. Makes no account.
///
/// # Errors
///
/// The database cannot be used, or does not answer for ten seconds.
pub(crate) async fn setup_code(
    config: &Config,
    shutdown: &CancellationToken,
) -> Result<Option<SetupCode>, StartError> {
    let store = open_store_soon(config, shutdown).await?;
    let code = first_run::setup_code(&store, config.setup_code.as_ref()).await;
    store.close().await;
    code
}

/// Gives an account another password and ends its sessions, whether or not some replica serves. A
/// disabled one stays so.
///
/// # Errors
///
/// The database cannot be used, or does not answer for ten seconds; there is no such account, or
/// the password is its name.
pub(crate) async fn reset_password(
    config: &Config,
    username: &Username,
    password: NewPassword,
    shutdown: &CancellationToken,
) -> Result<User, StartError> {
    let store = open_store_soon(config, shutdown).await?;
    let reset = reset::reset_password(&store, &PasswordHasher::new(), username, password).await;
    store.close().await;
    reset.map_err(|error| match error {
        Error::PasswordRefused(why) => StartError::new(format!("the new password {why}")),
        Error::UserNotFound => StartError::new(format!("there is no user {username}")),
        error => StartError::new(error),
    })
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
    let given_up = timeout(PATIENCE, shutdown.cancelled()).map(|_| ());
    let to = config.database();
    let schema = migrations();
    let copying = database::copy(from, &to, &schema, &[], given_up);
    let copied = shutdown.run_until_cancelled(copying).await;
    let copied = copied.ok_or_else(|| StartError::new("stopped before everything was copied"))?;
    let copied = copied.map_err(StartError::new)?;
    write!(io::stdout(), "{}", Summary::new(&copied, &[])).map_err(StartError::new)
}

fn thoughts_channel(config: &Config) -> Result<Channel, StartError> {
    let (url, tls) = (config.thoughts_backend_url.clone(), config.tls.client()?);
    Channel::secured("thoughts", "THOUGHTS_BACKEND_URL", url, tls.as_ref())
}

/// The store of a database that is there, or comes soon.
async fn open_store_soon(
    config: &Config,
    shutdown: &CancellationToken,
) -> Result<Store, StartError> {
    let given_up = timeout(PATIENCE, shutdown.cancelled()).map(|_| ());
    open_store(config, given_up).await
}

async fn open_store(
    config: &Config,
    cancelled: impl Future<Output = ()>,
) -> Result<Store, StartError> {
    let database = Database::open(&config.database(), &migrations(), cancelled).await;
    Ok(Store::new(database.map_err(StartError::new)?))
}
