//! Those who read.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinSet,
    time::timeout,
};

use crate::{caller::Caller, programs::System};

/// How many open at once.
const AT_ONCE: usize = 200;

/// Stands before the number of a post.
const MARK: &[u8] = b"Post number ";

/// A post that readers recognise.
pub(crate) async fn posted(person: &Caller, number: usize) {
    let mark = String::from_utf8_lossy(MARK);
    person.writes(&format!("{mark}{number:04} of many")).await;
}

/// Open connections, and what they have heard.
pub(crate) struct Readers {
    count: usize,
    heard: UnboundedReceiver<(usize, Instant)>,
    _tasks: JoinSet<()>,
}

impl Readers {
    /// Opens them, and waits until each is told where it is.
    pub(crate) async fn open(
        system: &System,
        count: usize,
        path: &dyn Fn(usize) -> String,
    ) -> Self {
        let (hears, heard) = unbounded_channel();
        let (opens, mut opened) = unbounded_channel();
        let mut tasks = JoinSet::new();
        for n in 0..count {
            let gateway = &system.gateways[n % system.gateways.len()];
            let (address, path) = (gateway.address.clone(), path(n));
            tasks.spawn(read(address, path, opens.clone(), hears.clone()));
            if n >= AT_ONCE {
                opened.recv().await;
            }
        }
        for _ in 0..count.min(AT_ONCE) {
            opened.recv().await;
        }
        Self {
            count,
            heard,
            _tasks: tasks,
        }
    }

    /// How long it took from then until each of them had heard of a post.
    pub(crate) async fn hear(&mut self, number: usize, since: Instant) -> Vec<Duration> {
        let mut latencies = Vec::with_capacity(self.count);
        while latencies.len() < self.count {
            let next = timeout(Duration::from_secs(30), self.heard.recv()).await;
            let heard = latencies.len();
            let next = next.unwrap_or_else(|_| panic!("only {heard} heard of post {number}"));
            let (post, at) = next.expect("readers");
            if post == number {
                latencies.push(at - since);
            }
        }
        latencies
    }
}

async fn read(
    address: String,
    path: String,
    opens: UnboundedSender<()>,
    hears: UnboundedSender<(usize, Instant)>,
) {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let sent = stream.write_all(request.as_bytes()).await;
    sent.expect("a request");
    let mut text: Vec<u8> = Vec::with_capacity(2048);
    let mut is_open = false;
    loop {
        let read = stream.read_buf(&mut text).await.expect("a stream");
        assert!(read > 0, "it ended: {}", String::from_utf8_lossy(&text));
        let find = |what: &[u8]| text.windows(what.len()).position(|it| it == what);
        if !is_open && find(b"\nid: ").or(find(b"retry: ")).is_some() {
            is_open = true;
            // Whoever measures may be gone.
            let _ = opens.send(());
        }
        if let Some(at) = find(MARK)
            && let Some(number) = text.get(at + MARK.len()..at + MARK.len() + 4)
        {
            let number = String::from_utf8_lossy(number);
            let number = number.parse().expect("a number");
            let _ = hears.send((number, Instant::now()));
            text.clear();
        } else if text.len() > 1024 && find(MARK).is_none() {
            text.drain(..text.len() - MARK.len());
        }
    }
}
