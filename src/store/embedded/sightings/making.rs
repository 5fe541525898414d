//! Making the sightings of a store that has none, or of which another simdex has written to the records.

use std::iter::Peekable;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::records::{Records, place_of};
use crate::picture::PictureId;
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::trees::{
    APPLIED, Overlay, RUNS, SIGHTED_LOG, SIGHTED_RUNS, SIGHTED_TO, TreeBatches, decode, encode,
    sighting_key,
};
use crate::store::{PictureRecord, Sequence, StoreError};

/// Places that one transaction looks at.
const AT_ONCE: usize = 4_096;
const NOTE_EVERY: Duration = Duration::from_secs(5);

/// How far the sightings are made, and of what.
#[derive(Serialize, Deserialize)]
pub(super) struct Made {
    /// How far the log was taken in, and how many runs there were: what was made then holds only while
    /// both stay.
    pub(super) log: Option<Vec<u8>>,
    pub(super) runs: Option<Vec<u8>>,
    /// The key of the last place that was looked at.
    pub(super) last: Vec<u8>,
}

impl EmbeddedMetadata {
    /// Whether the sightings follow from the other records, as far as those who wrote them know.
    pub(in crate::store::embedded) fn has_sightings(&self) -> Result<bool, StoreError> {
        let counters = &self.trees.counters;
        Ok(counters.get(SIGHTED_LOG)? == counters.get(APPLIED)?
            && counters.get(SIGHTED_RUNS)? == counters.get(RUNS)?)
    }

    /// Has them doubted until they are made anew.
    pub(in crate::store::embedded) fn drop_sightings(&self) -> Result<(), StoreError> {
        self.sightings.keep(false);
        self.trees.counters.remove(SIGHTED_LOG)?;
        self.trees.counters.remove(SIGHTED_TO)?;
        Ok(())
    }

    /// Makes them, if they are not kept. What was made before an interruption is not made again. Nobody
    /// else may write meanwhile.
    ///
    /// # Errors
    /// If the records cannot be read or written.
    pub(in crate::store::embedded) fn ensure_sightings(&self) -> Result<(), StoreError> {
        if self.sightings.are_kept() {
            return Ok(());
        }
        let t = &self.trees;
        let [log, runs] = [APPLIED, RUNS].map(|key| t.counters.get(key));
        let (log, runs) = (log?.map(|it| it.to_vec()), runs?.map(|it| it.to_vec()));
        let made = t.counters.get(SIGHTED_TO)?;
        let made = made.map(|made| decode::<Made>("counters", &made));
        let mut made = match made.transpose()? {
            Some(made) if (&made.log, &made.runs) == (&log, &runs) => made,
            _ => {
                t.sightings.clear()?;
                Made {
                    log: log.clone(),
                    runs: runs.clone(),
                    last: Vec::new(),
                }
            }
        };
        let of = self.picture_count();
        if of > 0 {
            tracing::info!(pictures = of, "noting on which hosts pictures were seen");
        }
        let mut places = t.places.range(made.last.clone()..).peekable();
        // Both are in the order of pictures' identities.
        let first = made.last.get(..PictureId::LEN).unwrap_or_default();
        let mut pictures = Pictures(t.pictures.range(first..).peekable());
        let (mut done, mut noted) = (0_usize, Instant::now());
        while places.peek().is_some() {
            let mut batches = TreeBatches::default();
            for place in places.by_ref().take(AT_ONCE) {
                let (key, location) = place?;
                let records = Records {
                    trees: t,
                    overlay: Overlay::none(),
                };
                if let Some(sequence) = pictures.sequence(&key[..PictureId::LEN])? {
                    let location = decode("places", &location)?;
                    records.hosts_at(place_of(&key)?, &location, &mut |host| {
                        let key = sighting_key(host, sequence);
                        batches.of(&t.sightings).insert(&key[..], &[]);
                        true
                    })?;
                }
                made.last = key.to_vec();
                done += 1;
            }
            batches.of(&t.counters).insert(&SIGHTED_TO, encode(&made));
            batches.apply()?;
            if noted.elapsed() > NOTE_EVERY {
                noted = Instant::now();
                self.records.sync()?;
                tracing::info!(done, "places looked at");
            }
        }
        let mut batches = TreeBatches::default();
        let counters = batches.of(&t.counters);
        for (key, value) in [(SIGHTED_LOG, log), (SIGHTED_RUNS, runs)] {
            match value {
                Some(value) => counters.insert(&key, value),
                None => counters.remove(&key),
            }
        }
        counters.remove(&SIGHTED_TO);
        batches.apply()?;
        self.records.sync()?;
        self.sightings.keep(true);
        Ok(())
    }
}

/// Stored pictures in the order of their identities.
struct Pictures(Peekable<sled::Iter>);

impl Pictures {
    /// The number of the next picture asked for, if it is stored.
    fn sequence(&mut self, picture: &[u8]) -> Result<Option<Sequence>, StoreError> {
        loop {
            match self.0.peek() {
                Some(Ok((key, value))) if &**key == picture => {
                    let record: PictureRecord = decode("pictures", value)?;
                    return Ok(Some(Sequence(record.sequence)));
                }
                Some(Ok((key, _))) if &**key > picture => return Ok(None),
                Some(Err(error)) => return Err(error.clone().into()),
                Some(Ok(_)) => drop(self.0.next()),
                None => return Ok(None),
            }
        }
    }
}
