//! Personal access tokens, made and used.

use std::time::Duration;

use api::users::v1::{
    AccessToken, CreateAccessTokenRequest, ListAccessTokensRequest, RevokeAccessTokenRequest,
    Scope, User, VerifiedAccessToken, VerifyAccessTokenRequest,
};
use database::testing::Fresh;
use runtime::clock::Clock;
use tonic::Status;
use users_backend::{
    Config,
    signing::{ServicePass, SigningKey},
};
use uuid::Uuid;

use super::{Backend, PASSWORD, Person, config_with_ada};

impl Backend {
    /// Starts a backend with a key that the test has as well, signs its administrator in, and gives
    /// a service that the backend knows.
    pub(crate) async fn start_with_service(fresh: &Fresh) -> (Self, Person, Person) {
        let key = signing_key();
        let service = service_token(&key, ServicePass::FromThoughts);
        let (backend, ada) = Self::start_with_key(fresh, key).await;
        let service = ada.with_token(&service);
        (backend, ada, service)
    }

    /// Starts a backend that signs with this key, and signs its administrator in.
    pub(crate) async fn start_with_key(fresh: &Fresh, key: SigningKey) -> (Self, Person) {
        let backend = Self::start(Config {
            tokens_signing_key: Some(key),
            ..config_with_ada(fresh)
        })
        .await;
        let ada = backend.sign_in("ada", PASSWORD).await;
        (backend, ada)
    }
}

/// A key that nobody else has.
pub(crate) fn signing_key() -> SigningKey {
    SigningKey::from_pkcs8(&SigningKey::generate_pkcs8().unwrap()).unwrap()
}

/// The token that a person was given ten minutes ago, by whoever has the key.
pub(crate) fn expired_token(key: &SigningKey, of: &User) -> String {
    let then = Clock::system().now() - Duration::from_secs(10 * 60);
    let user = users_backend::user::User {
        id: of.id.parse().unwrap(),
        username: of.username.parse().unwrap(),
        role: runtime::auth::Role::Admin,
        create_time: then,
        disabled: false,
    };
    let token = key.issue(&user, Uuid::nil(), &Clock::manual(then));
    token.unwrap().text
}

/// A token of a service, by whoever has the key.
pub(crate) fn service_token(key: &SigningKey, pass: ServicePass) -> String {
    let token = key.issue_service(pass, &Clock::system());
    token.unwrap().text
}

impl Person {
    /// Makes a token that ends in an hour, and becomes a script that has it.
    pub(crate) async fn script(&self, scope: Scope) -> (AccessToken, Self) {
        let token = self.makes_token("a script", scope).await.unwrap();
        let script = self.with_token(&token.access_token);
        (token, script)
    }

    pub(crate) async fn makes_token(
        &self,
        name: &str,
        scope: Scope,
    ) -> Result<AccessToken, Status> {
        let end = Clock::system().now() + Duration::from_secs(60 * 60);
        self.asks_for_token(CreateAccessTokenRequest {
            display_name: name.into(),
            expire_time: Some(end.into()),
            scope: scope.into(),
        })
        .await
    }

    pub(crate) async fn asks_for_token(
        &self,
        message: CreateAccessTokenRequest,
    ) -> Result<AccessToken, Status> {
        let request = self.request(message);
        let answer = self.client.clone().create_access_token(request).await?;
        Ok(answer.into_inner())
    }

    pub(crate) async fn tokens(&self) -> Result<Vec<AccessToken>, Status> {
        let request = self.request(ListAccessTokensRequest {});
        let answer = self.client.clone().list_access_tokens(request).await?;
        Ok(answer.into_inner().access_tokens)
    }

    pub(crate) async fn revokes_token(&self, id: &str) -> Result<(), Status> {
        let request = self.request(RevokeAccessTokenRequest { id: id.into() });
        let answer = self.client.clone().revoke_access_token(request).await;
        answer.map(drop)
    }

    pub(crate) async fn verifies(&self, token: &str) -> Result<VerifiedAccessToken, Status> {
        let request = self.request(VerifyAccessTokenRequest {
            access_token: token.into(),
        });
        let answer = self.client.clone().verify_access_token(request).await?;
        Ok(answer.into_inner())
    }
}
