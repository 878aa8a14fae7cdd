//! What the users backend answers.

use std::time::Duration;

use api::users::v1::{self as users, Role, User, users_service_server::UsersService};
use runtime::clock::{Clock, Timestamp};
use tonic::{Request, Response, Status};

use super::Backend;
use crate::support::{Keys, LIFETIME, REFRESH_LIFETIME};

#[tonic::async_trait]
impl UsersService for Backend {
    async fn login(
        &self,
        request: Request<users::LoginRequest>,
    ) -> Result<Response<users::Session>, Status> {
        let said = self.asked("Login", &request)?;
        let username = &request.get_ref().username;
        Ok(Response::new(session(&said.keys, username, "refresh-1")))
    }

    async fn refresh_session(
        &self,
        request: Request<users::RefreshSessionRequest>,
    ) -> Result<Response<users::Session>, Status> {
        let answer = {
            let said = self.asked("RefreshSession", &request)?;
            let next = format!("{}-next", request.get_ref().refresh_token);
            session(&said.keys, "bruce", &next)
        };
        self.released("RefreshSession").await;
        Ok(Response::new(answer))
    }

    async fn logout(&self, request: Request<users::LogoutRequest>) -> Result<Response<()>, Status> {
        drop(self.asked("Logout", &request)?);
        Ok(Response::new(()))
    }

    async fn change_password(
        &self,
        request: Request<users::ChangePasswordRequest>,
    ) -> Result<Response<users::Session>, Status> {
        let said = self.asked("ChangePassword", &request)?;
        // The refresh token stays as it is, so none is sent.
        Ok(Response::new(session(&said.keys, "bruce", "")))
    }

    async fn list_sessions(
        &self,
        request: Request<users::ListSessionsRequest>,
    ) -> Result<Response<users::ListSessionsResponse>, Status> {
        let said = self.asked("ListSessions", &request)?;
        let sessions = said.sessions.clone();
        Ok(Response::new(users::ListSessionsResponse { sessions }))
    }

    async fn revoke_session(
        &self,
        request: Request<users::RevokeSessionRequest>,
    ) -> Result<Response<()>, Status> {
        let mut said = self.asked("RevokeSession", &request)?;
        let id = &request.get_ref().id;
        said.sessions.retain(|session| session.id != *id);
        Ok(Response::new(()))
    }

    async fn create_user(
        &self,
        request: Request<users::CreateUserRequest>,
    ) -> Result<Response<User>, Status> {
        drop(self.asked("CreateUser", &request)?);
        Ok(Response::new(user(&request.get_ref().username)))
    }

    async fn get_sign_up_state(
        &self,
        request: Request<users::GetSignUpStateRequest>,
    ) -> Result<Response<users::SignUpState>, Status> {
        let said = self.asked("GetSignUpState", &request)?;
        Ok(Response::new(said.sign_up))
    }

    async fn get_current_user(
        &self,
        request: Request<users::GetCurrentUserRequest>,
    ) -> Result<Response<User>, Status> {
        drop(self.asked("GetCurrentUser", &request)?);
        Err(Status::unimplemented("no page asks this"))
    }

    async fn get_user(
        &self,
        request: Request<users::GetUserRequest>,
    ) -> Result<Response<User>, Status> {
        drop(self.asked("GetUser", &request)?);
        Err(Status::unimplemented("no page asks this"))
    }

    async fn list_users(
        &self,
        request: Request<users::ListUsersRequest>,
    ) -> Result<Response<users::ListUsersResponse>, Status> {
        drop(self.asked("ListUsers", &request)?);
        Err(Status::unimplemented("no page asks this"))
    }

    async fn update_user(
        &self,
        request: Request<users::UpdateUserRequest>,
    ) -> Result<Response<User>, Status> {
        drop(self.asked("UpdateUser", &request)?);
        Err(Status::unimplemented("no page asks this"))
    }

