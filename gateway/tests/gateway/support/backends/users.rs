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
        let said = self.asked("GetUser", &request)?;
        let found = said
            .users
            .iter()
            .find(|user| user.username == request.get_ref().username);
        found
            .cloned()
            .map(Response::new)
            .ok_or_else(|| Status::not_found("no such account"))
    }

    async fn list_users(
        &self,
        request: Request<users::ListUsersRequest>,
    ) -> Result<Response<users::ListUsersResponse>, Status> {
        let said = self.asked("ListUsers", &request)?;
        Ok(Response::new(users::ListUsersResponse {
            users: said.users.clone(),
            next_page_token: said.next_page_token.clone(),
        }))
    }

    async fn update_user(
        &self,
        request: Request<users::UpdateUserRequest>,
    ) -> Result<Response<User>, Status> {
        let mut said = self.asked("UpdateUser", &request)?;
        let request = request.into_inner();
        let wanted = request.user.unwrap();
        let mask = request.update_mask.unwrap().paths;
        let found = said
            .users
            .iter_mut()
            .find(|user| user.username == wanted.username);
        let user = found.ok_or_else(|| Status::not_found("no such account"))?;
        if mask == ["role"] {
            user.role = wanted.role;
        } else if mask == ["disabled"] {
            user.disabled = wanted.disabled;
        }
        Ok(Response::new(user.clone()))
    }

    async fn delete_user(
        &self,
        request: Request<users::DeleteUserRequest>,
    ) -> Result<Response<()>, Status> {
        let mut said = self.asked("DeleteUser", &request)?;
        let before = said.users.len();
        said.users
            .retain(|user| user.username != request.get_ref().username);
        if said.users.len() == before {
            return Err(Status::not_found("no such account"));
        }
        Ok(Response::new(()))
    }

    async fn create_invitation(
        &self,
        request: Request<users::CreateInvitationRequest>,
    ) -> Result<Response<users::Invitation>, Status> {
        let mut said = self.asked("CreateInvitation", &request)?;
        let made = users::Invitation {
            id: Clock::system().new_id().to_string(),
            role: request.get_ref().role,
            create_time: Some(Clock::system().now().into()),
            expire_time: request.get_ref().expire_time,
            inviter: "ada".to_owned(),
            code: String::new(),
        };
        said.invitations.insert(0, made.clone());
        let code = said.secret.clone();
        Ok(Response::new(users::Invitation { code, ..made }))
    }

    async fn list_invitations(
        &self,
        request: Request<users::ListInvitationsRequest>,
    ) -> Result<Response<users::ListInvitationsResponse>, Status> {
        let said = self.asked("ListInvitations", &request)?;
        Ok(Response::new(users::ListInvitationsResponse {
            invitations: said.invitations.clone(),
            next_page_token: said.next_page_token.clone(),
        }))
    }

    async fn revoke_invitation(
        &self,
        request: Request<users::RevokeInvitationRequest>,
    ) -> Result<Response<()>, Status> {
        let mut said = self.asked("RevokeInvitation", &request)?;
        let before = said.invitations.len();
        said.invitations
            .retain(|invitation| invitation.id != request.get_ref().id);
        if said.invitations.len() == before {
            return Err(Status::not_found("no open invitation"));
        }
        Ok(Response::new(()))
    }

    async fn create_password_reset(
        &self,
        request: Request<users::CreatePasswordResetRequest>,
    ) -> Result<Response<users::PasswordReset>, Status> {
        let said = self.asked("CreatePasswordReset", &request)?;
        let end = Clock::system().now() + Duration::from_secs(86_400);
        Ok(Response::new(users::PasswordReset {
            username: request.get_ref().username.clone(),
            code: said.secret.clone(),
            expire_time: Some(end.into()),
        }))
    }

    async fn reset_password(
        &self,
        request: Request<users::ResetPasswordRequest>,
    ) -> Result<Response<()>, Status> {
        drop(self.asked("ResetPassword", &request)?);
        Ok(Response::new(()))
    }

    async fn create_access_token(
        &self,
        request: Request<users::CreateAccessTokenRequest>,
    ) -> Result<Response<users::AccessToken>, Status> {
        let mut said = self.asked("CreateAccessToken", &request)?;
        let made = users::AccessToken {
            id: Clock::system().new_id().to_string(),
            display_name: request.get_ref().display_name.clone(),
            scope: request.get_ref().scope,
            create_time: Some(Clock::system().now().into()),
            expire_time: request.get_ref().expire_time,
            last_use_time: None,
            access_token: String::new(),
        };
        said.tokens.insert(0, made.clone());
        let access_token = said.secret.clone();
        Ok(Response::new(users::AccessToken {
            access_token,
            ..made
        }))
    }

    async fn list_access_tokens(
        &self,
        request: Request<users::ListAccessTokensRequest>,
    ) -> Result<Response<users::ListAccessTokensResponse>, Status> {
        let said = self.asked("ListAccessTokens", &request)?;
        let access_tokens = said.tokens.clone();
        Ok(Response::new(users::ListAccessTokensResponse {
            access_tokens,
        }))
    }

    async fn revoke_access_token(
        &self,
        request: Request<users::RevokeAccessTokenRequest>,
    ) -> Result<Response<()>, Status> {
        let mut said = self.asked("RevokeAccessToken", &request)?;
        let before = said.tokens.len();
        said.tokens.retain(|token| token.id != request.get_ref().id);
        if said.tokens.len() == before {
            return Err(Status::not_found("no token of yours"));
        }
        Ok(Response::new(()))
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

pub(super) fn user(username: &str) -> User {
    User {
        id: Clock::system().new_id().to_string(),
        username: username.to_owned(),
        role: Role::Member.into(),
        create_time: Some(Timestamp::from_seconds(0).into()),
        disabled: false,
    }
}
