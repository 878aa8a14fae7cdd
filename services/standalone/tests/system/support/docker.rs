//! The real Docker, with the images that were built from the Dockerfile.

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

/// What `docker ARGUMENTS` prints.
///
/// # Panics
///
/// It fails.
pub(crate) fn docker(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(
        output.status.success(),
        "docker {}: {output:?}",
        arguments.join(" ")
    );
    String::from_utf8(output.stdout).expect("text")
}

/// `docker ARGUMENTS`, whatever comes of it.
pub(crate) fn run(arguments: &[&str]) -> Output {
    Command::new("docker")
        .args(arguments)
        .output()
        .expect("docker runs: see .ci/images")
}

/// What `docker inspect` says of one container or image.
pub(crate) fn inspected(name: &str) -> Value {
    let told: Value = serde_json::from_str(&docker(&["inspect", name])).expect("JSON");
    told[0].clone()
}

/// A container, removed when this is dropped.
pub(crate) struct Container(String);

impl Container {
    /// Starts one that may do as little as possible, with more options, an image and its arguments.
    pub(crate) fn start(rest: &[&str]) -> Self {
        Self::made("run", &[&["--detach"], rest].concat())
    }

    /// Makes one that does not run.
    pub(crate) fn still(rest: &[&str]) -> Self {
        Self::made("create", rest)
    }

    fn made(how: &str, rest: &[&str]) -> Self {
        let closed = [
            "--read-only",
            "--cap-drop=ALL",
            "--security-opt=no-new-privileges",
            "--network=none",
        ];
        let id = docker(&[&[how], &closed[..], rest].concat());
        Self(id.trim().to_owned())
    }

    /// How docker names it.
    pub(crate) fn id(&self) -> &str {
        &self.0
    }

    /// How it is, and whether it is well: `running`, `healthy`.
    pub(crate) fn health(&self) -> String {
        let state = &inspected(&self.0)["State"];
        format!(
            "{} {}",
            state["Status"].as_str().unwrap_or_default(),
            state["Health"]["Status"].as_str().unwrap_or_default()
        )
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        run(&["rm", "--force", "--volumes", &self.0]);
    }
}

/// What compose.yaml describes. All of it goes when this is dropped, volumes too.
pub(crate) struct Composition(Vec<(&'static str, &'static str)>);

impl Composition {
    /// Brings it up with these variables, and waits until everything is healthy.
    pub(crate) fn up(variables: &[(&'static str, &'static str)]) -> Self {
        let composition = Self(variables.to_vec());
        composition.starts();
        composition
    }

    /// Brings up what is not.
    pub(crate) fn starts(&self) {
        self.does(&["up", "--no-build", "--detach", "--wait"]);
    }

    /// What `docker compose ARGUMENTS` prints.
    pub(crate) fn does(&self, arguments: &[&str]) -> String {
        let output = self.tries(arguments);
        let logs = || {
            let logs = self.tries(&["logs", "--no-color"]);
            String::from_utf8_lossy(&logs.stdout).into_owned()
        };
        assert!(
            output.status.success(),
            "docker compose {}: {output:?}\n{}",
            arguments.join(" "),
            logs()
        );
        String::from_utf8(output.stdout).expect("text")
    }

    /// `docker compose ARGUMENTS`, whatever comes of it.
    pub(crate) fn tries(&self, arguments: &[&str]) -> Output {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        Command::new("docker")
            .arg("compose")
            .args(arguments)
            .envs(self.0.iter().copied())
            .current_dir(root)
            .output()
            .expect("docker runs: see .ci/images")
    }

    /// What `docker inspect` says of the container of a service, even one that has ended.
    pub(crate) fn inspected(&self, service: &str) -> Value {
        let id = self.does(&["ps", "--all", "--quiet", service]);
        inspected(id.trim())
    }

    /// `healthy`, `unhealthy`, `starting`.
    pub(crate) fn health(&self, service: &str) -> String {
        let health = &self.inspected(service)["State"]["Health"]["Status"];
        health.as_str().unwrap_or_default().to_owned()
    }
}

impl Drop for Composition {
    fn drop(&mut self) {
        self.tries(&["down", "--volumes", "--timeout=1"]);
    }
}
