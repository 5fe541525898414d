//! A disk in memory that loses its power: what was not synced is dropped, reordered or torn, a
//! sync may fail and lose what it should have kept, and space may run out.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Disk, DiskFile, Mapped};

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// A disk in memory. Clones are the same disk.
#[derive(Debug, Clone)]
pub(in crate::store) struct CrashDisk(Arc<Mutex<World>>);

#[derive(Debug, Default)]
struct World {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    unsynced_names: Vec<NameChange>,
    /// Operations until the power goes off.
    power: Option<u64>,
    /// Syncs until one fails.
    failing_sync: Option<u64>,
    /// Bytes that can still be written.
    space: Option<u64>,
    is_off: bool,
}

/// One change of a folder, made as a whole or not.
#[derive(Debug, Clone)]
struct NameChange {
    folder: PathBuf,
    removed: Option<PathBuf>,
    added: Option<(PathBuf, usize)>,
}

#[derive(Debug, Clone, Default)]
struct Inode {
    live: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

impl CrashDisk {
    pub(in crate::store) fn new() -> Self {
        Self(Arc::default())
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Turns the power off after so many more operations.
    pub(in crate::store) fn lose_power_after(&self, operations: u64) {
        self.world().power = Some(operations);
    }

    /// Lets one sync fail, after so many more.
    pub(in crate::store) fn fail_sync_after(&self, syncs: u64) {
        self.world().failing_sync = Some(syncs);
    }

    /// Leaves so many bytes of space.
    pub(in crate::store) fn leave_space(&self, bytes: Option<u64>) {
        self.world().space = bytes;
    }

    /// The disk as it may be found after the power came back.
    pub(in crate::store) fn after_crash(&self, seed: u64) -> Self {
        let world = self.world();
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut names = world.durable_names.clone();
        for change in &world.unsynced_names {
            if random.random_bool(0.5) {
                change.apply(&mut names);
            }
        }
        let inodes = world.inodes.iter();
        let inodes = inodes.map(|inode| inode.after_crash(&mut random)).collect();
        Self(Arc::new(Mutex::new(World {
            inodes,
            durable_names: names.clone(),
            names,
            ..World::default()
        })))
    }

    /// The same disk with the files of a folder in another.
    pub(in crate::store) fn moved(&self, from: &Path, to: &Path) -> Self {
        let mut world = self.world();
        let names = std::mem::take(&mut world.names).into_iter();
        let names = names.map(|(path, inode)| match path.strip_prefix(from) {
            Ok(rest) => (to.join(rest), inode),
            Err(_) => (path, inode),
        });
        world.names = names.collect();
        world.durable_names = world.names.clone();
        assert!(world.unsynced_names.is_empty(), "it was just turned on");
        drop(world);
        self.clone()
    }

    /// The bytes of a file.
    pub(in crate::store) fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        let world = self.world();
        let inode = world.names.get(path)?;
        Some(world.inodes[*inode].live.clone())
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        if let Some(removed) = &self.removed {
            names.remove(removed);
        }
        if let Some((path, inode)) = &self.added {
            names.insert(path.clone(), *inode);
        }
    }
}

impl Inode {
    fn after_crash(&self, random: &mut ChaCha8Rng) -> Self {
        let mut bytes = self.durable.clone();
        let mut changes = self.unsynced.clone();
        if random.random_bool(0.3) {
            changes.shuffle(random);
        }
        let kept = random.random_range(0.0..=1.0);
        for change in &changes {
            match change {
                Change::Length(length) if random.random_bool(kept) => bytes.resize(*length, 0),
                Change::Length(_) => {}
                Change::Write {
                    offset,
                    bytes: written,
                } => {
                    for (i, sector) in written.chunks(SECTOR).enumerate() {
                        if random.random_bool(kept) {
                            put(&mut bytes, offset + i * SECTOR, sector);
                        }
                    }
                }
            }
        }
        Self {
            live: bytes.clone(),
            durable: bytes,
            unsynced: Vec::new(),
        }
    }
}

fn put(bytes: &mut Vec<u8>, offset: usize, written: &[u8]) {
    let end = offset + written.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[offset..end].copy_from_slice(written);
}

impl World {
    /// Counts an operation.
    fn operate(&mut self) -> io::Result<()> {
        if let Some(left) = &mut self.power {
            match left.checked_sub(1) {
                Some(rest) => *left = rest,
                None => self.is_off = true,
            }
        }
        match self.is_off {
            true => Err(io::Error::other("the power is off")),
            false => Ok(()),
        }
    }

