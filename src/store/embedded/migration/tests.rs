//! Migrations run once, in order, and again after they were cut short.

use super::old_records::{BodyExtent, SegmentGrowth};
use super::old_segments::OldSegments;
use super::*;
use crate::canonical_url::HostId;
use crate::picture::PictureId;
use crate::store::conformance::fixture::{file, options, picture_id, picture_with};
use crate::store::embedded::disk::SystemDisk;
use crate::store::embedded::files::Lock;
use crate::store::embedded::log::{LIST_FILE, MARK_FILE, Mark, file_name};
use crate::store::embedded::trees::{APPLIED, STORE, TreeBatches, decode, encode};
use crate::store::{
    Body, EntryLocation, PictureOutcome, PictureRecord, Provenance, Store, Wasteful,
};

fn mark(store: &Migrating<'_>, text: &str) -> Result<(), StoreError> {
    let before = store.db.get("marks")?.unwrap_or_default();
    store
        .db
        .insert("marks", [&before, text.as_bytes()].concat())?;
    Ok(())
}

#[test]
fn migrations_run_once_and_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let db = sled::open(dir.path().join("records")).unwrap();
    let trees = Trees::open(db.clone(), Lock::take(dir.path()).unwrap()).unwrap();
    let disk: Arc<dyn Disk> = Arc::new(SystemDisk);
    let network = Network::builtin().unwrap();
    let header = Header {
        format: 1,
        id: "test".to_owned(),
        network: network.id().clone(),
        activations: Default::default(),
        recent_bytes: None,
        sketch: None,
        mixed: false,
        converting: false,
        descriptor: String::new(),
        look: String::new(),
    };
    let migrations = [
        Migration {
            to: 1,
            name: "one",
            up: |store| mark(store, "1"),
        },
        Migration {
            to: 2,
            name: "two",
            up: |store| mark(store, "2"),
        },
        Migration {
            to: 3,
            name: "three",
            up: |store| mark(store, "3"),
        },
    ];
    let options = StoreOptions {
        network: &network,
        activations: Encoding::default(),
        recent_bytes: None,
        reserve_bytes: 0,
    };
    let run = |header| apply(&disk, dir.path(), &trees, header, &options, &migrations);
    let header = run(header).unwrap();
    assert_eq!(header.format, 3);
    run(header).unwrap();
    assert_eq!(db.get("marks").unwrap().unwrap(), b"23");
    assert!(matches!(
        Header::read(dir.path()),
        Ok(Some(Header { format: 3, .. }))
    ));
}

#[test]
fn embeds_get_a_title_and_a_caption_once() {
    let dir = tempfile::tempdir().unwrap();
    let db = sled::open(dir.path()).unwrap();
    let embeds = db.open_tree("embeds").unwrap();
    let old = |alt: &str| postcard::to_stdvec(&alt).unwrap();
    embeds.insert("a", old("a cat")).unwrap();
    embeds.insert("b", old("")).unwrap();
    for _ in 0..2 {
        picture_texts::up(&db).unwrap();
        for (key, alt) in [("a", "a cat"), ("b", "")] {
            let value = embeds.get(key).unwrap().unwrap();
            let embed: crate::store::Embed = postcard::from_bytes(&value).unwrap();
            assert_eq!((embed.alt.as_str(), embed.title.as_str()), (alt, ""));
            assert_eq!(value.len(), alt.len() + 3);
        }
    }
}

