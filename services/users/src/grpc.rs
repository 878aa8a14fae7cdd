//! The rpcs: messages to domain types and back in [`messages`], errors to codes in [`refusals`],
//! and what each does in a file for its subject. [`thoughts`] is the way out: what this service calls
//! the thoughts backend for.

mod accounts;
mod invitations;
mod messages;
mod people;
mod refusals;
mod service_token;
mod sessions;
pub(crate) mod thoughts;
mod tokens;

use api::users::v1::{
    AccessToken, ChangePasswordRequest, CreateAccessTokenRequest, CreateInvitationRequest,
    CreatePasswordResetRequest, CreateUserRequest, DeleteUserRequest, GetCurrentUserRequest,
    GetKeySetRequest, GetSignUpStateRequest, GetUserRequest, Invitation, KeySet,
    ListAccessTokensRequest, ListAccessTokensResponse, ListInvitationsRequest,
    ListInvitationsResponse, ListSessionsRequest, ListSessionsResponse, ListUsersRequest,
    ListUsersResponse, LoginRequest, LogoutRequest, PasswordReset, RefreshSessionRequest,
    ResetPasswordRequest, RevokeAccessTokenRequest, RevokeInvitationRequest, RevokeSessionRequest,
    Session as ProtoSession, SignUpState as ProtoSignUpState, UpdateUserRequest, User as ProtoUser,
    VerifiedAccessToken, VerifyAccessTokenRequest, users_service_server::UsersService,
};
use runtime::auth::{Caller, Verifier};
use tonic::{Request, Response, Status};

pub(crate) use self::{
    refusals::REFUSED_FOR_NOW, service_token::keep_known, tokens::personal_tokens,
};
use crate::service::Accounts;

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

    /// Who calls, if anybody is named. Personal access tokens are refused: almost all that is done
    /// here is about accounts, sessions and tokens.
    async fn caller<T>(&self, request: &Request<T>) -> Result<Option<Caller>, Status> {
        let caller = self.verifier.caller(request.metadata()).await?;
        caller.map(Caller::in_person).transpose()
    }

    /// The person who calls. Personal access tokens are no good for what is done to accounts,
    /// sessions and tokens.
    async fn signed_in<T>(&self, request: &Request<T>) -> Result<Caller, Status> {
        Caller::required(self.caller(request).await?)
    }

    /// Who calls an rpc that scripts may call too: personal access tokens of every scope may read.
    async fn named<T>(&self, request: &Request<T>) -> Result<Caller, Status> {
        Caller::required(self.verifier.caller(request.metadata()).await?)
    }
}

#[tonic::async_trait]
impl UsersService for UsersGrpc {
    async fn login(
        &self,
        request: Request<LoginRequest>,
    ) -> Result<Response<ProtoSession>, Status> {
        sessions::login(self, request).await
    }

    async fn refresh_session(
        &self,
        request: Request<RefreshSessionRequest>,
    ) -> Result<Response<ProtoSession>, Status> {
        sessions::refresh_session(self, request).await
    }

    async fn logout(&self, request: Request<LogoutRequest>) -> Result<Response<()>, Status> {
        sessions::logout(self, request).await
    }

    async fn change_password(
        &self,
        request: Request<ChangePasswordRequest>,
    ) -> Result<Response<ProtoSession>, Status> {
        sessions::change_password(self, request).await
    }

    async fn list_sessions(
        &self,
        request: Request<ListSessionsRequest>,
    ) -> Result<Response<ListSessionsResponse>, Status> {
        sessions::list_sessions(self, request).await
    }

    async fn revoke_session(
        &self,
        request: Request<RevokeSessionRequest>,
    ) -> Result<Response<()>, Status> {
        sessions::revoke_session(self, request).await
    }

    async fn create_user(
        &self,
        request: Request<CreateUserRequest>,
    ) -> Result<Response<ProtoUser>, Status> {
        accounts::create_user(self, request).await
    }

    async fn get_sign_up_state(
        &self,
        request: Request<GetSignUpStateRequest>,
    ) -> Result<Response<ProtoSignUpState>, Status> {
        accounts::get_sign_up_state(self, request).await
    }

    async fn get_current_user(
        &self,
        request: Request<GetCurrentUserRequest>,
    ) -> Result<Response<ProtoUser>, Status> {
        accounts::get_current_user(self, request).await
    }

    async fn get_user(
        &self,
        request: Request<GetUserRequest>,
    ) -> Result<Response<ProtoUser>, Status> {
        accounts::get_user(self, request).await
    }

    async fn list_users(
        &self,
        request: Request<ListUsersRequest>,
    ) -> Result<Response<ListUsersResponse>, Status> {
        accounts::list_users(self, request).await
    }

    async fn update_user(
        &self,
        request: Request<UpdateUserRequest>,
    ) -> Result<Response<ProtoUser>, Status> {
        people::update_user(self, request).await
    }

    async fn delete_user(
        &self,
        request: Request<DeleteUserRequest>,
    ) -> Result<Response<()>, Status> {
        people::delete_user(self, request).await
    }

    async fn create_invitation(
        &self,
        request: Request<CreateInvitationRequest>,
    ) -> Result<Response<Invitation>, Status> {
        invitations::create_invitation(self, request).await
    }

    async fn list_invitations(
        &self,
        request: Request<ListInvitationsRequest>,
    ) -> Result<Response<ListInvitationsResponse>, Status> {
        invitations::list_invitations(self, request).await
    }

    async fn revoke_invitation(
        &self,
        request: Request<RevokeInvitationRequest>,
    ) -> Result<Response<()>, Status> {
        invitations::revoke_invitation(self, request).await
    }

    async fn create_password_reset(
        &self,
        request: Request<CreatePasswordResetRequest>,
    ) -> Result<Response<PasswordReset>, Status> {
        invitations::create_password_reset(self, request).await
    }

    async fn reset_password(
        &self,
        request: Request<ResetPasswordRequest>,
    ) -> Result<Response<()>, Status> {
        invitations::reset_password(self, request).await
    }

    async fn create_access_token(
        &self,
        request: Request<CreateAccessTokenRequest>,
    ) -> Result<Response<AccessToken>, Status> {
        tokens::create_access_token(self, request).await
    }

    async fn list_access_tokens(
        &self,
        request: Request<ListAccessTokensRequest>,
    ) -> Result<Response<ListAccessTokensResponse>, Status> {
        tokens::list_access_tokens(self, request).await
    }

    async fn revoke_access_token(
        &self,
        request: Request<RevokeAccessTokenRequest>,
    ) -> Result<Response<()>, Status> {
        tokens::revoke_access_token(self, request).await
    }

    async fn verify_access_token(
        &self,
        request: Request<VerifyAccessTokenRequest>,
    ) -> Result<Response<VerifiedAccessToken>, Status> {
        tokens::verify_access_token(self, request).await
    }

    async fn get_key_set(
        &self,
        request: Request<GetKeySetRequest>,
    ) -> Result<Response<KeySet>, Status> {
        accounts::get_key_set(self, request).await
    }
}
