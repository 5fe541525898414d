//! Comparing the log with the records, both ways.

use std::collections::HashMap;

use crate::canonical_url::UrlId;
use crate::picture::PictureId;
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::log::Position;
use crate::store::embedded::metadata::leaving::Leaving;
use crate::store::embedded::metadata::places::place_of;
use crate::store::embedded::trees::decode;
use crate::store::entry::SectionKind;
use crate::store::{EntryLocation, Flaw, Location, StoreError};

impl EmbeddedMetadata {
    pub(in crate::store::embedded) fn check_log(
        &self,
        report: &mut dyn FnMut(Flaw),
    ) -> Result<(), StoreError> {
        // By number, since entries may have been moved.
        let mut told: Vec<(u64, PictureId, Option<EntryLocation>)> = Vec::new();
        let _commits = self.totals();
        self.log.for_each_entry(Position::default(), &mut |entry| {
            match entry {
                Ok(entry) if entry.section(SectionKind::Removed).is_some() => {
                    told.push((entry.number, entry.picture, None));
                }
                Ok(entry) if entry.location.payload.is_some() => {
                    told.push((entry.number, entry.picture, Some(entry.location)));
                }
                Ok(_) => {}
                Err(damage) => report(Flaw {
                    picture: None,
                    problem: self.damaged(damage).to_string(),
                }),
            }
            Ok(())
        })?;
        told.sort_by_key(|(number, ..)| *number);
        let mut live: HashMap<PictureId, EntryLocation> = HashMap::new();
        for (_, picture, location) in told {
            match location {
                Some(location) => drop(live.insert(picture, location)),
                None => drop(live.remove(&picture)),
            }
        }
        let flaw = |picture, problem: &str| Flaw {
            picture: Some(picture),
            problem: problem.to_owned(),
        };
        for (picture, location) in &live {
            let known = self.block_location(*picture)?;
            let known = known.or(self.waiting_location(*picture)?);
            match known {
                None => report(flaw(*picture, "the log has it and the records do not")),
                Some(known) if known != *location => {
                    report(flaw(*picture, "it lies elsewhere in the log"));
                }
                Some(_) => {}
            }
        }
        for entry in self.block_locations() {
            let (picture, _) = entry?;
            if !live.contains_key(&picture) {
                report(flaw(picture, "the records have it and the log does not"));
            }
        }
        for picture in self.waiting() {
            let picture = picture?;
            match self.waiting_body(picture) {
                Ok(_) => {}
                Err(error @ StoreError::DamagedBody { .. }) => {
                    report(flaw(picture, &error.to_string()));
                }
                // What cannot be read now may be whole.
                Err(error) => report(Flaw {
                    picture: None,
                    problem: format!("{picture}: {error}"),
                }),
            }
        }
        Ok(())
    }

    pub(in crate::store::embedded) fn ask_again_for(
        &self,
        id: PictureId,
    ) -> Result<u64, StoreError> {
        let mut urls = Vec::new();
        for entry in self.trees.places.scan_prefix(id.as_bytes()) {
            let (key, value) = entry?;
            if let Location::Url(_) = decode("places", &value)? {
                urls.push(UrlId(place_of(&key)?.0));
            }
        }
        {
            let mut totals = self.totals();
            let mut leaving = Leaving::new(self, *totals);
            leaving.take_out(id, false)?;
            leaving.apply(&mut totals)?;
        }
        let mut queued = 0;
        for url in urls {
            queued += u64::from(self.reopen(url, true)?);
        }
        Ok(queued)
    }
}
