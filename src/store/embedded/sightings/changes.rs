//! What a batch of changes changes of where pictures were seen. It is told from the batch and the trees
//! before it, so whoever writes a place, an embed or a page need not think of it.

use std::collections::BTreeSet;

use super::pictures_of;
use super::records::{Records, place_of};
use crate::canonical_url::{HostId, UrlId};
use crate::picture::PictureId;
use crate::store::embedded::trees::{Changes, Overlay, TreeBatches, Trees, sighting_key};
use crate::store::{Sequence, StoreError};

const UNREADABLE: StoreError = StoreError::Unreadable { tree: "embeds" };

/// Pictures that are seen on hosts from now on, or no longer.
#[derive(Debug, Default)]
pub(in crate::store::embedded) struct SightingChanges {
    gained: BTreeSet<(HostId, Sequence)>,
    lost: BTreeSet<(HostId, Sequence)>,
}

impl SightingChanges {
    /// Those of a batch that is not applied yet.
    pub(super) fn of(trees: &Trees, batches: &TreeBatches) -> Result<Self, StoreError> {
        let following = Following {
            batches,
            before: Records {
                trees,
                overlay: Overlay::none(),
            },
            after: Records {
                trees,
                overlay: Overlay::of(batches),
            },
        };
        let mut changes = Self::default();
        following.pictures(&mut changes)?;
        following.places(&mut changes)?;
        following.embeds(&mut changes)?;
        // Most are known from another page of the host.
        let mut new = BTreeSet::new();
        for (host, sequence) in changes.gained {
            if !trees.sightings.contains_key(sighting_key(host, sequence))? {
                new.insert((host, sequence));
            }
        }
        changes.gained = new;
        Ok(changes)
    }

    /// Adds what is noted of a host and is not so with the batch, of which places, pages and embeds left one
    /// by one before.
    pub(super) fn add_left(
        &mut self,
        trees: &Trees,
        batches: &TreeBatches,
        host: HostId,
    ) -> Result<(), StoreError> {
        let after = Records {
            trees,
            overlay: Overlay::of(batches),
        };
        for sequence in pictures_of(trees, host) {
            let sequence = sequence?;
            let picture = after.overlay.get(&trees.sequences, &sequence.key())?;
            let was_seen = picture.map(|picture| after.was_seen(&picture, host));
            if was_seen.transpose()? != Some(true) {
                self.lost.insert((host, sequence));
            }
        }
        Ok(())
    }

    /// Adds them to the batch.
    pub(super) fn write(&self, trees: &Trees, to: &mut TreeBatches) {
        for (host, sequence) in &self.gained {
            let key = sighting_key(*host, *sequence);
            to.of(&trees.sightings).insert(&key[..], &[]);
        }
        for (host, sequence) in &self.lost {
            let key = sighting_key(*host, *sequence);
            to.of(&trees.sightings).remove(&key[..]);
        }
    }

    /// Each host and picture, and whether it is seen there.
    pub(super) fn into_iter(self) -> impl Iterator<Item = (HostId, Sequence, bool)> {
        let gained = self.gained.into_iter().map(|(host, it)| (host, it, true));
        let lost = self.lost.into_iter().map(|(host, it)| (host, it, false));
        gained.chain(lost)
    }
}

/// A batch with the records before it and after.
struct Following<'a> {
    batches: &'a TreeBatches,
    before: Records<'a>,
    after: Records<'a>,
}

