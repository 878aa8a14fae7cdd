//! S18: the three programs speak TLS with each other, with certificates on both sides.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use api::users::v1::{GetSignUpStateRequest, users_service_client::UsersServiceClient};
use reqwest::{Response, StatusCode};
use runtime::{grpc::client::Channel, tls::TlsConfig};
use tempfile::TempDir;
use tonic::Code;

use crate::support::{Authority, Program, answers, binary, client, eventually, free_port, tool};

/// The programs, with a folder for their certificates and databases.
struct Secured {
    authority: Authority,
    folder: TempDir,
    thoughts: Part,
    users: Part,
    gateway: Part,
}

/// One of them and where it is.
struct Part {
    program: Program,
    listen: String,
    operations: String,
}

#[tokio::test]
async fn s18_pages_work_over_mutual_tls_and_probes_reach_the_operations_ports() {
    let system = Secured::start().await;
    for part in [&system.thoughts, &system.users, &system.gateway] {
        answers(&format!("http://{}/healthz", part.operations), 200).await;
        answers(&format!("http://{}/readyz", part.operations), 200).await;
    }
    let bruce = client();
    assert_eq!(
        system.signs_in(&bruce).await.status(),
        StatusCode::SEE_OTHER
    );
    let written = bruce
        .post(system.page("/thoughts"))
        .form(&[("text", "Nobody listens in")])
        .send()
        .await
        .unwrap();
    assert_eq!(written.status(), StatusCode::SEE_OTHER);
    let own = bruce.get(system.page("/")).send().await.unwrap();
    assert!(own.text().await.unwrap().contains("Nobody listens in"));
}

#[tokio::test]
async fn s18_what_a_gateway_with_a_certificate_tells_of_a_browser_is_believed() {
    let system = Secured::start().await;
    let form = [("username", "bruce"), ("password", "bruce")];
    let sent = client()
        .post(system.page("/login"))
        .header("x-forwarded-for", "1.1.1.1, 203.0.113.7")
        .form(&form)
        .send();
    assert_eq!(sent.await.unwrap().status(), StatusCode::SEE_OTHER);
    eventually("the sign-in is in the audit log", async || {
        let log = system.users.program.errors();
        let line = log.lines().find(|line| line.contains("signed in"))?;
        assert!(line.contains("address=203.0.113.7"), "{line}");
        Some(())
    })
    .await;
}

#[tokio::test]
async fn s18_callers_without_the_right_certificate_are_refused() {
    let system = Secured::start().await;
    assert_eq!(system.calls_as("gateway").await, Ok(()));

    system.authority.vouch(system.folder(), "somebody");
    Authority::new().vouch(system.folder(), "stranger");
    system
        .authority
        .vouch_long_ago(system.folder(), "yesterday");
    for caller in ["somebody", "stranger", "yesterday", "anonymous"] {
        assert_eq!(
            system.calls_as(caller).await,
            Err(Code::Unavailable),
            "{caller}"
        );
    }
    let plain = format!("http://{}", system.users.listen).parse().unwrap();
    assert_eq!(
        calls(Channel::new("users", plain)).await,
        Err(Code::Unavailable)
    );

    let log = system.users.program.errors();
    for why in [
        r#"names=["somebody"]"#,
        "BadSignature",
        "certificate expired",
        "no certificates",
        "InvalidContentType",
    ] {
        assert!(log.contains(why), "no {why} in:\n{log}");
    }
}

#[tokio::test]
async fn s18_a_gateway_that_is_not_let_in_says_what_is_out_of_reach_and_logs_why() {
    let mut system = Secured::start().await;
    system.authority.vouch(system.folder(), "somebody");
    system.gateway = system.start_gateway("somebody");
    answers(&format!("http://{}/readyz", system.gateway.operations), 200).await;

    let page = system.signs_in(&client()).await;
    assert_eq!(page.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.headers().contains_key("retry-after"));
    let page = page.text().await.unwrap();
    assert!(
        page.contains("keeps the accounts is out of reach"),
        "{page}"
    );

    // The refusal comes after the handshake, and may be read after the answer was given.
    let why = eventually("the log says why", async || {
        let log = system.gateway.program.errors();
        let mut lines = log
            .lines()
            .filter(|line| line.contains(&system.users.listen));
        lines
            .find(|line| line.contains("no TLS with a backend"))
            .map(str::to_owned)
    })
    .await;
    assert!(why.contains("AccessDenied"), "{why}");
    let log = system.gateway.program.errors();
    assert!(!log.contains("-----BEGIN"), "{log}");
}

#[tokio::test]
async fn s18_a_renewed_certificate_lets_a_gateway_in_without_a_restart() {
    let mut system = Secured::start().await;
    system.authority.vouch_long_ago(system.folder(), "late");
    system.gateway = system.start_gateway("late");
    answers(&format!("http://{}/readyz", system.gateway.operations), 200).await;
    let refused = system.signs_in(&client()).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);

    // The name in a certificate is what counts, whatever its file is called.
    system.authority.vouch(system.folder(), "gateway");
    for ending in ["pem", "key"] {
        let [from, to] = ["gateway", "late"].map(|name| system.file(name, ending));
        std::fs::rename(from, to).unwrap();
    }
    eventually("the new certificate is shown", async || {
        let answer = system.signs_in(&client()).await;
        (answer.status() == StatusCode::SEE_OTHER).then_some(())
    })
    .await;
}

