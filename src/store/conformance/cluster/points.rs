//! What a server with pgvector finds.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::server;
use crate::canonical_url::HostId;
use crate::network::{Descriptor, LookDescriptor};
use crate::picture::{PerceptualHash, PictureId};
use crate::store::conformance::fixture::{
    commit, fetch, file, memory, open_cluster, options, picture, picture_id,
};
use crate::store::{
    ClusterOptions, LEASE_TIME, Near, NearPicture, NearTo, NewPicture, PictureOutcome, PointsMade,
    Store, StoreError, Which, make_points,
};

/// Numbers from -1 to 1.
fn numbers(random: &mut ChaCha8Rng, count: usize) -> Vec<f32> {
    (0..count).map(|_| random.random_range(-1.0..1.0)).collect()
}

/// A picture of chance, by its number: next to nothing is kept of it but its descriptor and its look.
fn of_chance(store: &Store, number: u64) -> NewPicture {
    let mut random = ChaCha8Rng::seed_from_u64(number);
    let like = picture(store, 1);
    // Some directions say more than others, as in descriptors of pictures.
    let descriptor = numbers(&mut random, like.descriptor.values().len());
    let descriptor = descriptor.iter().zip(1..).map(|(v, n)| v / n as f32);
    let look = like.look.as_ref().map_or(0, |look| look.bytes().len());
    NewPicture {
        id: PictureId::of(&number.to_le_bytes()),
        width: 100 + number as u32,
        perceptual_hash: PerceptualHash(number),
        descriptor: Descriptor::normalized(descriptor.collect()),
        look: Some(LookDescriptor::quantised(&numbers(&mut random, look))),
        block: vec![0; 8],
        ..*like
    }
}

fn fill(store: &Store, numbers: std::ops::Range<u64>) {
    let outcomes = numbers.map(|n| {
        let origin = file(&format!("{n}.png"));
        PictureOutcome::Picture(origin, Box::new(of_chance(store, n)))
    });
    store.commit(outcomes.collect()).unwrap();
}

fn near(store: &Store, to: NearTo<'_>, count: usize) -> Vec<NearPicture> {
    let which = None;
    let nearest = store.near(&Near { to, count, which }).unwrap();
    nearest.pictures
}

fn numbers_of(found: &[NearPicture]) -> BTreeSet<u64> {
    found.iter().map(|picture| picture.sequence.0).collect()
}

/// The same store, by a connection with another setting.
fn with(options: &ClusterOptions, setting: &str) -> Store {
    let url = format!("{}%20-c{setting}%3Doff", options.url);
    let options = ClusterOptions {
        url,
        ..options.clone()
    };
    open_cluster(&options, LEASE_TIME)
}

#[test]
fn what_is_nearest_is_found() {
    let Some(options) = server::with_points() else {
        return;
    };
    let store = open_cluster(&options, LEASE_TIME);
    assert!(store.finds_near());
    fill(&store, 0..60);
    let asked = of_chance(&store, 1_000);
    let mut all: Vec<NewPicture> = (0..60).map(|n| of_chance(&store, n)).collect();
    all.sort_by(|a, b| {
        let cosine = |it: &NewPicture| it.descriptor.cosine(&asked.descriptor);
        cosine(b).total_cmp(&cosine(a))
    });
    let found = near(&store, NearTo::Descriptor(&asked.descriptor), 12);
    assert_eq!(found.len(), 12);
    for picture in &found {
        let place = all.iter().position(|it| it.id == picture.row.id).unwrap();
        // Halves of floats may have two that are as near change places.
        assert!(place < 13, "{place}");
        let stored = &all[place];
        assert_eq!(picture.row.descriptor, stored.descriptor);
        assert_eq!(picture.hash, stored.perceptual_hash);
        assert_eq!(picture.look, stored.look);
        let row = store.row(picture.sequence).unwrap();
        assert_eq!(row.as_ref(), Some(&picture.row));
    }
    let look = asked.look.as_ref().unwrap();
    let cosine = |it: &NewPicture| it.look.as_ref().map_or(-1.0, |it| it.cosine(look));
    all.sort_by(|a, b| cosine(b).total_cmp(&cosine(a)));
    let found = near(&store, NearTo::Look(look), 5);
    let found: BTreeSet<PictureId> = found.iter().map(|it| it.row.id).collect();
    assert_eq!(found, all[..5].iter().map(|it| it.id).collect());
    // More than there are.
    assert_eq!(
        near(&store, NearTo::Descriptor(&asked.descriptor), 100).len(),
        60
    );
}

