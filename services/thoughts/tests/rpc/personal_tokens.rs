//! Personal access tokens, which the users backend is asked about.

use api::users::v1::{Role, Scope};
use database::{
    Engine,
    testing::{Fresh, each_engine, on_each_engine},
};
use runtime::{
    auth::{THOUGHTS_BACKEND, USERS_BACKEND},
    status,
};
use tonic::Code;

use crate::{
    support::{Backend, System, because, refusal, texts},
    users::service_token,
};

const WRITES: &str = "mt_bruces-script";
const READS: &str = "mt_bruces-display";

/// Both backends, with two personal access tokens of bruce's.
async fn system(fresh: &Fresh) -> System {
    let system = System::start(fresh).await;
    let known = &system.users.known;
    known.add(WRITES, "bruce", Role::Member, Scope::ReadWrite);
    known.add(READS, "bruce", Role::Member, Scope::Read);
    system
}

/// What hands over the token for the users backend, that ends in so many seconds.
async fn hand_over(system: &System, backend: &Backend, seconds: i64) -> String {
    let token = service_token(&system.key, THOUGHTS_BACKEND, USERS_BACKEND, seconds);
    let handed = system.users_backend(backend).hands_over(&token).await;
    handed.expect("taken up");
    token
}

#[tokio::test]
async fn a_personal_token_speaks_for_its_owner_within_its_scope() {
    on_each_engine(async |fresh| {
        let system = system(fresh).await;
        let backend = &system.backend;
        hand_over(&system, backend, 900).await;
        let (script, display) = (backend.with_token(WRITES), backend.with_token(READS));

        let noted = script.notes("by the script").await.expect("written");
        assert_eq!(noted.author, "bruce");
        let bruces = system.member("bruce").lists("bruce").await.expect("read");
        assert_eq!(texts(&bruces.thoughts), ["by the script"]);
        for reader in [&script, &display] {
            assert_eq!(reader.reads(&noted.id).await.expect("read"), noted);
            let found = reader.searches("script").await.expect("read");
            assert_eq!(texts(&found.thoughts), ["by the script"]);
        }
        let read_only = because(Code::PermissionDenied, "READ_ONLY_TOKEN");
        // Whatever else is wrong with the request.
        assert_eq!(refusal(display.writes("").await), read_only);
        assert_eq!(refusal(display.deletes("7").await), read_only);
        assert_eq!(refusal(display.deletes(&noted.id).await), read_only);
        assert_eq!(refusal(display.edits(&noted, "").await), read_only);
        assert_eq!(refusal(display.deletes_for_ever("7").await), read_only);
        assert_eq!(refusal(display.undeletes("7").await), read_only);
        let edited = script.edits(&noted, "edited").await.expect("changed");
        script.deletes(&noted.id).await.expect("deleted");
        let back = script.undeletes(&noted.id).await.expect("back");
        assert_eq!(back, edited);
        for reader in [&script, &display] {
            let kept = reader.revisions(&noted.id, 0, "").await.expect("read");
            assert_eq!(kept.revisions[0].text, "by the script");
        }
        script.deletes(&noted.id).await.expect("deleted");
        system.stop().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_nobodys_is_refused_everywhere_and_asked_about_once() {
    let fresh = Fresh::sqlite();
    let system = system(&fresh).await;
    hand_over(&system, &system.backend, 900).await;
    let invalid = because(Code::Unauthenticated, "INVALID_TOKEN");
    let somebody = system.backend.with_token("mt_unknown");
    for refused in [
        refusal(somebody.writes("x").await),
        refusal(somebody.reads("7").await),
        refusal(somebody.deletes("7").await),
        refusal(somebody.lists("").await),
        refusal(somebody.searches("").await),
    ] {
        assert_eq!(refused, invalid);
    }
    assert_eq!(system.users.known.asked(), 1);
    for garbage in [
        "mt_",
        "mt_x y",
        "mt_ü",
        &format!("mt_{}", "x".repeat(1_000)),
    ] {
        let somebody = system.backend.with_token(garbage);
        assert_eq!(refusal(somebody.lists("").await), invalid, "{garbage}");
    }
    assert_eq!(system.users.known.asked(), 1);
    system.stop().await;
}

#[tokio::test]
async fn an_administrators_script_is_no_administrator() {
    let fresh = Fresh::sqlite();
    let system = system(&fresh).await;
    hand_over(&system, &system.backend, 900).await;
    let known = &system.users.known;
    known.add("mt_adas", "ada", Role::Admin, Scope::ReadWrite);
    let rude = system
        .member("bruce")
        .writes("rude")
        .await
        .expect("written");
    let script = system.backend.with_token("mt_adas");
    let not_theirs = because(Code::PermissionDenied, "NOT_THE_AUTHOR");
    assert_eq!(refusal(script.deletes(&rude.id).await), not_theirs);
    script.writes("ada's own").await.expect("written");
    let ada = system.administrator("ada");
    ada.deletes(&rude.id).await.expect("deleted");
    system.stop().await;
}

#[tokio::test]
async fn until_the_users_backend_knows_this_one_nothing_can_be_said_of_a_token() {
    on_each_engine(async |fresh| {
        let system = system(fresh).await;
        let script = system.backend.with_token(WRITES);
        let refused = script.lists("").await.expect_err("not yet");
        assert_eq!(refused.code(), Code::Unavailable);
        assert!(status::retry_after(&refused).is_some());
        let cannot = because(Code::Unavailable, "PERSONAL_TOKENS_UNAVAILABLE");
        assert_eq!(refusal(script.writes("x").await), cannot);
        hand_over(&system, &system.backend, 900).await;
        script.lists("").await.expect("known now");
        system.stop().await;
    })
    .await;
}

#[tokio::test]
async fn r15_without_the_users_backend_known_scripts_go_on_and_others_wait() {
    let fresh = Fresh::sqlite();
    let system = system(&fresh).await;
    hand_over(&system, &system.backend, 900).await;
    let script = system.backend.with_token(WRITES);
    script.writes("before").await.expect("written");
    let System { backend, users, .. } = system;
    users.stop().await;
    script.writes("after").await.expect("written");
    let waits = because(Code::Unavailable, "PERSONAL_TOKENS_UNAVAILABLE");
    let display = backend.with_token(READS);
    assert_eq!(refusal(display.lists("").await), waits);
    let seen = backend.nobody().lists("").await.expect("read");
    assert_eq!(texts(&seen.thoughts), ["after", "before"]);
    backend.stop().await;
}

#[tokio::test]
async fn a_token_handed_to_one_replica_serves_all() {
    let on_servers = each_engine().await;
    let on_servers = on_servers
        .iter()
        .filter(|fresh| fresh.engine() == Engine::Postgres);
    for fresh in on_servers {
        let system = system(fresh).await;
        let other = system.another_backend(fresh).await;
        hand_over(&system, &system.backend, 900).await;
        for backend in [&system.backend, &other] {
            let script = backend.with_token(WRITES);
            script.writes("by any replica").await.expect("written");
        }
        // An earlier end is not taken up, a later one by all.
        let known = &system.users.known;
        let early = hand_over(&system, &other, 300).await;
        known.refuses(&early);
        other.with_token(READS).lists("").await.expect("read");
        let late = hand_over(&system, &other, 1_200).await;
        known.refuses(&late);
        // Those who have the first one still use it; whoever starts now has to take the last.
        system
            .backend
            .with_token(READS)
            .lists("")
            .await
            .expect("read");
        let third = system.another_backend(fresh).await;
        let cannot = because(Code::Unavailable, "PERSONAL_TOKENS_UNAVAILABLE");
        assert_eq!(refusal(third.with_token(READS).lists("").await), cannot);
        for backend in [other, third] {
            backend.stop().await;
        }
        system.stop().await;
    }
}

#[tokio::test]
async fn a_service_token_that_is_refused_is_exchanged_for_the_next() {
    on_each_engine(async |fresh| {
        let system = system(fresh).await;
        let first = hand_over(&system, &system.backend, 300).await;
        let (script, display) = (
            system.backend.with_token(WRITES),
            system.backend.with_token(READS),
        );
        script.lists("").await.expect("read");
        system.users.known.refuses(&first);
        let cannot = because(Code::Unavailable, "PERSONAL_TOKENS_UNAVAILABLE");
        assert_eq!(refusal(display.lists("").await), cannot);
        hand_over(&system, &system.backend, 900).await;
        display.lists("").await.expect("read");
        system.stop().await;
    })
    .await;
}
