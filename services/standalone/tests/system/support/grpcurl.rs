//! The real grpcurl.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};
use tonic::Code;

use super::{Addresses, tool};

const LOGIN: &str = "mythoughts.users.v1.UsersService/Login";

/// The program.
pub(crate) struct Grpcurl(PathBuf);

/// What a failed call prints, and the code that its exit status is made from.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    pub(crate) text: String,
}

impl Grpcurl {
    /// `None` where there is none.
    pub(crate) fn find() -> Option<Self> {
        tool(&["grpcurl"], "GRPCURL", "REQUIRE_GRPCURL").map(Self)
    }

    /// Asks what is served, where nobody is to be told; what is said instead.
    pub(crate) fn is_not_told(&self, address: &str) -> String {
        let output = self.run(&["-plaintext", address], &["list"]);
        assert!(!output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// Asks about the server itself.
    pub(crate) fn asks(&self, address: &str, question: &[&str]) -> String {
        let output = self.run(&["-plaintext", address], question);
        assert!(output.status.success(), "{question:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Calls an rpc with a JSON request.
    pub(crate) fn calls(
        &self,
        address: &str,
        rpc: &str,
        token: Option<&str>,
        request: &Value,
    ) -> Result<Value, Refusal> {
        let (request, mut options) = (request.to_string(), vec!["-plaintext"]);
        let header = format!("authorization: Bearer {}", token.unwrap_or_default());
        if token.is_some() {
            options.extend(["-H", &header]);
        }
        let output = self.run(&options, &["-d", &request, address, rpc]);
        if output.status.success() {
            return Ok(serde_json::from_slice(&output.stdout).expect("grpcurl prints JSON"));
        }
        // grpcurl adds 64 to the code of a failed call.
        let code = output.status.code().unwrap_or_default() - 64;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(code > 0, "grpcurl itself failed: {text}");
        Err(Refusal {
            code: Code::from_i32(code),
            text,
        })
    }

    /// Calls an rpc with the requests in a file, as JSON one behind the other; all that it answers.
    pub(crate) fn streams(&self, address: &str, rpc: &str, token: &str, file: &Path) -> Vec<Value> {
        let header = format!("authorization: Bearer {token}");
        let output = Command::new(&self.0)
            .args(["-plaintext", "-H", &header, "-d", "@", address, rpc])
            .stdin(File::open(file).unwrap())
            .output()
            .expect("grpcurl runs");
        assert!(output.status.success(), "{output:?}");
        let answers = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
        answers.map(|answer| answer.expect("JSON")).collect()
    }

    /// An access token of one of the examples' people.
    pub(crate) fn signs_in(&self, system: &Addresses, name: &str) -> String {
        let request = json!({ "username": name, "password": name });
        let session = self.calls(&system.users, LOGIN, None, &request).unwrap();
        assert_eq!(session["user"]["username"], name);
        session["accessToken"].as_str().unwrap().to_owned()
    }

    fn run(&self, options: &[&str], rest: &[&str]) -> Output {
        Command::new(&self.0)
            .args(options)
            .args(rest)
            .output()
            .expect("grpcurl runs")
    }
}
