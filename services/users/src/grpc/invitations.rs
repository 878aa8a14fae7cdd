//! Invitations, and codes by which a password is set.

use api::users::v1::{
    CreateInvitationRequest, CreatePasswordResetRequest, Invitation as ProtoInvitation,
    ListInvitationsRequest, ListInvitationsResponse, PasswordReset, ResetPasswordRequest,
    RevokeInvitationRequest,
};
use runtime::{
    auth::Role,
    clock::Timestamp,
    paging::{PageSize, PageToken},
    status,
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    UsersGrpc,
    messages::{field, proto_role, requested_role, time},
    refusals::to_status,
};
use crate::{error::Error, invitation::Invitation, username::Username};

/// What page tokens of `ListInvitations` are bound to: it has no filters.
const INVITATIONS_LIST: &str = "ListInvitations";

pub(super) async fn create_invitation(
    grpc: &UsersGrpc,
    request: Request<CreateInvitationRequest>,
) -> Result<Response<ProtoInvitation>, Status> {
    let caller = grpc.signed_in(&request).await?;
    let administrator = grpc.accounts.administrator(&caller).await;
    administrator.map_err(to_status)?;
    let message = request.into_inner();
    let role = requested_role(message.role)?.unwrap_or(Role::Member);
    let expires = time("expire_time", message.expire_time)?;
    let made = grpc.accounts.invite(&caller, role, expires).await;
    let (invitation, code) = made.map_err(to_status)?;
    Ok(Response::new(ProtoInvitation {
        code: code.expose(),
        ..invitation.into()
    }))
}

pub(super) async fn list_invitations(
    grpc: &UsersGrpc,
    request: Request<ListInvitationsRequest>,
) -> Result<Response<ListInvitationsResponse>, Status> {
    let caller = grpc.signed_in(&request).await?;
    let administrator = grpc.accounts.administrator(&caller).await;
    administrator.map_err(to_status)?;
    let message = request.get_ref();
    let size = PageSize::parse(message.page_size)?;
    let before = PageToken::parse(&message.page_token, INVITATIONS_LIST)?;
    let before = before.map(Timestamp::from_micros);
    let page = grpc.accounts.invitations(before, size.get()).await;
    let (invitations, next) = page.map_err(to_status)?;
    let token = next.map(|time| PageToken::encode(time.as_micros(), INVITATIONS_LIST));
    let invitations = invitations.into_iter();
    Ok(Response::new(ListInvitationsResponse {
        invitations: invitations.map(ProtoInvitation::from).collect(),
        next_page_token: token.unwrap_or_default(),
    }))
}

pub(super) async fn revoke_invitation(
    grpc: &UsersGrpc,
    request: Request<RevokeInvitationRequest>,
) -> Result<Response<()>, Status> {
    let caller = grpc.signed_in(&request).await?;
    let administrator = grpc.accounts.administrator(&caller).await;
    administrator.map_err(to_status)?;
    let id = Uuid::try_parse(&request.get_ref().id)
        .map_err(|_| status::invalid_argument("id", "must be a UUID"))?;
    let revoked = grpc.accounts.revoke_invitation(&caller, id).await;
    revoked.map_err(to_status)?;
    Ok(Response::new(()))
}

pub(super) async fn create_password_reset(
    grpc: &UsersGrpc,
    request: Request<CreatePasswordResetRequest>,
) -> Result<Response<PasswordReset>, Status> {
    let caller = grpc.signed_in(&request).await?;
    let administrator = grpc.accounts.administrator(&caller).await;
    administrator.map_err(to_status)?;
    let username: Username = field("username", &request.get_ref().username)?;
    let made = grpc.accounts.create_reset(&caller, &username).await;
    let (code, expire_time) = made.map_err(to_status)?;
    Ok(Response::new(PasswordReset {
        username: username.to_string(),
        code: code.expose(),
        expire_time: Some(expire_time.into()),
    }))
}

pub(super) async fn reset_password(
    grpc: &UsersGrpc,
    request: Request<ResetPasswordRequest>,
) -> Result<Response<()>, Status> {
    let message = request.get_ref();
    if message.code.is_empty() {
        return Err(status::invalid_argument("code", "must not be empty"));
    }
    let new = field("new_password", &message.new_password)?;
    let reset = grpc.accounts.reset_by_code(&message.code, new).await;
    reset.map_err(|error| match error {
        Error::PasswordRefused(why) => status::invalid_argument("new_password", why.to_string()),
        error => to_status(error),
    })?;
    Ok(Response::new(()))
}

/// Without the code, which nobody has any more but whom it was handed to.
impl From<Invitation> for ProtoInvitation {
    fn from(invitation: Invitation) -> Self {
        Self {
            id: invitation.id.to_string(),
            role: proto_role(invitation.role).into(),
            create_time: Some(invitation.create_time.into()),
            expire_time: Some(invitation.expire_time.into()),
            inviter: invitation.inviter.to_string(),
            code: String::new(),
        }
    }
}
