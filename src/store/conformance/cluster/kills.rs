//! Ends that nobody has planned: of workers, and of the server.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use testweb::servers::Postgres;

use super::server::{Address, new_database};
use crate::store::ClusterOptions;
use crate::store::conformance::fixture::{discovery, host, open_cluster, picture, picture_id, url};
use crate::store::{LEASE_TIME, PictureOutcome, Role, Source, Store, UrlState};

const HOSTS: u8 = 4;
const PICTURES: u8 = 60;

fn at(n: u8) -> String {
    format!("h{}.example/{n}", n % HOSTS)
}

/// Queues all pictures.
fn fill(store: &Store) {
    let found: Vec<_> = (0..PICTURES)
        .map(|n| discovery(&at(n), Role::Picture))
        .collect();
    store.offer(&found).unwrap();
}

/// Leases and stores pictures until none is left; `tell` hears of each that is acknowledged.
fn work(store: &Store, mut tell: impl FnMut(u8)) {
    while store.pending_count().unwrap() > 0 {
        for n in 0..HOSTS {
            let Some(lease) = store.lease(host(&format!("h{n}.example")), true).unwrap() else {
                std::thread::sleep(Duration::from_millis(5));
                continue;
            };
            let n = lease
                .record()
                .url
                .rsplit('/')
                .next()
                .unwrap()
                .parse()
                .unwrap();
            let outcome = PictureOutcome::Picture(Source::Url(lease), picture(store, n));
            store.commit(vec![outcome]).unwrap();
            tell(n);
        }
    }
}

/// Everything is there once, and what is counted is right.
fn check(store: &Store) {
    let pictures = store.pictures().collect::<Result<Vec<_>, _>>().unwrap();
    assert_eq!(pictures.len(), usize::from(PICTURES));
    let ids: BTreeSet<_> = pictures.into_iter().map(|(_, id)| id).collect();
    assert_eq!(ids, (0..PICTURES).map(picture_id).collect());
    for n in 0..PICTURES {
        let record = store.url_record(url(&at(n)).id()).unwrap().unwrap();
        assert_eq!(record.state, UrlState::Done);
        assert!(store.verified_block(picture_id(n)).is_ok());
        assert_eq!(store.provenance(picture_id(n)).unwrap().urls.len(), 1);
    }
    assert_eq!(store.counts(), store.recount().unwrap());
}

#[test]
fn a_server_that_is_killed_loses_nothing() {
    let Some(mut server) = Postgres::start() else {
        return;
    };
    let options = Address::of(&server).new_database();
    fill(&open_cluster(&options, LEASE_TIME));
    std::thread::scope(|scope| {
        let workers = [(); 2].map(|()| {
            scope.spawn(|| {
                let store = open_cluster(&options, LEASE_TIME);
                work(&store, |_| std::thread::sleep(Duration::from_millis(20)));
            })
        });
        for _ in 0..3 {
            std::thread::sleep(Duration::from_millis(300));
            server.kill().unwrap();
            std::thread::sleep(Duration::from_millis(500));
            server.start_again().unwrap();
        }
        for worker in workers {
            worker.join().unwrap();
        }
    });
    check(&open_cluster(&options, LEASE_TIME));
}

const URL: &str = "SIMDEX_TEST_STORE_URL";
const BLOCKS: &str = "SIMDEX_TEST_STORE_BLOCKS";

fn of_workers(url: String, blocks: String) -> ClusterOptions {
    ClusterOptions {
        // What one had that was killed is another's soon.
        host_lease: Duration::from_millis(500),
        quiet: Duration::ZERO,
        grace: Duration::ZERO,
        ..ClusterOptions::new(url, blocks)
    }
}

/// Not a test: what the processes run that [`workers_that_are_killed_lose_nothing`] kills.
#[test]
#[ignore = "started by another test"]
fn a_worker_process() {
    let (Ok(url), Ok(blocks)) = (std::env::var(URL), std::env::var(BLOCKS)) else {
        return;
    };
    let store = open_cluster(&of_workers(url, blocks), LEASE_TIME);
    work(&store, |n| {
        println!("stored {n}");
        std::thread::sleep(Duration::from_millis(30));
    });
}

fn start_worker(options: &ClusterOptions) -> Child {
    let (_, room) = module_path!().split_once("::").unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            &format!("{room}::a_worker_process"),
            "--ignored",
            "--nocapture",
        ])
        .env(URL, &options.url)
        .env(BLOCKS, &options.blocks)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command.spawn().unwrap()
}

/// What a process that has ended had said it stored.
fn acknowledged(child: &mut Child) -> Vec<u8> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // The test runner's own words stand before the first, in its line.
    let told = lines.filter_map(|line| {
        let line = line.unwrap();
        line.split_once("stored ")?.1.parse().ok()
    });
    told.collect()
}

#[test]
fn workers_that_are_killed_lose_nothing() {
    let Some(options) = new_database() else {
        return;
    };
    let options = of_workers(options.url, options.blocks);
    let store = open_cluster(&options, LEASE_TIME);
    fill(&store);
    let until = Instant::now() + Duration::from_secs(120);
    let mut told = BTreeSet::new();
    let mut workers = [(); 3].map(|()| start_worker(&options));
    let mut kills = 0;
    while store.pending_count().unwrap() > 0 {
        assert!(Instant::now() < until, "{:?}", store.counts());
        std::thread::sleep(Duration::from_millis(400));
        let worker = &mut workers[kills % 3];
        worker.kill().unwrap();
        told.extend(acknowledged(worker));
        worker.wait().unwrap();
        *worker = start_worker(&options);
        kills += 1;
    }
    for mut worker in workers {
        told.extend(acknowledged(&mut worker));
        worker.wait().unwrap();
    }
    assert!(kills > 2);
    check(&store);
    assert!(told.iter().all(|n| store.contains(picture_id(*n)).unwrap()));
}
