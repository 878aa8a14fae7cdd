//! The rpcs: messages to domain types and back in [`messages`], errors to codes in [`refusals`].

mod messages;
mod refusals;

use api::users::v1::{
    ChangePasswordRequest, CreateUserRequest, GetCurrentUserRequest, GetKeySetRequest,
    GetSignUpStateRequest, GetUserRequest, KeySet, ListSessionsRequest, ListSessionsResponse,
    ListUsersRequest, ListUsersResponse, LoginRequest, LogoutRequest, RefreshSessionRequest,
    RevokeSessionRequest, Session as ProtoSession, SignUpState as ProtoSignUpState,
    User as ProtoUser, users_service_server::UsersService,
};
use runtime::{
    auth::{Caller, Verifier},
    clock::Timestamp,
    paging::{PageSize, PageToken},
    status,
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use self::{
    messages::{client, field, refresh_token, requested_role, session_info},
    refusals::to_status,
};
use crate::{
    error::Error,
    password::Password,
    service::Accounts,
    username::{Username, UsernameError},
};

/// What page tokens of `ListUsers` are bound to: it has no filters.
const USERS_LIST: &str = "ListUsers";

/// The users service on the wire.
pub(crate) struct UsersGrpc {
    accounts: Accounts,
    verifier: Verifier,
}

impl UsersGrpc {
    /// Serves `accounts` to whoever `verifier` vouches for.
    pub(crate) fn new(accounts: Accounts, verifier: Verifier) -> Self {
        Self { accounts, verifier }
    }

    async fn caller<T>(&self, request: &Request<T>) -> Result<Option<Caller>, Status> {
        self.verifier.caller(request.metadata()).await
    }

    async fn signed_in<T>(&self, request: &Request<T>) -> Result<Caller, Status> {
        Caller::required(self.caller(request).await?)
    }
}

#[tonic::async_trait]
impl UsersService for UsersGrpc {
    async fn login(
        &self,
        request: Request<LoginRequest>,
    ) -> Result<Response<ProtoSession>, Status> {
        let client = client(&request);
        let message = request.into_inner();
        let username = match message.username.parse::<Username>() {
            Ok(username) => Some(username),
            Err(UsernameError::Character) => None,
            Err(error) => return Err(status::invalid_argument("username", error.to_string())),
        };
        let password: Password = field("password", &message.password)?;
        let session = self
            .accounts
            .login(username, password, &client)
            .await
            .map_err(to_status)?;
        Ok(Response::new(session.into()))
    }

    async fn refresh_session(
        &self,
        request: Request<RefreshSessionRequest>,
    ) -> Result<Response<ProtoSession>, Status> {
        let Some(token) = refresh_token(&request.get_ref().refresh_token)? else {
            return Err(to_status(Error::SessionOver));
        };
        let session = self.accounts.refresh(&token).await.map_err(to_status)?;
        Ok(Response::new(session.into()))
    }

    async fn logout(&self, request: Request<LogoutRequest>) -> Result<Response<()>, Status> {
        if let Some(token) = refresh_token(&request.get_ref().refresh_token)? {
            self.accounts.logout(&token).await.map_err(to_status)?;
        }
        Ok(Response::new(()))
    }

    async fn change_password(
        &self,
        request: Request<ChangePasswordRequest>,
    ) -> Result<Response<ProtoSession>, Status> {
        let caller = self.signed_in(&request).await?;
        let message = request.get_ref();
        let current = field("current_password", &message.current_password)?;
        let new = field("new_password", &message.new_password)?;
        let session = self
            .accounts
            .change_password(&caller, current, new, &client(&request))
            .await;
        let session = session.map_err(|error| match error {
            Error::PasswordRefused(why) => {
                status::invalid_argument("new_password", why.to_string())
            }
            error => to_status(error),
        })?;
        Ok(Response::new(session.into()))
    }

    async fn list_sessions(
        &self,
        request: Request<ListSessionsRequest>,
    ) -> Result<Response<ListSessionsResponse>, Status> {
        let caller = self.signed_in(&request).await?;
        let (sessions, current) = self.accounts.sessions(&caller).await.map_err(to_status)?;
        let sessions = sessions.into_iter();
        Ok(Response::new(ListSessionsResponse {
            sessions: sessions
                .map(|session| session_info(session, current))
                .collect(),
        }))
    }

    async fn revoke_session(
        &self,
        request: Request<RevokeSessionRequest>,
    ) -> Result<Response<()>, Status> {
        let caller = self.signed_in(&request).await?;
        let id = Uuid::try_parse(&request.get_ref().id)
            .map_err(|_| status::invalid_argument("id", "must be a UUID"))?;
        let revoked = self.accounts.revoke_session(&caller, id).await;
        revoked.map_err(to_status)?;
        Ok(Response::new(()))
    }

    async fn create_user(
        &self,
        request: Request<CreateUserRequest>,
    ) -> Result<Response<ProtoUser>, Status> {
        // A form sends an empty field for a code that was left out.
        let code = request
            .get_ref()
            .setup_code
            .as_deref()
            .filter(|code| !code.is_empty());
        let admission = match code {
            Some(code) => self.accounts.admit_with_code(code).await,
            None => {
                self.accounts
                    .admit(self.caller(&request).await?.as_ref())
                    .await
            }
        };
        let admission = admission.map_err(to_status)?;
        let message = request.get_ref();
        let username = field("username", &message.username)?;
        let password = field("password", &message.password)?;
        let role = requested_role(message.role)?;
        let created = self
            .accounts
            .create_user(admission, username, password, role)
            .await;
        Ok(Response::new(created.map_err(to_status)?.into()))
    }

    async fn get_sign_up_state(
        &self,
        _: Request<GetSignUpStateRequest>,
    ) -> Result<Response<ProtoSignUpState>, Status> {
        let state = self.accounts.sign_up_state().await.map_err(to_status)?;
        Ok(Response::new(state.into()))
    }

    async fn get_current_user(
        &self,
        request: Request<GetCurrentUserRequest>,
    ) -> Result<Response<ProtoUser>, Status> {
        let caller = self.signed_in(&request).await?;
        let user = self
            .accounts
            .current_user(&caller)
            .await
            .map_err(to_status)?;
        Ok(Response::new(user.into()))
    }

    async fn get_user(
        &self,
        request: Request<GetUserRequest>,
    ) -> Result<Response<ProtoUser>, Status> {
        let caller = self.signed_in(&request).await?;
        self.accounts
            .current_user(&caller)
            .await
            .map_err(to_status)?;
        let username = field("username", &request.get_ref().username)?;
        let user = self.accounts.user(&username).await.map_err(to_status)?;
        Ok(Response::new(user.into()))
    }

    async fn list_users(
        &self,
        request: Request<ListUsersRequest>,
    ) -> Result<Response<ListUsersResponse>, Status> {
        let caller = self.signed_in(&request).await?;
        self.accounts
            .require_administrator(&caller)
            .await
            .map_err(to_status)?;
        let message = request.get_ref();
        let size = PageSize::parse(message.page_size)?;
        let before = PageToken::parse(&message.page_token, USERS_LIST)?.map(Timestamp::from_micros);
        let (users, next) = self
            .accounts
            .page(before, size.get())
            .await
            .map_err(to_status)?;
        let token = next.map(|time| PageToken::encode(time.as_micros(), USERS_LIST));
        Ok(Response::new(ListUsersResponse {
            users: users.into_iter().map(ProtoUser::from).collect(),
            next_page_token: token.unwrap_or_default(),
        }))
    }

    async fn get_key_set(&self, _: Request<GetKeySetRequest>) -> Result<Response<KeySet>, Status> {
        Ok(Response::new(KeySet {
            key_set_json: self.accounts.key_set_json(),
        }))
    }
}
