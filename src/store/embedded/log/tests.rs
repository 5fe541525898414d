//! Crashes of the log, by seed: whatever happened, what was acknowledged is there, byte for byte,
//! and nothing is there that was never appended.

use std::collections::BTreeMap;
use std::path::Path;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::picture::PictureId;
use crate::store::embedded::disk::crash::CrashDisk;
use crate::store::entry::{Section, SectionKind};

const STORE: StoreId = [9; 16];
/// Segments are closed early, so that many are.
const SMALL_SEGMENT: u64 = 6000;
/// Lives of one store between crashes.
const LIVES: u64 = 4;
const COMMANDS: usize = 12;

/// How many crashes: a few thousand, or as many as `SIMDEX_CRASHES` says.
fn crashes() -> u64 {
    let wanted = std::env::var("SIMDEX_CRASHES").ok();
    wanted.and_then(|text| text.parse().ok()).unwrap_or(3000)
}

fn dir() -> &'static Path {
    Path::new("/store")
}

/// What a log should have.
#[derive(Debug, Default, Clone)]
struct Model {
    /// By number: the picture and its payload.
    acknowledged: BTreeMap<u64, (PictureId, Vec<u8>)>,
    /// Those that may be there or not.
    uncertain: BTreeMap<u64, (PictureId, Vec<u8>)>,
    /// What those that are there may have become.
    changed: BTreeMap<u64, (PictureId, Vec<u8>)>,
    marked: u64,
}

/// Opens a log with small segments.
fn open(disk: &CrashDisk, about: &str) -> Log {
    let opened = Log::open(Arc::new(disk.clone()), dir(), STORE);
    let opened = opened.unwrap_or_else(|error| panic!("{about}: {error}"));
    let mut log = opened.log;
    log.segment_bytes = SMALL_SEGMENT;
    log
}

/// Does random things until one fails.
fn live(log: &Log, model: &mut Model, random: &mut ChaCha8Rng) -> Result<(), StoreError> {
    for _ in 0..COMMANDS {
        match random.random_range(0..10) {
            0 => log.close_segment()?,
            1 => rewrite(log, model, random)?,
            _ => append(log, model, random)?,
        }
    }
    Ok(())
}

fn append(log: &Log, model: &mut Model, random: &mut ChaCha8Rng) -> Result<(), StoreError> {
    let count = random.random_range(1..4);
    let new: Vec<(PictureId, Vec<u8>)> = (0..count)
        .map(|_| {
            let length = match random.random_range(0..4) {
                0 => 0,
                1 => random.random_range(2000..9000),
                _ => random.random_range(1..600),
            };
            let payload: Vec<u8> = (0..length).map(|_| random.random()).collect();
            (PictureId::of(&payload), payload)
        })
        .collect();
    let entries: Vec<Entry<'_>> = new
        .iter()
        .map(|(picture, payload)| Entry {
            picture: *picture,
            sections: vec![
                Section::of_bytes(SectionKind::Thumbnail, &payload[..payload.len() / 2]),
                Section::of_bytes(SectionKind::Block, payload),
            ],
        })
        .collect();
    let first = log.position().next;
    let numbered = (first..).zip(new.clone());
    model.uncertain.extend(numbered);
    log.append(&entries)?;
    log.set_mark(Totals {
        next_sequence: log.position().next,
        ..Totals::default()
    })?;
    for number in first..log.position().next {
        let entry = model.uncertain.remove(&number).unwrap();
        model.acknowledged.insert(number, entry);
    }
    model.marked = log.position().next;
    Ok(())
}

/// Takes some entries out of a closed segment, and writes some with another payload.
fn rewrite(log: &Log, model: &mut Model, random: &mut ChaCha8Rng) -> Result<(), StoreError> {
    let closed = log.segments().0;
    if closed.is_empty() {
        return Ok(());
    }
    let segment = closed[random.random_range(0..closed.len())];
    let mut dropped = Vec::new();
    let mut rest = Vec::new();
    log.for_each_entry(Position::default(), &mut |entry| {
        let entry = entry.unwrap();
        if entry.location.segment == segment.number {
            match random.random_range(0..4) {
                0 | 1 => dropped.push(entry.number),
                2 => rest.push(entry.number),
                _ => {
                    rest.push(entry.number);
                    let payload = vec![entry.number as u8; random.random_range(0..900)];
                    model.changed.insert(entry.number, (entry.picture, payload));
                }
            }
        }
        Ok(())
    })?;
    for number in &dropped {
        if let Some(entry) = model.acknowledged.remove(number) {
            model.uncertain.insert(*number, entry);
        }
    }
    let rewritten = log.rewrite(segment, false, &mut |entries| {
        let fates = entries.iter().map(|entry| {
            if dropped.contains(&entry.number) {
                return Fate::Gone;
            }
            match model.changed.get(&entry.number) {
                Some((_, payload)) => Fate::Changed(vec![
                    Section::of_owned(SectionKind::Block, payload.clone()),
                    Section::of_owned(SectionKind::Look, b"another".to_vec()),
                ]),
                None => Fate::Stays,
            }
        });
        Ok(fates.collect())
    })?;
    assert_eq!(rewritten.moved.len(), rest.len());
    log.delete_retired()?;
    log.set_mark(Totals::default())?;
    for number in dropped {
        model.uncertain.remove(&number);
    }
    model.acknowledged.append(&mut model.changed);
    Ok(())
}

