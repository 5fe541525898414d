//! A link between a worker and the server that is down for a while: nothing comes through, and
//! nobody says so.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::server::new_database;
use crate::store::ClusterOptions;
use crate::store::conformance::fixture::{
    commit, host, lease, offer, open_cluster, picture_id, url,
};
use crate::store::{LEASE_TIME, Role, Source, Store, UrlOutcome, UrlState};

/// Passes on what comes, unless it is down.
struct Link {
    port: u16,
    is_down: Arc<AtomicBool>,
}

impl Link {
    /// A link to the server of a store, and the store by way of it.
    fn to(options: &ClusterOptions) -> (Self, ClusterOptions) {
        let address = url::Url::parse(&options.url).unwrap();
        let folder = address
            .query_pairs()
            .find(|(name, _)| name == "host")
            .unwrap()
            .1;
        let socket = format!("{folder}/.s.PGSQL.5432");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let is_down = Arc::new(AtomicBool::new(false));
        let shared = Arc::clone(&is_down);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), UnixStream::connect(&socket).unwrap());
                let pairs = (client.try_clone().unwrap(), server.try_clone().unwrap());
                pass_on(client, server, Arc::clone(&shared), |to| {
                    drop(to.shutdown(Shutdown::Both))
                });
                pass_on(pairs.1, pairs.0, Arc::clone(&shared), |to: &TcpStream| {
                    drop(to.shutdown(Shutdown::Both));
                });
            }
        });
        let options_of = address
            .query_pairs()
            .find(|(name, _)| name == "options")
            .unwrap()
            .1;
        let options_of = options_of.replace('=', "%3D");
        let through = ClusterOptions {
            url: format!("postgresql://postgres@127.0.0.1:{port}/postgres?options={options_of}"),
            ..options.clone()
        };
        (Self { port, is_down }, through)
    }

    fn set(&self, is_down: bool) {
        assert_ne!(self.port, 0);
        self.is_down.store(is_down, Ordering::Relaxed);
    }
}

/// Copies bytes on a thread of its own; `end` ends the other side.
fn pass_on<W: Write + Send + 'static>(
    mut from: impl Read + Send + 'static,
    mut to: W,
    is_down: Arc<AtomicBool>,
    end: impl FnOnce(&W) + Send + 'static,
) {
    std::thread::spawn(move || {
        let mut bytes = [0; 1 << 16];
        while let Ok(count) = from.read(&mut bytes) {
            while is_down.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(5));
            }
            if count == 0 || to.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        end(&to);
    });
}

#[test]
fn a_worker_that_was_cut_off_goes_on_and_writes_over_nobody() {
    let Some(options) = new_database() else {
        return;
    };
    let options = ClusterOptions {
        host_lease: Duration::from_secs(2),
        statement_timeout: Duration::from_secs(1),
        ..options
    };
    let (link, through) = Link::to(&options);
    let [a, b] = [&through, &options].map(|options| open_cluster(options, LEASE_TIME));
    offer(&a, Role::Picture, &["a.example/1", "a.example/2"]);
    let cut_off = lease(&a, "a.example");
    link.set(true);
    // Its host is another's once it has given no sign of life.
    let until = Instant::now() + Duration::from_secs(30);
    let taken_over = loop {
        match b.lease(host("a.example"), true).unwrap() {
            Some(lease) => break lease,
            None => std::thread::sleep(Duration::from_millis(50)),
        }
        assert!(Instant::now() < until);
    };
    assert_eq!(taken_over.record().url, cut_off.record().url);
    assert!(commit(&b, Source::Url(taken_over), 1));
    std::thread::scope(|scope| {
        // It asks while nothing comes through, and waits.
        let late = scope.spawn(|| a.settle(cut_off, UrlOutcome::Failed("http_500".to_owned())));
        std::thread::sleep(Duration::from_secs(8));
        link.set(false);
        late.join().unwrap().unwrap();
    });
    let state = |store: &Store, at: &str| {
        let record = store.url_record(url(at).id()).unwrap().unwrap();
        (record.state, record.attempts)
    };
    assert_eq!(state(&a, "a.example/1"), (UrlState::Done, 1));
    assert!(a.contains(picture_id(1)).unwrap());
    // When the other ends, at the latest, this one goes on.
    drop(b);
    assert!(commit(&a, Source::Url(lease(&a, "a.example")), 2));
    assert_eq!(a.counts(), a.recount().unwrap());
    assert_eq!(state(&a, "a.example/2"), (UrlState::Done, 1));
}