/// Makes a store of format 3 of one of today's, as simdex 0.1 would have written it.
pub(super) fn downgrade_to_3(dir: &Path) {
    super::rows_tests::downgrade_to_4(dir);
    let db = crate::store::embedded::records::open(&dir.join("records")).unwrap();
    let [
        entries,
        extents,
        segments,
        thumbnails,
        waiting,
        old_waiting,
        body_files,
    ] = [
        "entries",
        "extents",
        "segments",
        "thumbnails",
        "waiting_entries",
        "waiting",
        "body_files",
    ]
    .map(|name| db.open_tree(name).unwrap());
    let part = |span: crate::store::Span| {
        let path = dir.join("activations").join(file_name(span.segment));
        let file = SystemDisk.open(&path).unwrap();
        let mut bytes = vec![0; span.length as usize];
        file.read_at(&mut bytes, span.offset).unwrap();
        bytes
    };
    // Blocks go into a folder that takes the other's place.
    let mut files = OldSegments::open(dir.join("old")).unwrap();
    let mut grown = SegmentGrowth::default();
    for entry in &entries {
        let (key, value) = entry.unwrap();
        let id = PictureId::from_slice(&key).unwrap();
        let location: EntryLocation = decode("entries", &value).unwrap();
        let block = part(location.payload.unwrap());
        let extent = files.append(id, &block).unwrap();
        grown.add(&segments, extent, block.len() as u64).unwrap();
        extents.insert(&key, encode(&extent)).unwrap();
        let thumbnail = part(location.thumbnail.unwrap());
        thumbnails.insert(&key, thumbnail).unwrap();
    }
    files.sync().unwrap();
    let mut changes = TreeBatches::default();
    grown.write(&segments, &mut changes);
    changes.apply().unwrap();
    let mut bodies = Vec::new();
    for entry in &waiting {
        let (key, value) = entry.unwrap();
        let location: EntryLocation = decode("waiting", &value).unwrap();
        let body = part(location.payload.unwrap());
        let at = BodyExtent {
            file: 0,
            offset: bodies.len() as u64,
            length: body.len() as u64,
        };
        bodies.extend_from_slice(b"SXB1");
        bodies.extend_from_slice(&crc32fast::hash(&body).to_le_bytes());
        bodies.extend_from_slice(&at.length.to_le_bytes());
        bodies.extend_from_slice(&key);
        bodies.extend_from_slice(&body);
        old_waiting.insert(&key, encode(&at)).unwrap();
        body_files.insert(0_u32.to_be_bytes(), vec![0]).unwrap();
    }
    if !bodies.is_empty() {
        std::fs::create_dir(dir.join("bodies")).unwrap();
        std::fs::write(dir.join("bodies/00000000.bodies"), bodies).unwrap();
    }
    let counters = db.open_tree("counters").unwrap();
    let id = counters.get(STORE).unwrap().unwrap();
    let id: [u8; 16] = id.as_ref().try_into().unwrap();
    let mark = Mark::read(&SystemDisk, dir, id).unwrap().unwrap();
    counters
        .insert([0], &mark.totals.next_sequence.to_be_bytes())
        .unwrap();
    counters.remove(APPLIED).unwrap();
    counters.remove(STORE).unwrap();
    for tree in ["entries", "usage", "waiting_entries"] {
        db.drop_tree(tree).unwrap();
    }
    drop((entries, waiting, db));
    std::fs::remove_dir_all(dir.join("activations")).unwrap();
    std::fs::rename(dir.join("old"), dir.join("activations")).unwrap();
    std::fs::remove_file(dir.join(MARK_FILE)).unwrap();
    std::fs::remove_file(dir.join(LIST_FILE)).unwrap();
    let header = dir.join("store.toml");
    let text = std::fs::read_to_string(&header).unwrap();
    std::fs::write(&header, text.replace("format = 4", "format = 3")).unwrap();
    std::fs::remove_file(dir.join("store.toml.bak")).unwrap();
}

/// What a store tells of a picture.
fn told(store: &Store, n: u8) -> (Option<PictureRecord>, Provenance, Option<Vec<u8>>, Vec<u8>) {
    let id = picture_id(n);
    let block = store
        .verified_block(id)
        .map_or(Vec::new(), |block| block.to_vec());
    let thumbnail = store.thumbnail(id).unwrap();
    let record = store.picture(id).unwrap();
    (record, store.provenance(id).unwrap(), thumbnail, block)
}

