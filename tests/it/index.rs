//! The index, in the test's own process: one that follows its store is the one that is made
//! anew, whatever was stored and removed in between.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::seq::{IteratorRandom, SliceRandom};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};
use simdex::activation::{Encoding, encode};
use simdex::config::{Config, IndexConfig};
use simdex::index::{Candidate, Index, IndexWriter};
use simdex::network::{Descriptor, Embedding, Network};
use simdex::picture::{PerceptualHash, PictureId};
use simdex::store::{NewPicture, PictureOutcome, Source, Store, StoreOptions};

/// Numbers in an embedding, which is the descriptor here.
const DIMENSIONS: usize = 8;
/// Values of the only layer.
const VALUES: usize = 2 * 4 * 4;

/// A network with small features: nothing here runs it.
fn small_network(dir: &Path) -> Network {
    let model = b"never run";
    let sha256: String = Sha256::digest(model)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let manifest = format!(
        r#"
        name = "small"
        file = "small.onnx"
        sha256 = "{sha256}"
        input = {{ name = "x", width = 32, height = 32, mean = [0, 0, 0], std = [1, 1, 1] }}
        embedding = {{ output = "y", dimensions = {DIMENSIONS} }}
        layers = [{{ name = "a", output = "a", channels = 2, height = 4, width = 4 }}]
        "#
    );
    std::fs::write(dir.join("small.onnx"), model).unwrap();
    std::fs::write(dir.join("small.toml"), manifest).unwrap();
    Network::load(&dir.join("small.toml")).unwrap()
}

/// What copies have in common.
#[derive(Clone)]
struct Subject {
    hash: u64,
    values: Vec<f32>,
    embedding: Vec<f32>,
}

impl Subject {
    fn random(random: &mut ChaCha8Rng) -> Self {
        let mut some = |count: usize| -> Vec<f32> {
            (0..count).map(|_| random.random_range(-1.0..1.0)).collect()
        };
        Self {
            values: some(VALUES),
            embedding: some(DIMENSIONS),
            hash: random.random(),
        }
    }
}

/// A store with the pictures that were made up for it.
struct Made {
    store: Arc<Store>,
    random: ChaCha8Rng,
    subjects: Vec<Subject>,
    there: Vec<PictureId>,
    count: u64,
}

impl Made {
    fn new(store: Store, seed: u64) -> Self {
        Self {
            store: Arc::new(store),
            random: ChaCha8Rng::seed_from_u64(seed),
            subjects: Vec::new(),
            there: Vec::new(),
            count: 0,
        }
    }

    fn add(&mut self, count: usize) {
        let outcomes: Vec<PictureOutcome> = (0..count).map(|_| self.picture()).collect();
        assert!(
            self.store
                .commit(outcomes)
                .unwrap()
                .iter()
                .all(|is_new| *is_new)
        );
    }

    /// One of three is a copy of one that came before, which may be removed by now.
    fn picture(&mut self) -> PictureOutcome {
        let random = &mut self.random;
        let known = self.subjects.iter().choose(random).cloned();
        let subject = known
            .filter(|_| random.random_ratio(1, 3))
            .unwrap_or_else(|| {
                let new = Subject::random(random);
                self.subjects.push(new.clone());
                new
            });
        self.count += 1;
        let noise = |v: &f32| v + random.random_range(-0.003..0.003);
        let embedding: Vec<f32> = subject.embedding.iter().map(noise).collect();
        let mut block = Vec::new();
        encode(
            self.store.layout(),
            &[&subject.values],
            &embedding,
            &mut block,
        );
        let id = PictureId::of(&self.count.to_le_bytes());
        self.there.push(id);
        let picture = NewPicture {
            id,
            width: 64,
            height: 64,
            media_type: "image/jpeg",
            bytes: 1,
            perceptual_hash: PerceptualHash(subject.hash ^ (1 << (self.count % 3))),
            embedding: Embedding::normalized(&embedding),
            descriptor: Descriptor::normalized(embedding),
            look: None,
            thumbnail: Vec::new(),
            block,
        };
        let origin = Source::File {
            path: format!("/{}.jpg", self.count).into(),
            bytes: 1,
            modified_ns: 1,
        };
        PictureOutcome::Picture(origin, Box::new(picture))
    }

    fn remove(&mut self, count: usize) {
        self.there.shuffle(&mut self.random);
        for _ in 0..count.min(self.there.len()) {
            let id = self.there.pop().unwrap();
            assert!(self.store.remove_picture(id).unwrap());
        }
    }

    fn query(&mut self) -> Descriptor {
        Descriptor::normalized(Subject::random(&mut self.random).embedding)
    }

    fn open(&self, config: &IndexConfig) -> IndexWriter {
        IndexWriter::open(&self.store, config, &|_, _| true).unwrap()
    }
}

/// Few pictures are scanned, and a scan of twice as many becomes a graph.
fn config() -> IndexConfig {
    IndexConfig {
        exact_below: 24,
        ..Config::default().index
    }
}

