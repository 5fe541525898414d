//! Which picture of a group of near-copies to keep.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::app::{Collection, Error};
use crate::head::Ranking;
use crate::search::{QueryResult, ResultEntry, SearchError};
use crate::store::PictureRecord;

/// By what the picture is chosen that is kept of a group; where that is the same of several, by the other
/// two, in the order in which they stand here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Preference {
    /// The most pixels.
    #[default]
    Largest,
    /// The most bytes for each pixel.
    BestQuality,
    /// Stored first.
    Oldest,
}

impl Preference {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Largest, Self::BestQuality, Self::Oldest];

    /// Its name in URLs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Largest => "largest",
            Self::BestQuality => "quality",
            Self::Oldest => "oldest",
        }
    }

    /// Orders pictures by it alone, best first.
    fn compare(self, a: &PictureRecord, b: &PictureRecord) -> std::cmp::Ordering {
        let pixels = |it: &PictureRecord| u64::from(it.width) * u64::from(it.height);
        // As fractions: bytes of one times pixels of the other.
        let share = |of: &PictureRecord, other| u128::from(of.bytes) * u128::from(pixels(other));
        match self {
            Self::Largest => Reverse(pixels(a)).cmp(&Reverse(pixels(b))),
            Self::BestQuality => share(b, a).cmp(&share(a, b)),
            Self::Oldest => a.sequence.cmp(&b.sequence),
        }
    }

    /// Why a picture is better than the next, by what they differ in first.
    pub(in crate::app) fn decide(
        self,
        a: &PictureRecord,
        b: &PictureRecord,
    ) -> (std::cmp::Ordering, Self) {
        let others = Self::ALL.into_iter().filter(|other| *other != self);
        let mut by = std::iter::once(self).chain(others);
        let decided = by.find_map(|by| match by.compare(a, b) {
            std::cmp::Ordering::Equal => None,
            order => Some((order, by)),
        });
        decided.unwrap_or((std::cmp::Ordering::Equal, self))
    }
}

/// A group of near-copies, or one picture in several files.
#[derive(Debug, Clone)]
pub struct DuplicateGroup {
    /// Its pictures, the original first.
    pub members: Vec<Duplicate>,
    /// The place of the one to keep.
    pub keep: usize,
    /// What speaks for it; `None` where there is no other.
    pub because: Option<Preference>,
}

/// A picture of a group.
#[derive(Debug, Clone)]
pub struct Duplicate {
    /// Where it was found, and how like the original it is.
    pub entry: ResultEntry,
    /// Its size and age.
    pub record: PictureRecord,
}

impl DuplicateGroup {
    /// Chooses what to keep; `None` of nothing.
    fn of(members: Vec<Duplicate>, preference: Preference) -> Option<Self> {
        let mut order: Vec<usize> = (0..members.len()).collect();
        let record = |place: &usize| &members[*place].record;
        order.sort_by(|a, b| preference.decide(record(a), record(b)).0);
        let keep = *order.first()?;
        let next = order.get(1);
        let because = next.map(|next| preference.decide(record(&keep), record(next)).1);
        Some(Self {
            members,
            keep,
            because,
        })
    }
}

impl Collection {
    /// Gives every group of near-copies with a choice of what to keep, as [`Self::duplicates`] does.
    ///
    /// # Errors
    /// If the store fails, or `each` does.
    pub fn duplicate_groups<E: From<Error> + From<SearchError>>(
        &self,
        head: &Arc<Ranking>,
        preference: Preference,
        mut each: impl FnMut(DuplicateGroup) -> Result<(), E>,
    ) -> Result<(), E> {
        self.duplicates(None, head, |group: QueryResult| {
            let members = group.results.into_iter().map(|entry| {
                let id = entry.id.parse().ok();
                let record = id.map(|id| self.store().picture(id)).transpose();
                // Removed a moment ago, it is no member any more.
                Ok(record
                    .map_err(Error::from)?
                    .flatten()
                    .map(|record| Duplicate { entry, record }))
            });
            let members = members.filter_map(Result::transpose);
            let members = members.collect::<Result<Vec<Duplicate>, E>>()?;
            match DuplicateGroup::of(members, preference) {
                Some(group) => each(group),
                None => Ok(()),
            }
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::PerceptualHash;

    fn chosen(pictures: &[(u32, u64)], preference: Preference) -> (usize, Option<Preference>) {
        let members = pictures
            .iter()
            .zip(0..)
            .map(|((side, bytes), sequence)| Duplicate {
                entry: serde_json::from_str(ENTRY).unwrap(),
                record: PictureRecord {
                    sequence,
                    width: *side,
                    height: *side,
                    media_type: "image/jpeg".to_owned(),
                    bytes: *bytes,
                    perceptual_hash: PerceptualHash(0),
                    first_seen: 0,
                },
            });
        let group = DuplicateGroup::of(members.collect(), preference).unwrap();
        (group.keep, group.because)
    }

    const ENTRY: &str = r#"{"rank": 1, "score": 1, "id": "", "urls": [], "pages": [], "path": null, "paths": [],
        "width": 1, "height": 1, "cosine": 1, "layers": {}, "copies": []}"#;

    #[test]
    fn what_is_kept_is_chosen_by_what_pictures_differ_in() {
        use Preference::{BestQuality, Largest, Oldest};
        let different = [(100, 9_000), (200, 8_000), (50, 7_000)];
        assert_eq!(chosen(&different, Largest), (1, Some(Largest)));
        assert_eq!(chosen(&different, BestQuality), (2, Some(BestQuality)));
        assert_eq!(chosen(&different, Oldest), (0, Some(Oldest)));
        assert_eq!(
            chosen(&[(100, 10), (100, 20)], Largest),
            (1, Some(BestQuality))
        );
        assert_eq!(chosen(&[(100, 10), (100, 10)], Largest), (0, Some(Oldest)));
        assert_eq!(chosen(&[(100, 10)], Largest), (0, None));
    }
}
