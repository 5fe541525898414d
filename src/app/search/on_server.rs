//! Tests: a search of what a server finds is one of what the index finds.

use std::sync::Arc;
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::activation::{Encoding, encode};
use crate::config::Config;
use crate::head::{Mode, Ranking};
use crate::index::IndexWriter;
use crate::network::{Descriptor, Embedding, LookDescriptor, LookProjection, Network};
use crate::picture::{PerceptualHash, PictureId};
use crate::search::{Query, QueryResult, SearchOptions, Searcher, View};
use crate::store::{NewPicture, PictureOutcome, Source, Store, StoreOptions, store_with_points};

/// Pictures of one kind: the first three of each are near-copies of one another.
const KIND: u64 = 8;
/// Pictures in all.
const ALL: u64 = 24;
/// Values of a layer, which come again and again.
const PATTERN: usize = 61;

fn mixed(seed: [u64; 3], count: usize, noise: f32) -> Vec<f32> {
    let [kind, number, layer] = seed;
    let mut base = ChaCha8Rng::seed_from_u64(kind * 1_000 + layer);
    let mut own = ChaCha8Rng::seed_from_u64(number * 1_000 + layer + 500);
    let mut value = || base.random_range(0.0..1.0) + noise * own.random_range(0.0..1.0);
    let pattern: Vec<f32> = (0..PATTERN).map(|_| value()).collect();
    (0..count).map(|n| pattern[n % PATTERN]).collect()
}

/// The picture of a number: like those of its kind.
fn picture(network: &Network, store: &Store, number: u64) -> NewPicture {
    let (kind, member) = (number / KIND % (ALL / KIND), number % KIND);
    let noise = match member {
        0..3 => 0.01 * (member + 1) as f32,
        _ => 0.3 + 0.1 * member as f32,
    };
    let values = |layer: usize, count| mixed([kind, number, layer as u64], count, noise);
    let layout = store.layout();
    let shapes = layout.layers().iter().enumerate();
    let layers: Vec<Vec<f32>> = shapes.map(|(n, it)| values(n, it.values())).collect();
    let layers: Vec<&[f32]> = layers.iter().map(Vec::as_slice).collect();
    let embedding = Embedding::normalized(&values(400, network.manifest().embedding.dimensions));
    let mut block = Vec::new();
    encode(layout, &layers, embedding.values(), &mut block);
    let look = network.look().map_or(0, LookProjection::dimensions);
    let hash = match member {
        0..3 => (kind << 40) | kind.wrapping_mul(0x9e37_79b9),
        _ => number.wrapping_mul(0x9e37_79b9_7f4a_7c15),
    };
    NewPicture {
        id: PictureId::of(&number.to_le_bytes()),
        width: 100 + member as u32,
        height: 100,
        media_type: "image/jpeg",
        bytes: 1,
        perceptual_hash: PerceptualHash(hash),
        descriptor: Descriptor::normalized(values(401, network.descriptor_dimensions())),
        look: Some(LookDescriptor::quantised(&values(402, look))),
        embedding,
        thumbnail: Vec::new(),
        block,
    }
}

fn filled(network: &Network, store: Store) -> Arc<Store> {
    for number in 0..ALL {
        let origin = Source::File {
            path: format!("/{number}").into(),
            bytes: 1,
            modified_ns: 1,
        };
        let picture = picture(network, &store, number);
        let outcome = PictureOutcome::Picture(origin, Box::new(picture));
        assert_eq!(store.commit(vec![outcome]).unwrap(), [true]);
    }
    Arc::new(store)
}

fn ids(result: &QueryResult) -> Vec<(String, usize)> {
    let results = result.results.iter();
    results.map(|it| (it.id.clone(), it.copies.len())).collect()
}

#[test]
fn a_server_answers_as_the_index_does() {
    let Some(cluster) = store_with_points() else {
        return;
    };
    let network = Network::builtin().unwrap();
    let alone = Store::in_memory(&StoreOptions {
        network: &network,
        activations: Encoding::Int8,
        recent_bytes: None,
        reserve_bytes: 0,
    });
    let (cluster, alone) = (filled(&network, cluster), filled(&network, alone));
    let config = Config::default().index;
    let index = IndexWriter::open(&alone, &config, &|_, _| true).unwrap();
    assert_eq!(index.index().near_duplicates().groups().len(), 3);
    let all = View::new(&alone, index.index()).unwrap();
    // One that is stored, and one that is not.
    for number in [9, 100] {
        let wanted = vec![vec![picture(&network, &alone, number)]];
        let query = Query {
            name: "query",
            wanted: &wanted,
            unwanted: &[],
            features_took: Duration::ZERO,
        };
        for (head, mode, candidates, min_width, all_copies) in [
            ("embedding", Mode::SameSubject, 200, 0, false),
            ("embedding", Mode::SameSubject, 3, 0, false),
            ("embedding", Mode::SameSubject, 3, 104, false),
            ("embedding", Mode::SameSubject, 5, 0, true),
            ("fused", Mode::SameSubject, 200, 0, false),
            ("fused", Mode::LookAlike, 200, 0, false),
            ("fused", Mode::Copy, 200, 0, false),
            ("fused", Mode::SameSubject, 5, 106, false),
        ] {
            let what = format!("{number} {head} {mode:?} {candidates} {min_width} {all_copies}");
            let ranking = Arc::new(Ranking::named(head, &network).unwrap());
            let mut options = SearchOptions::new(candidates.min(8), candidates);
            (options.mode, options.all_copies) = (mode, all_copies);
            options.filter.min_width = min_width;
            let local = Searcher::new(Arc::clone(&alone), all.clone(), Arc::clone(&ranking));
            let local = local.search(&query, &options).unwrap();
            let view = View::nearby(&cluster, &wanted, &ranking, &options).unwrap();
            assert_eq!(view.len(), ALL as usize);
            let on_server = Searcher::new(Arc::clone(&cluster), view, ranking);
            let on_server = on_server.search(&query, &options).unwrap();
            assert!(!local.results.is_empty(), "{what}");
            assert_eq!(ids(&local), ids(&on_server), "{what}");
            for (a, b) in local.results.iter().zip(&on_server.results) {
                // The server's mean is one of halves of floats.
                assert!(
                    (a.score - b.score).abs() < 0.01,
                    "{what}: {} {}",
                    a.score,
                    b.score
                );
                assert!((a.cosine - b.cosine).abs() < 0.01, "{what}");
            }
        }
    }
}
