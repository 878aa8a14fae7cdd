//! Signing in, staying signed in, and ending it.

use runtime::{auth::Caller, clock::Timestamp};
use uuid::Uuid;

use super::Accounts;
use crate::{
    audit,
    client::Client,
    error::Error,
    hashing::{Turn, Verdict},
    password::{NewPassword, Password},
    refresh_token::{Nonce, RefreshToken},
    session::{NewSession, PasswordChange, Renewal, SessionInfo, expire_time},
    signing::SignedToken,
    throttle::Buckets,
    user::{Actor, Credentials, User},
    username::Username,
};

#[cfg(test)]
mod tests;

/// What signing in gives, and renewing.
#[derive(Debug, Clone)]
pub struct Session {
    /// For later calls.
    pub token: SignedToken,
    /// Who signed in.
    pub user: User,
    /// Renews the session; `None` where the one that the caller has is still good.
    pub refresh_token: Option<RefreshToken>,
    /// When the session ends unless it is renewed before.
    pub expire_time: Timestamp,
}

impl Accounts {
    /// Signs in. `None` is a name that no account can have; it is answered like an unknown one.
    pub async fn login(
        &self,
        username: Option<Username>,
        password: Password,
        client: &Client,
    ) -> Result<Session, Error> {
        let buckets = Buckets::new(username.as_ref(), client.address);
        let name = username.as_ref().map(Username::as_str);
        self.throttled(&buckets, name, client, async |turn| {
            loop {
                let account = self.store.credentials(name).await?;
                let (verdict, account) = check(turn, &password, account).await?;
                let account = match (verdict, account) {
                    (Verdict::Right | Verdict::RightButWeak, Some(account)) => account,
                    (_, account) => {
                        audit::sign_in_refused(name, account.as_ref(), client);
                        return Err(Error::WrongCredentials);
                    }
                };
                if account.user.disabled {
                    audit::sign_in_disabled(&account.user, client);
                    return Err(Error::AccountDisabled);
                }
                let better = match verdict {
                    Verdict::RightButWeak => stronger(turn, &account, &password).await,
                    Verdict::Right | Verdict::Wrong => None,
                };
                let opened = self.open(account, better, client);
                if let Some(session) = opened.await? {
                    return Ok(session);
                }
                // The hash was replaced in between, by a stronger one or for another password; or the
                // account was disabled.
            }
        })
        .await
    }

    /// Goes on with a session.
    pub async fn refresh(&self, token: &RefreshToken) -> Result<Session, Error> {
        let nonce = Nonce::generate().map_err(Error::defect)?;
        let renewal = self.store.renew_session(token, &nonce, self.clock.now());
        match renewal.await? {
            Renewal::Renewed {
                user,
                successor,
                expire_time,
            } => self.session(user, token.session_id(), Some(successor), expire_time),
            Renewal::Over => Err(Error::SessionOver),
            Renewal::Reused { user_id } => {
                audit::refresh_token_reused(user_id, token.session_id());
                Err(Error::RefreshTokenReused)
            }
        }
    }

    /// Ends the session of a refresh token, if it goes on.
    pub async fn logout(&self, token: &RefreshToken) -> Result<(), Error> {
        if let Some(user_id) = self.store.close_session_of(token).await? {
            audit::sign_out(user_id, token.session_id());
        }
        Ok(())
    }

    /// Changes the caller's password and ends the caller's other sessions and personal access tokens.
    pub async fn change_password(
        &self,
        caller: &Caller,
        current: Password,
        new: NewPassword,
        client: &Client,
    ) -> Result<Session, Error> {
        let (user, actor) = self.own_session(caller).await?;
        let new = new.for_account(&user.username)?;
        let buckets = Buckets::new(Some(&user.username), client.address);
        let name = user.username.as_str();
        self.throttled(&buckets, Some(name), client, async |turn| {
            let new_hash = turn.hash(new.into()).await?;
            self.replace_password(turn, &user, actor.session_id, &current, &new_hash)
                .await
        })
        .await
    }

    /// The caller's sessions, newest first, and which of them the call came from.
    pub async fn sessions(&self, caller: &Caller) -> Result<(Vec<SessionInfo>, Uuid), Error> {
        let (_, actor) = self.own_session(caller).await?;
        let now = self.clock.now();
        let sessions = self.store.sessions_of(caller.user_id, now).await?;
        Ok((sessions, actor.session_id))
    }

    /// Ends one of the caller's sessions.
    pub async fn revoke_session(&self, caller: &Caller, id: Uuid) -> Result<(), Error> {
        self.own_session(caller).await?;
        let now = self.clock.now();
        if !self.store.close_session(caller.user_id, id, now).await? {
            return Err(Error::SessionNotFound);
        }
        audit::session_revoked(caller.user_id, id);
        Ok(())
    }

    /// Forgets the sessions, tokens and invitations that are over, and failures that are long past.
    pub async fn forget(&self) -> Result<(), Error> {
        while self.store.forget_sessions(self.clock.now()).await? > 0 {}
        while self.store.forget_personal_tokens(self.clock.now()).await? > 0 {}
        while self.store.forget_limits(self.clock.now()).await? > 0 {}
        while self.store.forget_invitations(self.clock.now()).await? > 0 {}
        Ok(())
    }

