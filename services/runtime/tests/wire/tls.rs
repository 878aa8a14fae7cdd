//! S18: TLS between services, with certificates on both sides and a list of names.

use std::{
    fs,
    time::{Duration, Instant},
};

use crate::support::{Server, check};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
use runtime::{
    grpc::{client::Channel, server::GrpcServer},
    tls::{AllowedName, Pem, TlsConfig},
};
use tempfile::TempDir;
use tonic::Code;

const TIMEOUT: Duration = Duration::from_secs(5);

/// An authority, and what it vouches for.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self {
            pem: certificate.pem(),
            issuer: Issuer::new(params, key),
        }
    }

    /// The settings of a program of that name, which serves these callers.
    fn program(&self, name: &str, callers: &[&str]) -> TlsConfig {
        let names = vec![name.to_owned(), "localhost".to_owned()];
        self.vouch(CertificateParams::new(names).unwrap(), callers)
    }

    fn vouch(&self, params: CertificateParams, callers: &[&str]) -> TlsConfig {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        TlsConfig {
            tls_cert: Some(certificate.pem().parse().unwrap()),
            tls_key: Some(key.serialize_pem().parse().unwrap()),
            tls_client_ca: Some(self.pem.parse().unwrap()),
            tls_allowed_names: callers.iter().map(|name| name.parse().unwrap()).collect(),
        }
    }
}

async fn serve(tls: &TlsConfig) -> Server {
    Server::start(GrpcServer::new("test").tls(tls.server().unwrap())).await
}

/// What a program with these settings gets from a server.
async fn call(server: &Server, tls: &TlsConfig) -> Result<i32, Code> {
    let url = format!("https://localhost:{}", server.address.port())
        .parse()
        .unwrap();
    let channel =
        Channel::secured("test", "BACKEND_URL", url, tls.client().unwrap().as_ref()).unwrap();
    check(&channel, TIMEOUT)
        .await
        .map_err(|status| status.code())
}

#[tokio::test]
async fn s18_a_caller_on_the_list_is_served() {
    let authority = Authority::new();
    let server = serve(&authority.program("users-backend", &["gateway"])).await;
    assert_eq!(
        call(&server, &authority.program("gateway", &[])).await,
        Ok(1)
    );
}

#[tokio::test]
async fn s18_other_callers_are_not() {
    let authority = Authority::new();
    let server = serve(&authority.program("users-backend", &["gateway"])).await;

    let unlisted = authority.program("somebody", &[]);
    assert_eq!(call(&server, &unlisted).await, Err(Code::Unavailable));

    let stranger = Authority::new().program("gateway", &[]);
    let trusting = TlsConfig {
        tls_client_ca: unlisted.tls_client_ca.clone(),
        ..stranger
    };
    assert_eq!(call(&server, &trusting).await, Err(Code::Unavailable));

    let anonymous = TlsConfig {
        tls_client_ca: unlisted.tls_client_ca,
        ..TlsConfig::default()
    };
    assert_eq!(call(&server, &anonymous).await, Err(Code::Unavailable));

    let plain = crate::support::channel(server.address);
    assert_eq!(
        check(&plain, TIMEOUT).await.unwrap_err().code(),
        Code::Unavailable
    );
}

#[tokio::test]
async fn s18_a_server_of_another_authority_is_not_believed() {
    let authority = Authority::new();
    let impostor = serve(&Authority::new().program("users-backend", &["gateway"])).await;
    assert_eq!(
        call(&impostor, &authority.program("gateway", &[])).await,
        Err(Code::Unavailable)
    );
}

#[tokio::test]
async fn s18_https_without_an_authority_is_refused_at_the_start() {
    let url = "https://users:8001".parse().unwrap();
    let refusal = Channel::secured("users", "USER_BACKEND_URL", url, None);
    let line = refusal.err().unwrap().to_string();
    assert!(
        line.starts_with("USER_BACKEND_URL: \"https://users:8001/\": https needs TLS_CLIENT_CA"),
        "{line}"
    );
}

#[tokio::test]
async fn s18_a_caller_may_be_known_by_a_uri_and_is_refused_once_its_certificate_is_over() {
    let authority = Authority::new();
    let uri = "spiffe://example/gateway";
    let server = serve(&authority.program("users-backend", &["ops", uri])).await;
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
    let gateway = authority.vouch(params.clone(), &[]);
    assert_eq!(call(&server, &gateway).await, Ok(1));

    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let expired = authority.vouch(params, &[]);
    assert_eq!(call(&server, &expired).await, Err(Code::Unavailable));
}

