//! Accounts: how they come about, and who sees them.

use api::users::v1::{
    CreateUserRequest, GetCurrentUserRequest, GetKeySetRequest, GetSignUpStateRequest,
    GetUserRequest, KeySet, ListUsersRequest, ListUsersResponse, SignUpState as ProtoSignUpState,
    User as ProtoUser,
};
use runtime::{
    clock::Timestamp,
    paging::{PageSize, PageToken},
    status,
};
use tonic::{Request, Response, Status};

use super::{
    UsersGrpc,
    messages::{field, filled, for_administrator, requested_role},
    refusals::to_status,
};

/// What page tokens of `ListUsers` are bound to: it has no filters.
const USERS_LIST: &str = "ListUsers";

pub(super) async fn create_user(
    grpc: &UsersGrpc,
    request: Request<CreateUserRequest>,
) -> Result<Response<ProtoUser>, Status> {
    let message = request.get_ref();
    let setup_code = filled(message.setup_code.as_deref());
    let invitation_code = filled(message.invitation_code.as_deref());
    let admission = match (setup_code, invitation_code) {
        (Some(_), Some(_)) => return Err(with_invitation("setup_code")),
        (Some(code), None) => grpc.accounts.admit_with_code(code).await,
        (None, Some(_)) if message.role != 0 => return Err(with_invitation("role")),
        (None, Some(code)) => grpc.accounts.admit_invited(code).await,
        (None, None) => {
            let caller = grpc.caller(&request).await?;
            grpc.accounts.admit(caller.as_ref()).await
        }
    };
    let admission = admission.map_err(to_status)?;
    let username = field("username", &message.username)?;
    let password = field("password", &message.password)?;
    let role = requested_role(message.role)?;
    let created = grpc
        .accounts
        .create_user(admission, username, password, role)
        .await;
    Ok(Response::new(created.map_err(to_status)?.into()))
}

pub(super) async fn get_sign_up_state(
    grpc: &UsersGrpc,
    request: Request<GetSignUpStateRequest>,
) -> Result<Response<ProtoSignUpState>, Status> {
    let invitation = filled(request.get_ref().invitation_code.as_deref());
    let state = grpc.accounts.sign_up_state(invitation).await;
    Ok(Response::new(state.map_err(to_status)?.into()))
}

pub(super) async fn get_current_user(
    grpc: &UsersGrpc,
    request: Request<GetCurrentUserRequest>,
) -> Result<Response<ProtoUser>, Status> {
    let caller = grpc.named(&request).await?;
    let user = grpc
        .accounts
        .current_user(&caller)
        .await
        .map_err(to_status)?;
    Ok(Response::new(user.into()))
}

pub(super) async fn get_user(
    grpc: &UsersGrpc,
    request: Request<GetUserRequest>,
) -> Result<Response<ProtoUser>, Status> {
    let caller = grpc.named(&request).await?;
    let asking = grpc.accounts.current_user(&caller).await;
    let asking = asking.map_err(to_status)?;
    let username = field("username", &request.get_ref().username)?;
    let user = grpc.accounts.user(&username).await.map_err(to_status)?;
    // Whoever comes with a personal access token is told no more than a member.
    let user = if caller.is_admin() && asking.is_administrator() {
        for_administrator(user)
    } else {
        user.into()
    };
    Ok(Response::new(user))
}

pub(super) async fn list_users(
    grpc: &UsersGrpc,
    request: Request<ListUsersRequest>,
) -> Result<Response<ListUsersResponse>, Status> {
    let caller = grpc.signed_in(&request).await?;
    grpc.accounts
        .administrator(&caller)
        .await
        .map_err(to_status)?;
    let message = request.get_ref();
    let size = PageSize::parse(message.page_size)?;
    let before = PageToken::parse(&message.page_token, USERS_LIST)?.map(Timestamp::from_micros);
    let (users, next) = grpc
        .accounts
        .page(before, size.get())
        .await
        .map_err(to_status)?;
    let token = next.map(|time| PageToken::encode(time.as_micros(), USERS_LIST));
    Ok(Response::new(ListUsersResponse {
        users: users.into_iter().map(for_administrator).collect(),
        next_page_token: token.unwrap_or_default(),
    }))
}

pub(super) async fn get_key_set(
    grpc: &UsersGrpc,
    _: Request<GetKeySetRequest>,
) -> Result<Response<KeySet>, Status> {
    Ok(Response::new(KeySet {
        key_set_json: grpc.accounts.key_set_json(),
    }))
}

/// An invitation came together with what it says itself, or what is another way in.
fn with_invitation(field: &str) -> Status {
    status::invalid_argument(field, "must not be set together with invitation_code")
}