    fn sync(&mut self, inode: usize) -> io::Result<()> {
        self.operate()?;
        let fails = match &mut self.failing_sync {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        };
        let inode = &mut self.inodes[inode];
        let changes = std::mem::take(&mut inode.unsynced);
        if fails {
            self.failing_sync = None;
            // As Linux does: what could not be written counts as written, and is lost.
            return Err(io::Error::from_raw_os_error(5));
        }
        for change in changes {
            match change {
                Change::Length(length) => inode.durable.resize(length, 0),
                Change::Write { offset, bytes } => put(&mut inode.durable, offset, &bytes),
            }
        }
        Ok(())
    }

    fn change_names(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.unsynced_names.push(change);
    }
}

impl Disk for CrashDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut world = self.world();
        world.operate()?;
        let inode = match world.names.get(path) {
            Some(inode) => *inode,
            None => {
                world.inodes.push(Inode::default());
                let inode = world.inodes.len() - 1;
                world.change_names(NameChange {
                    folder: path.parent().unwrap_or(path).to_owned(),
                    removed: None,
                    added: Some((path.to_owned(), inode)),
                });
                inode
            }
        };
        let disk = self.clone();
        Ok(Box::new(CrashFile { disk, inode }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let world = self.world();
        let inode = *world.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        let disk = self.clone();
        Ok(Box::new(CrashFile { disk, inode }))
    }

    fn length(&self, path: &Path) -> io::Result<u64> {
        self.open(path)?.length()
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let world = self.world();
        let own = world
            .names
            .keys()
            .filter(|path| path.parent() == Some(folder));
        let names = own.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()));
        Ok(names.collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut world = self.world();
        world.operate()?;
        let inode = *world.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        world.change_names(NameChange {
            folder: to.parent().unwrap_or(to).to_owned(),
            removed: Some(from.to_owned()),
            added: Some((to.to_owned(), inode)),
        });
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        world.operate()?;
        if !world.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        world.change_names(NameChange {
            folder: path.parent().unwrap_or(path).to_owned(),
            removed: Some(path.to_owned()),
            added: None,
        });
        Ok(())
    }

    fn sync_foreign(&self, _: &Path) -> io::Result<()> {
        self.world().operate()
    }

    fn create_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let mut world = self.world();
        world.operate()?;
        let changes = std::mem::take(&mut world.unsynced_names);
        let (own, others): (Vec<_>, Vec<_>) = changes
            .into_iter()
            .partition(|change| change.folder == folder);
        for change in own {
            change.apply(&mut world.durable_names);
        }
        world.unsynced_names = others;
        Ok(())
    }
}

#[derive(Debug)]
struct CrashFile {
    disk: CrashDisk,
    inode: usize,
}

impl DiskFile for CrashFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.world().inodes[self.inode].live.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let world = self.disk.world();
        let bytes = &world.inodes[self.inode].live;
        let start = offset as usize;
        let range = bytes.get(start..start + buffer.len());
        buffer.copy_from_slice(range.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut world = self.disk.world();
        world.operate()?;
        let mut there = bytes.len();
        if let Some(space) = &mut world.space {
            there = there.min(*space as usize);
            *space -= there as u64;
        }
        let inode = &mut world.inodes[self.inode];
        let offset = offset as usize;
        put(&mut inode.live, offset, &bytes[..there]);
        inode.unsynced.push(Change::Write {
            offset,
            bytes: bytes[..there].to_vec(),
        });
        match there == bytes.len() {
            true => Ok(()),
            false => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        let mut world = self.disk.world();
        world.operate()?;
        let inode = &mut world.inodes[self.inode];
        inode.live.resize(length as usize, 0);
        inode.unsynced.push(Change::Length(length as usize));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.world().sync(self.inode)
    }

    fn map(&self) -> io::Result<Mapped> {
        let bytes = self.disk.world().inodes[self.inode].live.clone();
        Ok(Arc::new(bytes))
    }
}
