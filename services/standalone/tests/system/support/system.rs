//! The whole system, by its all-in-one program.

use std::{env, ops::Deref, path::Path};

use reqwest::{Client, redirect::Policy};
use tempfile::TempDir;

use super::{PATIENCE, Program, eventually, free_port};

/// The password of the administrator, if there is one.
pub(crate) const ADMIN_PASSWORD: &str = "an analytical engine";

/// Where a running system listens: host and port of each part.
pub(crate) struct Addresses {
    pub(crate) thoughts: String,
    pub(crate) users: String,
    gateway: String,
}

impl Addresses {
    /// Where a system runs that this test does not start: on this machine and the usual ports, if
    /// `TOUR_THOUGHTS`, `TOUR_USERS` and `TOUR_PAGES` do not say otherwise.
    pub(crate) fn of_the_tour() -> Self {
        let address = |variable, usual: &str| env::var(variable).unwrap_or_else(|_| usual.into());
        Self {
            thoughts: address("TOUR_THOUGHTS", "127.0.0.1:8000"),
            users: address("TOUR_USERS", "127.0.0.1:8001"),
            gateway: address("TOUR_PAGES", "127.0.0.1:8002"),
        }
    }

    /// An address of a page.
    pub(crate) fn page(&self, path: &str) -> String {
        format!("http://{}{path}", self.gateway)
    }
}

/// A running `mythoughts` on ports and in a folder of its own.
pub(crate) struct System {
    pub(crate) program: Program,
    addresses: Addresses,
    operations: [String; 3],
    folder: TempDir,
    settings: Vec<(&'static str, String)>,
}

impl System {
    /// A new system with the example data.
    pub(crate) async fn with_examples() -> Self {
        Self::start(&[("DEMO", "true")]).await
    }

    /// The same with an administrator, who is called ada.
    pub(crate) async fn with_administrator() -> Self {
        Self::start(&[
            ("DEMO", "true"),
            ("ADMIN_USERNAME", "ada"),
            ("ADMIN_PASSWORD", ADMIN_PASSWORD),
        ])
        .await
    }

    /// A new system with these settings beside those of its addresses and its folder.
    pub(crate) async fn start(extra: &[(&'static str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let address = || format!("127.0.0.1:{}", free_port());
        let (thoughts, users, gateway) = (address(), address(), address());
        let operations = [address(), address(), address()];
        let mut settings = vec![
            ("THOUGHTS_LISTEN_ADDR", thoughts.clone()),
            ("USERS_LISTEN_ADDR", users.clone()),
            ("GATEWAY_LISTEN_ADDR", gateway.clone()),
            ("THOUGHTS_OPS_ADDR", operations[0].clone()),
            ("USERS_OPS_ADDR", operations[1].clone()),
            ("GATEWAY_OPS_ADDR", operations[2].clone()),
            ("DATA_DIR", folder.path().join("data").display().to_string()),
        ];
        settings.extend(
            extra
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        let program = Self::program(&settings);
        let system = Self {
            program,
            addresses: Addresses {
                thoughts,
                users,
                gateway,
            },
            operations,
            folder,
            settings,
        };
        system.is_ready().await;
        system
    }

    /// Ends the process kindly and starts it again on the same folder and ports.
    pub(crate) async fn restart(&mut self) {
        self.stop();
        self.start_again().await;
    }

    /// Ends the process kindly.
    pub(crate) fn stop(&mut self) {
        self.program.signal("TERM");
        let status = self.program.ends_within(PATIENCE);
        assert!(status.success(), "SIGTERM: {status}");
    }

    /// Starts it again on the same folder and ports.
    pub(crate) async fn start_again(&mut self) {
        self.program = Self::program(&self.settings);
        self.is_ready().await;
    }

    /// The operations ports' addresses: thoughts, users, gateway.
    pub(crate) fn operations(&self, path: &str) -> [String; 3] {
        self.operations
            .each_ref()
            .map(|address| format!("http://{address}{path}"))
    }

    /// The folder that DATA_DIR names.
    pub(crate) fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    fn program(settings: &[(&str, String)]) -> Program {
        Program::start(Path::new(env!("CARGO_BIN_EXE_mythoughts")), &[], settings)
    }

    async fn is_ready(&self) {
        for address in self.operations("/readyz") {
            answers(&address, 200).await;
        }
    }
}

impl Deref for System {
    type Target = Addresses;

    fn deref(&self) -> &Addresses {
        &self.addresses
    }
}

/// A client that keeps cookies and does not follow redirects on its own.
pub(crate) fn client() -> Client {
    Client::builder()
        .cookie_store(true)
        .redirect(Policy::none())
        .timeout(PATIENCE)
        .build()
        .expect("a client")
}

/// Waits until a GET is answered with this status.
pub(crate) async fn answers(address: &str, status: u16) {
    let client = client();
    eventually(&format!("{address} answers {status}"), async || {
        let response = client.get(address).send().await.ok()?;
        (response.status().as_u16() == status).then_some(())
    })
    .await;
}