#[test]
fn a_store_of_format_3_gets_its_log_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Store::open(dir.path(), &options()).unwrap();
    let store = open();
    for n in 0..5 {
        let block = vec![n; store.layout().block_len()];
        let origin = file(&format!("{n}.png"));
        let picture = picture_with(block, n);
        store
            .commit(vec![PictureOutcome::Picture(origin, picture)])
            .unwrap();
    }
    let body = Body {
        origin: file("7.png"),
        id: picture_id(7),
        bytes: vec![7; 100],
    };
    store.keep_bodies(vec![body]).unwrap();
    store.remove_picture(picture_id(4)).unwrap();
    store.remove_host("a.example").unwrap();
    let before: Vec<_> = (0..5).map(|n| told(&store, n)).collect();
    drop(store);
    downgrade_to_3(dir.path());
    for time in 0..2 {
        let store = open();
        for (n, before) in before.iter().enumerate() {
            assert!(told(&store, n as u8) == *before, "picture {n}, time {time}");
        }
        assert_eq!(store.waiting_body(picture_id(7)).unwrap(), vec![7; 100]);
        assert_eq!(store.next_sequence(), 5);
        assert!(store.is_removed(HostId::of("a.example")).unwrap());
    }
    assert!(!dir.path().join("bodies").exists());
    // The blocks were not copied; removing a picture does.
    let store = open();
    assert!(store.remove_picture(picture_id(1)).unwrap());
    assert!(store.compact(Wasteful::Any).unwrap().freed > 0);
    assert!(!dir.path().join("activations/00000000.activations").exists());
    for n in [0, 2, 3] {
        assert!(told(&store, n) == before[usize::from(n)], "picture {n}");
    }
    drop(store);
    // And the records can be made anew from it all.
    std::fs::remove_dir_all(dir.path().join("records")).unwrap();
    Store::repair(dir.path(), &options()).unwrap();
    let store = open();
    for n in [0, 2, 3] {
        assert!(told(&store, n) == before[usize::from(n)], "picture {n}");
    }
    assert_eq!(store.picture_count(), 3);
    assert_eq!(store.waiting_body(picture_id(7)).unwrap(), vec![7; 100]);
}

/// A store that was of format 3, with pictures 0 to 3 in old segments.
fn old_store() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), &options()).unwrap();
    for n in 0..4 {
        let block = vec![n; store.layout().block_len()];
        let picture = picture_with(block, n);
        let origin = file(&format!("{n}.png"));
        let outcome = PictureOutcome::Picture(origin, picture);
        store.commit(vec![outcome]).unwrap();
    }
    let old = store.layout().block_len() as u64 + 64;
    assert!(old > 5000);
    drop(store);
    downgrade_to_3(dir.path());
    dir
}

