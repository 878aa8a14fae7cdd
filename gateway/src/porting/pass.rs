//! What a long import is let in with.
//!
//! An access token lives five minutes, an upload may take an hour. Renewing the session on the way
//! would use up its refresh token, and the browser learns of the next one only when its upload is
//! over: whatever it asks for meanwhile, or after giving up, would look like a stolen token and end
//! the session. So an import that outlives its access token goes on with a personal one, made for
//! it, which ends with the time that an upload may take, and with the password.

use std::time::Duration;

use runtime::clock::Timestamp;
use uuid::Uuid;

use super::limits::MAX_DURATION;
use crate::{
    app::App,
    backends::Backends,
    model::Scope,
    session::{SignedIn, Token},
};

/// What the list of tokens calls it.
const NAME: &str = "An upload of thoughts; ends by itself";

/// A token that ends within this time is replaced.
const EARLY: Duration = Duration::from_secs(60);

/// Who imports, for as long as that takes.
pub(crate) struct Pass {
    app: App,
    backends: Backends,
    token: Token,
    /// When that ends.
    expires: Timestamp,
    /// The personal token that was made.
    made: Option<Made>,
}

struct Made {
    id: Uuid,
    /// What it was made with, and can be revoked with.
    by: (Token, Timestamp),
}

impl Pass {
    pub(crate) async fn new(app: &App, backends: Backends, signed_in: &SignedIn) -> Self {
        let now = app.clock.now();
        let caller = app.verifier.verify(signed_in.token.expose()).await;
        Self {
            app: app.clone(),
            backends,
            token: signed_in.token.clone(),
            // It has just been found good.
            expires: caller.map_or(now, |caller| caller.expires),
            made: None,
        }
    }

    pub(super) const fn backends(&self) -> &Backends {
        &self.backends
    }

    /// A token that is good for a while, if there is any way to have one.
    pub(super) async fn token(&mut self) -> Token {
        let now = self.app.clock.now();
        if self.made.is_none() && self.expires <= now + EARLY {
            let until = now + MAX_DURATION;
            let made = self
                .backends
                .create_access_token(NAME, Scope::ReadWrite, until, &self.token)
                .await;
            match made {
                Ok((personal, secret)) => {
                    let by = (self.token.clone(), self.expires);
                    self.made = Some(Made {
                        id: personal.id,
                        by,
                    });
                    (self.token, self.expires) = (Token::new(secret.expose()), until);
                }
                // It goes on for as long as it can.
                Err(problem) => tracing::warn!(?problem, "an import has no other token"),
            }
        }
        self.token.clone()
    }

    /// Takes back what was made, as far as that is still allowed; otherwise it ends by itself.
    pub(super) async fn give_back(self) {
        if let Some(made) = self.made
            && self.app.clock.now() < made.by.1
            && let Err(problem) = self.backends.revoke_access_token(made.id, &made.by.0).await
        {
            tracing::info!(?problem, "an import's token ends by itself");
        }
    }
}
