//! Those who read.

use std::{
    io::{self, ErrorKind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    sync::{Notify, Semaphore},
    task::JoinSet,
    time::timeout,
};

use crate::{caller::Caller, programs::System};

/// How many open at once.
const AT_ONCE: usize = 200;

/// Stands before the number of a post.
const MARK: &str = "Post number ";

/// How many digits the number has.
const DIGITS: usize = 4;

/// More than an event takes.
const ENOUGH: usize = 8 * 1024;

/// What Chromium sends along.
const HEADERS: &str = "Connection: keep-alive\r\n\
    sec-ch-ua-platform: \"Linux\"\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
    Chrome/141.0.0.0 Safari/537.36\r\n\
    Accept: text/event-stream\r\n\
    sec-ch-ua: \"Chromium\";v=\"141\", \"Not?A_Brand\";v=\"8\"\r\n\
    Cache-Control: no-cache\r\n\
    sec-ch-ua-mobile: ?0\r\n\
    Sec-Fetch-Site: same-origin\r\n\
    Sec-Fetch-Mode: cors\r\n\
    Sec-Fetch-Dest: empty\r\n\
    Referer: http://localhost/search\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-US,en;q=0.9\r\n";

/// A post that readers recognise.
pub(crate) async fn posted(person: &Caller, number: usize) {
    person
        .writes(&format!("{MARK}{number:0DIGITS$} of many"))
        .await;
}

/// Open connections, and what they have heard.
pub(crate) struct Readers {
    count: usize,
    heard: Arc<Heard>,
    _tasks: JoinSet<()>,
}

/// Who has heard of the post that is listened for, and when.
#[derive(Default)]
struct Heard {
    post: AtomicUsize,
    times: Mutex<Vec<Instant>>,
    /// How many are listened for.
    all: AtomicUsize,
    by_all: Notify,
}

impl Readers {
    /// Opens them, and waits until each is answered.
    pub(crate) async fn open(
        system: &System,
        count: usize,
        path: &dyn Fn(usize) -> String,
    ) -> Self {
        let heard = Arc::new(Heard::default());
        let opening = Arc::new(Semaphore::new(AT_ONCE));
        let mut tasks = JoinSet::new();
        for n in 0..count {
            let gateway = &system.gateways[n % system.gateways.len()];
            let (address, path) = (gateway.address.clone(), path(n));
            let permit = Arc::clone(&opening).acquire_owned().await;
            let permit = permit.expect("an open semaphore");
            let heard = Arc::clone(&heard);
            tasks.spawn(async move {
                let stream = opened(&address, &path).await;
                drop(permit);
                listen(&stream, &heard).await;
            });
        }
        let all = u32::try_from(AT_ONCE).expect("few");
        let opened = opening.acquire_many(all).await;
        drop(opened.expect("an open semaphore"));
        Self {
            count,
            heard,
            _tasks: tasks,
        }
    }

    /// How long it took from then until each of them had heard of a post, which is made meanwhile;
    /// the quickest first.
    pub(crate) async fn hear(
        &self,
        number: usize,
        post: impl Future<Output = ()>,
    ) -> Vec<Duration> {
        let heard = &self.heard;
        heard.times().clear();
        heard.times().reserve(self.count);
        heard.all.store(self.count, Ordering::Relaxed);
        heard.post.store(number, Ordering::Relaxed);
        let began = Instant::now();
        post.await;
        let by_all = timeout(Duration::from_secs(30), heard.by_all.notified()).await;
        let times = heard.times();
        let by = times.len();
        assert!(by_all.is_ok(), "only {by} heard of post {number}");
        let mut latencies: Vec<_> = times.iter().map(|&at| at - began).collect();
        latencies.sort_unstable();
        latencies
    }
}

impl Heard {
    fn note(&self, post: usize) {
        if post != self.post.load(Ordering::Relaxed) {
            return;
        }
        let mut times = self.times();
        times.push(Instant::now());
        if times.len() == self.all.load(Ordering::Relaxed) {
            self.by_all.notify_one();
        }
    }

    fn times(&self) -> std::sync::MutexGuard<'_, Vec<Instant>> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that has been answered.
async fn opened(address: &str, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{HEADERS}\r\n");
    let sent = stream.write_all(request.as_bytes()).await;
    sent.expect("a request");
    let mut answer = String::new();
    while !answer.contains("retry: ") {
        stream.readable().await.expect("a stream");
        read(&stream, |text| answer.push_str(text));
    }
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    stream
}

/// Notes each post. As little as possible is done with what is read: readers share their cores with
/// the servers. The gateway writes an event at once, so it is read at once.
async fn listen(stream: &TcpStream, heard: &Heard) {
    loop {
        stream.readable().await.expect("a stream");
        read(stream, |text| {
            let number = text.split_once(MARK).and_then(|(_, behind)| {
                let number = behind.get(..DIGITS)?;
                number.parse().ok()
            });
            if let Some(number) = number {
                heard.note(number);
            }
        });
    }
}

/// Hands over what is there to be read.
fn read(stream: &TcpStream, hand_over: impl FnOnce(&str)) {
    let mut bytes = [0; ENOUGH];
    match stream.try_read(&mut bytes) {
        Ok(0) => panic!("a stream has ended"),
        Ok(read) => hand_over(&String::from_utf8_lossy(&bytes[..read])),
        Err(error) => assert!(is_nothing(&error), "{error}"),
    }
}

fn is_nothing(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock
}