    async fn delete_user(
        &self,
        request: Request<users::DeleteUserRequest>,
    ) -> Result<Response<()>, Status> {
        drop(self.asked("DeleteUser", &request)?);
        Err(Status::unimplemented("no page asks this"))
    }

    async fn create_invitation(
        &self,
        request: Request<users::CreateInvitationRequest>,
    ) -> Result<Response<users::Invitation>, Status> {
        drop(self.asked("CreateInvitation", &request)?);
        Err(Status::unimplemented("no page asks this"))
    }

    async fn list_invitations(
        &self,
        request: Request<users::ListInvitationsRequest>,
    ) -> Result<Response<users::ListInvitationsResponse>, Status> {
        drop(self.asked("ListInvitations", &request)?);
        Err(Status::unimplemented("no page asks this"))
    }

    async fn revoke_invitation(
        &self,
        request: Request<users::RevokeInvitationRequest>,
    ) -> Result<Response<()>, Status> {
        drop(self.asked("RevokeInvitation", &request)?);
        Err(Status::unimplemented("no page asks this"))
    }

    async fn create_password_reset(
        &self,
        request: Request<users::CreatePasswordResetRequest>,
    ) -> Result<Response<users::PasswordReset>, Status> {
        drop(self.asked("CreatePasswordReset", &request)?);
        Err(Status::unimplemented("no page asks this"))
    }

    async fn reset_password(
        &self,
        request: Request<users::ResetPasswordRequest>,
    ) -> Result<Response<()>, Status> {
        drop(self.asked("ResetPassword", &request)?);
        Err(Status::unimplemented("no page asks this"))
    }

    async fn create_access_token(
        &self,
        request: Request<users::CreateAccessTokenRequest>,
    ) -> Result<Response<users::AccessToken>, Status> {
        drop(self.asked("CreateAccessToken", &request)?);
        Err(Status::unimplemented("no page asks this"))
    }

    async fn list_access_tokens(
        &self,
        request: Request<users::ListAccessTokensRequest>,
    ) -> Result<Response<users::ListAccessTokensResponse>, Status> {
        drop(self.asked("ListAccessTokens", &request)?);
        Err(Status::unimplemented("no page asks this"))
    }

    async fn revoke_access_token(
        &self,
        request: Request<users::RevokeAccessTokenRequest>,
    ) -> Result<Response<()>, Status> {
        drop(self.asked("RevokeAccessToken", &request)?);
        Err(Status::unimplemented("no page asks this"))
    }

    async fn verify_access_token(
        &self,
        request: Request<users::VerifyAccessTokenRequest>,
    ) -> Result<Response<users::VerifiedAccessToken>, Status> {
        drop(self.asked("VerifyAccessToken", &request)?);
        Err(Status::unimplemented("no page asks this"))
    }

    async fn get_key_set(
        &self,
        request: Request<users::GetKeySetRequest>,
    ) -> Result<Response<users::KeySet>, Status> {
        let said = self.asked("GetKeySet", &request)?;
        Ok(Response::new(users::KeySet {
            key_set_json: said.keys.key_set(),
        }))
    }
}

fn session(keys: &Keys, username: &str, refresh_token: &str) -> users::Session {
    let after = |seconds: i64| Clock::system().now() + Duration::from_secs(seconds.unsigned_abs());
    users::Session {
        access_token: keys.token(username, "member", LIFETIME),
        access_token_expire_time: Some(after(LIFETIME).into()),
        user: Some(user(username)),
        refresh_token: refresh_token.to_owned(),
        refresh_token_expire_time: Some(after(REFRESH_LIFETIME).into()),
    }
}

fn user(username: &str) -> User {
    User {
        id: Clock::system().new_id().to_string(),
        username: username.to_owned(),
        role: Role::Member.into(),
        create_time: Some(Timestamp::from_seconds(0).into()),
        disabled: false,
    }
}
