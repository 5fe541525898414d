//! What comes of repairs that cannot be made, and of files that cannot be used or read.

use std::path::Path;

use super::disk::{DiskFile, TolerantDisk};
use super::log::{check_segment, pictures_in};
use super::misplaced_tests::{FIRST, PICTURES, SECOND, assert_whole, open, repair, segment, store};
use super::*;
use crate::store::conformance::fixture::{file, options, picture_id};
use crate::store::{BackupOptions, Blocks, Body};

fn zero(path: &Path) {
    let length = std::fs::metadata(path).unwrap().len();
    std::fs::write(path, vec![0; usize::try_from(length).unwrap()]).unwrap();
}

#[test]
fn without_room_a_repair_changes_nothing() {
    let own = store();
    let records = own.path().join("records");
    let before = std::fs::read(records.join("db")).unwrap();
    // Takes no room, and asks for more than there is.
    let large = std::fs::File::create(records.join("large")).unwrap();
    large.set_len(1 << 43).unwrap();
    for _ in 0..2 {
        let repaired = repair(own.path());
        assert!(
            matches!(repaired, Err(StoreError::DiskFull { .. })),
            "{repaired:?}"
        );
        assert!(std::fs::read(records.join("db")).unwrap() == before);
    }
    std::fs::remove_file(records.join("large")).unwrap();
    let repaired = repair(own.path()).unwrap();
    assert!(
        !repaired.forgot_crawl && repaired.aside.is_empty(),
        "{repaired:?}"
    );
    assert_whole(own.path());
}

#[test]
fn damaged_records_stay_in_their_place_until_new_ones_are_whole() {
    let own = store();
    let dir = own.path();
    zero(&dir.join("records/db"));
    // The log cannot be read to the end: something of it is in the way.
    let (first, away) = (segment(dir, FIRST), segment(dir, "away"));
    std::fs::rename(&first, &away).unwrap();
    std::fs::create_dir(&first).unwrap();
    for _ in 0..2 {
        let error = repair(dir).unwrap_err().to_string();
        assert!(
            error.contains(FIRST) && error.contains("another name"),
            "{error}"
        );
        assert!(dir.join("records/db").is_file());
        assert!(!dir.join("records.unknown-1").exists());
    }
    std::fs::remove_dir(&first).unwrap();
    std::fs::rename(&away, &first).unwrap();
    let repaired = repair(dir).unwrap();
    assert!(repaired.forgot_crawl);
    assert_eq!(repaired.aside, [dir.join("records.unknown-1")]);
    assert!(!dir.join("records.new").exists());
    assert_whole(dir);
    // A repair that was killed before its records were in their place is begun anew.
    std::fs::rename(dir.join("records"), dir.join("records.new")).unwrap();
    assert_eq!(repair(dir).unwrap().pictures, u64::from(PICTURES));
    assert_whole(dir);
}

#[test]
fn a_store_that_is_only_read_does_without_its_records() {
    for damage in ["missing", "zeroed", "cut", "empty"] {
        let own = store();
        let db = own.path().join("records/db");
        match damage {
            "missing" => std::fs::remove_file(&db).unwrap(),
            "zeroed" => zero(&db),
            "cut" => {
                let bytes = std::fs::read(&db).unwrap();
                std::fs::write(&db, &bytes[..bytes.len() / 3]).unwrap();
            }
            _ => std::fs::write(&db, b"").unwrap(),
        }
        let store = Embedded::open_read_only(own.path(), &options()).unwrap();
        for n in 0..PICTURES {
            let at = store.metadata.block_location(picture_id(n)).unwrap();
            store.blocks.verify(picture_id(n), at.unwrap()).unwrap();
        }
    }
}

#[test]
fn a_folder_or_a_pipe_in_place_of_a_file_is_named() {
    for name in [
        "store.toml",
        "store.toml.bak",
        "log.mark",
        "log.segments",
        "lock",
        "activations/00000000.activations",
        "activations/00000001.activations",
    ] {
        let own = store();
        let (dir, path) = (own.path(), own.path().join(name));
        let kept = dir.join("kept");
        std::fs::rename(&path, &kept).unwrap();
        std::fs::create_dir(&path).unwrap();
        let to = tempfile::tempdir().unwrap();
        let backup = || Embedded::backup(dir, to.path(), BackupOptions::default(), &mut |_, _| {});
        let errors = [
            open(dir).err(),
            repair(dir).err(),
            Embedded::open_read_only(dir, &options()).err(),
            backup().err(),
        ];
        for error in errors {
            assert!(matches!(&error, Some(StoreError::NoFile { path: of }) if *of == path));
        }
        std::fs::remove_dir(&path).unwrap();
        std::fs::rename(&kept, &path).unwrap();
        assert_whole(dir);
    }
}

#[test]
fn damaged_kept_bytes_are_called_so() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let body = Body {
        origin: file("body.png"),
        id: picture_id(1),
        bytes: vec![1; 500],
    };
    store.metadata.keep_bodies(vec![body]).unwrap();
    let at = store.metadata.waiting_location(picture_id(1)).unwrap();
    drop(store);
    let path = segment(dir.path(), FIRST);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[usize::try_from(at.unwrap().payload.unwrap().offset).unwrap()] ^= 1;
    std::fs::write(path, bytes).unwrap();
    let store = open(dir.path()).unwrap();
    let error = store.metadata.waiting_body(picture_id(1)).unwrap_err();
    assert!(
        error.to_string().starts_with("the kept bytes of picture"),
        "{error}"
    );
    let mut flaws = Vec::new();
    store
        .metadata
        .check_log(&mut |flaw| flaws.push(flaw))
        .unwrap();
    assert_eq!(flaws[0].picture, Some(picture_id(1)), "{flaws:?}");
}

