//! What is in a store, and a process that says it: the keys and the place of a bucket are in the
//! environment, which a test cannot change of its own process.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::{Deserialize, Serialize};
use simdex::activation::Encoding;
use simdex::canonical_url::CanonicalUrl;
use simdex::store::{ClusterOptions, Store, StoreOptions};
use testweb::servers::Bucket;

use crate::common::NETWORK;

/// The place of the scene's activations.
pub const BLOCKS: &str = "s3://pictures/store";

const URL: &str = "SIMDEX_TEST_STORE_URL";

/// What is in a store.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Contents {
    /// In the order in which they were stored.
    pub pictures: Vec<String>,
    /// The URLs that gave them.
    pub gave: BTreeSet<String>,
    /// URLs that wait.
    pub pending: u64,
    /// Pictures that wait for their features.
    pub waiting: u64,
    /// What became of the URLs that were asked about; nothing of those that the store does not know.
    pub states: BTreeMap<String, String>,
    /// Counts, and what is counted anew, where URLs were asked about.
    pub counts: Vec<String>,
}

impl Contents {
    /// What is in `store`, and what became of some URLs.
    pub fn of(store: &Store, urls: &BTreeSet<String>) -> Self {
        let ids: Vec<_> = store.pictures().map(|it| it.unwrap().1).collect();
        let gave = ids
            .iter()
            .flat_map(|id| store.provenance(*id).unwrap().urls);
        let states = urls.iter().filter_map(|url| {
            let id = CanonicalUrl::parse(url).unwrap().id();
            let record = store.url_record(id).unwrap()?;
            Some((url.clone(), format!("{:?}", record.state)))
        });
        let counts = match urls.is_empty() {
            true => Vec::new(),
            false => vec![
                format!("{:?}", store.counts()),
                format!("{:?}", store.recount().unwrap()),
            ],
        };
        Self {
            gave: gave.collect(),
            pictures: ids.iter().map(ToString::to_string).collect(),
            pending: store.pending_count().unwrap(),
            waiting: store.waiting_count(),
            states: states.collect(),
            counts,
        }
    }
}

/// Says, for each line of stdin, what is in the store that the environment names, and what became of the
/// URLs that the line lists.
pub fn tell_who_asks() {
    let Ok(url) = std::env::var(URL) else {
        return;
    };
    let options = StoreOptions {
        network: &NETWORK,
        activations: Encoding::default(),
        recent_bytes: None,
        reserve_bytes: 0,
    };
    let cluster = ClusterOptions::new(url, BLOCKS.to_owned());
    let store = Store::open_cluster(&cluster, None, &options).unwrap();
    for line in std::io::stdin().lines() {
        let urls = serde_json::from_str(&line.unwrap()).unwrap();
        let contents = serde_json::to_string(&Contents::of(&store, &urls)).unwrap();
        println!("\n{contents}");
    }
}

/// A process that says what is in the store.
pub struct Reader {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Reader {
    pub fn start(url: &str, bucket: &Bucket) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "cluster::a_reader", "--ignored", "--nocapture"])
            .env(URL, url)
            .envs(Bucket::environment(bucket.port()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
        }
    }

    pub fn contents(&mut self, urls: &BTreeSet<String>) -> Contents {
        writeln!(self.input, "{}", serde_json::to_string(urls).unwrap()).unwrap();
        // Other lines are the test runner's.
        let is_json = |line: &String| line.starts_with("{\"pictures\"");
        let line = self.output.find_map(|line| line.ok().filter(is_json));
        serde_json::from_str(&line.expect("the reader has ended")).unwrap()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
