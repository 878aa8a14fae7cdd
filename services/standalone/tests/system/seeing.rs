//! What whoever runs the system sees of one request: a line in each log, and a trace through all
//! services.

mod collector;

use reqwest::{Client, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;

use self::collector::{Collector, Kind};
use crate::support::{Apart, client, eventually};

const THOUGHTS: &str = "mythoughts.thoughts.v1.ThoughtsService";
const USERS: &str = "mythoughts.users.v1.UsersService";

/// A trace that somebody else has begun.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test(flavor = "multi_thread")]
async fn a_page_leaves_one_line_in_each_log_and_they_have_its_id() {
    let mut apart = Apart::start(&[("LOG_FORMAT", "json")], &[]).await;
    let id = renews(&apart).await;
    apart.end();
    let [gateway, thoughts, users] = [&apart.gateway, &apart.thoughts, &apart.users]
        .map(|program| answered(&program.errors(), &id));
    let text = |line: &Value, field: &str| line[field].as_str().unwrap_or_default().to_owned();
    assert_eq!(gateway.len(), 1, "{gateway:?}");
    assert_eq!(text(&gateway[0], "route"), "/");
    assert_eq!(gateway[0]["status"], 200);
    assert!(
        gateway[0]["ms"].as_f64().is_some_and(|ms| ms > 0.0),
        "{gateway:?}"
    );
    for (lines, service, method) in [
        (thoughts, THOUGHTS, "ListThoughts"),
        (users, USERS, "RefreshSession"),
    ] {
        let of_it: Vec<_> = lines
            .iter()
            .filter(|line| text(line, "method") == method)
            .collect();
        assert_eq!(of_it.len(), 1, "one line for {method}: {lines:?}");
        assert_eq!(text(of_it[0], "service"), service);
        assert_eq!(text(of_it[0], "code"), "OK");
        assert!(
            of_it[0]["ms"].as_f64().is_some_and(|ms| ms > 0.0),
            "{of_it:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s16_a_page_is_one_trace_down_to_the_sql_and_tells_no_secret() {
    let collector = Collector::start().await;
    let mut apart = Apart::start(&collector.settings(), &[]).await;
    let bruce = signed_in(&apart).await;
    let wrong = [("username", "bruce"), ("password", "seeded-password")];
    let refused = client()
        .post(apart.page("/login"))
        .form(&wrong)
        .send()
        .await;
    assert_eq!(refused.unwrap().status(), StatusCode::UNAUTHORIZED);
    let form = [("text", "seeded-text")];
    let written = bruce.post(apart.page("/thoughts")).form(&form).send().await;
    assert_eq!(written.unwrap().status(), StatusCode::SEE_OTHER);
    let search = apart.page("/search?search=seeded-words");
    // What a browser says of traces is not believed.
    let searched = bruce.get(search).header("traceparent", parent("01"));
    let id = page(searched).await;
    let own = renews(&apart).await;
    apart.end();

    let request = collector.span(Kind::Server, "GET /search");
    assert_eq!(request.service, "gateway");
    assert!(request.parent.is_empty(), "it begins a trace");
    assert_ne!(request.trace, TRACE);
    assert_eq!(request.attribute("request_id"), id);
    assert_eq!(request.attribute("http.response.status_code"), "200");
    let name = format!("{THOUGHTS}/SearchThoughts");
    let outgoing = collector.span(Kind::Client, &name);
    let call = collector.span(Kind::Server, &name);
    assert_eq!(call.service, "thoughts-backend");
    assert_eq!(call.attribute("request_id"), id);
    let sql = collector.child_of(&call, Kind::Client);
    assert_eq!(sql.attribute("db.system.name"), "sqlite");
    for (parent, child) in [(&request, &outgoing), (&outgoing, &call), (&call, &sql)] {
        assert_eq!(
            child.parent, parent.id,
            "{child:?} is no child of {parent:?}"
        );
        assert_eq!(child.trace, request.trace);
    }
    let line = answered(&apart.thoughts.errors(), &id);
    assert_eq!(line[0]["trace_id"], Value::from(request.trace.clone()));

    // The one that took both backends.
    let request = collector.with("GET /", "request_id", &own);
    for (service, name) in [
        ("users-backend", format!("{USERS}/RefreshSession")),
        ("thoughts-backend", format!("{THOUGHTS}/ListThoughts")),
    ] {
        let call = collector.span(Kind::Server, &name);
        assert_eq!(
            (call.service.as_str(), &call.trace),
            (service, &request.trace)
        );
        let sql = collector.child_of(&call, Kind::Client);
        assert_eq!(sql.trace, request.trace);
    }

    let by_itself = format!("{THOUGHTS}/PutServiceToken");
    assert!(!collector.has(&by_itself), "nobody has asked for it");
    let everything = collector.everything();
    for secret in ["seeded-", TRACE, "Bearer", "eyJ", "$argon2"] {
        assert!(!everything.contains(secret), "{secret} in {everything}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_in_front_decides_whether_there_is_a_trace() {
    let collector = Collector::start().await;
    let proxies = [("TRUSTED_PROXIES", "127.0.0.1")];
    let mut apart = Apart::start(&collector.settings(), &proxies).await;
    for (path, flags) in [("/login", "00"), ("/search", "01")] {
        let page = client()
            .get(apart.page(path))
            .header("traceparent", parent(flags));
        assert_eq!(page.send().await.unwrap().status(), StatusCode::OK);
    }
    apart.end();
    let request = collector.span(Kind::Server, "GET /search");
    assert_eq!(request.trace, TRACE);
    assert_eq!(request.parent, "00f067aa0ba902b7");
    let call = collector.span(Kind::Server, &format!("{THOUGHTS}/SearchThoughts"));
    assert_eq!(call.trace, TRACE);
    assert!(!collector.has("GET /login"), "the proxy did not want it");
}

#[tokio::test(flavor = "multi_thread")]
async fn r12_a_collector_that_says_nothing_holds_up_nobody() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
        ("OTEL_BSP_SCHEDULE_DELAY", "20"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "100"),
    ];
    let mut apart = Apart::start(&settings, &[]).await;
    signed_in(&apart).await;
    eventually("it is told that nobody takes the traces", async || {
        let told = apart.users.errors().contains("traces cannot be sent");
        told.then_some(())
    })
    .await;
    signed_in(&apart).await;
    apart.end();
    let told = apart
        .users
        .errors()
        .matches("traces cannot be sent")
        .count();
    assert_eq!(told, 1, "now and then");
}

async fn signed_in(apart: &Apart) -> Client {
    let client = client();
    let form = [("username", "bruce"), ("password", "bruce")];
    let answer = client.post(apart.page("/login")).form(&form).send().await;
    assert_eq!(answer.unwrap().status(), StatusCode::SEE_OTHER);
    client
}

/// Reads the first page with a session that has to be renewed for it, which takes both backends; the
/// id of that request.
async fn renews(apart: &Apart) -> String {
    let form = [("username", "bruce"), ("password", "bruce")];
    let answer = client().post(apart.page("/login")).form(&form).send().await;
    let answer = answer.unwrap();
    let cookies = answer.headers().get_all("set-cookie").iter();
    let cookies = cookies.map(|cookie| cookie.to_str().unwrap());
    let renewal = cookies.filter_map(|cookie| cookie.split(';').next());
    let mut renewal = renewal.filter(|cookie| cookie.starts_with("renewal="));
    let renewal = renewal.next_back().unwrap();
    page(client().get(apart.page("/")).header("cookie", renewal)).await
}

/// Reads a page; the id of the request.
async fn page(request: reqwest::RequestBuilder) -> String {
    let page = request.send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    page.headers()["x-request-id"].to_str().unwrap().to_owned()
}

/// The lines of answers to the request with that id.
fn answered(log: &str, id: &str) -> Vec<Value> {
    let lines = log.lines().filter(|line| line.contains("answered"));
    let lines = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["request_id"] == id).collect()
}

fn parent(flags: &str) -> String {
    format!("00-{TRACE}-00f067aa0ba902b7-{flags}")
}