/// The system's files, of which one has a page that cannot be read.
#[derive(Debug)]
struct BadSector {
    name: &'static str,
    at: u64,
}

#[derive(Debug)]
struct BadFile(Box<dyn DiskFile>, u64);

impl DiskFile for BadFile {
    fn length(&self) -> std::io::Result<u64> {
        self.0.length()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
        match offset < self.1 + 4096 && offset + buffer.len() as u64 > self.1 {
            true => Err(std::io::Error::from_raw_os_error(5)),
            false => self.0.read_at(buffer, offset),
        }
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> std::io::Result<()> {
        self.0.write_at(bytes, offset)
    }

    fn set_length(&self, length: u64) -> std::io::Result<()> {
        self.0.set_length(length)
    }

    fn sync(&self) -> std::io::Result<()> {
        self.0.sync()
    }

    fn map(&self) -> std::io::Result<super::disk::Mapped> {
        self.0.map()
    }
}

impl Disk for BadSector {
    fn create(&self, path: &Path) -> std::io::Result<Box<dyn DiskFile>> {
        SystemDisk.create(path)
    }

    fn open(&self, path: &Path) -> std::io::Result<Box<dyn DiskFile>> {
        let file = SystemDisk.open(path)?;
        Ok(
            match path.file_name().is_some_and(|name| name == self.name) {
                true => Box::new(BadFile(file, self.at)),
                false => file,
            },
        )
    }

    fn length(&self, path: &Path) -> std::io::Result<u64> {
        SystemDisk.length(path)
    }

    fn list(&self, folder: &Path) -> std::io::Result<Vec<String>> {
        SystemDisk.list(folder)
    }

    fn rename(&self, from: &Path, to: &Path) -> std::io::Result<()> {
        SystemDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> std::io::Result<()> {
        SystemDisk.remove(path)
    }

    fn sync_foreign(&self, path: &Path) -> std::io::Result<()> {
        SystemDisk.sync_foreign(path)
    }

    fn create_folder(&self, folder: &Path) -> std::io::Result<()> {
        SystemDisk.create_folder(folder)
    }

    fn sync_folder(&self, folder: &Path) -> std::io::Result<()> {
        SystemDisk.sync_folder(folder)
    }
}

/// Where picture 4's entry and its block begin, in the second segment.
fn places(dir: &Path) -> (u64, u64) {
    let store = open(dir).unwrap();
    let at = store
        .metadata
        .block_location(picture_id(4))
        .unwrap()
        .unwrap();
    (at.offset, at.payload.unwrap().offset)
}

#[test]
fn a_repair_passes_over_what_cannot_be_read_and_a_later_one_takes_it_back() {
    for of_head in [true, false] {
        let own = store();
        let dir = own.path();
        let (head, block) = places(dir);
        let at = if of_head { head } else { block + 8192 } / 4096 * 4096;
        let disk = BadSector { name: SECOND, at };
        let disk = Arc::new(TolerantDisk::over(Arc::new(disk), dir.join(log::FOLDER)));
        let repaired = Embedded::repair_on(disk, dir, &options()).unwrap();
        let lost = u64::from(of_head);
        assert_eq!(
            repaired.pictures,
            u64::from(PICTURES) - lost,
            "{repaired:?}"
        );
        assert_eq!(repaired.damaged_bytes > 0, of_head, "{repaired:?}");
        assert_eq!(repaired.aside.len() as u64, lost, "{repaired:?}");
        // The disk is well again.
        assert_eq!(repair(dir).unwrap().pictures, u64::from(PICTURES));
        assert_whole(dir);
    }
}

#[test]
fn what_cannot_be_read_of_a_segment_is_a_flaw_of_a_picture() {
    let own = store();
    let dir = own.path();
    let (_, block) = places(dir);
    let disk = Arc::new(BadSector {
        name: SECOND,
        at: block / 4096 * 4096 + 8192,
    });
    let tolerant = TolerantDisk::over(disk, dir.join(log::FOLDER));
    let path = segment(dir, SECOND);
    let of = log::ClosedSegment {
        number: 1,
        length: std::fs::metadata(&path).unwrap().len(),
        is_old: false,
    };
    let id = Header::read(dir).unwrap().unwrap().store_id(dir).unwrap();
    let flaws = check_segment(&tolerant, &path, id, of).unwrap();
    assert_eq!(flaws.len(), 1, "{flaws:?}");
    assert!(
        flaws[0].to_string().contains(&picture_id(4).to_string()),
        "{flaws:?}"
    );
    assert_eq!(pictures_in(&tolerant, &path).unwrap().len(), 4);
    // Its copy has all the rest.
    let mut file = tolerant.open(&path).unwrap();
    let mut bytes = vec![1; usize::try_from(of.length).unwrap()];
    file.read_at(&mut bytes, 0).unwrap();
    let right = std::fs::read(&path).unwrap();
    let differ: Vec<usize> = (0..bytes.len())
        .filter(|at| bytes[*at] != right[*at])
        .collect();
    assert!(differ.iter().all(|at| at / 4096 == differ[0] / 4096));
    // Only segments are passed over.
    file = TolerantDisk::over(
        Arc::new(BadSector {
            name: "log.mark",
            at: 0,
        }),
        dir.join(log::FOLDER),
    )
    .open(&dir.join("log.mark"))
    .unwrap();
    assert!(file.read_at(&mut [0; 8], 0).is_err());
}
