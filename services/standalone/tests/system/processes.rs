//! Separate processes on PostgreSQL, two of each backend, as in a cluster; then some of them fail.

mod fleet;
mod gate;

use std::time::Duration;

use reqwest::{Client, Response, StatusCode};

use crate::{
    processes::fleet::Fleet,
    support::{answers, client, eventually},
};

#[tokio::test]
async fn two_replicas_of_each_share_one_database() {
    let Some(fleet) = Fleet::start().await else {
        return;
    };
    let bruce = signed_in(&fleet).await;
    for number in 0..6 {
        let text = format!("thought number {number}");
        assert_eq!(
            writes(&bruce, &fleet, &text).await.status(),
            StatusCode::SEE_OTHER
        );
        assert!(
            reads(&bruce, &fleet).await.contains(&text),
            "every replica sees {text}"
        );
    }
}

#[tokio::test]
async fn a_replica_that_is_killed_is_missed_by_nobody() {
    let Some(mut fleet) = Fleet::start().await else {
        return;
    };
    let bruce = signed_in(&fleet).await;
    reads(&bruce, &fleet).await;
    fleet.thoughts[0].kill();
    fleet.users[1].kill();
    // What was on its way to it may fail, nothing after that.
    eventually("the gateway turns to the other replica", async || {
        let answer = bruce.get(fleet.page("/")).send().await.ok()?;
        answer.status().is_success().then_some(())
    })
    .await;
    for number in 0..40 {
        let text = format!("still here {number}");
        assert_eq!(
            writes(&bruce, &fleet, &text).await.status(),
            StatusCode::SEE_OTHER,
            "{text}"
        );
        assert_eq!(
            bruce.get(fleet.page("/")).send().await.unwrap().status(),
            StatusCode::OK
        );
    }
    signed_in(&fleet).await;
}

#[tokio::test]
async fn without_the_users_backend_those_who_are_signed_in_go_on() {
    let Some(mut fleet) = Fleet::start().await else {
        return;
    };
    let bruce = signed_in(&fleet).await;
    // Each thoughts-backend has seen a token, so it has the keys.
    for number in 0..8 {
        writes(&bruce, &fleet, &format!("before {number}")).await;
    }
    for users in &mut fleet.users {
        users.kill();
    }
    for number in 0..4 {
        let text = format!("and they go on {number}");
        assert_eq!(
            writes(&bruce, &fleet, &text).await.status(),
            StatusCode::SEE_OTHER
        );
        assert!(reads(&bruce, &fleet).await.contains(&text));
    }
    let anybody = client();
    assert_eq!(
        anybody
            .get(fleet.page("/search"))
            .send()
            .await
            .unwrap()
            .status(),
        StatusCode::OK
    );
    let refused = signs_in(&anybody, &fleet).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"));
    assert!(
        refused.text().await.unwrap().contains("accounts"),
        "the page says which part is away"
    );
}

#[tokio::test]
async fn without_the_thoughts_backend_the_text_is_kept() {
    let Some(mut fleet) = Fleet::start().await else {
        return;
    };
    let bruce = signed_in(&fleet).await;
    for thoughts in &mut fleet.thoughts {
        thoughts.kill();
    }
    let answer = writes(&bruce, &fleet, "Do not lose <this>").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
    let page = answer.text().await.unwrap();
    assert!(
        page.contains("Do not lose &lt;this&gt;</textarea>"),
        "{page}"
    );
    assert!(
        page.contains("keeps the thoughts is out of reach"),
        "{page}"
    );
    // The other half works, and the gateway stays in service.
    signed_in(&fleet).await;
    answers(&fleet.gateway.operations("/readyz"), 200).await;
}

#[tokio::test]
async fn a_backend_without_its_database_is_alive_but_not_ready() {
    let Some(fleet) = Fleet::start().await else {
        return;
    };
    let bruce = signed_in(&fleet).await;
    fleet.thoughts_gate.shut();
    for thoughts in &fleet.thoughts {
        answers(&thoughts.operations("/readyz"), 503).await;
        answers(&thoughts.operations("/healthz"), 200).await;
    }
    for users in &fleet.users {
        answers(&users.operations("/readyz"), 200).await;
    }
    let answer = writes(&bruce, &fleet, "the database sleeps").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.text().await.unwrap().contains("the database sleeps"));

    fleet.thoughts_gate.open().await;
    for thoughts in &fleet.thoughts {
        answers(&thoughts.operations("/readyz"), 200).await;
    }
    eventually("thoughts are written again", async || {
        let answer = writes(&bruce, &fleet, "the database woke").await;
        (answer.status() == StatusCode::SEE_OTHER).then_some(())
    })
    .await;
}

/// A client with a session of bruce's.
async fn signed_in(fleet: &Fleet) -> Client {
    let client = client();
    assert_eq!(
        signs_in(&client, fleet).await.status(),
        StatusCode::SEE_OTHER
    );
    client
}

async fn signs_in(client: &Client, fleet: &Fleet) -> Response {
    let form = [("username", "bruce"), ("password", "bruce")];
    client
        .post(fleet.page("/login"))
        .form(&form)
        .send()
        .await
        .unwrap()
}

async fn writes(client: &Client, fleet: &Fleet, text: &str) -> Response {
    let answer = client
        .post(fleet.page("/thoughts"))
        .form(&[("text", text)])
        .timeout(Duration::from_secs(20))
        .send();
    answer.await.unwrap()
}

async fn reads(client: &Client, fleet: &Fleet) -> String {
    let answer = client.get(fleet.page("/")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.text().await.unwrap()
}