/// Flips a bit of the block, or of its header, of a picture in the first old segment.
fn flip(dir: &Path, n: u64, of_header: bool) {
    let path = dir.join("activations").join(file_name(0));
    let mut bytes = std::fs::read(&path).unwrap();
    let length = bytes.len() as u64 / 4;
    let at = n * length + if of_header { 0 } else { 1000 };
    bytes[at as usize] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_damaged_block_of_format_3_takes_nothing_else_with_it() {
    for (n, of_header) in [(0, false), (0, true), (2, false), (2, true)] {
        let case = format!("picture {n}, of its header: {of_header}");
        let dir = old_store();
        drop(Store::open(dir.path(), &options()).unwrap());
        flip(dir.path(), n, of_header);
        let sound = (0..4).filter(|other| u64::from(*other) != n);
        let assert_rest = |dir: &Path| {
            let store = Store::open(dir, &options()).unwrap();
            for n in sound.clone() {
                let block = store.verified_block(picture_id(n)).unwrap();
                assert!(block.iter().all(|byte| *byte == n), "{case}");
            }
            store
        };
        // A backup names the picture, and no more than its bytes.
        let (to, again) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let backed_up = Store::backup(dir.path(), to.path(), Default::default(), &mut |_, _| {});
        let damaged = backed_up.unwrap().damaged;
        assert_eq!(damaged.len(), 1, "{case}");
        assert!(!damaged[0].contains("more places"), "{case}: {damaged:?}");
        let restored = Store::restore(to.path(), again.path(), &options(), &mut |_, _| {});
        let restored = restored.unwrap();
        assert_eq!(
            (restored.pictures, restored.damaged.len()),
            (4, 1),
            "{case}"
        );
        drop(assert_rest(again.path()));
        let repaired = Store::repair(dir.path(), &options()).unwrap();
        assert_eq!(repaired.pictures, 4, "{case}: {repaired:?}");
        // To remove another one rewrites all of it, and the damaged one stays so.
        let store = assert_rest(dir.path());
        assert!(store.remove_picture(picture_id(1)).unwrap());
        let compacted = store.compact(Wasteful::Any).unwrap();
        assert!(compacted.unread.is_empty(), "{case}: {compacted:?}");
        let old = dir.path().join("activations").join(file_name(0));
        assert!(!old.exists(), "{case}");
        let is_sound = store.verified_block(picture_id(n as u8)).is_ok();
        // What was damaged of an old header says nothing about the block.
        assert_eq!(is_sound, of_header, "{case}");
        assert_eq!(store.picture_count(), 3, "{case}");
    }
}

#[test]
fn a_store_of_format_3_becomes_compact() {
    let dir = old_store();
    let open = || Store::open(dir.path(), &options()).unwrap();
    drop(open());
    Store::keep_compact(dir.path(), &options()).unwrap();
    let store = open();
    let blocks = |store: &Store| -> Vec<Vec<u8>> {
        let blocks = (0..4).map(|n| store.verified_block(picture_id(n)).unwrap().to_vec());
        blocks.collect()
    };
    let before = blocks(&store);
    assert_eq!(store.unconverted().unwrap(), 4);
    let stopped = store.convert(&mut |_, _| false).unwrap();
    assert_eq!((stopped.pictures, stopped.stopped), (0, true));
    assert_eq!(store.unconverted().unwrap(), 4);
    let converted = store.convert(&mut |_, _| true).unwrap();
    assert_eq!((converted.pictures, converted.total), (4, 4));
    assert!(converted.complete && converted.freed > 0);
    assert!(!dir.path().join("activations").join(file_name(0)).exists());
    assert!(blocks(&store) == before);
    drop(store);
    std::fs::remove_dir_all(dir.path().join("records")).unwrap();
    Store::repair(dir.path(), &options()).unwrap();
    let store = open();
    assert!(blocks(&store) == before && !store.is_converting());
}

#[test]
fn format_3_without_records_or_a_header_has_an_honest_way_out() {
    let dir = old_store();
    let header = dir.path().join("store.toml");
    std::fs::remove_file(&header).unwrap();
    let error = Store::open(dir.path(), &options()).err().unwrap();
    assert!(error.to_string().contains("simdex repair"), "{error}");
    assert_eq!(Store::repair(dir.path(), &options()).unwrap().pictures, 4);
    assert_eq!(
        Store::open(dir.path(), &options()).unwrap().picture_count(),
        4
    );

    let dir = old_store();
    let records = dir.path().join("records");
    for damage in ["zeroed", "missing"] {
        match damage {
            "zeroed" => std::fs::write(records.join("db"), vec![0; 1 << 20]).unwrap(),
            _ => std::fs::remove_dir_all(&records).unwrap(),
        }
        for _ in 0..2 {
            let error = Store::repair(dir.path(), &options())
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("from a copy") && !error.contains("simdex repair"),
                "{error}"
            );
        }
    }
    std::fs::remove_file(dir.path().join("store.toml")).unwrap();
    let error = Store::repair(dir.path(), &options())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("from a copy") && !error.contains("simdex repair"),
        "{error}"
    );
}
