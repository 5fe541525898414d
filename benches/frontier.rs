//! `cargo bench --bench frontier`: 100,000 hosts with 20 URLs each in one frontier, in random
//! order: what queueing, leasing and settling cost, and the memory of the process, as it
//! grows. Takes some minutes; `SIMDEX_BENCH_HOSTS` sets another number of hosts.

use std::time::Instant;

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use simdex::activation::Encoding;
use simdex::canonical_url::{CanonicalUrl, HostId};
use simdex::network::Network;
use simdex::store::{Discovery, PictureHint, Role, Store, StoreOptions, UrlOutcome};

type Failure = Box<dyn std::error::Error>;

const HOSTS: usize = 100_000;
const URLS_PER_HOST: usize = 20;
/// URLs queued by one transaction, as a page queues them.
const PER_PAGE: usize = 50;
/// Points of the curve.
const STEPS: usize = 10;
/// URLs leased and settled at each point.
const LEASED: usize = 5_000;

fn main() -> Result<(), Failure> {
    let hosts = match std::env::var("SIMDEX_BENCH_HOSTS") {
        Ok(hosts) => hosts.parse()?,
        Err(_) => HOSTS,
    };
    let dir = tempfile::tempdir()?;
    let network = Network::builtin()?;
    let options = StoreOptions {
        network: &network,
        activations: Encoding::default(),
        recent_bytes: None,
        reserve_bytes: 0,
    };
    let store = Store::open(dir.path(), &options)?;
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let mut urls: Vec<u32> = (0..(hosts * URLS_PER_HOST) as u32).collect();
    urls.shuffle(&mut random);
    println!(
        "{hosts} hosts, {URLS_PER_HOST} URLs each; {:.0} MB before",
        memory_mb()
    );
    println!(
        "  URLs queued | queueing, us/URL | lease and settle, us/URL | memory, MB | on disk, MB"
    );
    let mut queued = 0;
    for step in urls.chunks(urls.len().div_ceil(STEPS)) {
        let started = Instant::now();
        for page in step.chunks(PER_PAGE) {
            let found = page
                .iter()
                .map(|n| discovery(*n))
                .collect::<Result<Vec<_>, _>>()?;
            store.offer(&found)?;
        }
        let queueing = microseconds(started, step.len());
        queued += step.len();
        let mut leased = 0;
        let started = Instant::now();
        for _ in 0..LEASED {
            let host = HostId::of(&host_name(random.random_range(0..hosts)));
            if let Some(lease) = store.lease(host, true)? {
                store.settle(lease, UrlOutcome::Failed("http_404".to_owned()))?;
                leased += 1;
            }
        }
        let settling = microseconds(started, leased);
        println!(
            "  {queued:11} | {queueing:16.0} | {settling:24.0} | {:10.0} | {:11.0}",
            memory_mb(),
            store.disk_bytes()? as f64 / 1e6
        );
    }
    Ok(())
}

fn host_name(n: usize) -> String {
    format!("www.host-{n}.example")
}

fn discovery(n: u32) -> Result<Discovery, Failure> {
    let (host, path) = (n as usize / URLS_PER_HOST, n as usize % URLS_PER_HOST);
    let url = format!("https://{}/gallery/{path}/page-{n}.html", host_name(host));
    Ok(Discovery {
        url: CanonicalUrl::parse(&url)?,
        role: Role::Page,
        depth: 1,
        embed: None,
        hint: PictureHint::default(),
    })
}

fn microseconds(since: Instant, count: usize) -> f64 {
    since.elapsed().as_secs_f64() * 1e6 / count.max(1) as f64
}

/// What the process holds in memory; the list of URLs of this program takes 8 MB of it.
fn memory_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kb = line.and_then(|line| line.trim().split(' ').next()?.parse().ok());
    kb.map_or(f64::NAN, |kb: f64| kb * 1024.0 / 1e6)
}
