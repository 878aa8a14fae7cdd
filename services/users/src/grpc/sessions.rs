//! Signing in, staying signed in, and ending it.

use api::users::v1::{
    ChangePasswordRequest, ListSessionsRequest, ListSessionsResponse, LoginRequest, LogoutRequest,
    RefreshSessionRequest, RevokeSessionRequest, Session as ProtoSession,
};
use runtime::status;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    UsersGrpc,
    messages::{client, field, refresh_token, session_info},
    refusals::to_status,
};
use crate::{
    error::Error,
    password::Password,
    username::{Username, UsernameError},
};

pub(super) async fn login(
    grpc: &UsersGrpc,
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
    let session = grpc
        .accounts
        .login(username, password, &client)
        .await
        .map_err(to_status)?;
    Ok(Response::new(session.into()))
}

pub(super) async fn refresh_session(
    grpc: &UsersGrpc,
    request: Request<RefreshSessionRequest>,
) -> Result<Response<ProtoSession>, Status> {
    let Some(token) = refresh_token(&request.get_ref().refresh_token)? else {
        return Err(to_status(Error::SessionOver));
    };
    let session = grpc.accounts.refresh(&token).await.map_err(to_status)?;
    Ok(Response::new(session.into()))
}

pub(super) async fn logout(
    grpc: &UsersGrpc,
    request: Request<LogoutRequest>,
) -> Result<Response<()>, Status> {
    if let Some(token) = refresh_token(&request.get_ref().refresh_token)? {
        grpc.accounts.logout(&token).await.map_err(to_status)?;
    }
    Ok(Response::new(()))
}

pub(super) async fn change_password(
    grpc: &UsersGrpc,
    request: Request<ChangePasswordRequest>,
) -> Result<Response<ProtoSession>, Status> {
    let caller = grpc.signed_in(&request).await?;
    let message = request.get_ref();
    let current = field("current_password", &message.current_password)?;
    let new = field("new_password", &message.new_password)?;
    let session = grpc
        .accounts
        .change_password(&caller, current, new, &client(&request))
        .await;
    let session = session.map_err(|error| match error {
        Error::PasswordRefused(why) => status::invalid_argument("new_password", why.to_string()),
        error => to_status(error),
    })?;
    Ok(Response::new(session.into()))
}

pub(super) async fn list_sessions(
    grpc: &UsersGrpc,
    request: Request<ListSessionsRequest>,
) -> Result<Response<ListSessionsResponse>, Status> {
    let caller = grpc.signed_in(&request).await?;
    let (sessions, current) = grpc.accounts.sessions(&caller).await.map_err(to_status)?;
    let sessions = sessions.into_iter();
    Ok(Response::new(ListSessionsResponse {
        sessions: sessions
            .map(|session| session_info(session, current))
            .collect(),
    }))
}

pub(super) async fn revoke_session(
    grpc: &UsersGrpc,
    request: Request<RevokeSessionRequest>,
) -> Result<Response<()>, Status> {
    let caller = grpc.signed_in(&request).await?;
    let id = Uuid::try_parse(&request.get_ref().id)
        .map_err(|_| status::invalid_argument("id", "must be a UUID"))?;
    let revoked = grpc.accounts.revoke_session(&caller, id).await;
    revoked.map_err(to_status)?;
    Ok(Response::new(()))
}
