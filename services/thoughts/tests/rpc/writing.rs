//! `CreateThought` and `DeleteThought`.

use std::collections::HashSet;

use api::thoughts::v1::{CreateThoughtRequest, Visibility};
use database::testing::{Fresh, on_each_engine};
use runtime::clock::{Clock, Timestamp};
use tonic::Code;

use crate::support::{Backend, bad_field, because, refusal, texts};

const REQUEST_ID: &str = "0190163d-8694-739b-aea5-966c26f8ad91";

#[tokio::test]
async fn a_thought_is_kept_as_written() {
    on_each_engine(async |fresh| {
        let backend = Backend::start(fresh).await;
        let bruce = backend.member("bruce");
        let before = Clock::system().now();
        let written = bruce
            .writes("  Counting down:\r\n\t3, 2, 1… <b>京都</b> 👩‍💻\n")
            .await
            .unwrap();
        assert_eq!(written.text, "Counting down:\n\t3, 2, 1… <b>京都</b> 👩‍💻");
        assert_eq!(written.author, "bruce");
        assert_eq!(written.visibility(), Visibility::Public);
        assert_eq!(
            written.id.parse::<uuid::Uuid>().unwrap().get_version_num(),
            7
        );
        assert_eq!(written.create_time, written.update_time);
        let time = Timestamp::from(written.create_time.unwrap());
        assert!((before..=Clock::system().now()).contains(&time));
        assert_eq!(backend.nobody().reads(&written.id).await.unwrap(), written);
        backend.stop().await;
    })
    .await;
}

#[tokio::test]
async fn texts_against_the_rules_are_refused() {
    let fresh = Fresh::sqlite();
    let backend = Backend::start(&fresh).await;
    let bruce = backend.member("bruce");
    assert!(bruce.writes(&"京".repeat(250)).await.is_ok());
    let long = "a".repeat(251);
    let huge = "a".repeat(1_000_000);
    for text in [
        "",
        " \r\n ",
        "\u{200b}",
        "nul\0",
        "bell\u{7}",
        "next line\u{85}!",
        &long,
        &huge,
    ] {
        assert_eq!(bad_field(bruce.writes(text).await), "text");
    }
    let unknown = CreateThoughtRequest {
        text: "x".into(),
        visibility: 7,
        request_id: None,
    };
    assert_eq!(bad_field(bruce.sends(unknown).await), "visibility");
    for id in [
        "7",
        "0190163d8694739baea5966c26f8ad91",
        "{0190163d-8694-739b-aea5-966c26f8ad91}",
    ] {
        let refused = bruce.creates("x", Visibility::Public, Some(id)).await;
        assert_eq!(bad_field(refused), "request_id");
    }
    // Who may not write learns nothing of the rules for it.
    let sign_in = because(Code::Unauthenticated, "SIGN_IN_REQUIRED");
    assert_eq!(refusal(backend.nobody().writes("").await), sign_in);
}

#[tokio::test]
async fn r05_one_request_id_a_hundred_times_at_once_is_one_thought() {
    on_each_engine(async |fresh| {
        let (backend, other) = (Backend::start(fresh).await, Backend::start(fresh).await);
        let people = [backend.member("bruce"), other.member("bruce")];
        let calls = (0..100).map(|n| {
            let bruce = people[n % 2].clone();
            tokio::spawn(async move {
                bruce
                    .creates("once", Visibility::Unspecified, Some(REQUEST_ID))
                    .await
            })
        });
        let mut answers = HashSet::new();
        for call in calls.collect::<Vec<_>>() {
            answers.insert(call.await.unwrap().unwrap().id);
        }
        assert_eq!(answers.len(), 1);
        assert_eq!(
            texts(&people[0].lists("").await.unwrap().thoughts),
            ["once"]
        );
        backend.stop().await;
        other.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_request_id_stands_for_one_text_of_one_author() {
    on_each_engine(async |fresh| {
        let backend = Backend::start(fresh).await;
        let (bruce, stephen) = (backend.member("bruce"), backend.member("stephen"));
        let public = Visibility::Public;
        let once = bruce
            .creates("one", public, Some(REQUEST_ID))
            .await
            .unwrap();
        let upper = REQUEST_ID.to_uppercase();
        assert_eq!(
            bruce
                .creates(" one\r\n", public, Some(&upper))
                .await
                .unwrap(),
            once
        );
        let reused = because(Code::AlreadyExists, "REQUEST_ID_REUSED");
        assert_eq!(
            refusal(bruce.creates("two", public, Some(REQUEST_ID)).await),
            reused
        );
        // Somebody who meant it for themselves must not be told that it is done.
        let private = bruce.creates("one", Visibility::Private, Some(REQUEST_ID));
        assert_eq!(refusal(private.await), reused);
        let other = stephen
            .creates("two", public, Some(REQUEST_ID))
            .await
            .unwrap();
        assert_ne!(other.id, once.id);
        // An empty one is none.
        for _ in 0..2 {
            bruce.creates("again", public, Some("")).await.unwrap();
        }
        bruce.deletes(&once.id).await.unwrap();
        let gone = because(Code::AlreadyExists, "THOUGHT_DELETED");
        assert_eq!(
            refusal(bruce.creates("one", public, Some(REQUEST_ID)).await),
            gone
        );
        let left = backend.nobody().lists("").await.unwrap();
        assert_eq!(texts(&left.thoughts), ["again", "again", "two"]);
        backend.stop().await;
    })
    .await;
}

#[tokio::test]
async fn authors_delete_theirs_and_administrators_what_is_public() {
    on_each_engine(async |fresh| {
        let backend = Backend::start(fresh).await;
        let (bruce, stephen) = (backend.member("bruce"), backend.member("stephen"));
        let ada = backend.administrator("ada");
        let open = bruce.writes("open").await.unwrap().id;
        let secret = bruce.notes("secret").await.unwrap().id;
        let rude = bruce.writes("rude").await.unwrap().id;

        let missing = because(Code::NotFound, "THOUGHT_NOT_FOUND");
        let sign_in = because(Code::Unauthenticated, "SIGN_IN_REQUIRED");
        assert_eq!(refusal(backend.nobody().deletes(&open).await), sign_in);
        let not_theirs = because(Code::PermissionDenied, "NOT_THE_AUTHOR");
        assert_eq!(refusal(stephen.deletes(&open).await), not_theirs);
        assert_eq!(refusal(stephen.deletes(&secret).await), missing);
        assert_eq!(refusal(ada.deletes(&secret).await), missing);
        assert_eq!(bruce.lists("").await.unwrap().thoughts.len(), 3);

        ada.deletes(&rude).await.unwrap();
        bruce.deletes(&secret).await.unwrap();
        bruce.deletes(&open).await.unwrap();
        assert_eq!(refusal(bruce.deletes(&open).await), missing);
        assert!(bruce.lists("").await.unwrap().thoughts.is_empty());
        backend.stop().await;
    })
    .await;
}
