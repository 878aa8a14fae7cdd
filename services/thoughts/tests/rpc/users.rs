//! Whoever stands in for the users backend: it knows the personal access tokens that it is told of,
//! and says so to whoever comes with a service token that it takes.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use api::users::v1::{
    self as users, Role, Scope, User, VerifiedAccessToken,
    users_service_server::{UsersService, UsersServiceServer},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use runtime::{
    auth::{FixedKeys, ISSUER, SERVICE_TOKEN_TYPE, ServiceClaims, USERS_BACKEND, Verifier},
    clock::Clock,
    grpc::{client::BackendUrl, server::GrpcServer},
    lifecycle::{Listeners, StartError},
};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::support::{Key, user_id};

/// A service token of `sub` for `aud` that ends in so many seconds.
pub(crate) fn service_token(key: &Key, sub: &str, aud: &str, seconds: i64) -> String {
    let now = Clock::system().now().as_seconds();
    let claims = ServiceClaims {
        iss: ISSUER.to_owned(),
        aud: aud.to_owned(),
        sub: sub.to_owned(),
        exp: now + seconds,
        nbf: now.min(now + seconds),
        iat: now,
        jti: Uuid::new_v4(),
    };
    key.sign_as(SERVICE_TOKEN_TYPE, &claims)
}

/// The stand-in, running.
pub(crate) struct Users {
    pub(crate) known: Arc<Known>,
    address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), StartError>>,
}

/// What it knows, and what it was asked.
#[derive(Default)]
pub(crate) struct Known {
    tokens: Mutex<HashMap<String, VerifiedAccessToken>>,
    /// Service tokens that it takes no more, whatever is written in them.
    refused: Mutex<Vec<String>>,
    asked: AtomicUsize,
}

impl Users {
    /// Publishes `key` as the one that tokens are signed with.
    pub(crate) async fn start(key: &Key) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listeners = Listeners::bind(["LISTEN_ADDR", "OPS_ADDR"], any, any).await;
        let listeners = listeners.expect("free ports");
        let address = listeners.listen.local_addr().expect("an address");
        let known = Arc::<Known>::default();
        let service = UsersServiceServer::new(StandIn {
            known: Arc::clone(&known),
            verifier: verifier(key),
            key_set_json: key_set(key),
        });
        let shutdown = CancellationToken::new();
        let server = GrpcServer::new("users-backend");
        let serving = server.serve_when_open(listeners, shutdown.clone(), async move |server| {
            Ok(server.add_service(service))
        });
        Self {
            known,
            address,
            shutdown,
            task: tokio::spawn(serving),
        }
    }

    pub(crate) fn url(&self) -> BackendUrl {
        format!("http://{}", self.address)
            .parse()
            .expect("an address")
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.expect("no panic").expect("served");
    }
}

impl Known {
    /// From now on `token` is a personal access token of that user's.
    pub(crate) fn add(&self, token: &str, username: &str, role: Role, scope: Scope) {
        let tomorrow = Clock::system().now().as_seconds() + 86_400;
        let verified = VerifiedAccessToken {
            user: Some(User {
                id: user_id(username).to_string(),
                username: username.to_owned(),
                role: role.into(),
                ..User::default()
            }),
            scope: scope.into(),
            expire_time: Some(runtime::clock::Timestamp::from_seconds(tomorrow).into()),
        };
        let mut tokens = self.tokens.lock().expect("no panic");
        tokens.insert(token.to_owned(), verified);
    }

    /// Takes that service token no more.
    pub(crate) fn refuses(&self, service_token: &str) {
        let mut refused = self.refused.lock().expect("no panic");
        refused.push(format!("Bearer {service_token}"));
    }

    /// How often it was asked about personal access tokens.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

struct StandIn {
    known: Arc<Known>,
    verifier: Verifier,
    key_set_json: String,
}

impl StandIn {
    async fn verify(&self, request: &Request<users::VerifyAccessTokenRequest>) -> Answer {
        let metadata = request.metadata();
        let service = self.verifier.service(metadata, USERS_BACKEND).await?;
        let refused = metadata.get("authorization").is_some_and(|shown| {
            let refused = self.known.refused.lock().expect("no panic");
            refused.iter().any(|it| shown == it.as_str())
        });
        if service.name != "thoughts-backend" || refused {
            return Err(Status::unauthenticated("not this one"));
        }
        self.known.asked.fetch_add(1, Ordering::SeqCst);
        let tokens = self.known.tokens.lock().expect("no panic");
        let found = tokens.get(&request.get_ref().access_token).cloned();
        found
            .map(Response::new)
            .ok_or_else(|| Status::not_found("nobody's"))
    }
}

type Answer = Result<Response<VerifiedAccessToken>, Status>;

/// The trait for [`StandIn`]: what is written out, and all the rpcs that the thoughts backend has no
/// business with.
macro_rules! stand_in {
    ({ $($own:tt)* } $($rpc:ident: $request:ident -> $response:ty,)*) => {
        #[tonic::async_trait]
        impl UsersService for StandIn {
            $($own)*
            $(
                async fn $rpc(
                    &self,
                    _: Request<users::$request>,
                ) -> Result<Response<$response>, Status> {
                    panic!("the thoughts backend called {}", stringify!($rpc))
                }
            )*
        }
    };
}

stand_in! {
    {
        async fn get_key_set(
            &self,
            _: Request<users::GetKeySetRequest>,
        ) -> Result<Response<users::KeySet>, Status> {
            let key_set_json = self.key_set_json.clone();
            Ok(Response::new(users::KeySet { key_set_json }))
        }

        async fn verify_access_token(
            &self,
            request: Request<users::VerifyAccessTokenRequest>,
        ) -> Answer {
            self.verify(&request).await
        }
    }
    login: LoginRequest -> users::Session,
    refresh_session: RefreshSessionRequest -> users::Session,
    logout: LogoutRequest -> (),
    change_password: ChangePasswordRequest -> users::Session,
    list_sessions: ListSessionsRequest -> users::ListSessionsResponse,
    revoke_session: RevokeSessionRequest -> (),
    create_user: CreateUserRequest -> User,
    get_sign_up_state: GetSignUpStateRequest -> users::SignUpState,
    get_current_user: GetCurrentUserRequest -> User,
    get_user: GetUserRequest -> User,
    list_users: ListUsersRequest -> users::ListUsersResponse,
    update_user: UpdateUserRequest -> User,
    delete_user: DeleteUserRequest -> (),
    create_invitation: CreateInvitationRequest -> users::Invitation,
    list_invitations: ListInvitationsRequest -> users::ListInvitationsResponse,
    revoke_invitation: RevokeInvitationRequest -> (),
    create_password_reset: CreatePasswordResetRequest -> users::PasswordReset,
    reset_password: ResetPasswordRequest -> (),
    create_access_token: CreateAccessTokenRequest -> users::AccessToken,
    list_access_tokens: ListAccessTokensRequest -> users::ListAccessTokensResponse,
    revoke_access_token: RevokeAccessTokenRequest -> (),
}

fn verifier(key: &Key) -> Verifier {
    let fixed: FixedKeys = key.public_pem().parse().expect("a key");
    let nothing_else = || {
        let away: futures_util::future::BoxFuture<'static, _> =
            Box::pin(async { Err(Status::unavailable("no other keys")) });
        away
    };
    Verifier::new(Clock::system(), fixed, Arc::new(nothing_else))
}

fn key_set(key: &Key) -> String {
    let x = URL_SAFE_NO_PAD.encode(key.public());
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x}]}).to_string()
}
