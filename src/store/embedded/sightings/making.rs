//! Making the sightings of a store that has none, or of which another simdex has written to the records.

use std::iter::Peekable;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sled::IVec;

use super::records::{Records, place_of};
use crate::picture::PictureId;
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::trees::{
    APPLIED, Overlay, RUNS, SIGHTED_LOG, SIGHTED_RUNS, SIGHTED_TO, TreeBatches, Trees, decode,
    encode, sighting_key,
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
        let mut places = Places::from(t, &made.last);
        let (mut done, mut noted) = (0_usize, Instant::now());
        loop {
            let mut batches = TreeBatches::default();
            let sightings = batches.of(&t.sightings);
            let mut last = None;
            for _ in 0..AT_ONCE {
                let place = places.next(&mut |key| sightings.insert(&key[..], &[]))?;
                let Some(place) = place else {
                    break;
                };
                last = Some(place);
                done += 1;
            }
            let Some(last) = last else {
                break;
            };
            made.last = last.to_vec();
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

    /// Holds them against the places, embeds and pages that they follow from. Says whether they were right;
    /// they are then.
    ///
    /// # Errors
    /// If the records cannot be read or written.
    pub(in crate::store::embedded) fn check_sightings(&self) -> Result<bool, StoreError> {
        if !self.sightings.are_kept() {
            return Ok(true);
        }
        let t = &self.trees;
        // Nothing of it changes meanwhile.
        let _commits = self.totals();
        let mut right = Vec::new();
        let mut places = Places::from(t, &[]);
        while places.next(&mut |key| right.push(key))?.is_some() {}
        right.sort_unstable();
        right.dedup();
        let mut batches = TreeBatches::default();
        let mut missing = right.iter().peekable();
        for key in t.sightings.iter().keys() {
            let key = key?;
            while let Some(next) = missing.next_if(|next| next[..] < *key) {
                batches.of(&t.sightings).insert(&next[..], &[]);
            }
            if missing.next_if(|next| next[..] == *key).is_none() {
                batches.of(&t.sightings).remove(key);
            }
        }
        for next in missing {
            batches.of(&t.sightings).insert(&next[..], &[]);
        }
        let are_right = batches.changes(&t.sightings).is_none();
        batches.apply()?;
        self.sightings.forget_asked();
        Ok(are_right)
    }
}

/// The places of all pictures, and what was seen there.
struct Places<'a> {
    records: Records<'a>,
    places: sled::Iter,
    /// Both are in the order of pictures' identities.
    pictures: Peekable<sled::Iter>,
}

impl<'a> Places<'a> {
    /// Those from a place's key on.
    fn from(trees: &'a Trees, first: &[u8]) -> Self {
        let picture = first.get(..PictureId::LEN).unwrap_or_default();
        Self {
            records: Records {
                trees,
                overlay: Overlay::none(),
            },
            places: trees.places.range(first..),
            pictures: trees.pictures.range(picture..).peekable(),
        }
    }

    /// Hands what was seen at the next place to `take`, as keys of the sightings. Gives the key of the
    /// place; `None` behind the last.
    fn next(&mut self, take: &mut dyn FnMut([u8; 16])) -> Result<Option<IVec>, StoreError> {
        let Some((key, location)) = self.places.next().transpose()? else {
            return Ok(None);
        };
        let place = place_of(&key)?;
        if let Some(sequence) = self.sequence(&key[..PictureId::LEN])? {
            let location = decode("places", &location)?;
            self.records.hosts_at(place, &location, &mut |host| {
                take(sighting_key(host, sequence));
                true
            })?;
        }
        Ok(Some(key))
    }

    /// The number of the next picture asked for, if it is stored.
    fn sequence(&mut self, picture: &[u8]) -> Result<Option<Sequence>, StoreError> {
        loop {
            match self.pictures.peek() {
                Some(Ok((key, value))) if &**key == picture => {
                    let record: PictureRecord = decode("pictures", value)?;
                    return Ok(Some(Sequence(record.sequence)));
                }
                Some(Ok((key, _))) if &**key > picture => return Ok(None),
                Some(Err(error)) => return Err(error.clone().into()),
                Some(Ok(_)) => drop(self.pictures.next()),
                None => return Ok(None),
            }
        }
    }
}
