//! A running backend, and the people who call it.

use std::fmt::Debug;

use api::users::v1::{
    ChangePasswordRequest, CreateUserRequest, GetCurrentUserRequest, GetKeySetRequest,
    GetSignUpStateRequest, GetUserRequest, ListSessionsRequest, ListUsersRequest,
    ListUsersResponse, LoginRequest, LogoutRequest, RefreshSessionRequest, RevokeSessionRequest,
    Role, Session, SessionInfo, SignUpState, User, users_service_client::UsersServiceClient,
};
use database::testing::Fresh;
use runtime::{
    lifecycle::{Listeners, StartError},
    status,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::{
    Code, Request, Status,
    transport::{Channel, Endpoint},
};
use users_backend::{Config, serve};

mod people;
mod thoughts;
mod tokens;

pub(crate) use self::{
    thoughts::Thoughts,
    tokens::{expired_token, service_token, signing_key},
};

/// The password of everybody in these tests who has no reason for another.
pub(crate) const PASSWORD: &str = "correct horse";

/// A backend that serves on ports of its own, until it is stopped or dropped.
pub(crate) struct Backend {
    address: String,
    shutdown: CancellationToken,
    serving: JoinHandle<Result<(), StartError>>,
}

/// Somebody who calls a backend: nobody in particular, or signed in.
#[derive(Clone)]
pub(crate) struct Person {
    client: UsersServiceClient<Channel>,
    pub(crate) token: Option<String>,
    /// Metadata that goes along with every call.
    metadata: Vec<(&'static str, String)>,
}

/// The settings of a backend on this database. Nobody listens where the thoughts backend is to be.
pub(crate) fn config(fresh: &Fresh) -> Config {
    Config::new(fresh.url().clone(), "http://127.0.0.1:9".parse().unwrap())
}

/// The same, with the administrator ada.
pub(crate) fn config_with_ada(fresh: &Fresh) -> Config {
    Config {
        admin_username: Some("ada".parse().unwrap()),
        admin_password: Some(PASSWORD.parse().unwrap()),
        ..config(fresh)
    }
}

impl Backend {
    /// Starts a backend. It may not serve yet, but connections to it wait.
    pub(crate) async fn start(config: Config) -> Self {
        let any = "127.0.0.1:0".parse().unwrap();
        let listeners = Listeners::bind(["LISTEN_ADDR", "OPS_ADDR"], any, any)
            .await
            .unwrap();
        let address = format!("http://{}", listeners.listen.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(serve(config, listeners, shutdown.clone()));
        Self {
            address,
            shutdown,
            serving,
        }
    }

    /// Starts a backend and signs its administrator in.
    pub(crate) async fn start_with_ada(fresh: &Fresh) -> (Self, Person) {
        let backend = Self::start(config_with_ada(fresh)).await;
        let ada = backend.sign_in("ada", PASSWORD).await;
        (backend, ada)
    }

    /// Somebody without a token.
    pub(crate) async fn nobody(&self) -> Person {
        let endpoint = Endpoint::from_shared(self.address.clone()).unwrap();
        let client = UsersServiceClient::new(endpoint.connect().await.unwrap());
        Person {
            client,
            token: None,
            metadata: Vec::new(),
        }
    }

    /// Somebody who has just signed in.
    pub(crate) async fn sign_in(&self, username: &str, password: &str) -> Person {
        let nobody = self.nobody().await;
        let session = nobody.login(username, password).await.unwrap();
        nobody.with_token(&session.access_token)
    }

    /// What the backend ends with when it is told to.
    pub(crate) async fn stop(self) -> Result<(), StartError> {
        self.shutdown.cancel();
        self.serving.await.unwrap()
    }

    /// What the backend ends with by itself.
    pub(crate) async fn end(self) -> Result<(), StartError> {
        self.serving.await.unwrap()
    }
}

impl Person {
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// Somebody whose calls carry this, as the gateway's do.
    pub(crate) fn with_metadata(&self, name: &'static str, value: &str) -> Self {
        let mut person = self.clone();
        person.metadata.push((name, value.to_owned()));
        person
    }

    pub(crate) async fn login(&self, username: &str, password: &str) -> Result<Session, Status> {
        let message = LoginRequest {
            username: username.into(),
            password: password.into(),
        };
        Ok(self
            .client
            .clone()
            .login(self.request(message))
            .await?
            .into_inner())
    }

    pub(crate) async fn refreshes(&self, refresh_token: &str) -> Result<Session, Status> {
        let request = self.request(RefreshSessionRequest {
            refresh_token: refresh_token.into(),
        });
        Ok(self
            .client
            .clone()
            .refresh_session(request)
            .await?
            .into_inner())
    }

    pub(crate) async fn logs_out(&self, refresh_token: &str) -> Result<(), Status> {
        let request = self.request(LogoutRequest {
            refresh_token: refresh_token.into(),
        });
        self.client.clone().logout(request).await.map(drop)
    }

    pub(crate) async fn changes_password(
        &self,
        current: &str,
        new: &str,
    ) -> Result<Session, Status> {
        let request = self.request(ChangePasswordRequest {
            current_password: current.into(),
            new_password: new.into(),
        });
        Ok(self
            .client
            .clone()
            .change_password(request)
            .await?
            .into_inner())
    }

    pub(crate) async fn sessions(&self) -> Result<Vec<SessionInfo>, Status> {
        let request = self.request(ListSessionsRequest {});
        Ok(self
            .client
            .clone()
            .list_sessions(request)
            .await?
            .into_inner()
            .sessions)
    }

    pub(crate) async fn revokes(&self, id: &str) -> Result<(), Status> {
        let request = self.request(RevokeSessionRequest { id: id.into() });
        self.client.clone().revoke_session(request).await.map(drop)
    }

    pub(crate) async fn adds(&self, username: &str, role: Role) -> Result<User, Status> {
        self.creates(username, PASSWORD, role, None).await
    }

    pub(crate) async fn signs_up(&self, username: &str) -> Result<User, Status> {
        self.creates(username, PASSWORD, Role::Unspecified, None)
            .await
    }

    pub(crate) async fn signs_up_with_code(
        &self,
        username: &str,
        code: &str,
    ) -> Result<User, Status> {
        self.creates(username, PASSWORD, Role::Unspecified, Some(code))
            .await
    }

    pub(crate) async fn creates(
        &self,
        username: &str,
        password: &str,
        role: Role,
        setup_code: Option<&str>,
    ) -> Result<User, Status> {
        let message = CreateUserRequest {
            username: username.into(),
            password: password.into(),
            role: role.into(),
            setup_code: setup_code.map(str::to_owned),
            invitation_code: None,
        };
        self.sends(message).await
    }

    pub(crate) async fn sends(&self, message: CreateUserRequest) -> Result<User, Status> {
        Ok(self
            .client
            .clone()
            .create_user(self.request(message))
            .await?
            .into_inner())
    }

    pub(crate) async fn sign_up_state(&self) -> Result<SignUpState, Status> {
        let request = self.request(GetSignUpStateRequest::default());
        Ok(self
            .client
            .clone()
            .get_sign_up_state(request)
            .await?
            .into_inner())
    }

    pub(crate) async fn me(&self) -> Result<User, Status> {
        let request = self.request(GetCurrentUserRequest {});
        Ok(self
            .client
            .clone()
            .get_current_user(request)
            .await?
            .into_inner())
    }

    pub(crate) async fn looks_up(&self, username: &str) -> Result<User, Status> {
        let request = self.request(GetUserRequest {
            username: username.into(),
        });
        Ok(self.client.clone().get_user(request).await?.into_inner())
    }

    pub(crate) async fn lists(&self, size: i32, token: &str) -> Result<ListUsersResponse, Status> {
        let message = ListUsersRequest {
            page_size: size,
            page_token: token.into(),
        };
        Ok(self
            .client
            .clone()
            .list_users(self.request(message))
            .await?
            .into_inner())
    }

    pub(crate) async fn key_set(&self) -> Result<String, Status> {
        let request = self.request(GetKeySetRequest {});
        Ok(self
            .client
            .clone()
            .get_key_set(request)
            .await?
            .into_inner()
            .key_set_json)
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(token) = &self.token {
            let value = format!("Bearer {token}").parse().unwrap();
            request.metadata_mut().insert("authorization", value);
        }
        for (name, value) in &self.metadata {
            request.metadata_mut().insert(*name, value.parse().unwrap());
        }
        request
    }
}

/// The code and the reason that a call was refused with.
pub(crate) fn refusal<T: Debug>(result: Result<T, Status>) -> (Code, String) {
    let status = result.expect_err("a refusal");
    (status.code(), status::reason(&status).unwrap_or_default())
}

/// The field that a call was refused for.
pub(crate) fn bad_field<T: Debug>(result: Result<T, Status>) -> String {
    let status = result.expect_err("a refusal");
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let fields: Vec<_> = status::field_violations(&status)
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    fields.join(" ")
}

/// A refusal as a test writes it.
pub(crate) fn because(code: Code, reason: &str) -> (Code, String) {
    (code, reason.to_owned())
}
