//! A running backend, and the people who use it.

use std::{net::SocketAddr, sync::Arc};

use api::thoughts::v1::{
    CreateThoughtRequest, DeleteThoughtRequest, GetLimitsRequest, GetThoughtRequest, Limits,
    ListTagsRequest, ListTagsResponse, ListThoughtRevisionsRequest, ListThoughtRevisionsResponse,
    ListThoughtsRequest, ListThoughtsResponse, PurgeAuthorRequest, PutServiceTokenRequest,
    SearchThoughtsRequest, SearchThoughtsResponse, Thought, UndeleteThoughtRequest,
    UpdateThoughtRequest, Visibility, WatchThoughtsRequest, WatchThoughtsResponse,
    thoughts_service_client::ThoughtsServiceClient,
};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use database::testing::Fresh;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use runtime::{
    auth::{AUDIENCE, Claims, ISSUER, Role, THOUGHTS_BACKEND, TOKEN_TYPE, USERS_BACKEND, key_id},
    clock::Clock,
    grpc::client::Channel,
    lifecycle::{Listeners, StartError},
    status,
};
use serde::Serialize;
use thoughts_backend::Config;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status, Streaming};
use uuid::Uuid;

use crate::users::{Users, service_token};

/// A key that tokens are signed with.
pub(crate) struct Key {
    pair: Ed25519KeyPair,
    pkcs8: Vec<u8>,
}

impl Key {
    pub(crate) fn new() -> Self {
        let pair = Ed25519KeyPair::generate().expect("a key");
        let pkcs8 = pair.to_pkcs8v1().expect("a key").as_ref().to_vec();
        Self { pair, pkcs8 }
    }

    pub(crate) fn public(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// The public key as RFC 8410 has it: a fixed beginning, then the 32 bytes.
    pub(crate) fn public_pem(&self) -> String {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let mut der = vec![
            0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
        ];
        der.extend_from_slice(self.public());
        let body = STANDARD.encode(der);
        format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
    }

    pub(crate) fn header(&self) -> Header {
        Header {
            typ: Some(TOKEN_TYPE.to_owned()),
            kid: Some(key_id(self.public())),
            ..Header::new(Algorithm::EdDSA)
        }
    }

    pub(crate) fn sign(&self, claims: &Claims) -> String {
        self.sign_as(TOKEN_TYPE, claims)
    }

    /// Signs a token of another type.
    pub(crate) fn sign_as(&self, typ: &str, claims: &impl Serialize) -> String {
        let key = EncodingKey::from_ed_der(&self.pkcs8);
        let header = Header {
            typ: Some(typ.to_owned()),
            ..self.header()
        };
        jsonwebtoken::encode(&header, claims, &key).expect("a token")
    }
}

/// Claims that hold for a minute.
pub(crate) fn claims(username: &str, role: Role) -> Claims {
    let now = Clock::system().now().as_seconds();
    Claims {
        iss: ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: user_id(username),
        exp: now + 60,
        nbf: now,
        iat: now,
        jti: Uuid::new_v4(),
        username: username.to_owned(),
        role,
        sid: None,
    }
}

/// The same name is the same person in every test.
pub(crate) fn user_id(username: &str) -> Uuid {
    let id = username
        .bytes()
        .fold(0, |id, byte| id * 256 + u128::from(byte));
    Uuid::from_u128(id)
}

/// A backend, and what stands in for the users backend, whose key signs all tokens.
pub(crate) struct System {
    pub(crate) key: Arc<Key>,
    pub(crate) users: Users,
    pub(crate) backend: Backend,
}

impl System {
    pub(crate) async fn start(fresh: &Fresh) -> Self {
        let key = Arc::new(Key::new());
        let users = Users::start(&key).await;
        let config = Config::new(fresh.url().clone(), users.url());
        let backend = Backend::start_as_is(config, Arc::clone(&key)).await;
        Self {
            key,
            users,
            backend,
        }
    }

    /// Another replica on the same database.
    pub(crate) async fn another_backend(&self, fresh: &Fresh) -> Backend {
        let config = Config::new(fresh.url().clone(), self.users.url());
        Backend::start_as_is(config, Arc::clone(&self.key)).await
    }

    pub(crate) fn member(&self, username: &str) -> Person {
        self.backend.member(username)
    }

    pub(crate) fn administrator(&self, username: &str) -> Person {
        self.backend.administrator(username)
    }

    /// The users backend, calling a replica.
    pub(crate) fn users_backend(&self, backend: &Backend) -> Person {
        let token = service_token(&self.key, USERS_BACKEND, THOUGHTS_BACKEND, 300);
        backend.with_token(token)
    }

    pub(crate) async fn stop(self) {
        self.backend.stop().await;
        self.users.stop().await;
    }
}

/// A running backend.
pub(crate) struct Backend {
    pub(crate) key: Arc<Key>,
    address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), StartError>>,
}

