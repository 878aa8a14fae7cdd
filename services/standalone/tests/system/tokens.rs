//! Personal access tokens: made and revoked in a real Chromium, used by a program.

use api::{
    thoughts::v1::{CreateThoughtRequest, thoughts_service_client::ThoughtsServiceClient},
    users::v1::{GetCurrentUserRequest, users_service_client::UsersServiceClient},
};
use runtime::grpc::client::Channel;
use tonic::{Code, Request, Status};

use crate::support::{Browser, Scripts, System, eventually};

#[tokio::test]
async fn a_token_is_made_used_and_revoked() {
    tour(Scripts::On).await;
}

#[tokio::test]
async fn a_token_without_javascript() {
    tour(Scripts::Off).await;
}

async fn tour(scripts: Scripts) {
    let Some(browser) = Browser::open(scripts).await else {
        return;
    };
    let system = System::with_examples().await;
    browser
        .goes_to(&system, "/login?next=/settings/tokens")
        .await;
    browser.signs_in("bruce", "bruce").await;
    browser.sees("No tokens").await;
    browser
        .types("display_name", "Back-up of \"everything\" <b>")
        .await;
    browser.chooses("scope", "Read and write").await;
    browser.chooses("days", "90 days").await;
    browser.presses("Make the token").await;
    browser.sees("Copy it now: it is not shown again.").await;
    let token = browser.secret().await;
    assert!(token.starts_with("mt_"), "a token has its prefix");
    browser.presses("I have copied it").await;
    browser.sees("Back-up of \"everything\" <b>").await;
    browser.sees("never used").await;
    assert!(!browser.text().await.contains("mt_"), "shown once");

    eventually(
        "the thoughts backend can ask whose the token is",
        async || writes(&system, &token).await.ok(),
    )
    .await;
    assert_eq!(name(&system, &token).await.expect("it is good"), "bruce");
    browser.goes_to(&system, "/").await;
    browser.sees("Written by a script").await;
    browser.goes_to(&system, "/settings/tokens").await;
    browser.sees("last used just now").await;

    // Screen readers hear which one.
    let revoke = "Revoke … Back-up of \"everything\" <b>";
    browser.presses_by_keyboard(revoke).await;
    browser.sees("Revoke this token?").await;
    browser.presses("Keep it").await;
    browser.sees("last used").await;
    browser.presses(revoke).await;
    browser.presses_by_keyboard("Yes, revoke").await;
    browser.sees("That token is revoked").await;
    browser.sees("No tokens").await;
    let refused = name(&system, &token).await.expect_err("it is revoked");
    assert_eq!(refused.code(), Code::Unauthenticated);
}

async fn writes(system: &System, token: &str) -> Result<(), Status> {
    let mut client = ThoughtsServiceClient::new(channel("thoughts", &system.thoughts));
    let message = CreateThoughtRequest {
        text: "Written by a script".to_owned(),
        ..CreateThoughtRequest::default()
    };
    client.create_thought(with(message, token)).await.map(drop)
}

async fn name(system: &System, token: &str) -> Result<String, Status> {
    let mut client = UsersServiceClient::new(channel("users", &system.users));
    let answer = client
        .get_current_user(with(GetCurrentUserRequest {}, token))
        .await?;
    Ok(answer.into_inner().username)
}

fn channel(part: &'static str, address: &str) -> Channel {
    Channel::new(
        part,
        format!("http://{address}").parse().expect("an address"),
    )
}

fn with<T>(message: T, token: &str) -> Request<T> {
    let mut request = Request::new(message);
    let bearer = format!("Bearer {token}")
        .parse()
        .expect("letters of a header");
    request.metadata_mut().insert("authorization", bearer);
    request
}