impl Following<'_> {
    fn changed(&self, tree: &sled::Tree) -> impl Iterator<Item = &[u8]> {
        let changes = self.batches.changes(tree).into_iter();
        changes.flat_map(Changes::iter).map(|(key, _)| &**key)
    }

    /// The number of a picture that is stored before and after: what changes of others is told as a whole.
    fn stays(&self, picture: &[u8]) -> Result<Option<Sequence>, StoreError> {
        let after = self.after.sequence(picture)?;
        match after == self.before.sequence(picture)? {
            true => Ok(after),
            false => Ok(None),
        }
    }

    /// Pictures that come or go.
    fn pictures(&self, changes: &mut SightingChanges) -> Result<(), StoreError> {
        for picture in self.changed(&self.before.trees.pictures) {
            let (before, after) = (
                self.before.sequence(picture)?,
                self.after.sequence(picture)?,
            );
            if before == after {
                continue;
            }
            if let Some(sequence) = before {
                self.before.hosts_of(picture, &mut |host| {
                    changes.lost.insert((host, sequence));
                    true
                })?;
            }
            if let Some(sequence) = after {
                self.after.hosts_of(picture, &mut |host| {
                    changes.gained.insert((host, sequence));
                    true
                })?;
            }
        }
        Ok(())
    }

    /// Places of pictures that stay.
    fn places(&self, changes: &mut SightingChanges) -> Result<(), StoreError> {
        for key in self.changed(&self.before.trees.places) {
            let (before, after) = (self.before.place(key)?, self.after.place(key)?);
            if before == after {
                continue;
            }
            let (place, picture) = (place_of(key)?, &key[..PictureId::LEN]);
            let Some(sequence) = self.stays(picture)? else {
                continue;
            };
            if let Some(location) = before {
                let mut hosts = BTreeSet::new();
                self.before.hosts_at(place, &location, &mut |host| {
                    hosts.insert(host);
                    true
                })?;
                self.lose(changes, picture, sequence, hosts)?;
            }
            if let Some(location) = after {
                self.after.hosts_at(place, &location, &mut |host| {
                    changes.gained.insert((host, sequence));
                    true
                })?;
            }
        }
        Ok(())
    }

    /// Pages that show pictures which stay, or do so no longer.
    fn embeds(&self, changes: &mut SightingChanges) -> Result<(), StoreError> {
        for (url, page) in self.changed_embeds()? {
            let Some(picture) = self.after.picture_at(url)? else {
                continue;
            };
            let before = self.before.shown_on(url, page)?;
            let after = self.after.shown_on(url, page)?;
            if before == after {
                continue;
            }
            let Some(sequence) = self.stays(picture.as_bytes())? else {
                continue;
            };
            if let Some(host) = before {
                self.lose(changes, picture.as_bytes(), sequence, [host])?;
            }
            changes.gained.extend(after.map(|host| (host, sequence)));
        }
        Ok(())
    }

    /// Pictures' URLs and pages of which it may be another now whether the page shows the URL.
    fn changed_embeds(&self) -> Result<BTreeSet<(UrlId, UrlId)>, StoreError> {
        let trees = self.before.trees;
        let mut embeds = BTreeSet::new();
        for key in self.changed(&trees.embeds) {
            let (url, page) = key.split_at_checked(16).ok_or(UNREADABLE)?;
            embeds.insert((url_of(url)?, url_of(page)?));
        }
        let pages = self.batches.changes(&trees.pages).into_iter();
        for (key, value) in pages.flat_map(Changes::iter) {
            if trees.pages.contains_key(key)? == value.is_some() {
                continue;
            }
            let page = url_of(key)?;
            for visit in [self.before.visit(page)?, self.after.visit(page)?] {
                let shown = visit.into_iter().flat_map(|visit| visit.shown);
                embeds.extend(shown.map(|url| (url, page)));
            }
        }
        Ok(embeds)
    }

    /// Takes hosts from a picture, but those on which it was seen elsewhere.
    fn lose(
        &self,
        changes: &mut SightingChanges,
        picture: &[u8],
        sequence: Sequence,
        hosts: impl IntoIterator<Item = HostId>,
    ) -> Result<(), StoreError> {
        for host in hosts {
            if !self.after.was_seen(picture, host)? {
                changes.lost.insert((host, sequence));
            }
        }
        Ok(())
    }
}

fn url_of(bytes: &[u8]) -> Result<UrlId, StoreError> {
    bytes.try_into().map(UrlId).map_err(|_| UNREADABLE)
}
