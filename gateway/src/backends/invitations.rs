//! Invitations.

use api::users::v1 as users;
use runtime::clock::Timestamp;
use uuid::Uuid;

use super::{
    Backends, given, id,
    people::{role, to_proto},
    users_failed,
};
use crate::{
    error::Problem,
    model::{Invitation, ListPage, Role, Secret},
    session::Token,
};

impl Backends {
    /// Makes an invitation; its code is never told again.
    pub(crate) async fn create_invitation(
        &self,
        role: Role,
        expires: Timestamp,
        token: &Token,
    ) -> Result<(Invitation, Secret), Problem> {
        let request = users::CreateInvitationRequest {
            role: to_proto(role).into(),
            expire_time: Some(expires.into()),
        };
        let request = self.introduced(request, Some(token));
        let answer = self.app.users.clone().create_invitation(request).await;
        let mut made = answer.map_err(users_failed)?.into_inner();
        let code = std::mem::take(&mut made.code);
        if code.is_empty() {
            tracing::error!("a new invitation whose code is not told");
            return Err(Problem::Defect);
        }
        Ok((invitation(made)?, Secret::new(code)))
    }

    /// A page of the invitations that can still be used, newest first.
    pub(crate) async fn invitations(
        &self,
        page_token: Option<&str>,
        token: &Token,
    ) -> Result<ListPage<Invitation>, Problem> {
        let request = users::ListInvitationsRequest {
            page_size: 0,
            page_token: page_token.unwrap_or_default().to_owned(),
        };
        let request = self.request(request, Some(token));
        let answer = self.app.users.clone().list_invitations(request).await;
        let answer = answer.map_err(users_failed)?.into_inner();
        let items = answer.invitations.into_iter().map(invitation);
        Ok(ListPage {
            items: items.collect::<Result<_, _>>()?,
            next_page_token: given(answer.next_page_token),
        })
    }

    pub(crate) async fn revoke_invitation(&self, id: Uuid, token: &Token) -> Result<(), Problem> {
        let request = users::RevokeInvitationRequest { id: id.to_string() };
        let request = self.introduced(request, Some(token));
        let answer = self.app.users.clone().revoke_invitation(request).await;
        answer.map(drop).map_err(users_failed)
    }
}

fn invitation(invitation: users::Invitation) -> Result<Invitation, Problem> {
    let (Some(made), Some(expires)) = (invitation.create_time, invitation.expire_time) else {
        tracing::error!(id = invitation.id, "an invitation without a time");
        return Err(Problem::Defect);
    };
    Ok(Invitation {
        id: id(&invitation.id)?,
        role: role(invitation.role()),
        made: made.into(),
        expires: expires.into(),
        inviter: invitation.inviter,
    })
}
