//! S18: TLS between services, with certificates on both sides and a list of names.

use std::time::Duration;

use crate::support::{Server, check};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use runtime::{
    grpc::{client::Channel, server::GrpcServer},
    tls::TlsConfig,
};
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
        let key = KeyPair::generate().unwrap();
        let names = vec![name.to_owned(), "localhost".to_owned()];
        let certificate = CertificateParams::new(names)
            .unwrap()
            .signed_by(&key, &self.issuer)
            .unwrap();
        TlsConfig {
            tls_cert: Some(certificate.pem().parse().unwrap()),
            tls_key: Some(key.serialize_pem().parse().unwrap()),
            tls_client_ca: Some(self.pem.parse().unwrap()),
            tls_allowed_names: callers.iter().map(ToString::to_string).collect(),
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
    let channel = Channel::secured("test", "BACKEND_URL", url, tls).unwrap();
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
    let refusal = Channel::secured("users", "USER_BACKEND_URL", url, &TlsConfig::default());
    let line = refusal.err().unwrap().to_string();
    assert!(
        line.starts_with("USER_BACKEND_URL: \"https://users:8001/\": https needs TLS_CLIENT_CA"),
        "{line}"
    );
}

#[test]
fn mistakes_are_named_and_keys_not_shown() {
    let authority = Authority::new();
    let (one, other) = (authority.program("a", &[]), authority.program("b", &[]));
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
