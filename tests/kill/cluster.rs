//! Three workers of a cluster on one synthetic web, one of which is killed: no host has noticed that
//! they are three, and the end is that of one machine.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use simdex::activation::Encoding;
use simdex::picture::PictureId;
use simdex::store::{ClusterOptions, Sequence, Store, StoreOptions};
use testweb::server::{Hit, Server, ServerOptions};
use testweb::web::{GapKey, Web, WebPlan, gaps, violations};

use crate::common::{NETWORK, Simdex};
use crate::postgres::Postgres;

const WORKERS: usize = 3;
const DELAY: Duration = Duration::from_millis(200);
/// A killed worker's hosts are another's after two minutes at most.
const PATIENCE: Duration = Duration::from_secs(400);

/// One machine: a folder of its own, and its name in what it sends.
struct Worker {
    simdex: Simdex,
    child: Child,
    seeds: Vec<String>,
}

impl Worker {
    fn begin(number: usize, settings: &str, seeds: Vec<String>) -> Self {
        let simdex = Simdex::new();
        let contact = format!("contact = \"{}\"\n", contact(number));
        simdex.configure(&settings.replacen("[crawl]\n", &format!("[crawl]\n{contact}"), 1));
        let child = start(&simdex, &seeds);
        Self {
            simdex,
            child,
            seeds,
        }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn begin_again(&mut self) {
        self.child = start(&self.simdex, &self.seeds);
    }

    /// Ends it as an operator does.
    fn stop(&mut self) {
        let process = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &process]).status();
        assert!(told.unwrap().success());
        assert_eq!(self.child.wait().unwrap().code(), Some(130));
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Where the test has failed, it still runs.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn contact(number: usize) -> String {
    format!("https://worker-{number}.example/")
}

fn start(simdex: &Simdex, seeds: &[String]) -> Child {
    let words: Vec<&str> = seeds.iter().map(String::as_str).collect();
    let mut command = simdex.command(&[&["work", "-q", "--role", "all"], &words[..]].concat());
    let log = std::fs::File::create(simdex.path("log")).unwrap();
    command.stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

/// Which worker has sent a request.
fn sender(hit: &Hit) -> Option<usize> {
    let agent = hit.request.header("user-agent")?;
    (0..WORKERS).find(|number| agent.contains(&contact(*number)))
}

fn requests(server: &Server, from: usize) -> BTreeMap<usize, usize> {
    let mut counts = BTreeMap::new();
    for number in server.log()[from..].iter().filter_map(sender) {
        *counts.entry(number).or_default() += 1;
    }
    counts
}

fn pictures(store: &Store) -> Vec<(Sequence, PictureId)> {
    store.pictures().map(Result::unwrap).collect()
}

#[test]
fn workers_of_a_cluster_are_one_crawler() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let plan = WebPlan {
        hosts: 30,
        addresses: 30,
        pages_per_host: 4,
        pictures_per_page: 2,
        ..WebPlan::default()
    };
    let web = Arc::new(Web::new(plan));
    let server = web.serve(&ServerOptions::default()).unwrap();
    let truth = web.truth();
    let crawl_settings = format!(
        "[crawl]\nallow_private_addresses = true\nscope = \"any\"\nconcurrency = 8\ndelay_ms = {}\n\
         max_crawl_delay_s = 1\n{}",
        DELAY.as_millis(),
        Web::resolve_table(&server)
    );

    // What one machine makes of it.
    let alone = Simdex::new();
    alone.configure(&crawl_settings);
    alone.json(&["crawl", "-q", &web.seeds()[0]]);
    let expected: BTreeSet<PictureId> = alone.stored().iter().map(|it| it.id).collect();
    assert!(truth.pictures.values().all(|id| expected.contains(id)));

    let bucket = Simdex::new();
    let blocks = format!("file://{}", bucket.path("blocks").display());
    let settings = format!(
        "{crawl_settings}\n[store]\nurl = \"{}\"\nblocks = \"{blocks}\"\n",
        postgres.url
    );
    bucket.configure(&settings);
    assert_eq!(bucket.run(&["store", "migrate"]).code, 0);
    let options = StoreOptions {
        network: &NETWORK,
        activations: Encoding::default(),
        reserve_bytes: 0,
    };
    let cluster = ClusterOptions::new(postgres.url.clone(), blocks);
    let store = Store::open_cluster(&cluster, None, &options).unwrap();

    // Each begins at other hosts, and all find the hosts of all.
    let from = server.total() as usize;
    let mut seeds = vec![Vec::new(); WORKERS];
    let homes = truth.pages.iter().filter(|url| url.ends_with(".test/"));
    for (i, home) in web.seeds().iter().chain(homes).enumerate() {
        seeds[i % WORKERS].push(home.clone());
    }
    let mut workers: Vec<Worker> = seeds
        .into_iter()
        .enumerate()
        .map(|(number, seeds)| Worker::begin(number, &settings, seeds))
        .collect();
    let until = Instant::now() + PATIENCE;
    let mut is_killed = false;
    loop {
        assert!(
            Instant::now() < until,
            "{} of {} pictures, {:?}, {:?}: {}",
            pictures(&store).len(),
            expected.len(),
            store.counts(),
            requests(&server, from),
            std::fs::read_to_string(workers[0].simdex.path("log")).unwrap()
        );
        std::thread::sleep(Duration::from_millis(100));
        if !is_killed
            && requests(&server, from)
                .get(&1)
                .is_some_and(|sent| *sent > 25)
        {
            workers[1].kill();
            workers[1].begin_again();
            is_killed = true;
        }
        // What failed may be tried again much later, and gives no picture that is expected.
        let is_done = store.waiting_count() == 0 && pictures(&store).len() >= expected.len();
        if is_killed && is_done {
            break;
        }
    }
    workers.iter_mut().for_each(Worker::stop);

    let stored = pictures(&store);
    let ids: BTreeSet<PictureId> = stored.iter().map(|(_, id)| *id).collect();
    assert_eq!(ids.len(), stored.len(), "none twice");
    assert_eq!(ids, expected);
    assert_eq!(store.counts(), store.recount().unwrap());
    let sent = requests(&server, from);
    assert_eq!(sent.len(), WORKERS, "{sent:?}");
    let hits = server.log().split_off(from);
    assert_eq!(violations(&hits, &truth), []);
    for (name, gap) in gaps(&hits, GapKey::Host) {
        let senders = [gap.before, gap.after].map(|at| sender(&hits[at]));
        assert!(gap.gap >= DELAY, "{name}: {:?} of {senders:?}", gap.gap);
    }
}
