//! `users-backend copy-database`: whoever is signed in stays so, on the other database.

use api::users::v1::{Role, Scope};
use database::{
    Engine,
    testing::{Fresh, each_engine},
};
use users_backend::Config;

use crate::{
    program::{run, text},
    support::{Backend, PASSWORD, config, config_with_ada},
};

const SECRET: &str = "a secret of at least 32 characters";

#[tokio::test]
async fn accounts_sessions_tokens_and_keys_are_moved() {
    for secret in [None, Some(SECRET)] {
        for to in each_engine().await {
            if to.engine() == Engine::Postgres {
                moves(&to, secret).await;
            }
        }
    }
}

async fn moves(to: &Fresh, secret: Option<&str>) {
    let encrypted = |config: Config| Config {
        key_encryption_secret: secret.map(|it| it.parse().unwrap()),
        ..config
    };
    let from = Fresh::sqlite();
    let old = Backend::start(encrypted(config_with_ada(&from))).await;
    let session = old.nobody().await.login("ada", PASSWORD).await.unwrap();
    let ada = old.nobody().await.with_token(&session.access_token);
    ada.adds("bruce", Role::Member).await.unwrap();
    let (token, _) = ada.script(Scope::Read).await;
    let keys = ada.key_set().await.unwrap();

    let arguments = ["copy-database", "--from", from.url_text()];
    let refused = run(to, &arguments, &[]).await;
    assert_eq!(refused.status.code(), Some(1), "while it is served from");
    let line = text(&refused.stderr).lines().last().unwrap_or_default();
    assert!(line.contains("another program has it open"), "{line}");
    old.stop().await.unwrap();

    let moved = run(to, &arguments, &[]).await;
    assert!(moved.status.success(), "{}", text(&moved.stderr));
    let told = text(&moved.stdout);
    assert!(
        told.ends_with("copied, and the same on both sides\n"),
        "{told}"
    );
    assert!(told.lines().any(|it| it.starts_with("users ")), "{told}");
    let again = run(to, &arguments, &[]).await;
    assert_eq!(again.status.code(), Some(1), "into what is not empty");

    let new = Backend::start(encrypted(config(to))).await;
    let nobody = new.nobody().await;
    assert_eq!(nobody.key_set().await.unwrap(), keys);
    let ada = nobody.with_token(&session.access_token);
    assert_eq!(ada.me().await.unwrap().username, "ada");
    assert_eq!(ada.looks_up("bruce").await.unwrap().username, "bruce");
    nobody.refreshes(&session.refresh_token).await.unwrap();
    nobody.login("bruce", PASSWORD).await.unwrap();
    let tokens = ada.tokens().await.unwrap();
    assert_eq!(tokens[0].id, token.id);
    new.stop().await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_moved_is_said_in_one_line() {
    let (from, to) = (Fresh::sqlite(), Fresh::sqlite());
    from.open(&users_backend::store::migrations())
        .await
        .close()
        .await;
    let arguments = ["copy-database", "--from", from.url_text()];
    let refused = run(&to, &arguments, &[]).await;
    let line = text(&refused.stderr).lines().last().unwrap_or_default();
    assert!(
        line.contains("DATABASE_URL") && line.contains("expected postgres://"),
        "{line}"
    );
    let arguments = [
        "copy-database",
        "--from",
        "postgres://somebody:secret@db/users",
    ];
    let refused = run(&to, &arguments, &[]).await;
    assert_eq!(refused.status.code(), Some(1));
    let line = text(&refused.stderr);
    assert!(line.contains("expected sqlite://PATH"), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
}
