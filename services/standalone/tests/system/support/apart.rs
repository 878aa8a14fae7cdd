//! The three services, each a process of its own.

use tempfile::TempDir;

use super::{Program, answers, binary, free_port};

/// In clear text, on SQLite, with the example data.
pub(crate) struct Apart {
    pub(crate) thoughts: Program,
    pub(crate) users: Program,
    pub(crate) gateway: Program,
    pages: String,
    _folder: TempDir,
}

impl Apart {
    /// Starts them with these settings beside those of their addresses, and others for the gateway
    /// alone.
    pub(crate) async fn start(
        extra: &[(&'static str, &str)],
        gateway: &[(&'static str, &str)],
    ) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let address = || format!("127.0.0.1:{}", free_port());
        let (thoughts, users, pages) = (address(), address(), address());
        let urls = [
            ("THOUGHTS_BACKEND_URL", format!("http://{thoughts}")),
            ("USER_BACKEND_URL", format!("http://{users}")),
        ];
        let owned = |settings: &[(&'static str, &str)]| {
            let settings = settings.iter();
            settings
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect::<Vec<_>>()
        };
        let mut ready = Vec::new();
        let mut start = |name: &str, listen: &str, own: Vec<(&'static str, String)>| {
            let operations = address();
            let mut settings = vec![
                ("LISTEN_ADDR", listen.to_owned()),
                ("OPS_ADDR", operations.clone()),
            ];
            settings.extend(urls.clone());
            settings.extend(owned(extra));
            settings.extend(own);
            ready.push(format!("http://{operations}/readyz"));
            Program::start(&binary(name), &[], &settings)
        };
        let database = |name: &str| {
            vec![
                (
                    "DATABASE_URL",
                    format!("sqlite://{}/{name}.db", folder.path().display()),
                ),
                ("DEMO", "true".to_owned()),
            ]
        };
        let apart = Self {
            thoughts: start("thoughts-backend", &thoughts, database("thoughts")),
            users: start("users-backend", &users, database("users")),
            gateway: start("gateway", &pages, owned(gateway)),
            pages,
            _folder: folder,
        };
        for address in ready {
            answers(&address, 200).await;
        }
        apart
    }

    /// An address of a page.
    pub(crate) fn page(&self, path: &str) -> String {
        format!("http://{}{path}", self.pages)
    }

    /// Ends all of them kindly.
    pub(crate) fn end(&mut self) {
        for program in [&mut self.gateway, &mut self.thoughts, &mut self.users] {
            program.signal("TERM");
            let status = program.ends_within(super::PATIENCE);
            assert!(status.success(), "SIGTERM: {status}");
        }
    }
}
