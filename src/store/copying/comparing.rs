//! Holding a copy against its original: every record, and the bytes of all activations and bodies.

use std::collections::BTreeMap;

use crate::store::transfer::{Kind, Pair, Record, pairs};
use crate::store::{Store, StoreError};

/// The most differences that are told one by one.
const MOST_TOLD: usize = 20;

/// What comparing two stores came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// Records of the original, by the short names of their kinds.
    pub records: BTreeMap<&'static str, u64>,
    /// How many differ.
    pub differing: u64,
    /// What differs, the first of it.
    pub differences: Vec<String>,
    /// Whether it was asked to stop before it came to the end.
    pub stopped: bool,
}

impl Compared {
    fn differs(&mut self, what: impl FnOnce() -> String) {
        self.differing += 1;
        if self.differences.len() < MOST_TOLD {
            self.differences.push(what());
        }
    }
}

impl Store {
    /// Compares all records of this store with those of `copy`, and reads what `copy` has of activations
    /// and bodies to the last byte. `progress` is as in [`Self::copy_to`].
    ///
    /// # Errors
    /// If one of the two cannot be read. What is damaged in `copy` is a difference.
    pub fn compare_with(
        &self,
        copy: &Self,
        progress: &mut dyn FnMut(Kind, u64) -> bool,
    ) -> Result<Compared, StoreError> {
        let mut compared = Compared::default();
        if self.id() != copy.id() {
            compared.differs(|| "it is another store by its id".to_owned());
        }
        if self.identity.activations != copy.identity.activations {
            compared.differs(|| "it keeps activations in another way".to_owned());
        }
        for kind in Kind::ALL {
            let mut count = 0;
            for pair in pairs(self.metadata.records(kind), copy.metadata.records(kind)) {
                match pair? {
                    Pair::Same(record) => {
                        count += 1;
                        if !self.has_whole(copy, &record)? {
                            compared.differs(|| format!("{record}: its bytes are damaged"));
                        }
                    }
                    Pair::Missing(record) => {
                        count += 1;
                        compared.differs(|| format!("{record}: it is missing"));
                    }
                    Pair::Extra(record) => {
                        compared.differs(|| format!("{record}: the original has none"));
                    }
                    Pair::Different(record, _) => {
                        count += 1;
                        compared.differs(|| format!("{record}: it is another"));
                    }
                }
                if count % 100 == 0 && !progress(kind, count) {
                    compared.stopped = true;
                    return Ok(compared);
                }
            }
            progress(kind, count);
            compared.records.insert(kind.name(), count);
        }
        Ok(compared)
    }

    /// Whether `copy` has all bytes of a record that is the same in both. Checksums of activations are
    /// part of the records.
    fn has_whole(&self, copy: &Self, record: &Record) -> Result<bool, StoreError> {
        let read = match record {
            Record::Picture(picture) => match copy.metadata.block_location(picture.id)? {
                Some(location) => copy.blocks.verify(picture.id, location).map(|_| true),
                None => Ok(false),
            },
            Record::Waiting(id) => {
                let wanted = self.metadata.waiting_body(*id)?;
                copy.metadata.waiting_body(*id).map(|body| body == wanted)
            }
            _ => Ok(true),
        };
        match read {
            Err(StoreError::Damaged { .. } | StoreError::DamagedBody { .. }) => Ok(false),
            read => read,
        }
    }
}
