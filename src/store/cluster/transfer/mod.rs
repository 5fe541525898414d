//! A cluster's store as records: what it is copied by.

mod begin;
mod reading;
mod writing;

use super::ClusterMetadata;
use crate::store::entry::{Entry, Section, SectionKind};
use crate::store::transfer::{Kind, Record, Replacement, Transfer};
use crate::store::{AppendEntries, Listing, StoreError};

/// The note of a copy that has not ended: the id of the store that is copied.
const COPYING: &str = "copying";

impl Transfer for ClusterMetadata {
    fn records(&self, kind: Kind) -> Listing<'_, Record> {
        self.list_records(kind)
    }

    fn replace(&self, with: &Replacement, log: &dyn AppendEntries) -> Result<(), StoreError> {
        let blocks = with.put.iter().filter_map(|(record, block)| match record {
            Record::Picture(picture) => Some(Entry {
                picture: picture.id,
                sections: vec![Section::of_bytes(SectionKind::Block, block.as_deref()?)],
            }),
            _ => None,
        });
        let places = log.append(&blocks.collect::<Vec<_>>())?;
        self.write(|transaction| {
            transaction.load_for(with)?;
            for record in &with.taken {
                transaction.take_record(record)?;
            }
            transaction.put_embeds_of(with)?;
            let mut places = places.iter();
            for (record, large) in &with.put {
                transaction.put_record(record, large.as_deref(), &mut places)?;
            }
            Ok(())
        })
    }

    fn end_copy(&self) -> Result<(), StoreError> {
        self.begin_orders_behind_queues()?;
        self.write(|transaction| {
            let end = sqlx::query("DELETE FROM notes WHERE name = $1").bind(COPYING);
            transaction.execute(end).map(drop)
        })
    }

    fn is_being_copied(&self) -> Result<bool, StoreError> {
        Ok(self.note(COPYING)?.is_some())
    }

    fn is_at_work(&self) -> Result<bool, StoreError> {
        let select = || {
            let select = "SELECT 1 FROM host_leases WHERE until >= now() AND worker <> $1 LIMIT 1";
            sqlx::query_as(select).bind(self.shared.worker)
        };
        let row: Option<(i32,)> = self.database().row(select)?;
        Ok(row.is_some())
    }
}