#[test]
fn what_leaves_is_found_no_more() {
    let Some(options) = server::with_points() else {
        return;
    };
    let store = open_cluster(&options, LEASE_TIME);
    fill(&store, 0..10);
    let third = of_chance(&store, 3);
    let to = NearTo::Descriptor(&third.descriptor);
    assert_eq!(near(&store, to, 1)[0].row.id, third.id);
    assert_eq!(store.means().unwrap().pictures, 10);
    assert!(store.remove_picture(third.id).unwrap());
    assert!(!numbers_of(&near(&store, to, 10)).contains(&3));
    assert_eq!(store.means().unwrap().pictures, 9);
    for table in ["points", "samples"] {
        let count = server::count(&options.url, &format!("SELECT count(*) FROM {table}"));
        assert_eq!(count, 9, "{table}");
    }
    fill(&store, 20..21);
    assert_eq!(near(&store, to, 100).len(), 10);
}

#[test]
fn only_pictures_come_that_may() {
    let Some(options) = server::with_points() else {
        return;
    };
    let store = open_cluster(&options, LEASE_TIME);
    fill(&store, 0..40);
    assert!(fetch(&store, "a.example", "a.example/1.png", 1));
    let any = Which {
        min_width: 0,
        min_height: 0,
        since_s: None,
        until_s: None,
        host: None,
    };
    let first = of_chance(&store, 0);
    let found = |which: Which| {
        let near = Near {
            to: NearTo::Descriptor(&first.descriptor),
            count: 100,
            which: Some(which),
        };
        numbers_of(&store.near(&near).unwrap().pictures)
    };
    assert_eq!(found(any).len(), 41);
    let wide = found(Which {
        min_width: 130,
        ..any
    });
    assert_eq!(wide, (30..40).collect());
    let of_host = |name: &str| {
        found(Which {
            host: Some(HostId::of(name)),
            ..any
        })
    };
    assert_eq!(of_host("a.example"), [40].into());
    assert!(of_host("b.example").is_empty());
    let since = |since_s| found(Which { since_s, ..any }).len();
    let until = |until_s| found(Which { until_s, ..any }).len();
    assert_eq!((since(Some(0)), since(Some(u64::MAX))), (41, 0));
    assert_eq!((until(Some(0)), until(Some(u64::MAX))), (0, 41));
}

#[test]
fn points_without_pictures_are_no_end() {
    let Some(options) = server::with_points() else {
        return;
    };
    let store = open_cluster(&options, LEASE_TIME);
    fill(&store, 0..10);
    // As a commit leaves them that came to no end.
    server::execute(
        &options.url,
        "INSERT INTO points SELECT 'none', descriptor FROM points WHERE picture = ( \
           SELECT picture FROM pictures WHERE sequence = 3)",
    );
    let third = of_chance(&store, 3);
    let nearest = |count| {
        let to = NearTo::Descriptor(&third.descriptor);
        let which = None;
        store.near(&Near { to, count, which }).unwrap()
    };
    assert!(nearest(2).pictures.len() < 3 && !nearest(2).are_all);
    assert_eq!(nearest(4).pictures.len(), 3);
    assert!(!nearest(11).are_all && nearest(12).are_all);
    assert_eq!(nearest(12).pictures.len(), 10);
}

#[test]
fn a_store_of_before_gets_its_points() {
    let Some(options) = server::new_database() else {
        return;
    };
    {
        let store = open_cluster(&options, LEASE_TIME);
        assert!(!store.finds_near());
        for n in 1..=30 {
            assert!(commit(&store, file(&n.to_string()), n));
        }
    }
    let options = server::seeing_pgvector(options);
    let flaws = |options: &ClusterOptions| {
        let mut flaws = 0;
        let store = open_cluster(options, LEASE_TIME);
        store.check_log(&mut |_| flaws += 1).unwrap();
        flaws
    };
    assert_eq!(flaws(&options), 0);
    let unknowing = open_cluster(&options, LEASE_TIME);
    let mut told = Vec::new();
    let mut make = |most: usize| {
        let progress = &mut |done, total| {
            told.push((done, total));
            told.len() < most
        };
        make_points(&options, &self::options(), progress).unwrap()
    };
    // It is stopped, and goes on.
    assert_eq!(make(1), PointsMade::Stopped);
    let outcome = PictureOutcome::Picture(file("31"), picture(&unknowing, 31));
    let stored = unknowing.commit(vec![outcome]);
    assert!(matches!(stored, Err(StoreError::ShutOut)));
    drop(unknowing);
    assert!(!open_cluster(&options, LEASE_TIME).finds_near());
    assert_eq!(make(1_000), PointsMade::Whole { added: 0 });
    assert_eq!(make(1_000), PointsMade::Whole { added: 0 });
    assert_eq!(flaws(&options), 0);
    // A worker that knew nothing of points has stored one, and removed another.
    server::execute(
        &options.url,
        "WITH first AS (DELETE FROM points WHERE picture = ( \
           SELECT picture FROM pictures ORDER BY picture LIMIT 1) RETURNING descriptor) \
         INSERT INTO points SELECT 'none', descriptor FROM first",
    );
    let unseen = "SELECT count(*) FROM pictures p LEFT JOIN points n USING (picture) \
                  WHERE n.picture IS NULL";
    assert_eq!(server::count(&options.url, unseen), 1);
    // It is whole: a word is said, and nothing is to be taken out.
    assert_eq!(flaws(&options), 0);
    assert_eq!(make(1_000), PointsMade::Whole { added: 1 });
    assert_eq!(flaws(&options), 0);
    let count = server::count(&options.url, "SELECT count(*) FROM points");
    assert_eq!(count, 30);
    assert_eq!(told[0], (30, 30));
    assert_eq!(told.last(), Some(&(1, 1)));
    let store = open_cluster(&options, LEASE_TIME);
    assert!(store.finds_near());
    let seventh = picture(&store, 7);
    let found = near(&store, NearTo::Descriptor(&seventh.descriptor), 1);
    assert_eq!(found[0].row.id, picture_id(7));
    // The mean is that of all, but for halves of floats.
    let means = store.means().unwrap();
    assert_eq!(means.pictures, 30);
    let other = memory(LEASE_TIME);
    let pictures: Vec<_> = (1..=30).map(|n| picture(&other, n)).collect();
    for (i, mean) in means.descriptor.iter().enumerate() {
        let all = pictures.iter().map(|it| it.descriptor.values()[i]);
        assert!((mean - all.sum::<f32>() / 30.0).abs() < 1e-3, "{i}");
    }
}