#[tokio::test]
async fn s18_certificates_that_are_renewed_on_disk_are_taken_up_by_both_sides() {
    let (old, new) = (Authority::new(), Authority::new());
    let (folder, callers) = (tempfile::tempdir().unwrap(), &["gateway"]);
    let server = on_disk(&folder, "server", &old.program("users-backend", callers));
    let client = on_disk(&folder, "client", &old.program("gateway", &[]));
    let serving = serve(&server).await;
    let kept = client.client().unwrap();
    let calls = async || {
        let url = format!("https://localhost:{}", serving.address.port());
        let channel = Channel::secured("test", "URL", url.parse().unwrap(), kept.as_ref());
        check(&channel.unwrap(), TIMEOUT).await
    };
    assert_eq!(calls().await.unwrap(), 1);

    // The server's alone: each is now of an authority that the other does not know.
    on_disk(&folder, "server", &new.program("users-backend", callers));
    until("the server has the new certificate", async || {
        calls().await.is_err()
    })
    .await;
    on_disk(&folder, "client", &new.program("gateway", &[]));
    until("the client has its own", async || calls().await.is_ok()).await;

    // A key that does not belong to the certificate is of no use, so nothing changes.
    let other = new.program("gateway", &[]);
    fs::write(folder.path().join("client.key"), text_of(&other.tls_key)).unwrap();
    let looked_at = Instant::now() + Duration::from_millis(1_500);
    while Instant::now() < looked_at {
        assert_eq!(calls().await.unwrap(), 1, "the old pair serves on");
    }
    fs::write(folder.path().join("client.pem"), text_of(&other.tls_cert)).unwrap();
    assert_eq!(calls().await.unwrap(), 1);
}

/// The same settings by way of files.
fn on_disk(folder: &TempDir, name: &str, tls: &TlsConfig) -> TlsConfig {
    let file = |ending: &str, pem: &Option<Pem>| {
        let path = folder.path().join(format!("{name}.{ending}"));
        fs::write(&path, text_of(pem)).unwrap();
        Some(path.to_str().unwrap().parse().unwrap())
    };
    TlsConfig {
        tls_cert: file("pem", &tls.tls_cert),
        tls_key: file("key", &tls.tls_key),
        tls_client_ca: file("ca", &tls.tls_client_ca),
        tls_allowed_names: tls.tls_allowed_names.clone(),
    }
}

fn text_of(pem: &Option<Pem>) -> &str {
    match pem {
        Some(Pem::Text(text)) => text,
        _ => panic!("made in this test"),
    }
}

async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition().await {
        assert!(Instant::now() < deadline, "in vain waited for this: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[test]
fn what_does_not_go_together_is_refused_by_name() {
    let all = Authority::new().program("users-backend", &["gateway"]);
    let refusal = |settings: TlsConfig| settings.server().err().unwrap().to_string();
    let nobody = TlsConfig {
        tls_allowed_names: Vec::new(),
        ..all.clone()
    };
    let line = refusal(nobody);
    assert!(line.starts_with("TLS_ALLOWED_NAMES is not set: "), "{line}");
    let unnamed = TlsConfig {
        tls_cert: None,
        tls_key: None,
        ..all
    };
    let line = refusal(unnamed);
    assert!(line.starts_with("TLS_CERT is not set: "), "{line}");
    for wrong in ["", "a b", "http://a b", "ü"] {
        assert!(wrong.parse::<AllowedName>().is_err(), "{wrong:?}");
    }
}

#[test]
fn mistakes_are_named_and_keys_not_shown() {
    let authority = Authority::new();
    let program = |name| authority.program(name, &["gateway"]);
    let (one, other) = (program("a"), program("b"));
    let mixed = TlsConfig {
        tls_key: other.tls_key,
        ..one.clone()
    };
    assert!(
        mixed
            .server()
            .err()
            .unwrap()
            .to_string()
            .starts_with("TLS_CERT and TLS_KEY: ")
    );
    let no_key = TlsConfig {
        tls_key: one.tls_cert.clone(),
        ..one.clone()
    };
    assert!(
        no_key
            .server()
            .err()
            .unwrap()
            .to_string()
            .starts_with("TLS_KEY: expected a private key")
    );
    let no_authority = TlsConfig {
        tls_client_ca: one.tls_key.clone(),
        ..one.clone()
    };
    assert!(
        no_authority
            .server()
            .err()
            .unwrap()
            .to_string()
            .starts_with("TLS_CLIENT_CA: ")
    );
    assert!(!format!("{one:?}").contains("PRIVATE"));
    assert!(
        "/no/such/file"
            .parse::<runtime::tls::Pem>()
            .unwrap_err()
            .contains("No such file")
    );
}
