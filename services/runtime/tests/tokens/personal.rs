//! Personal access tokens, by a source that is asked as seldom as may be.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt as _, future::join_all};
use runtime::{
    auth::{Caller, PersonalToken, PersonalTokenSource, Role, Scope, Verifier},
    clock::{Clock, Timestamp},
    status,
};
use tonic::{Code, Status, metadata::MetadataMap};
use uuid::Uuid;

use crate::support::{Issuer, NOW, bearer};

const TOKEN: &str = "mt_bruces";

/// What [`TOKEN`] stands for: until an hour from the beginning.
pub(crate) fn bruces() -> PersonalToken {
    PersonalToken {
        user_id: Uuid::from_u128(1),
        username: "bruce".to_owned(),
        scope: Scope::ReadWrite,
        expires: Timestamp::from_seconds(NOW + 3_600),
    }
}

/// Where tokens are kept: bruce's, until it is revoked.
#[derive(Default)]
struct Kept {
    asked: AtomicUsize,
    revoked: AtomicBool,
    away: AtomicBool,
}

impl Kept {
    fn source(self: &Arc<Self>) -> PersonalTokenSource {
        let kept = Arc::clone(self);
        Arc::new(move |token| {
            let kept = Arc::clone(&kept);
            async move {
                kept.asked.fetch_add(1, Ordering::SeqCst);
                // Others that come now find the question put, and no answer.
                tokio::task::yield_now().await;
                if kept.away.load(Ordering::SeqCst) {
                    return Err(status::unavailable("AWAY", "away"));
                }
                let there = token == TOKEN && !kept.revoked.load(Ordering::SeqCst);
                Ok(there.then(bruces))
            }
            .boxed()
        })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn revoke(&self) {
        self.revoked.store(true, Ordering::SeqCst);
    }
}

struct Fixture {
    kept: Arc<Kept>,
    clock: Clock,
    verifier: Verifier,
}

fn fixture() -> Fixture {
    let (kept, clock) = (Arc::<Kept>::default(), crate::support::clock());
    let issuer = Issuer::new();
    let fixed = issuer.pem().parse().unwrap();
    let verifier = Verifier::new(clock.clone(), fixed, crate::support::no_source())
        .with_personal_tokens(kept.source());
    Fixture {
        kept,
        clock,
        verifier,
    }
}

async fn calls(verifier: &Verifier, token: &str) -> Result<Caller, Code> {
    let caller = verifier.caller(&bearer(token)).await;
    Ok(caller.map_err(|status| status.code())?.unwrap())
}

fn refused() -> Result<Caller, Code> {
    Err(Code::Unauthenticated)
}

#[tokio::test]
async fn a_personal_token_names_its_owner_as_a_member() {
    let Fixture { verifier, .. } = fixture();
    let caller = calls(&verifier, TOKEN).await.unwrap();
    let bruce = Caller {
        user_id: Uuid::from_u128(1),
        username: "bruce".to_owned(),
        role: Role::Member,
        session_id: None,
        personal_token: Some(Scope::ReadWrite),
        expires: Timestamp::from_seconds(NOW + 3_600),
    };
    assert_eq!(caller, bruce);
}

#[tokio::test]
async fn s06_a_revoked_token_is_dead_within_a_minute() {
    let Fixture {
        kept,
        clock,
        verifier,
    } = fixture();
    assert!(calls(&verifier, TOKEN).await.is_ok());
    kept.revoke();
    clock.advance(Duration::from_secs(59));
    assert!(calls(&verifier, TOKEN).await.is_ok());
    // Being used does not lengthen it.
    clock.advance(Duration::from_secs(1));
    assert_eq!(calls(&verifier, TOKEN).await, refused());
    assert_eq!(kept.asked(), 2);
}

#[tokio::test]
async fn that_a_token_is_nobodys_is_known_for_a_minute_too() {
    let Fixture {
        kept,
        clock,
        verifier,
    } = fixture();
    for _ in 0..10 {
        assert_eq!(calls(&verifier, "mt_nobodys").await, refused());
    }
    assert_eq!(kept.asked(), 1);
    clock.advance(Duration::from_secs(60));
    assert_eq!(calls(&verifier, "mt_nobodys").await, refused());
    assert_eq!(kept.asked(), 2);
}

#[tokio::test]
async fn a_clock_that_is_put_back_makes_no_answer_live_longer() {
    let Fixture {
        kept,
        clock,
        verifier,
    } = fixture();
    assert!(calls(&verifier, TOKEN).await.is_ok());
    kept.revoke();
    clock.set(Timestamp::from_seconds(NOW - 3_600));
    assert_eq!(calls(&verifier, TOKEN).await, refused());
}

#[tokio::test]
async fn first_uses_at_once_are_one_question() {
    let Fixture { kept, verifier, .. } = fixture();
    let uses = (0..100).map(|_| calls(&verifier, TOKEN));
    assert!(join_all(uses).await.iter().all(Result::is_ok));
    assert_eq!(kept.asked(), 1);
}

#[tokio::test]
async fn an_owner_who_gives_up_leaves_the_question_to_the_next() {
    let Fixture { kept, verifier, .. } = fixture();
    assert!(calls(&verifier, TOKEN).now_or_never().is_none());
    assert!(calls(&verifier, TOKEN).await.is_ok());
    assert_eq!(kept.asked(), 2);
}

#[tokio::test]
async fn a_source_that_fails_is_asked_again() {
    let Fixture { kept, verifier, .. } = fixture();
    kept.away.store(true, Ordering::SeqCst);
    let failed = verifier.caller(&bearer(TOKEN)).await.unwrap_err();
    assert_eq!(failed.code(), Code::Unavailable);
    assert_eq!(status::reason(&failed).unwrap(), "AWAY");
    kept.away.store(false, Ordering::SeqCst);
    assert!(calls(&verifier, TOKEN).await.is_ok());
}

#[tokio::test]
async fn a_token_ends_when_its_time_is_over_whatever_is_remembered() {
    let Fixture {
        kept,
        clock,
        verifier,
    } = fixture();
    clock.advance(Duration::from_secs(3_590));
    assert!(calls(&verifier, TOKEN).await.is_ok());
    clock.advance(Duration::from_secs(10));
    assert_eq!(calls(&verifier, TOKEN).await, refused());
    assert_eq!(kept.asked(), 1);
}

#[tokio::test]
async fn where_tokens_are_kept_nothing_is_remembered() {
    let kept = Arc::<Kept>::default();
    let verifier = Issuer::new()
        .verifier()
        .with_personal_tokens_uncached(kept.source());
    assert!(calls(&verifier, TOKEN).await.is_ok());
    kept.revoke();
    assert_eq!(calls(&verifier, TOKEN).await, refused());
}

#[tokio::test]
async fn without_a_source_personal_tokens_are_nobodys() {
    let verifier = Issuer::new().verifier();
    assert_eq!(calls(&verifier, TOKEN).await, refused());
}

#[tokio::test]
async fn s08_what_cannot_be_a_personal_token_is_refused_without_asking() {
    let Fixture { kept, verifier, .. } = fixture();
    let long = format!("mt_{}", "A".repeat(129));
    let huge = format!("mt_{}", "A".repeat(1_000_000));
    let token = format!("mt_{}", Issuer::new().token());
    for garbage in [
        "mt_",
        "mt_ bruces",
        "mt_bruces!",
        "mt_..",
        "mt_%00",
        "MT_bruces",
        "mt-bruces",
        "mr_bruces",
        "bruces",
        &long,
        &huge,
        &token,
    ] {
        assert_eq!(calls(&verifier, garbage).await, refused(), "{garbage:.20}");
    }
    let mut unprintable = MetadataMap::new();
    let value = tonic::metadata::MetadataValue::try_from(&b"Bearer mt_\xff"[..]).unwrap();
    unprintable.insert("authorization", value);
    let outcome = verifier.caller(&unprintable).await;
    assert_eq!(outcome.unwrap_err().code(), Code::Unauthenticated);
    assert_eq!(kept.asked(), 0);
}

#[tokio::test]
async fn s08_a_personal_token_is_none_that_was_signed() {
    let Fixture { verifier, .. } = fixture();
    assert!(verifier.verify(TOKEN).await.is_err());
    let service = verifier.verify_service(TOKEN, "thoughts-backend").await;
    assert!(service.is_err());
}

#[tokio::test]
async fn a_flood_of_unknown_tokens_takes_bounded_room_and_displaces_nobody() {
    let Fixture { kept, verifier, .. } = fixture();
    for n in 0..20_000 {
        let unknown = format!("mt_unknown-{n}");
        assert_eq!(calls(&verifier, &unknown).await, refused());
        assert!(calls(&verifier, TOKEN).await.is_ok());
    }
    assert_eq!(kept.asked(), 20_001, "bruce's was asked about once");
    // At most a few thousand of them are remembered, whichever those are.
    for n in 0..20_000 {
        calls(&verifier, &format!("mt_unknown-{n}"))
            .await
            .unwrap_err();
    }
    assert!(kept.asked() > 20_001 + 15_000, "{}", kept.asked());
}

#[tokio::test]
async fn p10_a_known_token_is_not_asked_for_nor_waited_for() {
    let Fixture { kept, verifier, .. } = fixture();
    let metadata = bearer(TOKEN);
    verifier.caller(&metadata).await.unwrap();
    for _ in 0..1_000 {
        verifier.caller(&metadata).now_or_never().unwrap().unwrap();
    }
    assert_eq!(kept.asked(), 1);
}

#[test]
fn what_a_personal_token_is_good_for() {
    let with = |scope| Caller {
        personal_token: scope,
        ..Caller::from(bruces())
    };
    let reason = |status: Status| (status.code(), status::reason(&status).unwrap());
    let (read, write) = (with(Some(Scope::Read)), with(Some(Scope::ReadWrite)));
    let denied = |reason: &str| (Code::PermissionDenied, reason.to_owned());
    assert_eq!(
        reason(read.may_write().unwrap_err()),
        denied("READ_ONLY_TOKEN")
    );
    write.may_write().unwrap();
    with(None).may_write().unwrap();
    for script in [read, write] {
        assert_eq!(
            reason(script.in_person().unwrap_err()),
            denied("PERSONAL_TOKEN")
        );
    }
    with(None).in_person().unwrap();
}
