//! From `main` to the last closed connection.

use std::{
    env, fmt, fs,
    future::Future,
    io::{self, Write as _},
    net::SocketAddr,
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    net::TcpListener,
    runtime::Builder,
    signal::unix::{SignalKind, signal},
    time::interval,
};
use tokio_util::sync::CancellationToken;

use crate::{
    config::{self, Awaited, Parsed},
    ops,
    telemetry::{self, TelemetryConfig},
};

/// How often it is looked whether a file is there by now.
const LOOK_EACH: Duration = Duration::from_millis(500);

/// The system's allocator keeps what password hashes and large requests once took: ten sign-ins
/// left 170 MB behind that nobody used. This one gives it back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Why a program cannot start or go on, in one line for the person who runs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartError(String);

impl StartError {
    /// An error of this one line.
    pub fn new(line: impl fmt::Display) -> Self {
        Self(line.to_string().replace('\n', " "))
    }

    /// The value of a setting is wrong. Not for secrets: the value is shown.
    pub fn setting(variable: &str, value: impl fmt::Display, expected: impl fmt::Display) -> Self {
        Self::new(format!("{variable}: {:?}: {expected}", value.to_string()))
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}

/// The two sockets of a service: one for its callers, one for whoever runs it.
#[derive(Debug)]
pub struct Listeners {
    /// gRPC, or pages.
    pub listen: TcpListener,
    /// `/metrics`, `/healthz`, `/readyz`.
    pub ops: TcpListener,
}

impl Listeners {
    /// Takes both addresses.
    ///
    /// # Errors
    ///
    /// One of them cannot be had; `variables` are the settings that the line names.
    pub async fn bind(
        variables: [&str; 2],
        listen: SocketAddr,
        ops: SocketAddr,
    ) -> Result<Self, StartError> {
        Ok(Self {
            listen: bind(variables[0], listen).await?,
            ops: bind(variables[1], ops).await?,
        })
    }
}

async fn bind(variable: &str, address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => StartError::setting(
                variable,
                address,
                "expected a free address, but another program listens there",
            ),
            _ => StartError::setting(variable, address, format!("cannot listen there: {error}")),
        })
}

/// The whole of a program's `main`: reads the configuration, starts the logs and traces, runs
/// `serve` until it ends, and cancels its token on SIGTERM or Ctrl-C. A second signal ends the process at once.
pub fn run<C, S, F>(serve: S) -> ExitCode
where
    C: Parser + AsRef<TelemetryConfig>,
    S: FnOnce(C, CancellationToken) -> F,
    F: Future<Output = Result<(), StartError>>,
{
    match try_run(serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A closed standard error leaves nobody to tell.
            let _ = writeln!(io::stderr(), "{}: {error}", program());
            ExitCode::FAILURE
        }
    }
}

fn try_run<C, S, F>(serve: S) -> Result<(), StartError>
where
    C: Parser + AsRef<TelemetryConfig>,
    S: FnOnce(C, CancellationToken) -> F,
    F: Future<Output = Result<(), StartError>>,
{
    let mut early_logs = false;
    let config = loop {
        match config::parse::<C>(env::args_os())? {
            Parsed::Run(config) => break config,
            Parsed::Print(text) => {
                let _ = write!(io::stdout(), "{text}");
                return Ok(());
            }
            Parsed::HealthCheck(ports) => return start(Builder::new_current_thread(), ask(ports)),
            Parsed::Await(file) => {
                if !early_logs {
                    telemetry::init(&TelemetryConfig::of_environment(), &program())?;
                    early_logs = true;
                }
                let came = start(Builder::new_current_thread(), wait_for(file))?;
                if !came {
                    return Ok(());
                }
            }
        }
    };
    if !early_logs {
        telemetry::init(config.as_ref(), &program())?;
    }
    allow_open_files();
    start(Builder::new_multi_thread(), async {
        let shutdown = CancellationToken::new();
        cancel_on_signal(shutdown.clone())?;
        telemetry::attach();
        let served = serve(config, shutdown).await;
        telemetry::stop().await;
        served
    })
}

/// Takes as many open files as the system lets it: each connection is one, and shells and service
/// managers give 1,024 of them to programs that do not ask.
fn allow_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, all) {
        tracing::debug!(%error, "no more files can be opened than before");
    }
}

fn start<T>(
    mut runtime: Builder,
    work: impl Future<Output = Result<T, StartError>>,
) -> Result<T, StartError> {
    let runtime = runtime.enable_all().build();
    runtime
        .map_err(|error| StartError::new(format!("cannot start: {error}")))?
        .block_on(work)
}

/// Waits for the file; `false` if the process is told to end before that.
async fn wait_for(file: Awaited) -> Result<bool, StartError> {
    let shutdown = CancellationToken::new();
    cancel_on_signal(shutdown.clone())?;
    let Awaited { variable, path } = file;
    tracing::warn!(%variable, path = %path.display(), "waiting for a file");
    let mut tick = interval(LOOK_EACH);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return Ok(false),
            _ = tick.tick() => {}
        }
        // An error other than that it is missing is told when it is read.
        if fs::exists(&path).unwrap_or(true) {
            return Ok(true);
        }
    }
}

/// Whether the program with these operations ports is ready.
async fn ask(ports: Vec<SocketAddr>) -> Result<(), StartError> {
    for port in ports {
        ops::ask(port).await?;
    }
    Ok(())
}

fn program() -> String {
    env::args_os()
        .next()
        .and_then(|path| {
            let name = std::path::Path::new(&path).file_name()?;
            Some(name.to_string_lossy().into_owned())
        })
        .unwrap_or_default()
}

fn cancel_on_signal(shutdown: CancellationToken) -> Result<(), StartError> {
    let handler = |kind| {
        signal(kind).map_err(|error| StartError::new(format!("cannot handle signals: {error}")))
    };
    let mut terminate = handler(SignalKind::terminate())?;
    let mut interrupt = handler(SignalKind::interrupt())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if shutdown.is_cancelled() {
                std::process::exit(1);
            }
            tracing::info!("stopping");
            shutdown.cancel();
        }
    });
    Ok(())
}