impl Backend {
    pub(crate) async fn start(fresh: &Fresh) -> Self {
        Self::start_with(config(fresh)).await
    }

    /// Starts with this configuration and a key of its own.
    pub(crate) async fn start_with(config: Config) -> Self {
        let key = Key::new();
        let fixed = key.public_pem().parse().expect("a key");
        let config = Config {
            tokens_public_key: Some(fixed),
            ..config
        };
        Self::start_as_is(config, Arc::new(key)).await
    }

    /// Starts with this configuration, which may not accept what `key` signs.
    pub(crate) async fn start_as_is(config: Config, key: Arc<Key>) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listeners = Listeners::bind(["LISTEN_ADDR", "OPS_ADDR"], any, any).await;
        let listeners = listeners.expect("free ports");
        let address = listeners.listen.local_addr().expect("an address");
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(thoughts_backend::serve(config, listeners, shutdown.clone()));
        Self {
            key,
            address,
            shutdown,
            task,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Whoever is not signed in.
    pub(crate) fn nobody(&self) -> Person {
        let url = self.url().parse().expect("an address");
        let client = ThoughtsServiceClient::new(Channel::new("thoughts", url));
        Person {
            client,
            token: None,
        }
    }

    pub(crate) fn member(&self, username: &str) -> Person {
        self.with_token(self.key.sign(&claims(username, Role::Member)))
    }

    pub(crate) fn administrator(&self, username: &str) -> Person {
        self.with_token(self.key.sign(&claims(username, Role::Admin)))
    }

    pub(crate) fn with_token(&self, token: impl Into<String>) -> Person {
        Person {
            token: Some(token.into()),
            ..self.nobody()
        }
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.expect("no panic").expect("served");
    }
}

/// The defaults, on a fresh database, with a users backend that is not there.
pub(crate) fn config(fresh: &Fresh) -> Config {
    // Port 9 discards; nobody serves it.
    let users = "http://127.0.0.1:9".parse().expect("an address");
    Config::new(fresh.url().clone(), users)
}

/// Somebody with a client.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) client: ThoughtsServiceClient<Channel>,
    token: Option<String>,
}

impl Person {
    pub(crate) async fn writes(&self, text: &str) -> Result<Thought, Status> {
        self.creates(text, Visibility::Unspecified, None).await
    }

    pub(crate) async fn notes(&self, text: &str) -> Result<Thought, Status> {
        self.creates(text, Visibility::Private, None).await
    }

    pub(crate) async fn creates(
        &self,
        text: &str,
        visibility: Visibility,
        request_id: Option<&str>,
    ) -> Result<Thought, Status> {
        self.sends(CreateThoughtRequest {
            text: text.to_owned(),
            visibility: visibility.into(),
            request_id: request_id.map(str::to_owned),
        })
        .await
    }

    pub(crate) async fn sends(&self, message: CreateThoughtRequest) -> Result<Thought, Status> {
        self.client
            .clone()
            .create_thought(self.request(message))
            .await
            .map(Response::into_inner)
    }

    pub(crate) async fn reads(&self, id: &str) -> Result<Thought, Status> {
        let request = self.request(GetThoughtRequest { id: id.to_owned() });
        self.client
            .clone()
            .get_thought(request)
            .await
            .map(Response::into_inner)
    }

    /// Changes the text of a thought from the state in which it is given.
    pub(crate) async fn edits(&self, thought: &Thought, text: &str) -> Result<Thought, Status> {
        let to_be = Thought {
            text: text.to_owned(),
            ..thought.clone()
        };
        self.updates(&to_be, &["text"], Some(&thought.etag)).await
    }

    pub(crate) async fn updates(
        &self,
        thought: &Thought,
        mask: &[&str],
        etag: Option<&str>,
    ) -> Result<Thought, Status> {
        let mut message = UpdateThoughtRequest {
            thought: Some(thought.clone()),
            etag: etag.map(str::to_owned),
            ..Default::default()
        };
        let paths = &mut message.update_mask.get_or_insert_default().paths;
        paths.extend(mask.iter().map(|&path| path.to_owned()));
        self.sends_update(message).await
    }

    pub(crate) async fn sends_update(
        &self,
        message: UpdateThoughtRequest,
    ) -> Result<Thought, Status> {
        self.client
            .clone()
            .update_thought(self.request(message))
            .await
            .map(Response::into_inner)
    }

    pub(crate) async fn deletes(&self, id: &str) -> Result<(), Status> {
        self.sends_deletion(id, false).await
    }

    pub(crate) async fn deletes_for_ever(&self, id: &str) -> Result<(), Status> {
        self.sends_deletion(id, true).await
    }

