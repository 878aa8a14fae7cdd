//! The stack around a gRPC service.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{Router, middleware, response::IntoResponse};
use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::{
    net::TcpListener,
    sync::watch,
    time::{interval, timeout},
};
use tokio_util::sync::CancellationToken;
use tonic::{
    body::Body,
    server::NamedService,
    service::{Routes, RoutesBuilder},
};
use tonic_health::{ServingStatus, server::HealthReporter};
use tower::Service;

use super::{
    caller,
    observe::{self, Observer},
};
use crate::{
    http::{self, Protocol},
    lifecycle::{Listeners, StartError},
    metrics::Metrics,
    ops::{self, Readiness},
    proxies::TrustedProxies,
    tls::ServerTls,
};

/// How often a service is asked whether it is ready.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// What does not answer within this time is not ready.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

/// What a service waits for, if it cannot work now.
type ReadyCheck = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// A gRPC server in the making: services, then [`GrpcServer::serve`].
///
/// Around the services it puts health (by service name and for the whole), reflection, deadlines,
/// request ids, metrics, a net below panics, the limits of [`crate::http`], and the operations
/// port.
pub struct GrpcServer {
    routes: RoutesBuilder,
    names: Vec<&'static str>,
    descriptors: Option<&'static [u8]>,
    ready: Option<ReadyCheck>,
    last: Option<BoxFuture<'static, ()>>,
    tls: Option<ServerTls>,
    trusted: TrustedProxies,
    metrics: Metrics,
}

impl GrpcServer {
    /// A server without services for the program of that name.
    pub fn new(program: &'static str) -> Self {
        Self {
            routes: Routes::builder(),
            names: Vec::new(),
            descriptors: None,
            ready: None,
            last: None,
            tls: None,
            trusted: TrustedProxies::default(),
            metrics: Metrics::new(program).with_grpc().with_grpc_clients(),
        }
    }

    /// Adds a service.
    #[must_use]
    pub fn add_service<S>(mut self, service: S) -> Self
    where
        S: Service<::http::Request<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Response: IntoResponse,
        S::Future: Send + 'static,
    {
        self.routes.add_service(service);
        self.names.push(S::NAME);
        self
    }

    /// Describes the services to whoever asks, from an encoded `FileDescriptorSet`; `None` leaves
    /// reflection off.
    #[must_use]
    pub fn reflection(mut self, descriptors: Option<&'static [u8]>) -> Self {
        self.descriptors = descriptors;
        self
    }

    /// What tells whether the service can work, such as its database answering, or else what it
    /// waits for. Without it the service is ready as soon as it listens.
    #[must_use]
    pub fn ready_check<F>(mut self, check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.ready = Some(Arc::new(move || check().boxed()));
        self
    }

    /// Speaks TLS alone, if it is given.
    #[must_use]
    pub fn tls(mut self, tls: Option<ServerTls>) -> Self {
        self.tls = tls;
        self
    }

    /// Whose word is taken for where a call comes from ([`super::client_address`]) and which trace it
    /// is part of, besides that of peers who have shown a certificate.
    #[must_use]
    pub fn trusted_proxies(mut self, trusted: TrustedProxies) -> Self {
        self.trusted = trusted;
        self
    }

    /// What is still to be done when the last call has ended, such as closing the database.
    #[must_use]
    pub fn on_stop(mut self, last: impl Future<Output = ()> + Send + 'static) -> Self {
        self.last = Some(last.boxed());
        self
    }

    /// The metrics of this server, to add others to.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Serves until `shutdown`: health turns NOT_SERVING first, then running calls finish, and
    /// what is left at the end of the drain's time is dropped.
    ///
    /// # Errors
    ///
    /// The descriptors are none.
    pub async fn serve(
        self,
        listeners: Listeners,
        shutdown: CancellationToken,
    ) -> Result<(), StartError> {
        self.serve_when_open(listeners, shutdown, async |server| Ok(server))
            .await
    }

