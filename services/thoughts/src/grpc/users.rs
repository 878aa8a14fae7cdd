//! The users backend, as this one needs it: for the keys of tokens, and to learn whose a personal
//! access token is.

use std::{sync::Arc, time::Duration};

use api::users::v1::{
    GetKeySetRequest, Scope as ProtoScope, VerifiedAccessToken, VerifyAccessTokenRequest,
    users_service_client::UsersServiceClient,
};
use runtime::{
    auth::{KeySource, PersonalToken, PersonalTokenSource, Scope},
    grpc::client::{Channel, Idempotent},
    status,
};
use tonic::{Code, Request, Status, metadata::MetadataValue};

use super::refusals::to_status;
use crate::{service::ServiceTokens, service_token::ServiceToken};

/// How long the users backend may think about a personal access token, within the caller's own time.
const PATIENCE: Duration = Duration::from_secs(2);

/// The reasons of `RESOURCE_EXHAUSTED`.
pub(crate) const REFUSED_FOR_NOW: [&str; 1] = ["TOO_MANY_UNKNOWN_TOKENS"];

/// The key set, as the users backend publishes it.
pub(crate) fn key_source(users: UsersServiceClient<Channel>) -> KeySource {
    Arc::new(move || {
        let mut users = users.clone();
        Box::pin(async move {
            let answer = users.get_key_set(GetKeySetRequest {}).await?;
            Ok(answer.into_inner().key_set_json)
        })
    })
}

/// Personal access tokens, as the users backend knows them: it is shown one of `service_tokens`.
pub(crate) fn personal_token_source(
    users: UsersServiceClient<Channel>,
    service_tokens: ServiceTokens,
) -> PersonalTokenSource {
    Arc::new(move |token| {
        let (users, service_tokens) = (users.clone(), service_tokens.clone());
        Box::pin(async move { whose(users, &service_tokens, token).await })
    })
}

async fn whose(
    users: UsersServiceClient<Channel>,
    service_tokens: &ServiceTokens,
    token: String,
) -> Result<Option<PersonalToken>, Status> {
    let mut refused = None;
    // A second time, if the token that was at hand is no good and there is another by now.
    while let Some(ours) = service_tokens.current().await.map_err(to_status)? {
        if refused.as_ref() == Some(&ours) {
            break;
        }
        let request = request(&token, &ours)?;
        let answer = match users.clone().verify_access_token(request).await {
            Ok(answer) => return parse(answer.into_inner()).map(Some),
            Err(answer) => answer,
        };
        match answer.code() {
            Code::NotFound | Code::InvalidArgument => return Ok(None),
            Code::Unauthenticated | Code::PermissionDenied => {
                tracing::warn!(code = ?answer.code(), "the users backend did not take our service token");
                service_tokens.refused(&ours);
                refused = Some(ours);
            }
            _ => return Err(cannot_tell(&answer)),
        }
    }
    Err(cannot_check())
}

fn request(token: &str, ours: &ServiceToken) -> Result<Request<VerifyAccessTokenRequest>, Status> {
    let mut request = Request::new(VerifyAccessTokenRequest {
        access_token: token.to_owned(),
    });
    let mut bearer: MetadataValue<_> = format!("Bearer {}", ours.text())
        .parse()
        .map_err(|_| cannot_check())?;
    bearer.set_sensitive(true);
    request.metadata_mut().insert("authorization", bearer);
    request.set_timeout(PATIENCE);
    request.extensions_mut().insert(Idempotent);
    Ok(request)
}

fn parse(verified: VerifiedAccessToken) -> Result<PersonalToken, Status> {
    let scope = match verified.scope() {
        ProtoScope::Read => Some(Scope::Read),
        ProtoScope::ReadWrite => Some(Scope::ReadWrite),
        ProtoScope::Unspecified => None,
    };
    let user = verified.user.unwrap_or_default();
    match (user.id.parse(), scope, verified.expire_time) {
        (Ok(user_id), Some(scope), Some(expire_time)) => Ok(PersonalToken {
            user_id,
            username: user.username,
            scope,
            expires: expire_time.into(),
        }),
        _ => {
            tracing::error!("the users backend says less of a token than this one has to know");
            Err(status::internal())
        }
    }
}

/// What the caller is told when the users backend gives no answer.
fn cannot_tell(answer: &Status) -> Status {
    if answer.code() == Code::ResourceExhausted {
        let message = "too many unknown personal access tokens lately";
        let wait = status::retry_after(answer).unwrap_or(PATIENCE);
        return status::throttled("TOO_MANY_UNKNOWN_TOKENS", message, wait);
    }
    tracing::warn!(
        code = ?answer.code(),
        message = answer.message(),
        "a personal access token could not be checked"
    );
    status::unavailable(
        "PERSONAL_TOKENS_UNAVAILABLE",
        "personal access tokens cannot be checked now: the users backend is out of reach",
    )
}

/// What the caller is told while the users backend does not know this one.
fn cannot_check() -> Status {
    status::unavailable(
        "PERSONAL_TOKENS_UNAVAILABLE",
        "personal access tokens cannot be checked yet",
    )
}
