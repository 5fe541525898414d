//! What every implementation of [`Vectors`] must do; each is run through all of it.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Vectors;
use super::exact::Exact;
use super::frozen::Frozen;
use super::graph::{Graph, GraphOptions};
use crate::config::Config;
use crate::network::Descriptor;
use crate::store::Sequence;

const DIMENSIONS: usize = 16;

/// Each over some points.
fn implementations(points: &[(Sequence, Descriptor)]) -> Vec<(&'static str, Box<dyn Vectors>)> {
    let mut exact = Exact::default();
    exact.insert(points);
    let options = GraphOptions::new(&Config::default().index);
    let mut graph = Graph::new(options, points.len());
    points.chunks(70).for_each(|part| graph.insert(part));
    let frozen = Frozen::of(graph, options).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let saved = frozen.save(dir.path(), "graph").unwrap();
    vec![
        ("exact", Box::new(exact)),
        ("frozen", Box::new(frozen)),
        ("saved", Box::new(saved)),
    ]
}

/// Descriptors in all directions, with gaps between the sequences.
fn points(count: u64) -> Vec<(Sequence, Descriptor)> {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut descriptor = || {
        let values = (0..DIMENSIONS).map(|_| random.random_range(-1.0..1.0));
        Descriptor::normalized(values.collect())
    };
    (0..count)
        .map(|n| (Sequence(3 * n), descriptor()))
        .collect()
}

#[test]
fn nothing_is_found_among_no_points() {
    let query = &points(1)[0].1;
    let nothing = Exact::default();
    assert!(nothing.nearest(query, 5, &|_| true).is_empty());
    assert_eq!(nothing.sequences().count(), 0);
    // There is no graph of no points.
    let options = GraphOptions::new(&Config::default().index);
    assert!(Frozen::of(Graph::new(options, 0), options).is_err());
}

#[test]
fn every_point_finds_itself_whenever_it_came() {
    let points = points(300);
    for (name, vectors) in implementations(&points) {
        let sequences: Vec<Sequence> = points.iter().map(|point| point.0).collect();
        assert!(vectors.sequences().eq(sequences), "{name}");
        for (sequence, descriptor) in &points {
            assert!(vectors.finds(*sequence, descriptor), "{name}");
            let found = vectors.nearest(descriptor, 1, &|_| true);
            assert_eq!(found[0].sequence, *sequence, "{name}");
            assert!(found[0].cosine > 0.999, "{name}");
        }
    }
}

#[test]
fn the_nearest_come_first_and_the_filter_holds() {
    let points = points(300);
    let query = &points[5].1;
    let accept = |sequence: Sequence| sequence.0.is_multiple_of(2);
    let mut expected: Vec<(f32, Sequence)> = points
        .iter()
        .filter(|(sequence, _)| accept(*sequence))
        .map(|(sequence, descriptor)| (query.cosine(descriptor), *sequence))
        .collect();
    expected.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    for (name, vectors) in implementations(&points) {
        let found = vectors.nearest(query, 10, &accept);
        assert_eq!(found.len(), 10, "{name}");
        for (found, (cosine, sequence)) in found.iter().zip(&expected) {
            // Signed bytes may swap what is nearly as near.
            let is_same = found.sequence == *sequence || name != "exact";
            assert!(is_same && (found.cosine - cosine).abs() < 0.01, "{name}");
        }
    }
}

#[test]
fn a_narrow_filter_still_finds_what_there_is() {
    let points = points(300);
    let last = points[299].0;
    for (name, vectors) in implementations(&points) {
        let found = vectors.nearest(&points[0].1, 5, &|sequence| sequence == last);
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!(found[0].sequence, last, "{name}");
    }
}

#[test]
fn identical_points_hide_no_other_and_come_once() {
    let mut points = points(40);
    let one = points[0].1.clone();
    points[..20]
        .iter_mut()
        .for_each(|point| point.1 = one.clone());
    for (name, vectors) in implementations(&points) {
        let found = vectors.nearest(&one, 40, &|_| true);
        let mut sequences: Vec<Sequence> = found.iter().map(|found| found.sequence).collect();
        sequences.sort_unstable();
        sequences.dedup();
        assert_eq!(sequences.len(), found.len(), "{name}");
        assert!(found[0].cosine > 0.999, "{name}");
        for (sequence, descriptor) in &points {
            assert!(vectors.finds(*sequence, descriptor), "{name}");
        }
    }
}

#[test]
fn what_was_added_out_of_order_is_in_order() {
    let mut points = points(50);
    let whole = implementations(&points).swap_remove(0);
    points.reverse();
    points.swap(3, 30);
    let mut exact = Exact::default();
    exact.insert(&points);
    assert!(exact.sequences().eq(whole.1.sequences()));
    let query = &points[7].1;
    let all = |vectors: &dyn Vectors| vectors.nearest(query, 50, &|_| true);
    assert_eq!(all(&exact), all(&*whole.1));
    let some = exact.only(&|sequence| sequence.0.is_multiple_of(2));
    assert_eq!(some.len(), 25);
    assert_eq!(
        some.nearest(query, 50, &|_| true),
        exact.nearest(query, 50, &|s| s.0.is_multiple_of(2))
    );
}