    /// As [`GrpcServer::serve`], for services that have to wait for something first: `open` adds
    /// them. Meanwhile the operations port answers already: alive, and not ready. Calls wait.
    ///
    /// # Errors
    ///
    /// That of `open`, or the descriptors are none.
    pub async fn serve_when_open(
        self,
        listeners: Listeners,
        shutdown: CancellationToken,
        open: impl AsyncFnOnce(Self) -> Result<Self, StartError>,
    ) -> Result<(), StartError> {
        let readiness = watch::Sender::new(Readiness {
            ready: false,
            report: vec!["starting".to_owned()],
        });
        let stopped = CancellationToken::new();
        let ops = ops::serve(
            listeners.ops,
            self.metrics.clone(),
            readiness.subscribe(),
            stopped.clone(),
        );
        let service = async {
            let _stopped = stopped.clone().drop_guard();
            let server = match open(self).await {
                Ok(server) => server,
                // Whoever stops a program that waits did not meet an error.
                Err(_) if shutdown.is_cancelled() => return Ok(()),
                Err(error) => return Err(error),
            };
            server
                .serve_calls(listeners.listen, readiness, shutdown)
                .await
        };
        let ((), served) = tokio::join!(ops, service);
        served
    }

    async fn serve_calls(
        mut self,
        listener: TcpListener,
        readiness: watch::Sender<Readiness>,
        shutdown: CancellationToken,
    ) -> Result<(), StartError> {
        let reporter = HealthReporter::new();
        let router = self.router(&reporter)?;
        let last = self.last.take();
        let health = Health {
            reporter,
            names: self.names,
            readiness,
        };
        // Known from the first call on: a name that nobody has heard of is another answer.
        health.set(false).await;
        let stopping = CancellationToken::new();
        let calls = http::serve(
            listener,
            router,
            Protocol::Grpc,
            self.tls.take(),
            Some(&self.metrics),
            stopping.clone(),
        );
        let watching = async {
            shutdown.run_until_cancelled(health.watch(self.ready)).await;
            health.stop().await;
            stopping.cancel();
        };
        tokio::join!(calls, watching);
        if let Some(last) = last {
            last.await;
        }
        Ok(())
    }

    fn router(&self, reporter: &HealthReporter) -> Result<Router, StartError> {
        let service = tonic_health::server::HealthService::from_health_reporter(reporter.clone());
        let health = tonic_health::pb::health_server::HealthServer::new(service);
        let mut routes = self.routes.clone();
        routes.add_service(health);
        if let Some(descriptors) = self.descriptors {
            let broken = |error| StartError::new(format!("cannot describe the services: {error}"));
            routes.add_service(self.descriptions(descriptors).build_v1().map_err(broken)?);
            routes.add_service(
                self.descriptions(descriptors)
                    .build_v1alpha()
                    .map_err(broken)?,
            );
        }
        let observer = Observer::new(
            self.metrics.clone(),
            self.trusted.clone(),
            self.names.clone(),
        );
        let observe = middleware::from_fn_with_state(observer, observe::observe);
        let locate = middleware::from_fn_with_state(self.trusted.clone(), caller::locate);
        let router = routes.routes().prepare().into_axum_router();
        Ok(router.layer(locate).layer(observe))
    }

    fn descriptions(
        &self,
        descriptors: &'static [u8],
    ) -> tonic_reflection::server::Builder<'static> {
        let builder = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(descriptors)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            // What errors carry, so that tools can show it.
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET);
        // Only what is served here is listed, though the descriptors know of more.
        let names = self.names.iter().copied().chain([
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection",
        ]);
        names.fold(
            builder,
            tonic_reflection::server::Builder::with_service_name,
        )
    }
}

/// Keeps the health service and `/readyz` true.
struct Health {
    reporter: HealthReporter,
    names: Vec<&'static str>,
    readiness: watch::Sender<Readiness>,
}

impl Health {
    async fn watch(&self, check: Option<ReadyCheck>) {
        self.reporter
            .set_service_status("", ServingStatus::Serving)
            .await;
        let mut tick = interval(CHECK_INTERVAL);
        loop {
            tick.tick().await;
            let checked = match &check {
                Some(check) => timeout(CHECK_TIMEOUT, check())
                    .await
                    .unwrap_or_else(|_| Err("no answer".to_owned())),
                None => Ok(()),
            };
            let was_ready = self.readiness.borrow().ready;
            match &checked {
                Ok(()) if !was_ready => tracing::info!("ready"),
                Err(reason) if was_ready => tracing::warn!(%reason, "not ready"),
                _ => {}
            }
            self.set(checked.is_ok()).await;
        }
    }

    /// The whole goes NOT_SERVING only when it stops: while it merely waits for its database, a
    /// restart would not help.
    async fn stop(&self) {
        self.set(false).await;
        self.reporter
            .set_service_status("", ServingStatus::NotServing)
            .await;
    }

    async fn set(&self, ready: bool) {
        let status = if ready {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        };
        for name in &self.names {
            self.reporter.set_service_status(*name, status).await;
        }
        self.readiness.send_replace(Readiness {
            ready,
            report: Vec::new(),
        });
    }
}
