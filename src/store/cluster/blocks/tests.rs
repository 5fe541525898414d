//! Activations in a real S3 server: a Python package that brings one.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use testweb::servers::Bucket;

use super::ObjectBlocks;
use crate::picture::PictureId;
use crate::store::{AppendEntries, Blocks, Entry, EntryLocation, Section, SectionKind};

fn open(bucket: &Bucket, cache: Option<&TempDir>) -> ObjectBlocks {
    let next = AtomicU32::new(0);
    let number = Box::new(move || Ok(next.fetch_add(1, Ordering::Relaxed)));
    let cache = cache.map(|dir| (dir.path(), 1 << 20));
    let settings = Bucket::environment(bucket.port());
    let settings = settings
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    ObjectBlocks::open_with(
        "s3://pictures/a/store",
        &settings,
        cache,
        Duration::ZERO,
        number,
    )
    .unwrap()
}

#[test]
fn activations_are_kept_by_a_real_s3_server() {
    let Some(bucket) = Bucket::start().unwrap() else {
        return;
    };
    let kept = tempfile::tempdir().unwrap();
    let blocks = open(&bucket, Some(&kept));
    let pictures: Vec<PictureId> = (0..5_u8).map(|n| PictureId::of(&[n])).collect();
    let bytes: Vec<Vec<u8>> = (0..5_u8)
        .map(|n| vec![n; 100_000 * usize::from(n)])
        .collect();
    let entry = |n: usize| Entry {
        picture: pictures[n],
        sections: vec![Section::of_bytes(SectionKind::Block, &bytes[n])],
    };
    let entries: Vec<Entry<'_>> = (0..5).map(entry).collect();
    let places: Vec<EntryLocation> = blocks.append(&entries).unwrap();
    for n in 0..5 {
        assert_eq!(
            *blocks.verify(pictures[n], places[n]).unwrap(),
            bytes[n][..]
        );
        assert_eq!(*blocks.read(pictures[n], places[n]).unwrap(), bytes[n][..]);
        assert!(blocks.read(pictures[(n + 1) % 5], places[n]).is_err());
    }
    // What was read is on this machine, whatever becomes of the server.
    drop(bucket);
    assert_eq!(*blocks.read(pictures[3], places[3]).unwrap(), bytes[3][..]);
}
