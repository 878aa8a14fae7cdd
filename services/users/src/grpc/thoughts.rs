//! What the thoughts backend is called for.

use std::{error::Error, sync::Arc};

use api::thoughts::v1::{PurgeAuthorRequest, thoughts_service_client::ThoughtsServiceClient};
use runtime::grpc::client::{Channel, Idempotent};
use tonic::{Request, metadata::MetadataValue};

use crate::{
    purge::Purge,
    service::{Accounts, purging::PurgeAuthor},
    signing::ServicePass,
};

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
) -> Result<Request<PurgeAuthorRequest>, Box<dyn Error + Send + Sync>> {
    let mut request = Request::new(PurgeAuthorRequest {
        user_id: purge.user_id.to_string(),
    });
    let token = accounts.service_token(ServicePass::ToThoughts)?;
    let mut bearer: MetadataValue<_> = format!("Bearer {}", token.text).parse()?;
    bearer.set_sensitive(true);
    request.metadata_mut().insert("authorization", bearer);
    request.extensions_mut().insert(Idempotent);
    request.set_timeout(purge.patience());
    Ok(request)
}