#[tokio::test]
async fn s18_grpcurl_calls_with_a_certificate() {
    let Some(grpcurl) = tool(&["grpcurl"], "GRPCURL", "REQUIRE_GRPCURL") else {
        return;
    };
    let system = Secured::start().await;
    let listed = system.lists_with(&grpcurl, &["-cert", "gateway.pem", "-key", "gateway.key"]);
    assert!(
        listed.contains("mythoughts.users.v1.UsersService")
            && listed.contains("grpc.health.v1.Health"),
        "{listed}"
    );
    let refused = system.lists_with(&grpcurl, &[]);
    assert!(!refused.contains("mythoughts."), "{refused}");
}

impl Secured {
    /// On SQLite, with the example data; ready.
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let authority = Authority::new();
        authority.write(folder.path());
        for name in ["thoughts-backend", "users-backend", "gateway"] {
            authority.vouch(folder.path(), name);
        }
        let [thoughts, users] = [free_port(), free_port()].map(|port| format!("127.0.0.1:{port}"));
        let urls = [
            ("THOUGHTS_BACKEND_URL", format!("https://{thoughts}")),
            ("USER_BACKEND_URL", format!("https://{users}")),
        ];
        let backend = |name, listen, callers: &str| {
            let mut settings = settings(folder.path(), name);
            settings.extend(urls.clone());
            settings.extend([
                (
                    "DATABASE_URL",
                    format!("sqlite://{}/{name}.db", folder.path().display()),
                ),
                ("DEMO", "true".to_owned()),
                // Certificates are all that makes callers trusted.
                ("TRUSTED_PROXIES", String::new()),
                ("TLS_ALLOWED_NAMES", callers.to_owned()),
            ]);
            Part::start(name, listen, settings)
        };
        let system = Self {
            thoughts: backend(
                "thoughts-backend",
                thoughts.clone(),
                "gateway,users-backend",
            ),
            users: backend("users-backend", users.clone(), "gateway,thoughts-backend"),
            gateway: start_gateway(folder.path(), "gateway", [&thoughts, &users]),
            authority,
            folder,
        };
        for part in [&system.thoughts, &system.users, &system.gateway] {
            answers(&format!("http://{}/readyz", part.operations), 200).await;
        }
        system
    }

    /// A gateway that shows the certificate of that name.
    fn start_gateway(&self, name: &str) -> Part {
        let backends = [&*self.thoughts.listen, &self.users.listen];
        start_gateway(self.folder(), name, backends)
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn file(&self, name: &str, ending: &str) -> PathBuf {
        self.folder().join(format!("{name}.{ending}"))
    }

    fn page(&self, path: &str) -> String {
        format!("http://{}{path}", self.gateway.listen)
    }

    async fn signs_in(&self, client: &reqwest::Client) -> Response {
        let form = [("username", "bruce"), ("password", "bruce")];
        let sent = client.post(self.page("/login")).form(&form).send();
        sent.await.expect("an answer")
    }

    /// What the users backend answers to a caller with the certificate of that name, if there is
    /// one.
    async fn calls_as(&self, name: &str) -> Result<(), Code> {
        let pem = |path: PathBuf| {
            let path = path.to_str().expect("a plain path");
            path.parse().ok()
        };
        let tls = TlsConfig {
            tls_cert: pem(self.file(name, "pem")),
            tls_key: pem(self.file(name, "key")),
            tls_client_ca: pem(self.file("ca", "pem")),
            tls_allowed_names: Vec::new(),
        };
        let url = format!("https://{}", self.users.listen).parse().unwrap();
        let tls = tls.client().unwrap();
        calls(Channel::secured("users", "USER_BACKEND_URL", url, tls.as_ref()).unwrap()).await
    }

    /// What grpcurl says that the users backend serves.
    fn lists_with(&self, grpcurl: &Path, certificate: &[&str]) -> String {
        let asked = Command::new(grpcurl)
            .current_dir(self.folder())
            .args(["-cacert", "ca.pem"])
            .args(certificate)
            .args([&self.users.listen, "list"])
            .output()
            .expect("grpcurl runs");
        String::from_utf8_lossy(&asked.stdout).into_owned()
    }
}

impl Part {
    fn start(name: &str, listen: String, mut settings: Vec<(&str, String)>) -> Self {
        let operations = format!("127.0.0.1:{}", free_port());
        settings.push(("LISTEN_ADDR", listen.clone()));
        settings.push(("OPS_ADDR", operations.clone()));
        Self {
            program: Program::start(&binary(name), &[], &settings),
            listen,
            operations,
        }
    }
}

fn start_gateway(folder: &Path, certificate: &str, [thoughts, users]: [&str; 2]) -> Part {
    let mut settings = settings(folder, certificate);
    settings.push(("THOUGHTS_BACKEND_URL", format!("https://{thoughts}")));
    settings.push(("USER_BACKEND_URL", format!("https://{users}")));
    settings.push(("TRUSTED_PROXIES", "127.0.0.1".to_owned()));
    Part::start("gateway", format!("127.0.0.1:{}", free_port()), settings)
}

/// The settings of a program with the certificate of that name.
fn settings(folder: &Path, name: &str) -> Vec<(&'static str, String)> {
    let file = |file: String| folder.join(file).display().to_string();
    vec![
        ("TLS_CERT", file(format!("{name}.pem"))),
        ("TLS_KEY", file(format!("{name}.key"))),
        ("TLS_CLIENT_CA", file("ca.pem".to_owned())),
    ]
}

async fn calls(channel: Channel) -> Result<(), Code> {
    let mut request = tonic::Request::new(GetSignUpStateRequest::default());
    request.set_timeout(Duration::from_secs(5));
    let mut client = UsersServiceClient::new(channel);
    let answer = client.get_sign_up_state(request).await;
    answer.map(drop).map_err(|status| status.code())
}
