//! Three workers, their servers, the web that they crawl, and what must hold at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use testweb::server::{Hit, Server};
use testweb::servers::{Bucket, Postgres};
use testweb::web::{GapKey, gaps, violations};

use super::contents::{BLOCKS, Contents, Reader};
use super::expected::{DELAY, EXPECTED, asked, question, scores, serve, settings};
use super::worker::Worker;
use crate::common::{Run, Simdex};

const WORKERS: usize = 3;
/// How long anything is waited for. A killed worker's hosts are another's after 70 seconds, those that a
/// worker has done with after 55.
const PATIENCE: Duration = Duration::from_secs(900);

/// A cluster at work.
pub struct Scene {
    /// Before their servers: they end first.
    pub workers: Vec<Worker>,
    reader: Reader,
    /// A machine that never works.
    other: Simdex,
    pub postgres: Postgres,
    pub bucket: Bucket,
    web: Server,
    /// URLs whose pictures were stored, and how many requests there had been then.
    acknowledged: Vec<(usize, BTreeSet<String>)>,
}

impl Scene {
    /// Starts everything; `None` where there are no servers, which is said.
    pub fn start() -> Option<Self> {
        let postgres = Postgres::start()?;
        let bucket = Bucket::start().unwrap()?;
        let (_, web) = serve();
        let other = Simdex::new();
        let url = postgres.url().to_owned();
        other.configure(&format!(
            "[store]\nurl = \"{url}\"\nblocks = \"{BLOCKS}\"\n"
        ));
        let migrated = run(&other, &bucket, &["store", "migrate"]);
        assert_eq!(migrated.code, 0, "{}", migrated.stderr);
        // Each begins at other hosts, and all find the hosts of all.
        let mut seeds = vec![Vec::new(); WORKERS];
        for (i, seed) in EXPECTED.seeds.iter().enumerate() {
            seeds[i % WORKERS].push(seed.clone());
        }
        let crawl = settings(&web);
        let workers = seeds.into_iter().enumerate().map(|(number, seeds)| {
            let mut worker = Worker::new(number, &crawl, seeds, &postgres, &bucket);
            worker.begin();
            worker
        });
        Some(Self {
            workers: workers.collect(),
            reader: Reader::start(&url, &bucket),
            other,
            postgres,
            bucket,
            web,
            acknowledged: Vec::new(),
        })
    }

    /// Requests so far.
    pub fn total(&self) -> usize {
        self.web.total() as usize
    }

    /// Those of one worker.
    pub fn sent(&self, worker: usize) -> usize {
        let hits = self.web.log();
        hits.iter()
            .filter(|hit| self.workers[worker].has_sent(hit))
            .count()
    }

    fn contents(&mut self, urls: &BTreeSet<String>) -> Contents {
        self.reader.contents(urls)
    }

    /// Waits until something is so.
    pub fn wait(&mut self, what: &str, mut is_so: impl FnMut(&mut Self) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !is_so(self) {
            self.workers.iter_mut().for_each(Worker::assert_works);
            if Instant::now() > until {
                let logs: String = self.workers.iter().map(Worker::log).collect();
                let contents = self.contents(&EXPECTED.urls);
                panic!("{logs}not so: {what}: {contents:#?}");
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Takes note of what is stored: it must stay, and not be asked for again.
    pub fn acknowledge(&mut self) {
        let contents = self.contents(&BTreeSet::new());
        let mut gave = contents.gave;
        // A page that holds a picture itself is settled after it, and may be asked for again.
        gave.retain(|url| !EXPECTED.truth.pages.contains(url));
        self.acknowledged.push((self.total(), gave));
    }

    /// Waits until all is done, ends the workers, and looks at what they have done.
    pub fn finish(&mut self) {
        self.wait("all is done", |scene| {
            let contents = scene.contents(&BTreeSet::new());
            let is_done = contents.pending + contents.waiting == 0;
            is_done && contents.pictures.len() >= EXPECTED.contents.pictures.len()
        });
        self.workers.iter_mut().for_each(Worker::stop);
        let hits = self.web.log();
        self.check_contents();
        self.check_manners(&hits);
        for (from, gave) in &self.acknowledged {
            let again = asked(&hits[*from..]);
            let again: Vec<_> = gave.intersection(&again).collect();
            assert!(again.is_empty(), "stored and asked for again: {again:?}");
        }
    }

    /// The store is that of one machine.
    fn check_contents(&mut self) {
        let contents = self.contents(&EXPECTED.urls);
        let expected = &EXPECTED.contents;
        let ids: BTreeSet<_> = contents.pictures.iter().collect();
        assert_eq!(ids.len(), contents.pictures.len(), "none is there twice");
        assert_eq!(ids, expected.pictures.iter().collect());
        assert_eq!(contents.gave, expected.gave);
        let differ = EXPECTED.urls.iter().filter_map(|url| {
            let of = |contents: &Contents| contents.states.get(url).cloned();
            let states = (of(&contents), of(expected));
            (states.0 != states.1).then_some((url, states))
        });
        let differ: Vec<_> = differ.collect();
        assert!(differ.is_empty(), "here, and on one machine: {differ:#?}");
        assert_eq!(contents.counts[0], contents.counts[1]);
        let verified = run(&self.other, &self.bucket, &["verify"]);
        assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
    }

    /// By the web's own log, no host has noticed that they are several.
    fn check_manners(&self, hits: &[Hit]) {
        let sender = |hit: &Hit| self.workers.iter().position(|it| it.has_sent(hit));
        let mut sent = BTreeMap::new();
        for hit in hits {
            *sent.entry(sender(hit).expect("one of them")).or_insert(0) += 1;
        }
        // One that is slow to start may find that the others have all hosts.
        assert!(sent.len() > 1, "requests by worker: {sent:?}");
        assert_eq!(violations(hits, &EXPECTED.truth), []);
        for (name, gap) in gaps(hits, GapKey::Host) {
            let senders = [gap.before, gap.after].map(|at| sender(&hits[at]));
            assert!(gap.gap >= DELAY, "{name}: {:?} of {senders:?}", gap.gap);
        }
        let (asked, expected) = (asked(hits), &EXPECTED.asked);
        let differ: Vec<_> = asked.symmetric_difference(expected).collect();
        assert!(differ.is_empty(), "asked for by one side only: {differ:?}");
    }

    /// What a machine answers whose folder is empty.
    pub fn answers(&self) -> BTreeMap<String, f64> {
        let words = question(&self.other);
        let answer = run(
            &self.other,
            &self.bucket,
            &[&words[..], &["--format", "json"]].concat(),
        );
        assert_eq!(answer.code, 0, "{}", answer.stderr);
        scores(&answer.json())
    }
}

/// Runs a command on the cluster's store.
fn run(simdex: &Simdex, bucket: &Bucket, args: &[&str]) -> Run {
    let mut command = simdex.command(args);
    command.envs(Bucket::environment(bucket.port()));
    Run::of(command.output().unwrap())
}
