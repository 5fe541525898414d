//! The thread that answers, from its start to its end.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use super::api::crawls::refreshed;
use super::guard::{Guard, Hosts, Secrets};
use super::limits::SEARCH_DEADLINE;
use super::router;
use super::state::State;
use crate::app::Collection;
use crate::blocking;
use crate::crawl::with_causes;

/// The server cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// There is no runtime or no thread for it.
    #[error("the server cannot be started")]
    Start(#[source] io::Error),
}

/// Answers requests until it is dropped; then no new ones are taken, and those in hand are answered
/// first.
pub struct Server {
    ending: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
    /// To be removed at the end.
    socket: Option<PathBuf>,
}

impl Server {
    /// Answers other processes of this user at the store's socket, in the name of a command. Where
    /// there can be no socket, there is a warning: the command does its own work all the same.
    ///
    /// # Errors
    /// If there is no thread for it.
    pub fn start(collection: &Collection, command: &'static str) -> Result<Self, ServeError> {
        Self::start_at(collection, command, None)
    }

    /// The same, and browsers and scripts at an address.
    ///
    /// # Errors
    /// If there is no thread for it.
    pub fn start_at(
        collection: &Collection,
        command: &'static str,
        listen: Option<Listen>,
    ) -> Result<Self, ServeError> {
        let (ending, end) = watch::channel(false);
        let deadline = listen.as_ref().map(|listen| listen.search_deadline);
        let deadline = deadline.unwrap_or(SEARCH_DEADLINE);
        let state = State::new(collection.clone(), command, deadline);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(ServeError::Start)?;
        let bound = bound(collection).inspect_err(|error| {
            tracing::warn!(%error, "other commands cannot be answered while this one has the store open");
        });
        let (listener, socket) = bound.ok().flatten().unzip();
        let refresh_every = listen.as_ref().and_then(|listen| listen.refresh_every);
        let serve = async move {
            let at_socket = async {
                if let Some(listener) = listener {
                    at_socket(listener, state.clone(), end.clone()).await;
                }
            };
            let at_address = async {
                if let Some(listen) = listen {
                    tokio::task::spawn_blocking({
                        let state = state.clone();
                        move || get_ready(&state)
                    });
                    at_address(listen, state.clone(), end.clone()).await;
                }
            };
            let asked_again = async {
                match refresh_every {
                    Some(every) => refresh(&state, every).await,
                    None => std::future::pending().await,
                }
            };
            let answered = async { tokio::join!(at_socket, at_address) };
            tokio::select! {
                _ = answered => {}
                () = asked_again => {}
                () = nobody_left(&state, end.clone()) => {}
            }
            let finished = blocking::run(move || {
                // It stores what is under way.
                state.crawls.finish();
                state.trainings.finish();
                state.maps.finish();
                state.removals.finish(&state.collection);
            });
            if finished.await.is_err() {
                tracing::error!("the end of what was under way panicked; please report this");
            }
        };
        let thread = std::thread::Builder::new()
            .name("serve".to_owned())
            .spawn(move || runtime.block_on(serve))
            .map_err(ServeError::Start)?;
        Ok(Self {
            ending,
            thread: Some(thread),
            socket,
        })
    }
}

/// An address that is listened to, and who may come in there.
pub struct Listen {
    /// The listener.
    pub listener: std::net::TcpListener,
    /// By which names.
    pub hosts: Hosts,
    /// With what.
    pub secrets: Secrets,
    /// How often it is asked again for what is due.
    pub refresh_every: Option<Duration>,
    /// How long decoding pictures and searching for them may take.
    pub search_deadline: Duration,
}

/// Asks again for what is due, unless a crawl runs anyway. Never ends.
async fn refresh(state: &State, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        match refreshed(state).await {
            Ok(progress) => tracing::info!(crawl = progress.id, "asking again for what is due"),
            Err(problem) => tracing::info!(reason = problem.detail, "not asking again now"),
        }
    }
}

fn get_ready(state: &State) {
    if let Err(error) = state.warm_up() {
        tracing::warn!(error = %with_causes(&error), "searches are not ready");
    }
}

async fn at_address(listen: Listen, state: State, end: watch::Receiver<bool>) {
    let guard = Guard::new(listen.hosts, listen.secrets);
    let listener = listen.listener.set_nonblocking(true);
    let listener = listener.and_then(|()| TcpListener::from_std(listen.listener));
    let served = match listener {
        Ok(listener) => {
            axum::serve(listener, router::of_tcp(state, guard))
                .with_graceful_shutdown(ended(end))
                .await
        }
        Err(error) => Err(error),
    };
    if let Err(error) = served {
        tracing::error!(%error, "the address is not listened to any more");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Whoever comes now does not find it, and waits for the lock.
        if let Some(socket) = &self.socket
            && let Err(error) = std::fs::remove_file(socket)
        {
            tracing::debug!(%error, "the socket is not removed; the next owner does it");
        }
        self.ending.send_replace(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that answers requests panicked; please report this");
        }
    }
}

/// How often it is looked whether requests are in hand, and how long an answer may take on its way.
const EVERY: Duration = Duration::from_millis(500);

/// Waits until the server is to end and no request is in hand any more. A connection on which
/// nothing is asked keeps nobody.
async fn nobody_left(state: &State, end: watch::Receiver<bool>) {
    ended(end).await;
    loop {
        tokio::time::sleep(EVERY).await;
        if state.in_hand.load(Ordering::Relaxed) == 0 {
            return tokio::time::sleep(EVERY).await;
        }
    }
}

async fn ended(mut end: watch::Receiver<bool>) {
    // Where nobody can say it any more, it is over.
    let _ = end.wait_for(|ended| *ended).await;
}

#[cfg(unix)]
type Bound = std::os::unix::net::UnixListener;
#[cfg(not(unix))]
type Bound = std::convert::Infallible;

#[cfg(unix)]
fn bound(collection: &Collection) -> io::Result<Option<(Bound, PathBuf)>> {
    let store = collection.store();
    let Some(dir) = store.dir() else {
        return Ok(None);
    };
    super::socket::bind(dir, store.id()).map(Some)
}

#[cfg(not(unix))]
fn bound(_: &Collection) -> io::Result<Option<(Bound, PathBuf)>> {
    Ok(None)
}

#[cfg(unix)]
async fn at_socket(listener: Bound, state: State, end: watch::Receiver<bool>) {
    use super::socket::OwnProcesses;

    let listener = match tokio::net::UnixListener::from_std(listener) {
        Ok(listener) => OwnProcesses(listener),
        Err(error) => {
            tracing::warn!(%error, "the store's socket cannot be listened to");
            return;
        }
    };
    let served = axum::serve(listener, router::of_socket(state)).with_graceful_shutdown(ended(end));
    if let Err(error) = served.await {
        tracing::warn!(%error, "the store's socket is not listened to any more");
    }
}

#[cfg(not(unix))]
async fn at_socket(listener: Bound, _: State, _: watch::Receiver<bool>) {
    match listener {}
}
