//! What administrators and people who go or come back do.

use api::users::v1::{
    CreateInvitationRequest, CreatePasswordResetRequest, CreateUserRequest, DeleteUserRequest,
    GetSignUpStateRequest, Invitation, ListInvitationsRequest, ListInvitationsResponse,
    PasswordReset, ResetPasswordRequest, RevokeInvitationRequest, Role, UpdateUserRequest, User,
};
use prost_types::{FieldMask, Timestamp};
use tonic::Status;

use super::{PASSWORD, Person};

impl Person {
    /// Gives somebody a role.
    pub(crate) async fn gives(&self, username: &str, role: Role) -> Result<User, Status> {
        let user = User {
            username: username.into(),
            role: role.into(),
            ..User::default()
        };
        self.updates(user, &["role"]).await
    }

    /// Disables an account, or makes it usable again.
    pub(crate) async fn disables(&self, username: &str, disabled: bool) -> Result<User, Status> {
        let user = User {
            username: username.into(),
            disabled,
            ..User::default()
        };
        self.updates(user, &["disabled"]).await
    }

    pub(crate) async fn updates(&self, user: User, paths: &[&str]) -> Result<User, Status> {
        let mask = FieldMask {
            paths: paths.iter().map(|&path| path.to_owned()).collect(),
        };
        self.updates_by(UpdateUserRequest {
            user: Some(user),
            update_mask: Some(mask),
        })
        .await
    }

    pub(crate) async fn updates_by(&self, message: UpdateUserRequest) -> Result<User, Status> {
        let request = self.request(message);
        Ok(self.client.clone().update_user(request).await?.into_inner())
    }

    pub(crate) async fn deletes(&self, username: &str) -> Result<(), Status> {
        let request = self.request(DeleteUserRequest {
            username: username.into(),
        });
        self.client.clone().delete_user(request).await.map(drop)
    }

    pub(crate) async fn invites(&self, role: Role) -> Result<Invitation, Status> {
        self.invites_until(role, None).await
    }

    pub(crate) async fn invites_until(
        &self,
        role: Role,
        expire_time: Option<Timestamp>,
    ) -> Result<Invitation, Status> {
        let request = self.request(CreateInvitationRequest {
            role: role.into(),
            expire_time,
        });
        Ok(self
            .client
            .clone()
            .create_invitation(request)
            .await?
            .into_inner())
    }

    pub(crate) async fn invitations(
        &self,
        size: i32,
        token: &str,
    ) -> Result<ListInvitationsResponse, Status> {
        let request = self.request(ListInvitationsRequest {
            page_size: size,
            page_token: token.into(),
        });
        Ok(self
            .client
            .clone()
            .list_invitations(request)
            .await?
            .into_inner())
    }

    pub(crate) async fn uninvites(&self, id: &str) -> Result<(), Status> {
        let request = self.request(RevokeInvitationRequest { id: id.into() });
        self.client
            .clone()
            .revoke_invitation(request)
            .await
            .map(drop)
    }

    /// Makes an account by an invitation.
    pub(crate) async fn comes_by(&self, code: &str, username: &str) -> Result<User, Status> {
        self.sends(CreateUserRequest {
            username: username.into(),
            password: PASSWORD.into(),
            invitation_code: Some(code.into()),
            ..CreateUserRequest::default()
        })
        .await
    }

    pub(crate) async fn is_invited_by(&self, code: &str) -> bool {
        let request = self.request(GetSignUpStateRequest {
            invitation_code: Some(code.into()),
        });
        let state = self.client.clone().get_sign_up_state(request).await;
        state.unwrap().into_inner().invitation_valid
    }

    pub(crate) async fn lets_reset(&self, username: &str) -> Result<PasswordReset, Status> {
        let request = self.request(CreatePasswordResetRequest {
            username: username.into(),
        });
        Ok(self
            .client
            .clone()
            .create_password_reset(request)
            .await?
            .into_inner())
    }

    pub(crate) async fn resets(&self, code: &str, new_password: &str) -> Result<(), Status> {
        let request = self.request(ResetPasswordRequest {
            code: code.into(),
            new_password: new_password.into(),
        });
        self.client.clone().reset_password(request).await.map(drop)
    }
}
