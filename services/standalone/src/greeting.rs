//! What the program says on the terminal when it starts.

use std::{
    io::{self, Write as _},
    path::Path,
};

use gateway::PublicUrl;
use runtime::{config::reachable, lifecycle::StartError};

use crate::parts::Addresses;

/// A line for each thing that listens, where the data lies, and the address to open.
pub(crate) struct Greeting<'a> {
    pub(crate) data_dir: &'a Path,
    pub(crate) addresses: Addresses,
    pub(crate) public_url: Option<&'a PublicUrl>,
    /// What makes the first administrator while there is none: shown only here, never logged.
    pub(crate) setup_code: Option<String>,
    /// Whoever runs this chose the code; it need not be shown.
    pub(crate) setup_code_is_known: bool,
}

impl Greeting<'_> {
    pub(crate) fn print(&self) -> Result<(), StartError> {
        io::stdout()
            .write_all(self.text().as_bytes())
            .map_err(StartError::new)
    }

    fn text(&self) -> String {
        let Addresses {
            thoughts,
            users,
            gateway,
        } = &self.addresses;
        let local = format!("http://{}", reachable(*gateway));
        let open = self.public_url.map_or(local.as_str(), PublicUrl::origin);
        let mut text = format!(
            "thoughts  gRPC on {thoughts}\n\
             users     gRPC on {users}\n\
             pages     HTTP on {gateway}\n\
             data      in {}\n\
             Open {open}\n",
            self.data_dir.display(),
        );
        if let Some(code) = &self.setup_code {
            text.push_str(&format!("The first administrator is made at {open}/signup"));
            if !self.setup_code_is_known {
                text.push_str(&format!("?setup_code={code}"));
            }
            text.push('\n');
        }
        text
    }
}
