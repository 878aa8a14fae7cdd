//! The end of an account, in separate processes that fail in between: nothing of it is left, and
//! nobody comes back with a token that still lives.

use api::{
    thoughts::v1::{CreateThoughtRequest, ListThoughtsRequest},
    users::v1::{CreateUserRequest, DeleteUserRequest, LoginRequest, Scope},
};
use database::testing::{Fresh, each_engine};
use runtime::status;
use tonic::{Code, Status};

use crate::{
    personal_tokens::{creates, knows_tokens},
    support::{ADMIN_PASSWORD, Caller, Program, answers, binary, client, eventually, free_port},
};

#[tokio::test]
async fn a_deletion_completes_though_both_backends_were_down_in_between() {
    let databases = each_engine().await.into_iter().zip(each_engine().await);
    for (thoughts_db, users_db) in databases {
        eprintln!("on {}", thoughts_db.name());
        let mut both = Both::start(&thoughts_db, &users_db).await;
        let nobody = Caller::new(&both.thoughts.listen, &both.users.listen);
        let (bruce, stephen) = (
            nobody.signs_in("bruce", "bruce").await,
            nobody.signs_in("stephen", "stephen").await,
        );
        let token = creates(&bruce, "script", Scope::ReadWrite).await;
        let script = nobody.with_token(&token.access_token);
        knows_tokens(&script).await;
        writes(&script, "by a script").await.unwrap();
        writes(&stephen, "stephen's").await.unwrap();
        assert!(thoughts_of(&nobody, "bruce").await.unwrap() > 3);

        // The account goes at once, the thoughts when they can.
        both.thoughts.program.kill();
        let username = "bruce".to_owned();
        let delete = bruce.asks(DeleteUserRequest { username });
        bruce.users().delete_user(delete).await.unwrap();
        both.users.program.kill();
        both.users.restart().await;
        let refused = signs_in(&nobody, "bruce").await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
        both.users.program.kill();
        both.thoughts.restart().await;
        assert!(thoughts_of(&nobody, "bruce").await.unwrap() > 3);
        both.users.restart().await;

        eventually("the thoughts are gone", async || {
            (thoughts_of(&nobody, "bruce").await.ok()? == 0).then_some(())
        })
        .await;
        // Tokens that still live are refused by name, those that are kept are no more.
        let refused = writes(&bruce, "still here").await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
        assert_eq!(status::reason(&refused).unwrap(), "ACCOUNT_GONE");
        let refused = eventually("the script is answered", async || {
            let refused = writes(&script, "still here").await.unwrap_err();
            (refused.code() != Code::Unavailable).then_some(refused)
        })
        .await;
        assert_eq!(refused.code(), Code::Unauthenticated);
        assert_eq!(thoughts_of(&nobody, "bruce").await.unwrap(), 0);
        assert!(thoughts_of(&nobody, "stephen").await.unwrap() > 2);
        // Nor does anybody come back by the name.
        let ada = nobody.signs_in("ada", ADMIN_PASSWORD).await;
        let again = ada.asks(CreateUserRequest {
            username: "Bruce".to_owned(),
            password: "another bruce altogether".to_owned(),
            ..CreateUserRequest::default()
        });
        let refused = ada.users().create_user(again).await.unwrap_err();
        assert_eq!(refused.code(), Code::AlreadyExists);
    }
}

#[tokio::test]
async fn a_deletion_completes_though_the_process_was_killed_in_the_midst_of_it() {
    let databases = each_engine().await.into_iter().zip(each_engine().await);
    for (thoughts_db, users_db) in databases {
        eprintln!("on {}", thoughts_db.name());
        let mut both = Both::start(&thoughts_db, &users_db).await;
        let nobody = Caller::new(&both.thoughts.listen, &both.users.listen);
        let bruce = nobody.signs_in("bruce", "bruce").await;
        assert!(thoughts_of(&nobody, "bruce").await.unwrap() > 2);

        // It takes the call, and does not answer.
        both.thoughts.program.signal("STOP");
        let username = "bruce".to_owned();
        let delete = bruce.asks(DeleteUserRequest { username });
        bruce.users().delete_user(delete).await.unwrap();
        eventually("the call is under way", async || {
            let log = both.users.program.errors();
            log.contains("asking for the thoughts of a deleted account")
                .then_some(())
        })
        .await;
        both.users.program.kill();
        both.thoughts.program.signal("CONT");

        // Whatever became of that call, nobody knows of its end: it is made again.
        both.users.restart().await;
        both.users.has_pending_purges(1).await;
        both.users.has_pending_purges(0).await;
        assert_eq!(thoughts_of(&nobody, "bruce").await.unwrap(), 0);
        let refused = writes(&bruce, "still here").await.unwrap_err();
        assert_eq!(status::reason(&refused).unwrap(), "ACCOUNT_GONE");
    }
}