/// Every picture that is there, nearest first.
fn nearest(index: &Index, query: &Descriptor) -> Vec<Candidate> {
    index.search(query, 10_000, &|_| true)
}

/// Holds the index that followed its store against one that was made anew.
fn assert_same(followed: &Index, anew: &Index, made: &mut Made) {
    assert_eq!(followed.len(), made.there.len());
    assert_eq!(anew.len(), made.there.len());
    assert_eq!(
        followed.near_duplicates().groups(),
        anew.near_duplicates().groups()
    );
    for _ in 0..4 {
        let query = made.query();
        let [a, b] = [followed, anew].map(|index| nearest(index, &query));
        let sequences = |all: &[Candidate]| all.iter().map(|c| c.sequence).collect::<BTreeSet<_>>();
        assert_eq!(
            sequences(&a),
            sequences(&b),
            "{} pictures",
            made.there.len()
        );
        // Graphs have signed bytes, a scan has the numbers themselves.
        for (a, b) in a.iter().zip(&b) {
            assert!((a.cosine - b.cosine).abs() < 0.02, "{a:?} {b:?}");
        }
    }
    for entry in made.store.descriptors(simdex::store::Sequence(0)) {
        let (sequence, descriptor) = entry.unwrap();
        assert!(followed.contains(sequence) && followed.finds(sequence, &descriptor));
    }
}

/// Up to about a hundred pictures, down to a few, and up again; says how often a scan and a graph
/// were looked at.
fn follow(made: &mut Made, save: bool) -> [usize; 2] {
    let config = config();
    let mut writer = made.open(&config);
    let mut looked = [0; 2];
    for (rounds, more) in [(25, true), (30, false), (15, true)] {
        for _ in 0..rounds {
            let [added, removed] = if more { [10, 3] } else { [1, 8] };
            let added = made.random.random_range(0..=added);
            made.add(added);
            if made.random.random_ratio(2, 3) {
                let removed = made.random.random_range(0..=removed);
                made.remove(removed);
            }
            // Several changes may come between two looks.
            if made.random.random_ratio(1, 3) {
                continue;
            }
            let followed = writer.refresh().unwrap();
            assert!(!writer.is_behind());
            if save && made.random.random_ratio(1, 2) {
                writer.save().unwrap();
            }
            looked[usize::from(followed.is_graph())] += 1;
            assert_same(&followed, &made.open(&config).index(), made);
        }
    }
    looked
}

#[test]
fn an_index_that_follows_is_one_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let network = small_network(dir.path());
    let options = StoreOptions {
        network: &network,
        activations: Encoding::Int8,
        recent_bytes: None,
        reserve_bytes: 0,
    };
    for seed in 0..6 {
        let mut made = Made::new(Store::in_memory(&options), seed);
        let [scans, graphs] = follow(&mut made, false);
        assert!(scans > 0 && graphs > 10, "{scans} {graphs}");
    }
}

#[test]
fn so_is_one_that_is_saved_in_between() {
    let dir = tempfile::tempdir().unwrap();
    let network = small_network(dir.path());
    let options = StoreOptions {
        network: &network,
        activations: Encoding::Int8,
        recent_bytes: None,
        reserve_bytes: 0,
    };
    let store = Store::open(&dir.path().join("store"), &options).unwrap();
    let mut made = Made::new(store, 1);
    let [scans, graphs] = follow(&mut made, true);
    assert!(scans > 0 && graphs > 10, "{scans} {graphs}");
}

#[test]
fn a_large_graph_is_built_while_pictures_come_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let network = small_network(dir.path());
    let options = StoreOptions {
        network: &network,
        activations: Encoding::Int8,
        recent_bytes: None,
        reserve_bytes: 0,
    };
    let store = Store::open(&dir.path().join("store"), &options).unwrap();
    let mut made = Made::new(store, 5);
    made.add(60);
    let mut writer = made.open(&config());
    made.add(4_000);
    writer.refresh().unwrap();
    for _ in 0..5 {
        made.add(4);
        made.remove(20);
        let followed = writer.refresh().unwrap();
        assert_eq!(followed.len(), made.there.len());
    }
    // The graph may be there by now, or not yet.
    let started = Instant::now();
    while writer.is_building() && !writer.is_behind() {
        assert!(started.elapsed() < Duration::from_secs(300));
        std::thread::sleep(Duration::from_millis(20));
    }
    let followed = writer.refresh().unwrap();
    assert!(!writer.is_building());
    assert_same(&followed, &made.open(&config()).index(), &mut made);
    // One that is still built when nobody needs it any more holds nothing up.
    made.add(4_000);
    writer.refresh().unwrap();
    let started = Instant::now();
    drop(writer);
    assert!(started.elapsed() < Duration::from_secs(30));
    assert_eq!(made.open(&config()).index().len(), made.there.len());
}

