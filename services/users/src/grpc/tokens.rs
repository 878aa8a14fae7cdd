//! Personal access tokens.

use std::sync::Arc;

use api::users::v1::{
    AccessToken, CreateAccessTokenRequest, ListAccessTokensRequest, ListAccessTokensResponse,
    RevokeAccessTokenRequest, Scope as ProtoScope, VerifiedAccessToken, VerifyAccessTokenRequest,
};
use runtime::{
    auth::{self, PersonalTokenSource, Scope, USERS_BACKEND},
    status,
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    UsersGrpc,
    messages::{field, time},
    refusals::to_status,
};
use crate::{
    error::Error,
    personal_token::{PersonalTokenInfo, Presented},
    service::Accounts,
};

/// The personal access tokens of this service, for its own verifier.
pub(crate) fn personal_tokens(accounts: Accounts) -> PersonalTokenSource {
    Arc::new(move |token| {
        let accounts = accounts.clone();
        Box::pin(async move {
            match accounts.present(&token).await {
                Ok(presented) => Ok(Some(presented.into())),
                Err(Error::UnknownPersonalToken) => Ok(None),
                Err(error) => Err(to_status(error)),
            }
        })
    })
}

pub(super) async fn create_access_token(
    grpc: &UsersGrpc,
    request: Request<CreateAccessTokenRequest>,
) -> Result<Response<AccessToken>, Status> {
    let caller = grpc.signed_in(&request).await?;
    let message = request.into_inner();
    let display_name = field("display_name", &message.display_name)?;
    let scope = requested_scope(message.scope)?;
    let expire_time = time("expire_time", message.expire_time)?
        .ok_or_else(|| status::invalid_argument("expire_time", "must be set"))?;
    let made = grpc
        .accounts
        .create_personal_token(&caller, display_name, scope, expire_time)
        .await;
    let (info, token) = made.map_err(to_status)?;
    Ok(Response::new(AccessToken {
        access_token: token.expose(),
        ..info.into()
    }))
}

pub(super) async fn list_access_tokens(
    grpc: &UsersGrpc,
    request: Request<ListAccessTokensRequest>,
) -> Result<Response<ListAccessTokensResponse>, Status> {
    let caller = grpc.signed_in(&request).await?;
    let tokens = grpc.accounts.personal_tokens(&caller).await;
    let tokens = tokens.map_err(to_status)?.into_iter();
    Ok(Response::new(ListAccessTokensResponse {
        access_tokens: tokens.map(AccessToken::from).collect(),
    }))
}

pub(super) async fn revoke_access_token(
    grpc: &UsersGrpc,
    request: Request<RevokeAccessTokenRequest>,
) -> Result<Response<()>, Status> {
    let caller = grpc.signed_in(&request).await?;
    let id = Uuid::try_parse(&request.get_ref().id)
        .map_err(|_| status::invalid_argument("id", "must be a UUID"))?;
    let revoked = grpc.accounts.revoke_personal_token(&caller, id).await;
    revoked.map_err(to_status)?;
    Ok(Response::new(()))
}

pub(super) async fn verify_access_token(
    grpc: &UsersGrpc,
    request: Request<VerifyAccessTokenRequest>,
) -> Result<Response<VerifiedAccessToken>, Status> {
    let verifier = &grpc.verifier;
    verifier.service(request.metadata(), USERS_BACKEND).await?;
    let token = &request.get_ref().access_token;
    if token.is_empty() {
        return Err(status::invalid_argument(
            "access_token",
            "must not be empty",
        ));
    }
    let presented = grpc.accounts.present(token).await.map_err(to_status)?;
    Ok(Response::new(presented.into()))
}

fn requested_scope(number: i32) -> Result<Scope, Status> {
    match ProtoScope::try_from(number) {
        Ok(ProtoScope::Read) => Ok(Scope::Read),
        Ok(ProtoScope::ReadWrite) => Ok(Scope::ReadWrite),
        Ok(ProtoScope::Unspecified) | Err(_) => Err(status::invalid_argument(
            "scope",
            "must be SCOPE_READ or SCOPE_READ_WRITE",
        )),
    }
}

fn proto_scope(scope: Scope) -> ProtoScope {
    match scope {
        Scope::Read => ProtoScope::Read,
        Scope::ReadWrite => ProtoScope::ReadWrite,
    }
}

/// Without the token itself, which nobody has any more.
impl From<PersonalTokenInfo> for AccessToken {
    fn from(token: PersonalTokenInfo) -> Self {
        Self {
            id: token.id.to_string(),
            display_name: token.display_name.as_str().to_owned(),
            scope: proto_scope(token.scope).into(),
            create_time: Some(token.create_time.into()),
            expire_time: Some(token.expire_time.into()),
            last_use_time: token.last_use_time.map(Into::into),
            access_token: String::new(),
        }
    }
}

impl From<Presented> for VerifiedAccessToken {
    fn from(token: Presented) -> Self {
        Self {
            user: Some(token.user.into()),
            scope: proto_scope(token.scope).into(),
            expire_time: Some(token.expire_time.into()),
        }
    }
}

impl From<Presented> for auth::PersonalToken {
    fn from(token: Presented) -> Self {
        Self {
            user_id: token.user.id,
            username: token.user.username.to_string(),
            scope: token.scope,
            expires: token.expire_time,
        }
    }
}
