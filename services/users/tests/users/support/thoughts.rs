//! The thoughts backend as the users backend sees it: it notes who was purged, and which token it was
//! handed.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use api::thoughts::v1::{
    CreateThoughtRequest, DeleteThoughtRequest, ExportThoughtsRequest, ExportThoughtsResponse,
    GetLimitsRequest, GetThoughtRequest, ImportThoughtsRequest, ImportThoughtsResponse, Limits,
    ListTagsRequest, ListTagsResponse, ListThoughtRevisionsRequest, ListThoughtRevisionsResponse,
    ListThoughtsRequest, ListThoughtsResponse, PurgeAuthorRequest, PutServiceTokenRequest,
    SearchThoughtsRequest, SearchThoughtsResponse, Thought, UndeleteThoughtRequest,
    UpdateThoughtRequest, WatchThoughtsRequest, WatchThoughtsResponse,
    thoughts_service_server::{ThoughtsService, ThoughtsServiceServer},
};
use runtime::{
    auth::{FixedKeys, THOUGHTS_BACKEND, USERS_BACKEND, Verifier},
    clock::Clock,
    grpc::{client::BackendUrl, server::GrpcServer},
    lifecycle::Listeners,
};
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming, codegen::BoxStream};

use super::Person;

#[path = "../../../../standalone/tests/system/support/ports.rs"]
mod ports;

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// A thoughts backend at an address of its own, up or down.
pub(crate) struct Thoughts {
    address: SocketAddr,
    purged: Arc<Mutex<Vec<String>>>,
    service_token: Arc<Mutex<Option<String>>>,
    serving: Option<(CancellationToken, JoinHandle<()>)>,
}

impl Thoughts {
    /// One that is down.
    pub(crate) async fn down() -> Self {
        Self {
            // Not of those that connections are made from: whoever calls one of them again and again
            // may in the end be connected with itself.
            address: (Ipv4Addr::LOCALHOST, ports::free_port()).into(),
            purged: Arc::default(),
            service_token: Arc::default(),
            serving: None,
        }
    }

    pub(crate) fn url(&self) -> BackendUrl {
        format!("http://{}", self.address).parse().unwrap()
    }

    /// Brings it up. It checks tokens with the keys that `users` is told.
    pub(crate) async fn start(&mut self, users: &Person) {
        let users = users.clone();
        let source = move || {
            let users = users.clone();
            Box::pin(async move { users.key_set().await }) as _
        };
        let stub = Stub {
            verifier: Verifier::new(Clock::system(), FixedKeys::default(), Arc::new(source)),
            purged: Arc::clone(&self.purged),
            service_token: Arc::clone(&self.service_token),
        };
        let any = "127.0.0.1:0".parse().unwrap();
        let listeners = Listeners::bind(["LISTEN_ADDR", "OPS_ADDR"], self.address, any);
        let listeners = listeners.await.unwrap();
        let shutdown = CancellationToken::new();
        let server = GrpcServer::new("thoughts").add_service(ThoughtsServiceServer::new(stub));
        let until = shutdown.clone();
        let serving = tokio::spawn(async move { server.serve(listeners, until).await.unwrap() });
        self.serving = Some((shutdown, serving));
    }

