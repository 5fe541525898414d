//! What a commit writes.

use super::queueing::{end_as, settle_into};
use super::trees::{TreeBatches, Trees, embed_key, encode, location_key};
use crate::canonical_url::UrlId;
use crate::local_path::LocalPath;
use crate::picture::PictureId;
use crate::store::{
    FileRecord, Lease, Location, LocationId, Source, StoreError, UrlOutcome, UrlState, VisitRecord,
};

/// One commit's writes, and the leases that it ends.
pub(super) struct CommitChanges<'a> {
    trees: &'a Trees,
    pub(super) batches: TreeBatches,
    /// The leases that are settled. They are dropped only once all is written, or their URLs
    /// would be handed out again.
    settled: Vec<Lease>,
}

impl<'a> CommitChanges<'a> {
    pub(super) fn new(trees: &'a Trees) -> Self {
        Self {
            trees,
            batches: TreeBatches::default(),
            settled: Vec::new(),
        }
    }

    /// Makes the changes, all or nothing.
    pub(super) fn apply(self) -> Result<(), StoreError> {
        self.batches.apply()
    }

    /// Ends a lease.
    pub(super) fn settle(&mut self, lease: Lease, outcome: UrlOutcome) {
        settle_into(self.batches.of(&self.trees.frontier), &lease, outcome);
        self.settled.push(lease);
    }

    /// Ends the lease of a URL that has got a state meanwhile, which it keeps.
    pub(super) fn settle_as(&mut self, lease: Lease, state: UrlState) {
        end_as(self.batches.of(&self.trees.frontier), &lease, state);
        self.settled.push(lease);
    }

    /// Records that a picture was found at a location, and settles the location's URL.
    pub(super) fn add_location(&mut self, origin: Source, picture: PictureId) {
        let t = self.trees;
        let (id, location) = match origin {
            Source::Url(lease) => {
                let (id, url) = (lease.id(), lease.record().url.clone());
                let before = lease.visit.as_ref();
                let validators = lease.validators.clone();
                let visit = VisitRecord::after(before, *picture.as_bytes(), validators, Vec::new());
                self.batches.of(&t.visits).insert(&id.0, encode(&visit));
                self.settle(lease, UrlOutcome::Done);
                (LocationId::of_url(id), Location::Url(url))
            }
            // Its locations are known since it was fetched.
            Source::Waiting(_) => return,
            Source::Inline { page, embed } => {
                let id = LocationId::within(&page, picture);
                self.batches
                    .of(&t.embeds)
                    .insert(&embed_key(UrlId(id.0), page.id()), encode(&embed));
                (id, Location::Url(page.to_string()))
            }
            Source::File {
                path,
                bytes,
                modified_ns,
            } => {
                let id = LocationId::of_path(&path);
                let record = FileRecord {
                    bytes,
                    modified_ns,
                    picture,
                };
                self.batches.of(&t.files).insert(&id.0, encode(&record));
                (id, Location::Path(LocalPath::new(path)))
            }
        };
        let key = location_key(picture, id);
        self.batches
            .of(&t.places)
            .insert(&key[..], encode(&location));
    }
}
