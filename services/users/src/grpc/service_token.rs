//! Handing the thoughts backend the token by which this service knows it.

use std::time::Duration;

use api::thoughts::v1::{PutServiceTokenRequest, thoughts_service_client::ThoughtsServiceClient};
use runtime::grpc::client::Channel;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::thoughts::{Failure, request};
use crate::{service::Accounts, signing::ServicePass};

/// How long after a token was taken the next one is handed over. One lives for fifteen minutes.
const RENEWED_EVERY: Duration = Duration::from_secs(60);

/// How long after a token was not taken the next one is tried.
const RETRIED_AFTER: Duration = Duration::from_secs(1);

/// So often in a row a token is not taken before that is told: both services may just be starting.
const TOLD_AFTER: u32 = 5;

/// Hands over one token after another, until `shutdown`. That they are not taken is told once, and
/// so is that they are again.
pub(crate) async fn keep_known(
    accounts: Accounts,
    thoughts: ThoughtsServiceClient<Channel>,
    shutdown: CancellationToken,
) {
    let handing_over = async {
        let mut failures = 0;
        loop {
            let pause = match hand_over(&accounts, thoughts.clone()).await {
                Ok(()) => {
                    if failures >= TOLD_AFTER {
                        tracing::info!("the thoughts backend takes its service token again");
                    }
                    failures = 0;
                    RENEWED_EVERY
                }
                Err(error) => {
                    failures = TOLD_AFTER.min(failures) + 1;
                    if failures == TOLD_AFTER {
                        tracing::warn!(%error, "the thoughts backend does not take its service \
                            token, so it may come to know no personal access tokens");
                    }
                    RETRIED_AFTER
                }
            };
            sleep(pause).await;
        }
    };
    shutdown.run_until_cancelled(handing_over).await;
}

async fn hand_over(
    accounts: &Accounts,
    mut thoughts: ThoughtsServiceClient<Channel>,
) -> Result<(), Failure> {
    let token = accounts.service_token(ServicePass::FromThoughts)?;
    let message = PutServiceTokenRequest {
        service_token: token.text,
    };
    thoughts
        .put_service_token(request(accounts, message)?)
        .await?;
    Ok(())
}