/// Everything acknowledged is there, and nothing that was never appended.
fn check(log: &Log, model: &mut Model, about: &str) {
    let mut found = BTreeMap::new();
    log.for_each_entry(Position::default(), &mut |entry| {
        let entry = entry.unwrap_or_else(|damage| panic!("{about}: {damage:?}"));
        let payload = log.read(entry.picture, entry.location).unwrap();
        let span = entry.location.payload.unwrap();
        assert_eq!(log.read_checked(entry.picture, span).unwrap(), *payload);
        found.insert(entry.number, (entry.picture, payload.to_vec()));
        Ok(())
    })
    .unwrap_or_else(|error| panic!("{about}: {error}"));
    let is_changed = |number, entry| model.changed.get(number) == Some(entry);
    for (number, entry) in &model.acknowledged {
        let found = found.get(number);
        let is_there = found == Some(entry) || found.is_some_and(|it| is_changed(number, it));
        assert!(is_there, "{about}: entry {number}: {found:?}");
    }
    for (number, entry) in &found {
        let known = model.acknowledged.get(number);
        let known = known.or_else(|| model.uncertain.get(number));
        let is_known = Some(entry) == known || is_changed(number, entry);
        assert!(is_known, "{about}: entry {number}: {entry:?}");
    }
    assert!(log.position().next >= model.marked, "{about}");
    // What is there now was acknowledged by being read.
    model.acknowledged = found;
    model.uncertain.clear();
    model.changed.clear();
}

#[test]
fn what_was_acknowledged_outlasts_any_crash() {
    let mut happened = 0;
    for seed in 0..crashes() / LIVES {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut disk = CrashDisk::new();
        let mut model = Model::default();
        drop(Log::create(Arc::new(disk.clone()), dir(), STORE, Vec::new()).unwrap());
        for life in 0..LIVES {
            let about = format!("seed {seed}, life {life}");
            let log = open(&disk, &about);
            check(&log, &mut model, &about);
            match random.random_range(0..4) {
                0 => disk.fail_sync_after(random.random_range(0..20)),
                1 => disk.leave_space(Some(random.random_range(0..20_000))),
                _ => disk.lose_power_after(random.random_range(0..120)),
            }
            let lived = live(&log, &mut model, &mut random);
            happened += u64::from(lived.is_err());
            disk.leave_space(None);
            disk = disk.after_crash(random.random());
        }
        let about = format!("seed {seed}, at last");
        let log = open(&disk, &about);
        check(&log, &mut model, &about);
    }
    assert!(happened > crashes() / 4, "{happened} crashes happened");
}

#[test]
fn a_full_disk_takes_nothing_back_and_goes_on_when_there_is_room() {
    let disk = CrashDisk::new();
    let log = Log::create(Arc::new(disk.clone()), dir(), STORE, Vec::new()).unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut model = Model::default();
    append(&log, &mut model, &mut random).unwrap();
    disk.leave_space(Some(100));
    assert!(append(&log, &mut model, &mut random).is_err());
    model.uncertain.clear();
    disk.leave_space(None);
    append(&log, &mut model, &mut random).unwrap();
    check(&log, &mut model, "after room was made");
}

#[test]
fn a_failed_sync_stops_all_writing() {
    let disk = CrashDisk::new();
    let log = Log::create(Arc::new(disk.clone()), dir(), STORE, Vec::new()).unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut model = Model::default();
    append(&log, &mut model, &mut random).unwrap();
    disk.fail_sync_after(0);
    assert!(append(&log, &mut model, &mut random).is_err());
    let refused = append(&log, &mut model, &mut random);
    assert!(matches!(refused, Err(StoreError::Failed { .. })));
}

#[test]
fn a_file_that_the_log_does_not_know_is_left_under_another_name() {
    let disk = CrashDisk::new();
    drop(Log::create(Arc::new(disk.clone()), dir(), STORE, Vec::new()).unwrap());
    let stranger = dir().join("activations/00000007.activations");
    let file = disk.create(&stranger).unwrap();
    file.write_at(b"somebody's", 0).unwrap();
    drop(open(&disk, "with a stranger"));
    assert_eq!(disk.bytes(&stranger), None);
    let aside = dir().join("activations/00000007.activations.unknown-1");
    assert_eq!(disk.bytes(&aside).unwrap(), b"somebody's");
}
