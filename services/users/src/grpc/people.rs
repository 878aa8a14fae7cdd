//! Changing and deleting accounts.

use api::users::v1::{DeleteUserRequest, UpdateUserRequest, User as ProtoUser};
use prost_types::FieldMask;
use runtime::status;
use tonic::{Request, Response, Status};

use super::{
    UsersGrpc,
    messages::{field, for_administrator, requested_role},
    refusals::to_status,
};
use crate::{user::UserChange, username::Username};

pub(super) async fn update_user(
    grpc: &UsersGrpc,
    request: Request<UpdateUserRequest>,
) -> Result<Response<ProtoUser>, Status> {
    let caller = grpc.signed_in(&request).await?;
    let administrator = grpc.accounts.administrator(&caller).await;
    administrator.map_err(to_status)?;
    let message = request.into_inner();
    let user = message
        .user
        .ok_or_else(|| status::invalid_argument("user", "must be set"))?;
    let username: Username = field("user.username", &user.username)?;
    let change = change(&user, message.update_mask)?;
    let updated = grpc.accounts.update_user(&caller, &username, change).await;
    let user = updated.map_err(to_status)?;
    Ok(Response::new(for_administrator(user)))
}

pub(super) async fn delete_user(
    grpc: &UsersGrpc,
    request: Request<DeleteUserRequest>,
) -> Result<Response<()>, Status> {
    let caller = grpc.signed_in(&request).await?;
    let username: Username = field("username", &request.get_ref().username)?;
    let deleted = grpc.accounts.delete_user(&caller, &username).await;
    deleted.map_err(to_status)?;
    Ok(Response::new(()))
}

/// What a mask (AIP-134) takes of a user. It has to name something, and nothing else than what can
/// be changed; so `*` is none either.
fn change(user: &ProtoUser, mask: Option<FieldMask>) -> Result<UserChange, Status> {
    let refused = || status::invalid_argument("update_mask", "must name role, disabled, or both");
    let paths = mask.unwrap_or_default().paths;
    if paths.is_empty() {
        return Err(refused());
    }
    let mut change = UserChange {
        role: None,
        disabled: None,
    };
    for path in &paths {
        match path.as_str() {
            "role" => {
                let role = requested_role(user.role).ok().flatten();
                let role = role.ok_or_else(|| {
                    status::invalid_argument("user.role", "must be ROLE_MEMBER or ROLE_ADMIN")
                })?;
                change.role = Some(role);
            }
            "disabled" => change.disabled = Some(user.disabled),
            _ => return Err(refused()),
        }
    }
    Ok(change)
}
