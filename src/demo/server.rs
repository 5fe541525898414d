//! A small HTTP/1.1 server on loopback that answers well, or badly when told to.
//!
//! A ready-made server framework would refuse to send what the tests need most: lengths that
//! lie, chunks that break off, connections that hang. So this one writes its own bytes.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use super::reply::{self, Connection, Reply};

/// Connections served at once; others wait to be accepted.
const MOST_CONNECTIONS: usize = 512;
/// The longest head of a request, in bytes.
const LONGEST_HEAD: usize = 32 * 1024;
/// The most header lines of a request.
const MOST_HEADERS: usize = 100;
/// Hits that the log keeps.
const LOG_LIMIT: usize = 100_000;
/// How long a connection may stay silent before a request is whole.
const PATIENCE: Duration = Duration::from_secs(60);

/// What answers the requests of a [`Server`].
///
/// A closure from [`Request`] to [`Reply`] is one.
pub trait Handler: Send + Sync + 'static {
    /// The reply to a request. It is called on the server's own threads, so it must not block
    /// for long.
    fn reply(&self, request: &Request) -> Reply;
}

impl<F: Fn(&Request) -> Reply + Send + Sync + 'static> Handler for F {
    fn reply(&self, request: &Request) -> Reply {
        self(request)
    }
}

/// The head of a request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method in capitals, such as `GET`.
    pub method: String,
    /// The path and the query, as sent.
    pub target: String,
    /// The `Host` header with its port, or nothing if none was sent.
    pub host: String,
    /// Every header in the order sent; the names as sent, the values with odd bytes replaced.
    pub headers: Vec<(String, String)>,
}

impl Request {
    /// The first value of a header, whose name is looked up in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let named = |(key, _): &&(String, String)| key.eq_ignore_ascii_case(name);
        self.headers
            .iter()
            .find(named)
            .map(|(_, value)| value.as_str())
    }

    /// The target without its query.
    pub fn path(&self) -> &str {
        self.target
            .split_once('?')
            .map_or(&self.target, |(path, _)| path)
    }

    /// Whether the client said that a body follows, which this server never reads.
    fn has_body(&self) -> bool {
        self.header("transfer-encoding").is_some()
            || self
                .header("content-length")
                .is_some_and(|length| length.trim() != "0")
    }

    fn wants_close(&self) -> bool {
        self.header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// One request that came in.
#[derive(Debug, Clone)]
pub struct Hit {
    /// When its head had been read.
    pub at: Instant,
    /// Which connection it came on, counted from 0.
    pub connection: u64,
    /// How many requests were being answered just then, with this one.
    pub in_flight: usize,
    /// The request.
    pub request: Request,
}

/// A running server; it stops when dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    running: Running,
}

/// What keeps a server going.
#[derive(Debug)]
enum Running {
    /// A task of the caller's runtime.
    Task(AbortHandle),
    /// A thread with a runtime of its own. It ends when the sender goes.
    Thread(Option<(oneshot::Sender<()>, thread::JoinHandle<()>)>),
}

#[derive(Debug, Default)]
struct Shared {
    log: Mutex<VecDeque<Hit>>,
    total: AtomicU64,
    in_flight: AtomicUsize,
}

impl Server {
    /// Starts a server on a free port of 127.0.0.1, as a task of the current runtime.
    ///
    /// # Errors
    ///
    /// No port could be bound.
    pub async fn start(handler: Arc<dyn Handler>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let task = tokio::spawn(accept(listener, handler, Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            running: Running::Task(task.abort_handle()),
        })
    }

    /// Starts a server on a thread with a small runtime of its own, for callers that have no
    /// runtime or that keep theirs busy.
    ///
    /// # Errors
    ///
    /// No port could be bound, or no thread or runtime be started.
    pub fn background(handler: Arc<dyn Handler>) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = accept(listener, handler, Arc::clone(&shared));
        let thread = thread::Builder::new()
            .name("demo-server".into())
            .spawn(move || {
                let task = runtime.spawn(serving);
                // The sender is never used but dropped, which is an error here and means stop.
                let _ = runtime.block_on(stopped);
                task.abort();
                // Not waiting for a file that is still being read.
                runtime.shutdown_background();
            })?;
        Ok(Self {
            address,
            shared,
            running: Running::Thread(Some((stop, thread))),
        })
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a path that starts with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The newest 100,000 requests, oldest first.
    pub fn log(&self) -> Vec<Hit> {
        self.shared
            .log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }

