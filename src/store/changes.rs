//! What a commit writes, tree by tree.

use sled::Batch;

use super::frontier::settle_into;
use super::key::{LocationId, embed_key, place_key};
use super::record::{FileRecord, Location, encode};
use super::visits::VisitRecord;
use super::{Lease, Source, UrlOutcome};
use crate::canonical_url::UrlId;
use crate::picture::PictureId;

/// One commit's writes, tree by tree.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) pictures: Batch,
    pub(super) sequences: Batch,
    pub(super) descriptors: Batch,
    pub(super) thumbnails: Batch,
    pub(super) extents: Batch,
    pub(super) segments: Batch,
    pub(super) places: Batch,
    pub(super) files: Batch,
    pub(super) counters: Batch,
    pub(super) frontier: Batch,
    pub(super) visits: Batch,
    pub(super) embeds: Batch,
    /// What is settled; dropped once all is written.
    settled: Vec<Lease>,
}

impl Changes {
    /// Ends a lease.
    pub(super) fn settle(&mut self, lease: Lease, outcome: UrlOutcome) {
        settle_into(&mut self.frontier, &lease, outcome);
        self.settled.push(lease);
    }

    /// Takes in that a picture was found at a place, and settles the place's URL.
    pub(super) fn add_place(&mut self, origin: Source, picture: PictureId) {
        let (id, place) = match origin {
            Source::Url(lease) => {
                let (id, url) = (lease.id(), lease.record().url.clone());
                let before = lease.visit.as_ref();
                let validators = lease.validators.clone();
                let visit = VisitRecord::after(before, *picture.as_bytes(), validators, Vec::new());
                self.visits.insert(&id.0, encode(&visit));
                self.settle(lease, UrlOutcome::Done);
                (LocationId::of_url(id), Location::Url(url))
            }
            // Its places are known since it was fetched.
            Source::Waiting(_) => return,
            Source::Inline { page, embed } => {
                let id = LocationId::within(&page, picture);
                self.embeds
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
                self.files.insert(&id.0, encode(&record));
                (id, Location::Path(path.to_string_lossy().into_owned()))
            }
        };
        self.places
            .insert(&place_key(picture, id)[..], encode(&place));
    }
}
