//! A small HTTP/1.1 server on loopback that answers well, or badly when told to.
//!
//! A ready-made server framework would refuse to send what the tests need most: lengths that
//! lie, chunks that break off, connections that hang. So this one writes its own bytes. The
//! well-behaved part of a web is served here too and not by axum: it has the same hosts and
//! ports as the part that misbehaves, and tests judge a crawler's manners by a log that no
//! framework can keep. An answer's end in it is the last write to the socket, which the next
//! request is measured from, and each hit has its connection and how many were under way.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use crate::reply::{self, Connection, Reply};
pub use log::Hit;
use log::Log;
pub use request::Request;
use request::{Head, read_request};
pub(crate) use stamped::Stamped;

mod log;
mod request;
mod stamped;

/// Connections served at once; others wait to be accepted. A process may have as few as 1,024
/// files open.
const MOST_CONNECTIONS: usize = 900;
/// How long a connection may stay silent before a request is whole.
const PATIENCE: Duration = Duration::from_secs(60);
/// The same where half of the connections are taken, which idle ones should not be.
const SHORT_PATIENCE: Duration = Duration::from_secs(2);
/// How often a port is sought that is free on all addresses.
const PORTS_TRIED: usize = 50;

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

/// Where a [`Server`] listens and what it remembers.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// On how many addresses it listens, from 127.0.0.1 on and at the same port of each: 1 to
    /// 254. More than one needs a system where all of 127.0.0.0/8 is local, as on Linux.
    pub addresses: u8,
    /// How many hits the log keeps; older ones are let go.
    pub log_limit: usize,
    /// A file that every hit is written to when its answer has ended, as a line of JSON. It is
    /// whole when the server has stopped.
    pub log_file: Option<PathBuf>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            addresses: 1,
            log_limit: 200_000,
            log_file: None,
        }
    }
}

/// A running server; it stops when dropped.
#[derive(Debug)]
pub struct Server {
    addresses: Vec<SocketAddr>,
    log: Arc<Log>,
    running: Running,
}

/// What keeps a server going.
#[derive(Debug)]
enum Running {
    /// Tasks of the caller's runtime.
    Tasks(Vec<AbortHandle>),
    /// A thread with a runtime of its own. It ends when the sender goes.
    Thread(Option<(oneshot::Sender<()>, thread::JoinHandle<()>)>),
}

impl Server {
    /// Starts a server on a free port of 127.0.0.1, as a task of the current runtime.
    ///
    /// # Errors
    ///
    /// No port could be bound.
    pub async fn start(handler: Arc<dyn Handler>) -> io::Result<Self> {
        let listening = Listening::open(handler, &ServerOptions::default()).await?;
        let (addresses, log) = (listening.addresses()?, Arc::clone(&listening.log));
        Ok(Self {
            addresses,
            log,
            running: Running::Tasks(listening.serve()),
        })
    }

    /// Starts a server on a thread with a small runtime of its own, for callers that have no
    /// runtime or that keep theirs busy.
    ///
    /// # Errors
    ///
    /// No port could be bound, or no thread or runtime be started.
    pub fn background(handler: Arc<dyn Handler>) -> io::Result<Self> {
        Self::background_with(handler, &ServerOptions::default())
    }

    /// The same with options.
    ///
    /// # Errors
    ///
    /// No port is free on all addresses, the log's file cannot be made, or no thread or
    /// runtime be started.
    pub fn background_with(handler: Arc<dyn Handler>, options: &ServerOptions) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let listening = runtime.block_on(Listening::open(handler, options))?;
        let (addresses, log) = (listening.addresses()?, Arc::clone(&listening.log));
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new()
            .name("demo-server".into())
            .spawn(move || {
                runtime.block_on(async {
                    let tasks = listening.serve();
                    // The sender is never used but dropped, which is an error here and means stop.
                    let _ = stopped.await;
                    tasks.iter().for_each(AbortHandle::abort);
                });
                // Not waiting for a file that is still being read.
                runtime.shutdown_background();
            })?;
        Ok(Self {
            addresses,
            log,
            running: Running::Thread(Some((stop, thread))),
        })
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// Every address that the server listens on; they share a port.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The URL of a path that starts with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// The newest requests, oldest first, as many as the options let the log keep.
    pub fn log(&self) -> Vec<Hit> {
        self.log.hits()
    }

    /// Writes what the log's file still lacks of the requests answered so far.
    ///
    /// # Errors
    ///
    /// The file could not be written.
    pub fn flush_log(&self) -> io::Result<()> {
        self.log.flush()
    }

