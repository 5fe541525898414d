//! A store in a folder as records: what it is copied by.

mod mark;
mod reading;
mod urls;
mod writing;

pub(super) use mark::check_ended;

use super::EmbeddedMetadata;
use crate::store::transfer::{Kind, Record, Replacement, Transfer};
use crate::store::{AppendEntries, Listing, StoreError};

impl Transfer for EmbeddedMetadata {
    fn records(&self, kind: Kind) -> Listing<'_, Record> {
        self.list_records(kind)
    }

    fn replace(&self, with: &Replacement, log: &dyn AppendEntries) -> Result<(), StoreError> {
        self.reserve.check()?;
        self.take_records(&with.taken)?;
        self.put_records(&with.put, log)
    }

    fn end_copy(&self) -> Result<(), StoreError> {
        self.tell_of_urls()?;
        self.begin_orders_behind_queues()?;
        // What pictures' places follow from came in parts.
        self.drop_sightings()?;
        self.ensure_sightings()?;
        self.records.sync()?;
        mark::remove(&self.dir)
    }

    fn is_being_copied(&self) -> Result<bool, StoreError> {
        Ok(mark::is_there(&self.dir))
    }
}
