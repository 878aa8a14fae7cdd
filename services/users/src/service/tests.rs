//! What cannot be brought about from outside: an old hash, a lost database; and what is logged.

use std::{
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};

use argon2::{Argon2, Params, PasswordHasher as _};
use database::testing::{Fresh, on_each_engine};
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

use super::*;
use crate::store::migrations;

async fn accounts(fresh: &Fresh) -> Accounts {
    let key = SigningKey::generate_pkcs8().unwrap();
    Accounts {
        store: Store::new(fresh.open(&migrations()).await),
        hasher: PasswordHasher::new(),
        clock: Clock::system(),
        key: Arc::new(SigningKey::from_pkcs8(&key).unwrap()),
        policy: Arc::new(Policy {
            sign_up: SignUp::Closed,
            setup_code: None,
        }),
    }
}

async fn signs_in(accounts: &Accounts, username: &str, password: &str) -> Result<Session, Error> {
    accounts
        .login(username.parse().ok(), password.parse().unwrap())
        .await
}

#[tokio::test]
async fn s01_a_hash_from_weaker_days_is_replaced_at_sign_in() {
    on_each_engine(async |fresh| {
        let accounts = accounts(fresh).await;
        let weak = Argon2::from(Params::new(8_192, 1, 1, None).unwrap());
        let password_hash = weak.hash_password(b"correct horse").unwrap().to_string();
        let password: NewPassword = "correct horse".parse().unwrap();
        let bruce = accounts
            .account("bruce".parse().unwrap(), password, Role::Member)
            .await
            .unwrap();
        accounts
            .store
            .add(&Credentials {
                password_hash: password_hash.clone(),
                ..bruce
            })
            .await
            .unwrap();
        let stored = async || {
            accounts
                .store
                .credentials(Some("bruce"))
                .await
                .unwrap()
                .unwrap()
                .password_hash
        };

        signs_in(&accounts, "bruce", "wrong horse")
            .await
            .unwrap_err();
        assert_eq!(stored().await, password_hash);
        signs_in(&accounts, "bruce", "correct horse").await.unwrap();
        let strong = stored().await;
        assert!(
            strong.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{strong}"
        );
        signs_in(&accounts, "bruce", "correct horse").await.unwrap();
        assert_eq!(stored().await, strong);
    })
    .await;
}

#[tokio::test]
async fn without_its_database_it_says_so() {
    let fresh = Fresh::sqlite();
    let accounts = accounts(&fresh).await;
    accounts.store.close().await;
    assert!(matches!(
        accounts.sign_up_state().await,
        Err(Error::DatabaseAway(_))
    ));
    let refused = signs_in(&accounts, "bruce", "correct horse").await;
    assert!(matches!(refused, Err(Error::DatabaseAway(_))));
    assert!(
        accounts.key_set_json().contains("Ed25519"),
        "the keys are at hand"
    );
}

#[tokio::test]
async fn s16_sign_ins_and_refusals_are_logged_and_secrets_are_not() {
    let fresh = Fresh::sqlite();
    let accounts = accounts(&fresh).await;
    let log = Arc::new(Log::default());
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(Level::TRACE)
        .with_writer(Arc::clone(&log))
        .finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    // While there is one subscriber alone, tracing asks only that of the thread which comes to a
    // line first, and other tests have none. With a second it asks them all.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());

    let code = accounts
        .store
        .setup_code_or(&SetupCode::generate().unwrap())
        .await
        .unwrap()
        .unwrap();
    accounts.admit_with_code("guessed code").await.unwrap_err();
    let admission = accounts.admit_with_code(code.expose()).await.unwrap();
    let password = "correct horse".parse().unwrap();
    let ada = accounts
        .create_user(admission, "ada".parse().unwrap(), password, None)
        .await
        .unwrap();
    let session = signs_in(&accounts, "ada", "correct horse").await.unwrap();
    signs_in(&accounts, "ada", "wrong horse").await.unwrap_err();
    signs_in(&accounts, "eve", "wrong horse").await.unwrap_err();
    signs_in(&accounts, "my password!", "wrong horse")
        .await
        .unwrap_err();

    let stored = accounts
        .store
        .credentials(Some("ada"))
        .await
        .unwrap()
        .unwrap()
        .password_hash;
    let lines = log.lines();
    let audit: Vec<_> = lines
        .iter()
        .filter(|line| line["target"] == "audit")
        .collect();
    let noted: Vec<_> = audit
        .iter()
        .map(|line| {
            let text = |field: &str| {
                line["fields"][field]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            };
            [
                text("event"),
                text("outcome"),
                text("username"),
                text("user_id"),
            ]
        })
        .collect();
    let id = ada.id.to_string();
    assert_eq!(
        noted,
        [
            ["set_up", "refused", "", ""],
            ["create_user", "success", "ada", &id],
            ["sign_in", "success", "ada", &id],
            ["sign_in", "refused", "ada", &id],
            ["sign_in", "refused", "eve", ""],
            ["sign_in", "refused", "(not a username)", ""],
        ]
    );
    let token = session.token.text.as_str();
    for secret in [
        "horse",
        "my password",
        "guessed",
        code.expose(),
        token,
        &stored,
    ] {
        assert!(!log.text().contains(secret), "{secret:?} is in the log");
    }
}

/// What was logged.
#[derive(Default)]
struct Log(Mutex<Vec<u8>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.bytes().clone()).unwrap()
    }

    fn lines(&self) -> Vec<serde_json::Value> {
        self.text()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl io::Write for &Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = &'a Log;

    fn make_writer(&'a self) -> &'a Log {
        self
    }
}
