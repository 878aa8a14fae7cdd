//! What cannot be brought about from outside: an old hash, a lost database; and what is logged.

use std::{
    io,
    net::{IpAddr, Ipv4Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use argon2::{Argon2, Params, PasswordHasher as _};
use database::testing::{Fresh, on_each_engine};
use runtime::auth::Scope;
use tracing::{
    Dispatch, Level,
    subscriber::{DefaultGuard, NoSubscriber},
};
use tracing_subscriber::fmt::MakeWriter;

use super::{keys::Source, *};
use crate::{
    client::{Client, UserAgent},
    personal_token::PersonalToken,
    refresh_token::RefreshToken,
    store::migrations,
};

/// The accounts of a database on a clock that the test moves.
pub(super) async fn accounts(fresh: &Fresh) -> Accounts {
    let store = Store::new(fresh.open(&migrations()).await);
    let clock = Clock::manual(Timestamp::from_seconds(1_800_000_000));
    Accounts {
        keys: Keys::open(&store, &clock, Source::Database(None))
            .await
            .unwrap(),
        store,
        hasher: PasswordHasher::new(),
        clock,
        policy: Arc::new(Policy {
            sign_up: SignUp::Closed,
            setup_code: None,
        }),
        deletions: Arc::default(),
        presentations: Presentations::default(),
    }
}

/// Where everybody signs in from.
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

pub(super) async fn signs_in(
    accounts: &Accounts,
    username: &str,
    password: &str,
) -> Result<Session, Error> {
    accounts
        .login(
            username.parse().ok(),
            password.parse().unwrap(),
            &Client {
                user_agent: UserAgent::new("test"),
                address: Some(ADDRESS),
            },
        )
        .await
}

/// Adds an account whose password is `correct horse`.
pub(super) async fn adds(accounts: &Accounts, name: &str, role: Role) -> User {
    let password: Password = "correct horse".parse().unwrap();
    let account = accounts.account(name.parse().unwrap(), password, role);
    match accounts.store.add(&account.await.unwrap()).await.unwrap() {
        Added::Account(user) => user,
        refused => panic!("{refused:?}"),
    }
}

/// Whom a session's access token names.
pub(super) fn caller(session: &Session) -> Caller {
    let token = session.refresh_token.as_ref();
    Caller {
        user_id: session.user.id,
        username: session.user.username.to_string(),
        role: session.user.role,
        session_id: token.map(RefreshToken::session_id),
        personal_token: None,
        expires: session.token.expire_time,
    }
}

/// Who acts in a session.
pub(super) fn actor(session: &Session) -> Actor {
    let token = session.refresh_token.as_ref().unwrap();
    Actor {
        user_id: session.user.id,
        session_id: token.session_id(),
    }
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
        accounts.sign_up_state(None).await,
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
    let _listening = listen(&log);

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

    let token = session.refresh_token.clone().unwrap();
    let renewed = accounts.refresh(&token).await.unwrap();
    accounts.clock.advance(Duration::from_secs(60));
    accounts.refresh(&token).await.unwrap_err();
    let again = signs_in(&accounts, "ada", "correct horse").await.unwrap();
    let caller = caller(&again);
    let changes = async |current: &str| {
        let new = "battery staple horse".parse().unwrap();
        let client = Client::default();
        let current = current.parse().unwrap();
        accounts
            .change_password(&caller, current, new, &client)
            .await
    };
    let (made, script) = accounts
        .create_personal_token(
            &caller,
            "nightly horse".parse().unwrap(),
            Scope::Read,
            accounts.clock.now() + Duration::from_secs(60),
        )
        .await
        .unwrap();
    let unknown = PersonalToken::generate().unwrap().expose();
    accounts.present(&script.expose()).await.unwrap();
    accounts.present(&unknown).await.unwrap_err();
    accounts
        .revoke_personal_token(&caller, made.id)
        .await
        .unwrap();
    accounts.present(&script.expose()).await.unwrap_err();
    for _ in 0..99 {
        accounts.present(&unknown).await.unwrap_err();
    }
    changes("wrong horse").await.unwrap_err();
    changes("correct horse").await.unwrap();
    let last = again.refresh_token.unwrap();
    accounts.logout(&last).await.unwrap();
    for _ in 0..11 {
        signs_in(&accounts, "eve", "wrong horse").await.unwrap_err();
    }
    let name = "ada".parse().unwrap();
    let new = "reset horse".parse().unwrap();
    reset::reset_password(&accounts.store, &accounts.hasher, &name, new)
        .await
        .unwrap();

    let stored = accounts
        .store
        .credentials(Some("ada"))
        .await
        .unwrap()
        .unwrap()
        .password_hash;
    let noted = log.audit();
    let id = ada.id.to_string();
    let mut expected = vec![
        ["set_up", "refused", "", ""],
        ["create_user", "success", "ada", &id],
        ["sign_in", "success", "ada", &id],
        ["sign_in", "refused", "ada", &id],
        ["sign_in", "refused", "eve", ""],
        ["sign_in", "refused", "(not a username)", ""],
        ["refresh_token_reuse", "session_ended", "", &id],
        ["sign_in", "success", "ada", &id],
        ["create_access_token", "success", "", &id],
        ["use_access_token", "refused", "", ""],
        ["revoke_access_token", "success", "", &id],
    ];
    expected.extend([["use_access_token", "refused", "", ""]; 99]);
    expected.push(["use_access_token", "throttled", "", ""]);
    expected.extend([
        ["change_password", "refused", "ada", &id],
        ["change_password", "success", "ada", &id],
        ["sign_out", "success", "", &id],
    ]);
    expected.extend([["sign_in", "refused", "eve", ""]; 10]);
    expected.push(["sign_in", "throttled", "eve", ""]);
    expected.push(["reset_password", "success", "ada", &id]);
    assert_eq!(noted, expected);
    for line in log.lines() {
        let signs_in = line["fields"]["event"] == "sign_in";
        assert_eq!(signs_in, line["fields"]["address"] == "192.0.2.7", "{line}");
        assert_eq!(signs_in, line.to_string().contains("192.0.2.7"), "{line}");
    }
    let token = session.token.text.as_str();
    let refresh_token = session.refresh_token.unwrap().expose();
    let (renewed, last) = (renewed.refresh_token.unwrap().expose(), last.expose());
    for secret in [
        renewed.as_str(),
        last.as_str(),
        refresh_token.as_str(),
        "horse",
        "my password",
        "guessed",
        code.expose(),
        token,
        &script.expose()[3..],
        &unknown[3..],
        &stored,
    ] {
        assert!(!log.text().contains(secret), "{secret:?} is in the log");
    }
}

/// Has this thread's events logged there for as long as what it gives.
pub(super) fn listen(log: &Arc<Log>) -> (Dispatch, DefaultGuard) {
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(Level::TRACE)
        .with_writer(Arc::clone(log))
        .finish();
    // While there is one subscriber, tracing asks the thread that first comes by an event whether
    // anybody wants it, and other tests' threads have none. With two it asks both.
    let second = Dispatch::new(NoSubscriber::default());
    (second, tracing::subscriber::set_default(subscriber))
}

/// What was logged.
#[derive(Default)]
pub(super) struct Log(Mutex<Vec<u8>>);

impl Log {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.bytes().clone()).unwrap()
    }

    /// The audit events: what, its outcome, whose name and whose id.
    pub(super) fn audit(&self) -> Vec<[String; 4]> {
        let lines = self.lines().into_iter();
        let audit = lines.filter(|line| line["target"] == "audit");
        let noted = audit.map(|line| {
            ["event", "outcome", "username", "user_id"].map(|field| {
                let text = line["fields"][field].as_str();
                text.unwrap_or_default().to_owned()
            })
        });
        noted.collect()
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