    /// How many requests came in so far, with those that the log has let go.
    pub fn total(&self) -> u64 {
        self.log.total()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        match &mut self.running {
            Running::Tasks(tasks) => tasks.iter().for_each(AbortHandle::abort),
            Running::Thread(thread) => {
                if let Some((stop, thread)) = thread.take() {
                    drop(stop);
                    // A panic of that thread was reported when it happened.
                    let _ = thread.join();
                }
            }
        }
        if let Err(error) = self.log.flush() {
            tracing::warn!(%error, "cannot write the request log");
        }
    }
}

/// What is served, and where.
struct Listening {
    listeners: Vec<TcpListener>,
    handler: Arc<dyn Handler>,
    log: Arc<Log>,
}

impl Listening {
    async fn open(handler: Arc<dyn Handler>, options: &ServerOptions) -> io::Result<Self> {
        let log = Log::new(options.log_limit, options.log_file.as_deref())?;
        Ok(Self {
            listeners: bind(options.addresses.clamp(1, 254)).await?,
            handler,
            log: Arc::new(log),
        })
    }

    fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.listeners.iter().map(TcpListener::local_addr).collect()
    }

    /// Accepts connections on every address, in tasks of the current runtime.
    fn serve(self) -> Vec<AbortHandle> {
        let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let numbers = Arc::new(AtomicU64::new(0));
        let tasks = self.listeners.into_iter().map(|listener| {
            let connections = Connections {
                handler: Arc::clone(&self.handler),
                log: Arc::clone(&self.log),
                room: Arc::clone(&room),
                numbers: Arc::clone(&numbers),
            };
            tokio::spawn(accept(listener, connections)).abort_handle()
        });
        tasks.collect()
    }
}

/// Binds one port on several addresses: a free one of the first, which others may have taken
/// on the next.
async fn bind(addresses: u8) -> io::Result<Vec<TcpListener>> {
    let mut tries = 0;
    loop {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = first.local_addr()?.port();
        let mut listeners = vec![first];
        let mut failed = None;
        for last in 2..=addresses {
            match TcpListener::bind((Ipv4Addr::new(127, 0, 0, last), port)).await {
                Ok(listener) => listeners.push(listener),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        tries += 1;
        match failed {
            None => return Ok(listeners),
            Some(error) if error.kind() != io::ErrorKind::AddrInUse || tries == PORTS_TRIED => {
                return Err(error);
            }
            Some(_) => {}
        }
    }
}

/// What the connections of all addresses share.
#[derive(Clone)]
struct Connections {
    handler: Arc<dyn Handler>,
    log: Arc<Log>,
    room: Arc<Semaphore>,
    numbers: Arc<AtomicU64>,
}

/// Accepts connections until aborted, which ends them all.
async fn accept(listener: TcpListener, shared: Connections) {
    let mut connections = JoinSet::new();
    loop {
        let Ok(permit) = Arc::clone(&shared.room).acquire_owned().await else {
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
        let shared = shared.clone();
        connections.spawn(async move {
            if let Err(error) = serve(stream, &shared).await {
                tracing::trace!(%error, "a connection broke");
            }
            drop(permit);
        });
        // What has ended is let go of, or the set would grow with every connection.
        while connections.try_join_next().is_some() {}
    }
}

/// Answers the requests of one connection until either side has had enough.
async fn serve(stream: TcpStream, shared: &Connections) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let number = shared.numbers.fetch_add(1, Ordering::Relaxed);
    let local: IpAddr = stream.local_addr()?.ip();
    let mut stream = Stamped::new(stream);
    let mut unread = Vec::new();
    loop {
        let crowded = shared.room.available_permits() < MOST_CONNECTIONS / 2;
        let patience = if crowded { SHORT_PATIENCE } else { PATIENCE };
        let request = match timeout(patience, read_request(&mut stream, &mut unread)).await {
            Err(_) | Ok(Ok(Head::End)) => return Ok(()),
            Ok(Ok(Head::Whole(request))) => request,
            Ok(Ok(Head::Refused(status))) => {
                reply::send(&mut stream, Reply::new(status), false, Connection::Close).await?;
                return reply::finish(&mut stream).await;
            }
            Ok(Err(error)) => return Err(error),
        };
        let connection = if request.wants_close() || request.has_body() {
            Connection::Close
        } else {
            Connection::Keep
        };
        let head_only = request.method == "HEAD";
        let mut answering = shared.log.note(number, local, request.clone());
        let answer = shared.handler.reply(&request);
        answering.status = answer.status_sent();
        let sent = reply::send(&mut stream, answer, head_only, connection).await;
        // The answer has ended here; how long the client takes to close is its own affair.
        if matches!(sent, Ok(Connection::Keep | Connection::Close)) {
            answering.ended = Some(stream.written);
        }
        drop(answering);
        match sent? {
            Connection::Keep => {}
            Connection::Close => return reply::finish(&mut stream).await,
            Connection::Gone => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
