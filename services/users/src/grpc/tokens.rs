//! Personal access tokens.

use api::users::v1::{
    AccessToken, CreateAccessTokenRequest, ListAccessTokensRequest, ListAccessTokensResponse,
    RevokeAccessTokenRequest, VerifiedAccessToken, VerifyAccessTokenRequest,
};
use tonic::{Request, Response, Status};

use super::UsersGrpc;

pub(super) async fn create_access_token(
    _grpc: &UsersGrpc,
    _request: Request<CreateAccessTokenRequest>,
) -> Result<Response<AccessToken>, Status> {
    Err(Status::unimplemented("create_access_token"))
}

pub(super) async fn list_access_tokens(
    _grpc: &UsersGrpc,
    _request: Request<ListAccessTokensRequest>,
) -> Result<Response<ListAccessTokensResponse>, Status> {
    Err(Status::unimplemented("list_access_tokens"))
}

pub(super) async fn revoke_access_token(
    _grpc: &UsersGrpc,
    _request: Request<RevokeAccessTokenRequest>,
) -> Result<Response<()>, Status> {
    Err(Status::unimplemented("revoke_access_token"))
}

pub(super) async fn verify_access_token(
    _grpc: &UsersGrpc,
    _request: Request<VerifyAccessTokenRequest>,
) -> Result<Response<VerifiedAccessToken>, Status> {
    Err(Status::unimplemented("verify_access_token"))
}