    /// The token that it was handed last, once there is one.
    pub(crate) async fn service_token(&self) -> String {
        let handed = async {
            loop {
                if let Some(token) = self.service_token.lock().unwrap().take() {
                    break token;
                }
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, handed).await.expect("a service token")
    }

    /// Whose purges came, each as often as it came.
    pub(crate) fn purged(&self) -> Vec<String> {
        self.purged.lock().unwrap().clone()
    }

    /// Waits until everybody of these has been purged.
    pub(crate) async fn has_purged(&self, ids: &[&str]) {
        let done = async {
            while !ids
                .iter()
                .all(|&id| self.purged().iter().any(|it| it == id))
            {
                sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = timeout(PATIENCE, done).await;
        assert!(waited.is_ok(), "{ids:?} are not among {:?}", self.purged());
    }
}

impl Drop for Thoughts {
    fn drop(&mut self) {
        if let Some((shutdown, _)) = &self.serving {
            shutdown.cancel();
        }
    }
}

struct Stub {
    verifier: Verifier,
    purged: Arc<Mutex<Vec<String>>>,
    service_token: Arc<Mutex<Option<String>>>,
}

#[tonic::async_trait]
impl ThoughtsService for Stub {
    type ExportThoughtsStream = BoxStream<ExportThoughtsResponse>;
    type ImportThoughtsStream = BoxStream<ImportThoughtsResponse>;

    async fn purge_author(
        &self,
        request: Request<PurgeAuthorRequest>,
    ) -> Result<Response<()>, Status> {
        let caller = self.verifier.service(request.metadata(), THOUGHTS_BACKEND);
        assert_eq!(caller.await?.name, USERS_BACKEND);
        let user_id = request.into_inner().user_id;
        self.purged.lock().unwrap().push(user_id);
        Ok(Response::new(()))
    }

    async fn put_service_token(
        &self,
        request: Request<PutServiceTokenRequest>,
    ) -> Result<Response<()>, Status> {
        let caller = self.verifier.service(request.metadata(), THOUGHTS_BACKEND);
        assert_eq!(caller.await?.name, USERS_BACKEND);
        let token = request.into_inner().service_token;
        *self.service_token.lock().unwrap() = Some(token);
        Ok(Response::new(()))
    }

    async fn create_thought(
        &self,
        _: Request<CreateThoughtRequest>,
    ) -> Result<Response<Thought>, Status> {
        Err(nobody_asks())
    }

    async fn get_thought(
        &self,
        _: Request<GetThoughtRequest>,
    ) -> Result<Response<Thought>, Status> {
        Err(nobody_asks())
    }

    async fn update_thought(
        &self,
        _: Request<UpdateThoughtRequest>,
    ) -> Result<Response<Thought>, Status> {
        Err(nobody_asks())
    }

    async fn delete_thought(
        &self,
        _: Request<DeleteThoughtRequest>,
    ) -> Result<Response<()>, Status> {
        Err(nobody_asks())
    }

    async fn undelete_thought(
        &self,
        _: Request<UndeleteThoughtRequest>,
    ) -> Result<Response<Thought>, Status> {
        Err(nobody_asks())
    }

    async fn list_thought_revisions(
        &self,
        _: Request<ListThoughtRevisionsRequest>,
    ) -> Result<Response<ListThoughtRevisionsResponse>, Status> {
        Err(nobody_asks())
    }

    async fn list_thoughts(
        &self,
        _: Request<ListThoughtsRequest>,
    ) -> Result<Response<ListThoughtsResponse>, Status> {
        Err(nobody_asks())
    }

    async fn search_thoughts(
        &self,
        _: Request<SearchThoughtsRequest>,
    ) -> Result<Response<SearchThoughtsResponse>, Status> {
        Err(nobody_asks())
    }

    type WatchThoughtsStream = BoxStream<WatchThoughtsResponse>;

    async fn watch_thoughts(
        &self,
        _: Request<WatchThoughtsRequest>,
    ) -> Result<Response<Self::WatchThoughtsStream>, Status> {
        Err(nobody_asks())
    }

    async fn list_tags(
        &self,
        _: Request<ListTagsRequest>,
    ) -> Result<Response<ListTagsResponse>, Status> {
        Err(nobody_asks())
    }

    async fn export_thoughts(
        &self,
        _: Request<ExportThoughtsRequest>,
    ) -> Result<Response<Self::ExportThoughtsStream>, Status> {
        Err(nobody_asks())
    }

    async fn import_thoughts(
        &self,
        _: Request<Streaming<ImportThoughtsRequest>>,
    ) -> Result<Response<Self::ImportThoughtsStream>, Status> {
        Err(nobody_asks())
    }

    async fn get_limits(&self, _: Request<GetLimitsRequest>) -> Result<Response<Limits>, Status> {
        Err(nobody_asks())
    }
}

fn nobody_asks() -> Status {
    Status::internal("the users backend has no business here")
}