#[test]
fn an_index_that_was_given_out_stays_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let network = small_network(dir.path());
    let options = StoreOptions {
        network: &network,
        activations: Encoding::Int8,
        recent_bytes: None,
        reserve_bytes: 0,
    };
    let mut made = Made::new(Store::in_memory(&options), 9);
    made.add(60);
    let mut writer = made.open(&config());
    let (before, query) = (writer.index(), made.query());
    let seen = nearest(&before, &query);
    assert!(before.is_graph() && seen.len() > 30);
    for _ in 0..5 {
        made.add(10);
        made.remove(7);
        writer.refresh().unwrap();
        assert_eq!(nearest(&before, &query), seen);
    }
    assert_ne!(nearest(&writer.index(), &query), seen);
}

/// Changes the file of the saved graph, and has its checksums fit.
fn damage(index: &Path, change: &dyn Fn(&mut Vec<u8>)) {
    let names = std::fs::read_dir(index).unwrap();
    let mut names = names.map(|entry| entry.unwrap().path());
    let is_graph = |path: &PathBuf| path.to_str().unwrap().contains("/graph-");
    let file = names.find(is_graph).unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    change(&mut bytes);
    if let Some((head, rest)) = bytes.split_at_mut_checked(64) {
        head[32..36].copy_from_slice(&crc32fast::hash(rest).to_le_bytes());
        let of_head = crc32fast::hash(&head[..36]);
        head[36..40].copy_from_slice(&of_head.to_le_bytes());
    }
    // Not in place: it is mapped.
    let other = file.with_extension("new");
    std::fs::write(&other, &bytes).unwrap();
    std::fs::rename(other, file).unwrap();
}

#[test]
fn a_damaged_graph_with_fitting_checksums_is_built_anew() {
    let dir = tempfile::tempdir().unwrap();
    let network = small_network(dir.path());
    let options = StoreOptions {
        network: &network,
        activations: Encoding::Int8,
        recent_bytes: None,
        reserve_bytes: 0,
    };
    let store = Store::open(&dir.path().join("store"), &options).unwrap();
    let mut made = Made::new(store, 12);
    made.add(80);
    let index = made.store.index_dir().unwrap();
    let whole = made.open(&config()).index();
    assert!(whole.is_graph());
    let mut random = ChaCha8Rng::seed_from_u64(4);
    // Every number of the head and of the counts behind it, then anything.
    for at in (0..36)
        .step_by(4)
        .chain([64, 68])
        .chain((0..40).map(|_| usize::MAX))
    {
        for value in [0x00, 0x7f, 0xff] {
            damage(&index, &|bytes| {
                let at = match at {
                    usize::MAX => random.clone().random_range(72..bytes.len() - 4),
                    at => at,
                };
                bytes[at..at + 4].fill(value);
            });
            random.random::<u32>();
            // It is made anew, and saved in the damaged one's place, or cannot be told from a whole one.
            let anew = made.open(&config()).index();
            match at {
                usize::MAX => assert!(nearest(&anew, &made.query()).len() <= made.there.len()),
                _ => assert_same(&whole, &anew, &mut made),
            }
        }
    }
    for length in [0, 63, 64, 200] {
        damage(&index, &|bytes| bytes.truncate(length));
        assert_same(&whole, &made.open(&config()).index(), &mut made);
    }
    // The name of the files leads out of the folder.
    let snapshot = index.join("snapshot.toml");
    let text = std::fs::read_to_string(&snapshot).unwrap();
    std::fs::write(&snapshot, text.replace("\"graph-", "\"../index/graph-")).unwrap();
    assert_same(&whole, &made.open(&config()).index(), &mut made);
    let own = std::fs::read_to_string(&snapshot).unwrap();
    assert!(!own.contains(".."), "{own}");
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (from, to) = (
            entry.as_ref().unwrap().path(),
            to.join(entry.unwrap().file_name()),
        );
        match from.is_dir() {
            true => copy_folder(&from, &to),
            false => drop(std::fs::copy(from, to).unwrap()),
        }
    }
}

#[test]
fn an_index_of_before_a_store_was_restored_is_not_used() {
    let dir = tempfile::tempdir().unwrap();
    let network = small_network(dir.path());
    let options = StoreOptions {
        network: &network,
        activations: Encoding::Int8,
        recent_bytes: None,
        reserve_bytes: 0,
    };
    let [folder, backup] = ["store", "backup"].map(|name| dir.path().join(name));
    let mut made = Made::new(Store::open(&folder, &options).unwrap(), 3);
    made.add(80);
    let there = made.there.clone();
    drop(made);
    copy_folder(&folder, &backup);
    let mut made = Made::new(Store::open(&folder, &options).unwrap(), 4);
    made.count = 1_000;
    made.add(40);
    let index = made.store.index_dir().unwrap();
    assert!(made.open(&config()).index().is_graph());
    drop(made);
    // The store is as it was, the index is not; what comes next has the numbers of what came then.
    copy_folder(&index, &backup.join(index.strip_prefix(&folder).unwrap()));
    let mut made = Made::new(Store::open(&backup, &options).unwrap(), 5);
    (made.count, made.there) = (2_000, there);
    made.add(60);
    let opened = made.open(&config()).index();
    std::fs::remove_dir_all(made.store.index_dir().unwrap()).unwrap();
    let anew = made.open(&config()).index();
    assert_same(&opened, &anew, &mut made);
}
