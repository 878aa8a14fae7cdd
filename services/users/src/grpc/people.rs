//! What administrators do about accounts: roles, disabling, deletion, invitations, resets.

use api::users::v1::{
    CreateInvitationRequest, CreatePasswordResetRequest, DeleteUserRequest, Invitation,
    ListInvitationsRequest, ListInvitationsResponse, PasswordReset, ResetPasswordRequest,
    RevokeInvitationRequest, UpdateUserRequest, User as ProtoUser,
};
use tonic::{Request, Response, Status};

use super::UsersGrpc;

pub(super) async fn update_user(
    _grpc: &UsersGrpc,
    _request: Request<UpdateUserRequest>,
) -> Result<Response<ProtoUser>, Status> {
    Err(Status::unimplemented("update_user"))
}

pub(super) async fn delete_user(
    _grpc: &UsersGrpc,
    _request: Request<DeleteUserRequest>,
) -> Result<Response<()>, Status> {
    Err(Status::unimplemented("delete_user"))
}

pub(super) async fn create_invitation(
    _grpc: &UsersGrpc,
    _request: Request<CreateInvitationRequest>,
) -> Result<Response<Invitation>, Status> {
    Err(Status::unimplemented("create_invitation"))
}

pub(super) async fn list_invitations(
    _grpc: &UsersGrpc,
    _request: Request<ListInvitationsRequest>,
) -> Result<Response<ListInvitationsResponse>, Status> {
    Err(Status::unimplemented("list_invitations"))
}

pub(super) async fn revoke_invitation(
    _grpc: &UsersGrpc,
    _request: Request<RevokeInvitationRequest>,
) -> Result<Response<()>, Status> {
    Err(Status::unimplemented("revoke_invitation"))
}

pub(super) async fn create_password_reset(
    _grpc: &UsersGrpc,
    _request: Request<CreatePasswordResetRequest>,
) -> Result<Response<PasswordReset>, Status> {
    Err(Status::unimplemented("create_password_reset"))
}

pub(super) async fn reset_password(
    _grpc: &UsersGrpc,
    _request: Request<ResetPasswordRequest>,
) -> Result<Response<()>, Status> {
    Err(Status::unimplemented("reset_password"))
}