    /// How many requests came in so far, with those that the log has let go.
    pub fn total(&self) -> u64 {
        self.shared.total.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        match &mut self.running {
            Running::Task(task) => task.abort(),
            Running::Thread(thread) => {
                if let Some((stop, thread)) = thread.take() {
                    drop(stop);
                    // A panic of that thread was reported when it happened.
                    let _ = thread.join();
                }
            }
        }
    }
}

impl Shared {
    /// Notes a request; the guard marks it as being answered until dropped.
    fn note(&self, connection: u64, request: Request) -> InFlight<'_> {
        let in_flight = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        self.total.fetch_add(1, Ordering::Relaxed);
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() == LOG_LIMIT {
            log.pop_front();
        }
        log.push_back(Hit {
            at: Instant::now(),
            connection,
            in_flight,
            request,
        });
        InFlight(self)
    }
}

struct InFlight<'a>(&'a Shared);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Accepts connections until aborted, which ends them all.
async fn accept(listener: TcpListener, handler: Arc<dyn Handler>, shared: Arc<Shared>) {
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    for number in 0.. {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let stream = loop {
            match listener.accept().await {
                Ok((stream, _)) => break stream,
                // Out of file descriptors, most likely; some come free soon.
                Err(error) => {
                    tracing::debug!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        };
        let (handler, shared) = (Arc::clone(&handler), Arc::clone(&shared));
        connections.spawn(async move {
            if let Err(error) = serve(stream, number, &*handler, &shared).await {
                tracing::trace!(%error, "a connection broke");
            }
            drop(permit);
        });
        // What has ended is let go of, or the set would grow with every connection.
        while connections.try_join_next().is_some() {}
    }
}

/// Answers the requests of one connection until either side has had enough.
async fn serve(
    mut stream: TcpStream,
    number: u64,
    handler: &dyn Handler,
    shared: &Shared,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut unread = Vec::new();
    loop {
        let request = match timeout(PATIENCE, read_request(&mut stream, &mut unread)).await {
            Err(_) | Ok(Ok(Head::End)) => return Ok(()),
            Ok(Ok(Head::Whole(request))) => request,
            Ok(Ok(Head::Refused(status))) => {
                reply::send(&mut stream, Reply::new(status), false, Connection::Close).await?;
                return Ok(());
            }
            Ok(Err(error)) => return Err(error),
        };
        let connection = if request.wants_close() || request.has_body() {
            Connection::Close
        } else {
            Connection::Keep
        };
        let head_only = request.method == "HEAD";
        let _in_flight = shared.note(number, request.clone());
        let answer = handler.reply(&request);
        match reply::send(&mut stream, answer, head_only, connection).await? {
            Connection::Keep => {}
            Connection::Close => return Ok(()),
        }
    }
}

/// What came in where a request was due.
enum Head {
    Whole(Request),
    /// Something to answer with this status before closing.
    Refused(u16),
    /// The client is done.
    End,
}

/// Reads the head of a request; `unread` keeps what came in beyond it.
async fn read_request(stream: &mut TcpStream, unread: &mut Vec<u8>) -> io::Result<Head> {
    loop {
        match parse(unread) {
            Ok(Some((request, length))) => {
                unread.drain(..length);
                return Ok(Head::Whole(request));
            }
            Ok(None) if unread.len() >= LONGEST_HEAD => return Ok(Head::Refused(431)),
            Ok(None) => {}
            Err(httparse::Error::TooManyHeaders) => return Ok(Head::Refused(431)),
            Err(_) => return Ok(Head::Refused(400)),
        }
        if stream.read_buf(unread).await? == 0 {
            return Ok(Head::End);
        }
    }
}

/// A request and the length of its head, or nothing when more must be read.
fn parse(bytes: &[u8]) -> Result<Option<(Request, usize)>, httparse::Error> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(length) = head.parse(bytes)? else {
        return Ok(None);
    };
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let mut request = Request {
        method: text(head.method),
        target: text(head.path),
        host: String::new(),
        headers: head
            .headers
            .iter()
            .map(|header| {
                (
                    header.name.to_owned(),
                    String::from_utf8_lossy(header.value).into_owned(),
                )
            })
            .collect(),
    };
    request.host = request.header("host").unwrap_or_default().to_owned();
    Ok(Some((request, length)))
}

#[cfg(test)]
mod tests;
