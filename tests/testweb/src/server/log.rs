//! The requests a server was asked, and how long each answer took.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::Request;

/// One request that came in.
#[derive(Debug, Clone)]
pub struct Hit {
    /// When its head had been read.
    pub at: Instant,
    /// The same by the wall clock, in milliseconds since 1970.
    pub at_ms: u64,
    /// When the last of its answer was given to the system, or the client had left.
    /// Nothing while it is being answered.
    pub ended: Option<Instant>,
    /// The same by the wall clock, in milliseconds since 1970.
    pub ended_ms: Option<u64>,
    /// The status of the answer; nothing if it had none, as when the connection was reset.
    pub status: Option<u16>,
    /// The address of the server that it came to.
    pub local: IpAddr,
    /// The host asked for: the name of the `Host` header in lower case, without its port.
    pub host: String,
    /// Which connection it came on, counted from 0.
    pub connection: u64,
    /// How many requests were being answered just then, with this one.
    pub in_flight: usize,
    /// The request.
    pub request: Request,
}

impl Hit {
    /// The URL asked for, as a client spells it that needs no port to reach the server.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.host, self.request.target)
    }

    fn to_json(&self) -> String {
        json!({
            "at_ms": self.at_ms,
            "ended_ms": self.ended_ms,
            "status": self.status,
            "local": self.local,
            "host": self.host,
            "connection": self.connection,
            "in_flight": self.in_flight,
            "method": self.request.method,
            "target": self.request.target,
            "headers": self.request.headers,
        })
        .to_string()
    }
}

/// The newest hits, and a file of all.
#[derive(Debug)]
pub(super) struct Log {
    state: Mutex<State>,
    limit: usize,
}

#[derive(Debug)]
struct State {
    hits: VecDeque<Hit>,
    total: u64,
    in_flight: usize,
    file: Option<BufWriter<File>>,
}

impl Log {
    /// A log that keeps `limit` hits in memory and writes all of them to a file, if one is named.
    pub(super) fn new(limit: usize, path: Option<&Path>) -> io::Result<Self> {
        let file = path.map(File::create).transpose()?.map(BufWriter::new);
        let state = State {
            hits: VecDeque::new(),
            total: 0,
            in_flight: 0,
            file,
        };
        Ok(Self {
            state: Mutex::new(state),
            limit: limit.max(1),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn hits(&self) -> Vec<Hit> {
        self.state().hits.iter().cloned().collect()
    }

    pub(super) fn total(&self) -> u64 {
        self.state().total
    }

    pub(super) fn flush(&self) -> io::Result<()> {
        self.state().file.as_mut().map_or(Ok(()), Write::flush)
    }

    /// Notes a request; what comes back marks it as being answered until dropped.
    pub(super) fn note(&self, connection: u64, local: IpAddr, request: Request) -> Answering<'_> {
        let mut state = self.state();
        state.in_flight += 1;
        let number = state.total;
        state.total += 1;
        if state.hits.len() == self.limit {
            state.hits.pop_front();
        }
        let hit = Hit {
            at: Instant::now(),
            at_ms: now_ms(),
            ended: None,
            ended_ms: None,
            status: None,
            local,
            host: request.host_name(),
            connection,
            in_flight: state.in_flight,
            request,
        };
        state.hits.push_back(hit);
        Answering {
            log: self,
            number,
            status: None,
            ended: None,
        }
    }
}

/// A request that is being answered.
pub(super) struct Answering<'a> {
    log: &'a Log,
    number: u64,
    pub(super) status: Option<u16>,
    /// When it ended, if not when this is dropped.
    pub(super) ended: Option<Instant>,
}

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        let mut state = self.log.state();
        state.in_flight -= 1;
        let gone = state.total - state.hits.len() as u64;
        let State { hits, file, .. } = &mut *state;
        // One that the log has let go meanwhile is not written either.
        let place = self.number.checked_sub(gone);
        let Some(hit) = place.and_then(|place| hits.get_mut(place as usize)) else {
            return;
        };
        let now = Instant::now();
        let ended = self.ended.unwrap_or(now);
        let since = u64::try_from((now - ended).as_millis()).unwrap_or(u64::MAX);
        hit.ended = Some(ended);
        hit.ended_ms = Some(now_ms().saturating_sub(since));
        hit.status = self.status;
        if let Some(open) = file
            && let Err(error) = writeln!(open, "{}", hit.to_json())
        {
            tracing::warn!(%error, "cannot write the request log; it ends here");
            *file = None;
        }
    }
}

/// Milliseconds since 1970; 0 on a machine whose clock is before that.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}
