//! What the thoughts backend is called for.

use std::{error::Error as StdError, sync::Arc};

use api::thoughts::v1::{PurgeAuthorRequest, thoughts_service_client::ThoughtsServiceClient};
use runtime::grpc::client::{Channel, Idempotent};
use tonic::{Request, metadata::MetadataValue};

use crate::{
    purge::Purge,
    service::{Accounts, purging::PurgeAuthor},
    signing::ServicePass,
};

/// Why a call could not be made, or failed.
pub(super) type Failure = Box<dyn StdError + Send + Sync>;

/// Has the thoughts of deleted accounts deleted.
pub(crate) fn purge_author(
    accounts: Accounts,
    thoughts: ThoughtsServiceClient<Channel>,
) -> PurgeAuthor {
    Arc::new(move |purge| {
        let (accounts, mut thoughts) = (accounts.clone(), thoughts.clone());
        Box::pin(async move {
            let request = purge_request(&accounts, purge)?;
            thoughts.purge_author(request).await?;
            Ok(())
        })
    })
}

fn purge_request(
    accounts: &Accounts,
    purge: Purge,
) -> Result<Request<PurgeAuthorRequest>, Failure> {
    let user_id = purge.user_id.to_string();
    let mut request = request(accounts, PurgeAuthorRequest { user_id })?;
    request.set_timeout(purge.patience());
    Ok(request)
}

/// A call by this service, which it does no harm to carry out twice.
pub(super) fn request<T>(accounts: &Accounts, message: T) -> Result<Request<T>, Failure> {
    let mut request = Request::new(message);
    let token = accounts.service_token(ServicePass::ToThoughts)?;
    let mut bearer: MetadataValue<_> = format!("Bearer {}", token.text).parse()?;
    bearer.set_sensitive(true);
    request.metadata_mut().insert("authorization", bearer);
    request.extensions_mut().insert(Idempotent);
    Ok(request)
}
