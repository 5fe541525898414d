//! hnswlib and usearch on the same vectors: how fast a graph is built, how long a query takes at the same
//! recall, and how much memory it needs.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use simdex::index::IndexWriter;
use simdex::network::{Descriptor, Network};
use simdex::store::{Sequence, Store};

use crate::python::install;
use crate::{CANDIDATES, Failure, Mixer, Quantiles, config, nearest, store};

/// The versions that are compared with.
const PACKAGES: [&str; 3] = ["hnswlib==0.8.0", "usearch==2.26.6", "numpy==2.4.6"];
/// Queries.
const ASKED: u64 = 500;

/// Builds all three anew, and asks each the same.
pub fn compare(dir: &Path) -> Result<(), Failure> {
    let network = Network::builtin()?;
    let store = store(&network, dir)?;
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scale-peers");
    let python = install(&tools, &PACKAGES)?.join("python3");
    let mixer = Mixer::new(&network)?;
    let queries = (0..ASKED).map(|n| mixer.picture((1 << 60) + n).descriptor);
    let queries: Vec<Descriptor> = queries.collect();
    let nearest = nearest(&store, &queries)?;

    // In a folder of its own: the store's index stays.
    let folder = store.index_dir().ok_or("the store is in memory")?;
    let aside = folder.with_extension("aside");
    std::fs::rename(&folder, &aside)?;
    let measured = own(&store, dir, &queries, &nearest);
    std::fs::remove_dir_all(&folder)?;
    std::fs::rename(&aside, &folder)?;
    let recall = measured?;

    let vectors = dir.join("peers.npy");
    let asked = dir.join("peers-queries.npy");
    write(
        &vectors,
        store.descriptors(Sequence(0)).map(|entry| Ok(entry?.1)),
    )?;
    write(&asked, queries.iter().map(|query| Ok(query.clone())))?;
    drop(store);
    let settings = &config(dir).index;
    let status = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/scale/peers.py"))
        .args([&vectors, &asked])
        .args([settings.links, settings.ef_construction, CANDIDATES].map(|n| n.to_string()))
        .arg(format!("{recall}"))
        .status()?;
    for file in [vectors, asked] {
        std::fs::remove_file(file)?;
    }
    match status.success() {
        true => Ok(()),
        false => Err(format!("peers.py: {status}").into()),
    }
}

/// simdex's own; gives its recall.
fn own(
    store: &std::sync::Arc<Store>,
    dir: &Path,
    queries: &[Descriptor],
    nearest: &[Vec<Sequence>],
) -> Result<f64, Failure> {
    let started = Instant::now();
    let mut writer = IndexWriter::open(store, &config(dir).index, &|_, _| true)?;
    writer.save()?;
    let took = started.elapsed();
    let index = writer.index();
    let (mut found, mut times) = (0, Vec::new());
    for (query, nearest) in queries.iter().zip(nearest) {
        let started = Instant::now();
        let proposed = index.search(query, CANDIDATES, &|_| true);
        times.push(started.elapsed().as_secs_f64() * 1e3);
        let is_proposed = |near: &&Sequence| proposed.iter().any(|c| c.sequence == **near);
        found += nearest.iter().filter(is_proposed).count();
    }
    let recall = found as f64 / nearest.iter().map(Vec::len).sum::<usize>() as f64;
    let graphs = std::fs::read_dir(store.index_dir().ok_or("no folder")?)?;
    let graphs = graphs.filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len()));
    println!(
        "  simdex (i8, with near-copies): built {:.0}/s, {:.0} bytes a point, recall {recall:.4}, {}",
        index.len() as f64 / took.as_secs_f64(),
        graphs.sum::<u64>() as f64 / index.len() as f64,
        Quantiles(times),
    );
    Ok(recall)
}

/// Vectors as NumPy reads them.
fn write(
    path: &Path,
    vectors: impl Iterator<Item = Result<Descriptor, Failure>>,
) -> Result<(), Failure> {
    let vectors = vectors.collect::<Result<Vec<_>, _>>()?;
    let width = vectors.first().map_or(0, |first| first.values().len());
    let shape = format!("({}, {width})", vectors.len());
    let head = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    let mut out = std::io::BufWriter::new(std::fs::File::create(path)?);
    let length = (head.len() + 1 + 10).next_multiple_of(64) - 10;
    out.write_all(b"\x93NUMPY\x01\x00")?;
    out.write_all(&u16::try_from(length)?.to_le_bytes())?;
    writeln!(out, "{head:<0$}", length - 1)?;
    for vector in &vectors {
        for value in vector.values() {
            out.write_all(&value.to_le_bytes())?;
        }
    }
    Ok(out.flush()?)
}
