//! Invitations: who may make an account besides those whom administrators add.

use runtime::{
    auth::{Caller, Role},
    clock::Timestamp,
};
use uuid::Uuid;

use super::{Accounts, Admission, Way};
use crate::{
    audit,
    error::Error,
    invitation::{Invitation, NewInvitation, expire_time},
    secret::{Digest, Secret},
    store::Added,
    user::Credentials,
};

impl Accounts {
    /// Whether a code is an invitation that can be used.
    pub async fn admit_invited(&self, code: &str) -> Result<Admission, Error> {
        match self.invitation(code).await? {
            Some((code, role)) => Ok(Admission(Way::Invitation(code, role))),
            None => {
                audit::invitation_refused();
                Err(Error::NotInvited)
            }
        }
    }

    /// Makes an invitation, and the code to hand over, which is not kept.
    pub async fn invite(
        &self,
        caller: &Caller,
        role: Role,
        expires: Option<Timestamp>,
    ) -> Result<(Invitation, Secret), Error> {
        let (by, inviter) = self.administrator(caller).await?;
        let now = self.clock.now();
        let code = Secret::generate().map_err(Error::defect)?;
        let new = NewInvitation {
            id: self.clock.new_id(),
            digest: code.digest(),
            role,
            inviter,
            create_time: now,
            expire_time: expire_time(expires, now)?,
        };
        let create_time = self.store.add_invitation(&new).await?.into_result()?;
        audit::invitation_made(&by, new.id, role);
        let invitation = Invitation {
            id: new.id,
            role,
            inviter: by.username,
            create_time,
            expire_time: new.expire_time,
        };
        Ok((invitation, code))
    }

    /// At most `size` invitations that can be used, made before a time (`None`: the newest), newest
    /// first, and where the next page begins if there is one.
    pub async fn invitations(
        &self,
        before: Option<Timestamp>,
        size: usize,
    ) -> Result<(Vec<Invitation>, Option<Timestamp>), Error> {
        let now = self.clock.now();
        let found = self.store.invitations_before(before, size + 1, now);
        let mut invitations = found.await?;
        let more = invitations.len() > size;
        invitations.truncate(size);
        let next = invitations.last().filter(|_| more);
        let next = next.map(|last| last.create_time);
        Ok((invitations, next))
    }

    /// Takes an invitation back.
    pub async fn revoke_invitation(&self, caller: &Caller, id: Uuid) -> Result<(), Error> {
        let (by, actor) = self.administrator(caller).await?;
        let now = self.clock.now();
        let removed = self.store.remove_invitation(id, actor, now).await?;
        if !removed.into_result()? {
            return Err(Error::InvitationNotFound);
        }
        audit::invitation_revoked(&by, id);
        Ok(())
    }

    /// The invitation that a code is, and the role that it gives, if it can be used.
    pub(super) async fn invitation(&self, code: &str) -> Result<Option<(Digest, Role)>, Error> {
        let Ok(code) = code.parse::<Secret>() else {
            return Ok(None);
        };
        let digest = code.digest();
        let role = self.store.invited_as(digest, self.clock.now()).await?;
        Ok(role.map(|role| (digest, role)))
    }

    pub(super) async fn add_invited(
        &self,
        account: &Credentials,
        code: Digest,
    ) -> Result<Added, Error> {
        let added = self.store.add_invited(account, code, self.clock.now());
        let Some(added) = added.await? else {
            audit::invitation_refused();
            return Err(Error::NotInvited);
        };
        if let Added::Account(user) = &added {
            audit::invitation_used(user);
        }
        Ok(added)
    }
}