    async fn sends_deletion(&self, id: &str, permanently: bool) -> Result<(), Status> {
        let request = self.request(DeleteThoughtRequest {
            id: id.to_owned(),
            permanently,
        });
        self.client
            .clone()
            .delete_thought(request)
            .await
            .map(Response::into_inner)
    }

    pub(crate) async fn undeletes(&self, id: &str) -> Result<Thought, Status> {
        let request = self.request(UndeleteThoughtRequest { id: id.to_owned() });
        self.client
            .clone()
            .undelete_thought(request)
            .await
            .map(Response::into_inner)
    }

    pub(crate) async fn revisions(
        &self,
        id: &str,
        page_size: i32,
        page_token: &str,
    ) -> Result<ListThoughtRevisionsResponse, Status> {
        let request = self.request(ListThoughtRevisionsRequest {
            id: id.to_owned(),
            page_size,
            page_token: page_token.to_owned(),
        });
        self.client
            .clone()
            .list_thought_revisions(request)
            .await
            .map(Response::into_inner)
    }

    pub(crate) async fn lists(&self, author: &str) -> Result<ListThoughtsResponse, Status> {
        self.pages(author, 0, "").await
    }

    pub(crate) async fn pages(
        &self,
        author: &str,
        page_size: i32,
        page_token: &str,
    ) -> Result<ListThoughtsResponse, Status> {
        self.sends_list(ListThoughtsRequest {
            author: author.to_owned(),
            page_size,
            page_token: page_token.to_owned(),
            ..Default::default()
        })
        .await
    }

    pub(crate) async fn sends_list(
        &self,
        message: ListThoughtsRequest,
    ) -> Result<ListThoughtsResponse, Status> {
        self.client
            .clone()
            .list_thoughts(self.request(message))
            .await
            .map(Response::into_inner)
    }

    pub(crate) async fn searches(&self, query: &str) -> Result<SearchThoughtsResponse, Status> {
        self.search_pages(query, 0, "").await
    }

    pub(crate) async fn search_pages(
        &self,
        query: &str,
        page_size: i32,
        page_token: &str,
    ) -> Result<SearchThoughtsResponse, Status> {
        let (query, page_token) = (query.to_owned(), page_token.to_owned());
        let request = self.request(SearchThoughtsRequest {
            query,
            page_size,
            page_token,
        });
        self.client
            .clone()
            .search_thoughts(request)
            .await
            .map(Response::into_inner)
    }

    pub(crate) async fn lists_tags(
        &self,
        message: ListTagsRequest,
    ) -> Result<ListTagsResponse, Status> {
        self.client
            .clone()
            .list_tags(self.request(message))
            .await
            .map(Response::into_inner)
    }

    pub(crate) async fn watches(
        &self,
        message: WatchThoughtsRequest,
    ) -> Result<Streaming<WatchThoughtsResponse>, Status> {
        self.client
            .clone()
            .watch_thoughts(self.request(message))
            .await
            .map(Response::into_inner)
    }

    pub(crate) async fn asks_for_limits(&self) -> Result<Limits, Status> {
        let request = self.request(GetLimitsRequest {});
        self.client
            .clone()
            .get_limits(request)
            .await
            .map(Response::into_inner)
    }

    pub(crate) async fn purges(&self, user_id: &str) -> Result<(), Status> {
        let user_id = user_id.to_owned();
        let request = self.request(PurgeAuthorRequest { user_id });
        self.client
            .clone()
            .purge_author(request)
            .await
            .map(Response::into_inner)
    }

    pub(crate) async fn hands_over(&self, service_token: &str) -> Result<(), Status> {
        let service_token = service_token.to_owned();
        let request = self.request(PutServiceTokenRequest { service_token });
        self.client
            .clone()
            .put_service_token(request)
            .await
            .map(Response::into_inner)
    }

    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(token) = &self.token {
            let value = format!("Bearer {token}").parse().expect("a header");
            request.metadata_mut().insert("authorization", value);
        }
        request
    }
}

/// What a refused call says: its code and reason.
pub(crate) fn refusal<T: std::fmt::Debug>(outcome: Result<T, Status>) -> (Code, String) {
    let refused = outcome.expect_err("refused");
    (refused.code(), status::reason(&refused).unwrap_or_default())
}

pub(crate) fn because(code: Code, reason: &str) -> (Code, String) {
    (code, reason.to_owned())
}

/// The one field that an INVALID_ARGUMENT names.
pub(crate) fn bad_field<T: std::fmt::Debug>(outcome: Result<T, Status>) -> String {
    let refused = outcome.expect_err("refused");
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    status::field_violations(&refused).remove(0).0
}

pub(crate) fn texts(thoughts: &[Thought]) -> Vec<&str> {
    thoughts
        .iter()
        .map(|thought| thought.text.as_str())
        .collect()
}
