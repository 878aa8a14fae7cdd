//! One running process.

use std::{
    env,
    io::{BufRead as _, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// A process of ours, killed when this is dropped.
pub(crate) struct Program {
    name: String,
    child: Child,
    output: Arc<Mutex<String>>,
    errors: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

/// The program of a crate in this workspace.
///
/// `cargo test --workspace` builds all of them beside this one's.
pub(crate) fn binary(name: &str) -> PathBuf {
    let own = Path::new(env!("CARGO_BIN_EXE_mythoughts"));
    let path = own.with_file_name(name);
    assert!(
        path.is_file(),
        "{} is missing: build it with `cargo build --workspace`, or run the tests with --workspace",
        path.display()
    );
    path
}

impl Program {
    /// Starts it with these settings and nothing else from this process's environment that a
    /// program could take for a setting.
    pub(crate) fn start(path: &Path, arguments: &[&str], settings: &[(&str, String)]) -> Self {
        let mut command = Command::new(path);
        command
            .args(arguments)
            .env_clear()
            .envs(
                ["PATH", "HOME", "TMPDIR", "LLVM_PROFILE_FILE"]
                    .iter()
                    .filter_map(|name| Some((name, env::var_os(name)?))),
            )
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", path.display()));
        let (output, errors) = (Arc::default(), Arc::default());
        let readers = vec![
            collect(child.stdout.take().expect("piped"), Arc::clone(&output)),
            collect(child.stderr.take().expect("piped"), Arc::clone(&errors)),
        ];
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Self {
            name,
            child,
            output,
            errors,
            readers,
        }
    }

    /// What it has printed so far.
    pub(crate) fn output(&self) -> String {
        self.output.lock().expect("no reader has panicked").clone()
    }

    /// What it has logged so far.
    pub(crate) fn errors(&self) -> String {
        self.errors.lock().expect("no reader has panicked").clone()
    }

    /// Sends a signal by its name: `TERM`, `INT`, `STOP`.
    pub(crate) fn signal(&self, signal: &str) {
        let told = Command::new("sh")
            .args([
                "-c",
                "kill -s \"$0\" \"$1\"",
                signal,
                &self.child.id().to_string(),
            ])
            .status();
        assert!(
            told.is_ok_and(|status| status.success()),
            "no signal to {}",
            self.name
        );
    }

    /// Ends it at once, as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for its end, and for the last of what it says.
    pub(crate) fn ends_within(&mut self, patience: Duration) -> ExitStatus {
        let deadline = Instant::now() + patience;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                break status;
            }
            assert!(
                Instant::now() < deadline,
                "{} still runs after {patience:?}; it said:\n{}{}",
                self.name,
                self.output(),
                self.errors()
            );
            thread::sleep(Duration::from_millis(10));
        };
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
        status
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            eprintln!("— {} said —\n{}{}", self.name, self.output(), self.errors());
        }
    }
}

fn collect(pipe: impl Read + Send + 'static, into: Arc<Mutex<String>>) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut lines = BufReader::new(pipe);
        let mut line = Vec::new();
        while lines
            .read_until(b'\n', &mut line)
            .is_ok_and(|read| read > 0)
        {
            if let Ok(mut text) = into.lock() {
                text.push_str(&String::from_utf8_lossy(&line));
            }
            line.clear();
        }
    })
}