    /// Lets somebody try a password, unless too many have failed. Only what turns out to be a wrong
    /// password counts.
    async fn throttled(
        &self,
        buckets: &Buckets,
        name: Option<&str>,
        client: &Client,
        attempt: impl AsyncFnOnce(&Turn) -> Result<Session, Error>,
    ) -> Result<Session, Error> {
        let throttled = |wait| {
            audit::sign_in_throttled(name, client);
            Err(Error::Throttled(wait))
        };
        // Whoever is to wait costs no more than this, and nobody else's turn.
        let now = self.clock.now();
        if let Err(wait) = self.store.sign_in_wait(buckets, now).await? {
            return throttled(wait);
        }
        let turn = self.hasher.turn().await?;
        let now = self.clock.now();
        if let Err(wait) = self.store.count_sign_in(buckets, now).await? {
            return throttled(wait);
        }
        let outcome = attempt(&turn).await;
        let failed = matches!(outcome, Err(Error::WrongCredentials | Error::WrongPassword));
        if !failed {
            let given_back = self.store.give_back(buckets, outcome.is_ok(), now).await;
            if let Err(error) = given_back {
                tracing::warn!(%error, "a good sign-in counts as a failed one");
            }
        }
        outcome
    }

    /// Replaces the password of an account if `current` is the one it has.
    async fn replace_password(
        &self,
        turn: &Turn,
        user: &User,
        session_id: Uuid,
        current: &Password,
        new_hash: &str,
    ) -> Result<Session, Error> {
        loop {
            let account = self.store.credentials_by_id(user.id).await?;
            let account = account.ok_or(Error::AccountGone)?;
            let checked = account.password_hash.clone();
            if check(turn, current, Some(account)).await?.0 == Verdict::Wrong {
                audit::password_change_refused(user);
                return Err(Error::WrongPassword);
            }
            let now = self.clock.now();
            let change = self
                .store
                .change_password(user.id, session_id, &checked, new_hash, now);
            match change.await? {
                PasswordChange::Changed { expire_time } => {
                    audit::password_changed(user);
                    return self.session(user.clone(), session_id, None, expire_time);
                }
                PasswordChange::SessionOver => return Err(Error::SessionOver),
                PasswordChange::HashReplaced => {}
            }
        }
    }

    /// The caller, and the session that the caller signed in to. An access token outlives its session by minutes;
    /// what is done to the account itself takes one that goes on.
    pub(super) async fn own_session(&self, caller: &Caller) -> Result<(User, Actor), Error> {
        let id = caller.session_id.ok_or(Error::SessionRequired)?;
        let user = self.current_user(caller).await?;
        let now = self.clock.now();
        if self.store.session_goes_on(caller.user_id, id, now).await? {
            let actor = Actor {
                user_id: user.id,
                session_id: id,
            };
            Ok((user, actor))
        } else {
            Err(Error::SessionOver)
        }
    }

    /// Begins a session; `None` if the account's hash is not what it was.
    async fn open(
        &self,
        account: Credentials,
        better: Option<String>,
        client: &Client,
    ) -> Result<Option<Session>, Error> {
        let (id, now) = (self.clock.new_id(), self.clock.now());
        let refresh_token = RefreshToken::first(id).map_err(Error::defect)?;
        let session = NewSession {
            id,
            user_id: account.user.id,
            user_agent: client.user_agent.clone(),
            digest: refresh_token.digest(),
            create_time: now,
        };
        let checked = &account.password_hash;
        let opened = self
            .store
            .open_session(&session, checked, better.as_deref());
        if !opened.await? {
            return Ok(None);
        }
        audit::sign_in(&account.user, id, client);
        self.session(account.user, id, Some(refresh_token), expire_time(now, now))
            .map(Some)
    }

    fn session(
        &self,
        user: User,
        id: Uuid,
        refresh_token: Option<RefreshToken>,
        expire_time: Timestamp,
    ) -> Result<Session, Error> {
        Ok(Session {
            token: self.keys.issue(&user, id, &self.clock)?,
            user,
            refresh_token,
            expire_time,
        })
    }
}

async fn check(
    turn: &Turn,
    password: &Password,
    account: Option<Credentials>,
) -> Result<(Verdict, Option<Credentials>), Error> {
    let stored = account
        .as_ref()
        .map(|account| account.password_hash.clone());
    let verdict = turn.verify(password.clone(), stored).await?;
    Ok((verdict, account))
}

/// A hash to replace one that was made with less work than today's. Signing in goes on without
/// it: the next time is as good.
async fn stronger(turn: &Turn, account: &Credentials, password: &Password) -> Option<String> {
    match turn.hash(password.clone()).await {
        Ok(hash) => Some(hash),
        Err(error) => {
            let user_id = account.user.id;
            tracing::warn!(%error, %user_id, "a weak password hash stays for now");
            None
        }
    }
}