#[test]
fn the_means_are_those_of_all() {
    let Some(options) = server::with_points() else {
        return;
    };
    let store = open_cluster(&options, LEASE_TIME);
    let pictures: Vec<_> = (1..=30).map(|n| picture(&store, n)).collect();
    let outcomes = pictures
        .iter()
        .zip(1..)
        .map(|(_, n)| PictureOutcome::Picture(file(&n.to_string()), picture(&store, n)));
    store.commit(outcomes.collect()).unwrap();
    let means = store.means().unwrap();
    let is_mean = |mean: &[f32], of: &dyn Fn(&NewPicture) -> Vec<f32>| {
        for (i, mean) in mean.iter().enumerate() {
            let sum: f32 = pictures.iter().map(|it| of(it)[i]).sum();
            assert!((mean - sum / 30.0).abs() < 1e-3, "{i}");
        }
    };
    assert_eq!(means.pictures, 30);
    assert_eq!(means.embedding.len(), pictures[0].embedding.values().len());
    is_mean(&means.embedding, &|it| it.embedding.values().to_vec());
    is_mean(&means.descriptor, &|it| it.descriptor.values().to_vec());
}

#[test]
fn the_graph_finds_what_a_scan_does() {
    let Some(options) = server::with_points() else {
        return;
    };
    let store = open_cluster(&options, LEASE_TIME);
    for begin in (0..2_000).step_by(100) {
        fill(&store, begin..begin + 100);
    }
    let (graph, scan) = (
        with(&options, "enable_seqscan"),
        with(&options, "enable_indexscan"),
    );
    let (mut there, mut wanted) = (0, 0);
    for n in 5_000..5_020 {
        let asked = of_chance(&store, n);
        let to = NearTo::Descriptor(&asked.descriptor);
        let exact = numbers_of(&near(&scan, to, 200));
        assert_eq!(exact.len(), 200);
        let found = numbers_of(&near(&graph, to, 200));
        there += exact.intersection(&found).count();
        wanted += exact.len();
    }
    // docs/cluster.md has what was measured.
    let recall = there as f64 / f64::from(wanted as u32);
    assert!(recall > 0.97, "{recall}");
    // What a connection has used is known when it has ended.
    drop((graph, scan, store));
    let used = "SELECT sum(idx_scan)::bigint FROM pg_stat_user_indexes \
                WHERE indexrelname = 'points_descriptor' AND schemaname = current_schema()";
    let until = Instant::now() + Duration::from_secs(10);
    while server::count(&options.url, used) < 20 {
        assert!(Instant::now() < until, "the graph is not used");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_server_without_pgvector_says_so() {
    let Some(options) = server::new_database() else {
        return;
    };
    // The extension is there, where this database's names are not looked for.
    server::make_pgvector(&options.url);
    let made = make_points(&options, &self::options(), &mut |_, _| true).unwrap();
    let PointsMade::Unavailable(reason) = made else {
        panic!("{made:?}");
    };
    assert!(reason.contains("search_path"), "{reason}");
    let store = open_cluster(&options, LEASE_TIME);
    assert!(!store.finds_near());
    assert!(commit(&store, file("1"), 1));
    // One who may not make it, where it is not.
    let Some(bare) = server::without_pgvector() else {
        return;
    };
    let made = make_points(&bare, &self::options(), &mut |_, _| true).unwrap();
    let PointsMade::Unavailable(reason) = made else {
        panic!("{made:?}");
    };
    assert!(reason.contains("CREATE EXTENSION vector"), "{reason}");
    let store = open_cluster(&bare, LEASE_TIME);
    assert!(commit(&store, file("1"), 1));
}
