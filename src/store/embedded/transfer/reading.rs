//! The records of a store in a folder.

use sled::IVec;

use super::urls::{Entries, joined};
use crate::canonical_url::{HostId, UrlId};
use crate::picture::PictureId;
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::metadata::places::place_of;
use crate::store::embedded::trees::{FrontierKey, UNREADABLE, decode};
use crate::store::transfer::{Kind, KnownHost, KnownPicture, Notes, Record};
use crate::store::{Files, Labels, Listing, LocationId, Sequence, StoreError};

impl EmbeddedMetadata {
    pub(super) fn list_records(&self, kind: Kind) -> Listing<'_, Record> {
        let t = &self.trees;
        match kind {
            Kind::Host => self.list_hosts(),
            Kind::RuleFile => of_tree(t.rules.iter(), |_, value| {
                Ok(Record::RuleFile(decode("rules", value)?))
            }),
            Kind::Url => self.list_urls(),
            Kind::Embed => of_tree(t.embeds.iter(), |key, value| {
                let unreadable = StoreError::Unreadable { tree: "embeds" };
                let (picture, page) = key.split_at_checked(16).ok_or(unreadable)?;
                Ok(Record::Embed {
                    picture: UrlId(id_of(picture, "embeds")?),
                    page: UrlId(id_of(page, "embeds")?),
                    embed: decode("embeds", value)?,
                })
            }),
            Kind::Queued => {
                let places = t.frontier.scan_prefix([FrontierKey::QUEUED]);
                of_tree(places, |key, value| match FrontierKey::decode(key) {
                    Some(FrontierKey::Queued { host, order }) => {
                        let url = UrlId(id_of(value, "frontier")?);
                        Ok(Record::queued(host, order, url))
                    }
                    _ => Err(UNREADABLE),
                })
            }
            Kind::Retry => {
                let retries = t.frontier.scan_prefix([FrontierKey::RETRY]);
                of_tree(retries, |key, value| match FrontierKey::decode(key) {
                    Some(FrontierKey::Retry { at_ms, url }) => Ok(Record::Retry {
                        at_ms,
                        url,
                        reason: String::from_utf8_lossy(value).into_owned(),
                    }),
                    _ => Err(UNREADABLE),
                })
            }
            Kind::Picture => Box::new(self.pictures().map(move |picture| {
                let (sequence, id) = picture?;
                self.known_picture(sequence, id)
            })),
            Kind::Waiting => Box::new(self.waiting().map(|id| Ok(Record::Waiting(id?)))),
            Kind::File => of_tree(t.files.iter(), |key, value| {
                let id = LocationId(id_of(key, "files")?);
                Ok(Record::File(id, decode("files", value)?))
            }),
            Kind::Place => of_tree(t.places.iter(), |key, value| {
                Ok(Record::Place {
                    picture: picture_of(key, "places")?,
                    id: place_of(key)?,
                    location: decode("places", value)?,
                })
            }),
            Kind::RemovedFile => of_tree(t.removed_files.iter(), |key, value| {
                let file = place_of(key)?;
                Ok(Record::RemovedFile {
                    picture: picture_of(key, "removed_files")?,
                    file: (file.0 != [0; 16]).then_some(file),
                    named: decode("removed_files", value)?,
                })
            }),
            Kind::Label => Box::new(self.labels(None).map(|label| Ok(Record::Label(label?)))),
            Kind::Notes => Box::new(std::iter::once_with(move || self.known_notes())),
        }
    }

    fn list_hosts(&self) -> Listing<'_, Record> {
        let t = &self.trees;
        let trees: [Entries<'_>; 2] = [Box::new(t.hosts.iter()), Box::new(t.removed_hosts.iter())];
        Box::new(joined(trees).map(|entry| {
            let (key, [record, removed]) = entry?;
            let record = record.map(|value| decode("hosts", &value)).transpose()?;
            let host = KnownHost {
                record,
                is_removed: removed.is_some(),
            };
            Ok(Record::Host(HostId(id_of(&key, "hosts")?), host))
        }))
    }

    fn known_picture(&self, sequence: Sequence, id: PictureId) -> Result<Record, StoreError> {
        let damaged = StoreError::Damaged { picture: id };
        let location = self.block_location(id)?.and_then(|at| at.payload);
        let (Some(record), Some(span)) = (self.picture(id)?, location) else {
            return Err(damaged);
        };
        Ok(Record::Picture(Box::new(KnownPicture {
            id,
            record,
            descriptor: self.descriptor(sequence)?.to_bytes(),
            look: self.look(sequence)?.map(|look| look.bytes().to_vec()),
            thumbnail: self.thumbnail(id)?,
            length: span.length,
            checksum: span.checksum,
        })))
    }

    fn known_notes(&self) -> Result<Record, StoreError> {
        Ok(Record::Notes(Notes {
            runs: self.last_run()?,
            next_sequence: self.next_sequence(),
            settings: self.settings()?,
            file_systems: self.file_systems()?,
        }))
    }
}

/// The entries of a tree as records.
fn of_tree<'a>(
    entries: sled::Iter,
    read: impl Fn(&[u8], &[u8]) -> Result<Record, StoreError> + Send + 'a,
) -> Listing<'a, Record> {
    Box::new(entries.map(move |entry: sled::Result<(IVec, IVec)>| {
        let (key, value) = entry?;
        read(&key, &value)
    }))
}

fn id_of<const N: usize>(bytes: &[u8], tree: &'static str) -> Result<[u8; N], StoreError> {
    bytes
        .try_into()
        .map_err(|_| StoreError::Unreadable { tree })
}

/// The picture that a key begins with.
fn picture_of(key: &[u8], tree: &'static str) -> Result<PictureId, StoreError> {
    let id = key.get(..PictureId::LEN).and_then(PictureId::from_slice);
    id.ok_or(StoreError::Unreadable { tree })
}
