//! What a filter costs by how many pictures it lets through.

use std::path::Path;
use std::time::Instant;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use simdex::index::IndexWriter;
use simdex::network::{Descriptor, Network};
use simdex::store::{Sequence, SequenceSet};

use crate::{Failure, Mixer, Quantiles, config, store};

/// Candidates that a search of the shipped head has the index propose.
const PROPOSED: usize = 400;
/// Of so many pictures a filter lets one through.
const SHARES: [u64; 9] = [1, 3, 10, 20, 40, 80, 160, 1_000, 10_000];
/// Searches that are timed.
const TIMED: u64 = 30;

/// Candidates with a filter that lets some pictures through: a walk along the graphs beside a scan of them.
pub fn compare(dir: &Path) -> Result<(), Failure> {
    let network = Network::builtin()?;
    let store = store(&network, dir)?;
    let mixer = Mixer::new(&network)?;
    let index = IndexWriter::open(&store, &config(dir).index, &|_, _| true)?.index();
    let queries = (0..TIMED).map(|n| mixer.picture((1 << 61) + n).descriptor);
    let queries: Vec<Descriptor> = queries.collect();
    println!(
        "  a filter is scanned for up to {} pictures",
        index.few(PROPOSED)
    );
    for share in SHARES {
        let mut random = ChaCha8Rng::seed_from_u64(share);
        let pictures = store.pictures();
        let chosen = pictures.filter(|_| random.random_range(0..share) == 0);
        let chosen = chosen.map(|picture| Ok(picture?.0));
        let chosen = chosen.collect::<Result<Vec<Sequence>, Failure>>()?;
        let set: SequenceSet = chosen.iter().copied().collect();
        let accept = |sequence| set.contains(sequence);
        let (mut walks, mut scans, mut found, mut wanted) = (Vec::new(), Vec::new(), 0, 0);
        for query in &queries {
            let started = Instant::now();
            let walked = index.search(query, PROPOSED, &accept);
            walks.push(started.elapsed().as_secs_f64() * 1e3);
            let started = Instant::now();
            let scanned = index
                .of_few(&store, &chosen)
                .search(query, PROPOSED, &accept);
            scans.push(started.elapsed().as_secs_f64() * 1e3);
            wanted += scanned.len();
            let walked: SequenceSet = walked.iter().map(|c| c.sequence).collect();
            found += scanned
                .iter()
                .filter(|c| walked.contains(c.sequence))
                .count();
        }
        println!(
            "  {} match: walk {}; scan {}; the walk finds {:.4} of the scan's",
            chosen.len(),
            Quantiles(walks),
            Quantiles(scans),
            found as f64 / wanted.max(1) as f64,
        );
    }
    Ok(())
}
