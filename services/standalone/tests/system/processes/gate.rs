//! A door between a program and its database, which can be shut.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream, UnixStream},
    task::JoinSet,
};

use crate::support::{eventually, free_port};

/// Listens on a port of its own and passes everything on to a server, while it is open.
pub(crate) struct Gate {
    port: u16,
    server: Server,
    /// The task that accepts, and with it every connection; `None` while shut.
    open: Mutex<Option<JoinSet<()>>>,
}

/// Where PostgreSQL listens.
#[derive(Clone, Debug)]
enum Server {
    Tcp(String),
    Socket(PathBuf),
}

impl Gate {
    /// An open gate before the server of a database's address.
    pub(crate) async fn before(url: &str) -> Self {
        let gate = Self {
            port: free_port(),
            server: Server::of(url),
            open: Mutex::new(None),
        };
        gate.open().await;
        gate
    }

    /// The same database by way of this gate.
    pub(crate) fn url(&self, url: &str) -> String {
        let (user, rest) = url
            .trim_start_matches("postgres://")
            .split_once('@')
            .expect("a user");
        let database = rest.split(['/', '?']).nth(1).expect("a database");
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// Breaks every connection and refuses new ones.
    pub(crate) fn shut(&self) {
        self.open.lock().expect("no panic while locked").take();
    }

    /// Lets connections through.
    pub(crate) async fn open(&self) {
        // A process that is just being forked may hold the port for a moment longer.
        let listener = eventually("the gate's port is free", async || {
            TcpListener::bind(("127.0.0.1", self.port)).await.ok()
        })
        .await;
        self.accept(listener);
    }

    fn accept(&self, listener: TcpListener) {
        let server = Arc::new(self.server.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let server = Arc::clone(&server);
                connections.spawn(async move { server.pass(client).await });
            }
        });
        *self.open.lock().expect("no panic while locked") = Some(tasks);
    }
}

impl Server {
    /// Takes `postgres://USER@HOST:PORT/DB` or `postgres://USER@localhost/DB?host=FOLDER`.
    fn of(url: &str) -> Self {
        if let Some((_, folder)) = url.split_once("?host=") {
            return Self::Socket(PathBuf::from(folder).join(".s.PGSQL.5432"));
        }
        let after_user = url.split('@').nth(1).expect("a user");
        Self::Tcp(after_user.split('/').next().unwrap_or_default().to_owned())
    }

    async fn pass(&self, mut client: TcpStream) {
        // Either side's end is the end of both; nobody is there to be told.
        match self {
            Self::Tcp(address) => {
                let Ok(mut server) = TcpStream::connect(address).await else {
                    return;
                };
                let _ = copy_bidirectional(&mut client, &mut server).await;
            }
            Self::Socket(path) => {
                let Ok(mut server) = UnixStream::connect(path).await else {
                    return;
                };
                let _ = copy_bidirectional(&mut client, &mut server).await;
            }
        }
    }
}
