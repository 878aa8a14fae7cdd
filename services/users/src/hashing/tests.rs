use std::sync::Mutex;

use super::{thread::Manner, *};

fn password(text: &str) -> Password {
    text.parse().unwrap()
}

async fn verify(
    hasher: &PasswordHasher,
    password: Password,
    stored: Option<String>,
) -> Result<Verdict, HashError> {
    hasher.turn().await?.verify(password, stored).await
}

#[tokio::test]
async fn a_password_matches_its_own_hash_alone() {
    let hasher = PasswordHasher::new();
    let hash = hasher.hash(password("open\0sesame")).await.unwrap();
    assert!(
        hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{hash}"
    );
    let check = |text, hash: &str| verify(&hasher, password(text), Some(hash.to_owned()));
    assert_eq!(check("open\0sesame", &hash).await.unwrap(), Verdict::Right);
    assert_eq!(check("open\0sesamE", &hash).await.unwrap(), Verdict::Wrong);
    assert_eq!(check("open", &hash).await.unwrap(), Verdict::Wrong);
    assert_ne!(
        hash,
        hasher.hash(password("open\0sesame")).await.unwrap(),
        "salted"
    );
}

#[tokio::test]
async fn the_last_character_of_the_longest_password_counts() {
    let hasher = PasswordHasher::new();
    let long = "a".repeat(256);
    let hash = hasher.hash(password(&long)).await.unwrap();
    let other = format!("{}b", &long[1..]);
    assert_eq!(
        verify(&hasher, password(&other), Some(hash)).await.unwrap(),
        Verdict::Wrong
    );
}

#[tokio::test]
async fn nobody_has_a_password() {
    let hasher = PasswordHasher::new();
    let verdict = verify(&hasher, password("anything"), None).await;
    assert_eq!(verdict.unwrap(), Verdict::Wrong);
}

#[test]
fn nobodys_hash_costs_what_a_new_one_does() {
    let hash = PasswordHash::new(NOBODYS_HASH).unwrap();
    let made_with = Params::try_from(&hash).unwrap();
    assert_eq!(hash.algorithm, Algorithm::Argon2id.ident());
    assert_eq!(made_with.m_cost(), MEMORY_KIB);
    assert_eq!(made_with.t_cost(), PASSES);
    assert_eq!(made_with.p_cost(), LANES);
    assert_eq!(made_with.output_len(), Some(Params::DEFAULT_OUTPUT_LEN));
    assert_eq!(hash.salt.unwrap().len(), argon2::RECOMMENDED_SALT_LEN);
}

#[tokio::test]
async fn s01_a_weaker_hash_is_told() {
    let weak = Argon2::from(Params::new(8_192, 1, 1, None).unwrap());
    let hash = weak.hash_password(b"open sesame").unwrap().to_string();
    let hasher = PasswordHasher::new();
    let verdict = verify(&hasher, password("open sesame"), Some(hash.clone())).await;
    assert_eq!(verdict.unwrap(), Verdict::RightButWeak);
    let verdict = verify(&hasher, password("close sesame"), Some(hash)).await;
    assert_eq!(verdict.unwrap(), Verdict::Wrong);
}

#[tokio::test(start_paused = true)]
async fn s01_where_the_cores_leave_nothing_a_hash_begins_again() {
    let hasher = PasswordHasher::with_limits(1, 2);
    let (finish, starved) = std::sync::mpsc::channel::<()>();
    let starved = Mutex::new(starved);
    let work = move |_: &Argon2<'static>| {
        let name = std::thread::current().name().unwrap().to_owned();
        if name == Manner::LastOfAll.thread_name() {
            // It gets nowhere until it is let.
            let _ = starved.lock().unwrap().recv();
        }
        Ok(name)
    };
    let done_by = hasher.turn().await.unwrap().run(work).await.unwrap();
    assert_eq!(done_by, Manner::Modest.thread_name());
    // Those after it do not try, and when they do again, there are no more than may run.
    assert!(hasher.patient().is_none());
    tokio::time::advance(CROWDED_FOR).await;
    assert!(hasher.patient().is_none());
    finish.send(()).unwrap();
    drop(hasher.patient.acquire().await.unwrap());
    assert!(hasher.patient().is_some());
}

#[tokio::test]
async fn s01_beyond_the_queue_callers_are_refused_at_once() {
    let hasher = PasswordHasher::with_limits(1, 2);
    let turn = hasher.turn().await.unwrap();
    let mut first = Box::pin(hasher.hash(password("first")));
    let mut second = Box::pin(hasher.hash(password("second")));
    assert!(futures_util::poll!(&mut first).is_pending());
    assert!(futures_util::poll!(&mut second).is_pending());
    assert!(matches!(
        hasher.hash(password("third")).await,
        Err(HashError::Busy)
    ));
    assert_eq!((hasher.load(), hasher.refused.get()), ((1, 2), 1));
    // Who gives up leaves the place to another.
    drop(second);
    let mut third = Box::pin(hasher.hash(password("third")));
    assert!(futures_util::poll!(&mut third).is_pending());
    drop(turn);
    assert!(first.await.is_ok());
    assert!(third.await.is_ok());
}