/// A process for each backend.
struct Both {
    thoughts: Part,
    users: Part,
}

/// One of them, and how it was started.
struct Part {
    name: &'static str,
    program: Program,
    settings: Vec<(&'static str, String)>,
    listen: String,
    operations: String,
}

impl Both {
    /// With the example data, and an administrator who is called ada.
    async fn start(thoughts_db: &Fresh, users_db: &Fresh) -> Self {
        let address = || format!("127.0.0.1:{}", free_port());
        let (thoughts, users) = (address(), address());
        let url = |address: &str| format!("http://{address}");
        let common = |database: &Fresh| {
            vec![
                ("DATABASE_URL", database.url_text().to_owned()),
                ("DEMO", "true".to_owned()),
                ("THOUGHTS_BACKEND_URL", url(&thoughts)),
                ("USER_BACKEND_URL", url(&users)),
            ]
        };
        let mut users_settings = common(users_db);
        users_settings.extend([
            ("ADMIN_USERNAME", "ada".to_owned()),
            ("ADMIN_PASSWORD", ADMIN_PASSWORD.to_owned()),
            ("RUST_LOG", "info,users_backend=debug".to_owned()),
        ]);
        let thoughts_settings = common(thoughts_db);
        let operations = [address(), address()];
        let [for_thoughts, for_users] = operations;
        let users = Part::start("users-backend", users, for_users, users_settings);
        let thoughts = Part::start(
            "thoughts-backend",
            thoughts,
            for_thoughts,
            thoughts_settings,
        );
        users.is_ready().await;
        thoughts.is_ready().await;
        Self { thoughts, users }
    }
}

impl Part {
    fn start(
        name: &'static str,
        listen: String,
        operations: String,
        mut settings: Vec<(&'static str, String)>,
    ) -> Self {
        settings.extend([
            ("LISTEN_ADDR", listen.clone()),
            ("OPS_ADDR", operations.clone()),
        ]);
        let program = Program::start(&binary(name), &[], &settings);
        Self {
            name,
            program,
            settings,
            listen,
            operations,
        }
    }

    /// Starts it again, on the same addresses and database.
    async fn restart(&mut self) {
        self.program = Program::start(&binary(self.name), &[], &self.settings);
        self.is_ready().await;
    }

    async fn is_ready(&self) {
        answers(&format!("http://{}/readyz", self.operations), 200).await;
    }

    /// Waits until so many deletions are known not to be complete.
    async fn has_pending_purges(&self, count: usize) {
        let address = format!("http://{}/metrics", self.operations);
        let sample = format!("\nmythoughts_pending_purges {count}\n");
        eventually(&format!("{count} pending purges"), async || {
            let page = client().get(&address).send().await.ok()?;
            page.text().await.ok()?.contains(&sample).then_some(())
        })
        .await;
    }
}

async fn signs_in(nobody: &Caller, name: &str) -> Result<(), Status> {
    let (username, password) = (name.to_owned(), name.to_owned());
    let login = nobody
        .users()
        .login(LoginRequest { username, password })
        .await;
    login.map(drop)
}

async fn writes(who: &Caller, text: &str) -> Result<(), Status> {
    let text = text.to_owned();
    let request = who.asks(CreateThoughtRequest {
        text,
        ..CreateThoughtRequest::default()
    });
    who.thoughts().create_thought(request).await.map(drop)
}

/// How many thoughts of an author everybody can see.
async fn thoughts_of(nobody: &Caller, author: &str) -> Result<usize, Status> {
    let author = author.to_owned();
    let request = nobody.asks(ListThoughtsRequest {
        author,
        ..ListThoughtsRequest::default()
    });
    let listed = nobody.thoughts().list_thoughts(request).await?;
    Ok(listed.into_inner().thoughts.len())
}
