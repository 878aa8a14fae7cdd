//! What a request leaves in the logs, and what it must not.

use std::{
    io,
    sync::{Arc, Mutex},
};

use tracing_subscriber::util::SubscriberInitExt as _;

use crate::support::Site;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lines = self.0.lock().map_err(|_| io::ErrorKind::Other)?;
        lines.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn s16_each_request_leaves_one_line_without_its_secrets() {
    let lines = Lines::default();
    let writer = lines.clone();
    // While only one thread listens, tracing lets the first one that comes past a line decide for all
    // whether anybody wants it. So the others listen, too.
    let _ = tracing_subscriber::fmt().with_writer(io::sink).try_init();
    // For this thread alone, on which all of this test runs: others log at the same time.
    let _logging = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .set_default();
    let site = Site::start().await;
    let page = site.get("/signup?setup_code=seeded-code").await.is(200);
    let id = page.header("x-request-id").to_owned();
    site.bruce_gets("/search?search=seeded-words").await.is(200);
    let fields = [
        ("username", "bruce"),
        ("password", "seeded-password"),
        ("next", "/seeded-place"),
    ];
    site.post("/login", &fields).await.is(303);
    site.bruce_posts("/thoughts", &[("text", "seeded-text\nforged line")])
        .await
        .is(303);
    let passwords = [
        ("current_password", "seeded-current"),
        ("new_password", "seeded-new"),
    ];
    let cookies = "renewal=seeded-refresh";
    site.posts_with(cookies, "/settings/password", &passwords)
        .await
        .goes_on_with("seeded-refresh-next");
    let unavailable = runtime::status::unavailable("DATABASE_UNAVAILABLE", "away");
    site.fakes.refuse("Logout", unavailable);
    site.posts_with("renewal=seeded-other", "/logout", &[])
        .await
        .is(303);

    site.fakes.make_secrets("seeded-secret");
    site.get("/signup?invitation=seeded-invitation")
        .await
        .is(200);
    site.get("/reset-password?code=seeded-code").await.is(200);
    let fields = [("code", "seeded-code"), ("new_password", "seeded-new")];
    site.post("/reset-password", &fields).await.is(303);
    let token = [
        ("display_name", "seeded-name"),
        ("scope", "read"),
        ("days", "30"),
    ];
    site.bruce_posts("/settings/tokens", &token).await.is(200);
    let invitation = [
        ("username", "seeded-name"),
        ("role", "member"),
        ("days", "7"),
    ];
    site.ada_posts("/admin/invitations", &invitation)
        .await
        .is(200);
    let away = runtime::status::unavailable("DATABASE_UNAVAILABLE", "away");
    site.fakes.refuse("ResetPassword", away);
    site.post("/reset-password", &fields).await.is(503);

    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let answers: Vec<_> = log
        .lines()
        .filter(|line| line.contains("gateway::observe: answered"))
        .collect();
    assert_eq!(answers.len(), 12, "{log}");
    assert!(log.contains("has ended here, but not in the users backend"));
    assert!(
        answers[0].contains("/signup") && answers[0].contains(&id),
        "{}",
        answers[0]
    );
    assert!(
        answers[0].contains("GET") && answers[0].contains("200"),
        "{}",
        answers[0]
    );
    let token = site.bruce();
    let signature = token.rsplit('.').next().unwrap();
    for secret in ["seeded-", "forged line", signature] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
