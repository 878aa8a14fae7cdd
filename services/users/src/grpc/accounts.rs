//! Accounts: how they come about, and who sees them.

use api::users::v1::{
    CreateUserRequest, GetCurrentUserRequest, GetKeySetRequest, GetSignUpStateRequest,
    GetUserRequest, KeySet, ListUsersRequest, ListUsersResponse, SignUpState as ProtoSignUpState,
    User as ProtoUser,
};
use runtime::{
    clock::Timestamp,
    paging::{PageSize, PageToken},
};
use tonic::{Request, Response, Status};

use super::{
    UsersGrpc,
    messages::{field, requested_role},
    refusals::to_status,
};

/// What page tokens of `ListUsers` are bound to: it has no filters.
const USERS_LIST: &str = "ListUsers";

pub(super) async fn create_user(
    grpc: &UsersGrpc,
    request: Request<CreateUserRequest>,
) -> Result<Response<ProtoUser>, Status> {
    // A form sends an empty field for a code that was left out.
    let code = request
        .get_ref()
        .setup_code
        .as_deref()
        .filter(|code| !code.is_empty());
    let admission = match code {
        Some(code) => grpc.accounts.admit_with_code(code).await,
        None => {
            grpc.accounts
                .admit(grpc.caller(&request).await?.as_ref())
                .await
        }
    };
    let admission = admission.map_err(to_status)?;
    let message = request.get_ref();
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
    _: Request<GetSignUpStateRequest>,
) -> Result<Response<ProtoSignUpState>, Status> {
    let state = grpc.accounts.sign_up_state().await.map_err(to_status)?;
    Ok(Response::new(state.into()))
}

pub(super) async fn get_current_user(
    grpc: &UsersGrpc,
    request: Request<GetCurrentUserRequest>,
) -> Result<Response<ProtoUser>, Status> {
    let caller = grpc.signed_in(&request).await?;
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
    let caller = grpc.signed_in(&request).await?;
    grpc.accounts
        .current_user(&caller)
        .await
        .map_err(to_status)?;
    let username = field("username", &request.get_ref().username)?;
    let user = grpc.accounts.user(&username).await.map_err(to_status)?;
    Ok(Response::new(user.into()))
}

pub(super) async fn list_users(
    grpc: &UsersGrpc,
    request: Request<ListUsersRequest>,
) -> Result<Response<ListUsersResponse>, Status> {
    let caller = grpc.signed_in(&request).await?;
    grpc.accounts
        .require_administrator(&caller)
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
        users: users.into_iter().map(ProtoUser::from).collect(),
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
