//! What pages say of a picture's URL before it is asked for: how sure it is that it gives a
//! picture, and under which other URLs the same picture can be had.

use serde::{Deserialize, Serialize};

use crate::canonical_url::{CanonicalUrl, UrlId};
use crate::store::StoreError;

/// How sure it is that a URL gives a picture, the surest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Promise {
    /// A page shows it as a picture.
    #[default]
    Shown,
    /// A link leads to it and it looks like a picture's. It may be a page's.
    Linked,
    /// It stands in data for scripts and looks like a picture's. It is asked for last.
    Guessed,
}

/// Another URL under which a picture can be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternate {
    /// The URL.
    pub url: CanonicalUrl,
    /// How sure it is that it gives the picture.
    pub promise: Promise,
}

/// What a page says of a picture's URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PictureHint {
    /// How sure it is that it gives a picture.
    pub promise: Promise,
    /// Where else the picture can be had, best first; at most [`Self::MOST_OTHERS`] are kept.
    /// The next is asked for if this URL gives no picture.
    pub others: Vec<Alternate>,
    /// The same for each further picture that names this URL, such as one that keeps the place
    /// of many; at most [`Self::MOST_PICTURES`] are kept.
    pub of_further: Vec<Vec<Alternate>>,
}

impl PictureHint {
    /// Most other URLs of one picture.
    pub const MOST_OTHERS: usize = 7;
    /// Most further pictures that name one URL.
    pub const MOST_PICTURES: usize = 32;

    /// The other URLs of each picture that names this one.
    pub(in crate::store) fn pictures(&self) -> impl Iterator<Item = &Vec<Alternate>> {
        let all = std::iter::once(&self.others).chain(&self.of_further);
        all.filter(|others| !others.is_empty())
    }

    /// Leaves out URLs.
    pub(in crate::store) fn retain(&mut self, is_wanted: impl Fn(&Alternate) -> bool) {
        for others in std::iter::once(&mut self.others).chain(&mut self.of_further) {
            others.retain(&is_wanted);
        }
        self.of_further.retain(|others| !others.is_empty());
        if self.others.is_empty() && !self.of_further.is_empty() {
            self.others = self.of_further.remove(0);
        }
    }

    /// Whether it says no more than that a page shows a picture.
    pub(in crate::store) fn is_plain(&self) -> bool {
        self.promise == Promise::Shown && self.others.is_empty() && self.of_further.is_empty()
    }

    /// Adds what another page says of the same URL. What shares no URL with what is known is
    /// another picture. Returns whether that is more.
    pub(in crate::store) fn merge(&mut self, other: &Self) -> bool {
        let before = self.clone();
        self.promise = self.promise.min(other.promise);
        for others in other.pictures() {
            self.add_picture(others);
        }
        *self != before
    }

    fn add_picture(&mut self, others: &[Alternate]) {
        let mut known = std::iter::once(&mut self.others).chain(&mut self.of_further);
        let same = known.find(|known| {
            known.is_empty()
                || known
                    .iter()
                    .any(|it| others.iter().any(|other| other.url == it.url))
        });
        let Some(same) = same else {
            if self.of_further.len() < Self::MOST_PICTURES {
                let others = others.iter().take(Self::MOST_OTHERS);
                self.of_further.push(others.cloned().collect());
            }
            return;
        };
        for alternate in others {
            let is_known = same.iter().any(|known| known.url == alternate.url);
            if !is_known && same.len() < Self::MOST_OTHERS {
                same.push(alternate.clone());
            }
        }
    }

    /// As stores write it.
    pub(in crate::store) fn stored(&self) -> StoredHint {
        let mut stored = Vec::new();
        for (at, others) in self.pictures().enumerate() {
            if at > 0 {
                stored.push((BETWEEN.to_owned(), Promise::Shown));
            }
            let others = others.iter().take(Self::MOST_OTHERS);
            stored.extend(others.map(|other| (other.url.to_string(), other.promise)));
        }
        StoredHint {
            promise: self.promise,
            others: stored,
        }
    }
}

/// What stands between the URLs of two pictures. It is no URL, so older versions pass over it.
const BETWEEN: &str = "";

/// [`PictureHint`] as stores write it.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store) struct StoredHint {
    promise: Promise,
    others: Vec<(String, Promise)>,
}

impl From<StoredHint> for PictureHint {
    fn from(stored: StoredHint) -> Self {
        let pictures = stored.others.split(|(url, _)| url == BETWEEN);
        let mut pictures = pictures.map(|others| {
            let others = others.iter().filter_map(|(url, promise)| {
                let url = CanonicalUrl::parse(url).ok()?;
                let promise = *promise;
                Some(Alternate { url, promise })
            });
            others.collect::<Vec<_>>()
        });
        Self {
            promise: stored.promise,
            others: pictures.next().unwrap_or_default(),
            of_further: pictures.filter(|others| !others.is_empty()).collect(),
        }
    }
}

/// What is known of one of a picture's URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Known {
    /// It was never seen.
    Never,
    /// It waits, or is being asked for.
    Waits,
    /// It gave a picture.
    Gave,
    /// It gave none, or is not to be asked for.
    No,
}

/// Which of a picture's URLs stands for it.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::store) enum Chosen {
    /// This one gave the picture, or is on its way.
    Known(Alternate),
    /// This one is to be asked for; the others come after it.
    New(Alternate, Vec<Alternate>),
    /// All of them were asked for in vain.
    None,
}

/// Chooses among the URLs of a picture, best first: the first that was not asked for in vain. A
/// worse one that gave the picture does not stand for a better one that was never seen.
pub(in crate::store) fn choose(
    versions: Vec<Alternate>,
    known: impl Fn(&CanonicalUrl, UrlId) -> Result<Known, StoreError>,
) -> Result<Chosen, StoreError> {
    let mut versions = versions.into_iter();
    while let Some(version) = versions.next() {
        match known(&version.url, version.url.id())? {
            Known::Gave | Known::Waits => return Ok(Chosen::Known(version)),
            Known::Never => return Ok(Chosen::New(version, versions.collect())),
            Known::No => {}
        }
    }
    Ok(Chosen::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alternate(n: usize) -> Alternate {
        Alternate {
            url: CanonicalUrl::parse(&format!("http://h/{n}")).unwrap(),
            promise: Promise::Shown,
        }
    }

    #[test]
    fn one_url_is_chosen_for_a_picture() {
        use Known::{Gave, Never, No, Waits};
        for (states, expected) in [
            (vec![Never, Never, Never], "new 0, then 2"),
            (vec![No, Never, Never], "new 1, then 1"),
            (vec![Never, Waits, Gave], "new 0, then 2"),
            (vec![Waits, No, Gave], "known 0"),
            (vec![No, Gave, Never], "known 1"),
            (vec![No, No], "none"),
            (vec![], "none"),
        ] {
            let versions = (0..states.len()).map(alternate).collect();
            let known = |url: &CanonicalUrl, _| {
                let n: usize = url.as_url().path()[1..].parse().unwrap();
                Ok(states[n])
            };
            let number = |it: &Alternate| it.url.as_url().path()[1..].to_owned();
            let chosen = match choose(versions, known).unwrap() {
                Chosen::Known(it) => format!("known {}", number(&it)),
                Chosen::New(it, rest) => format!("new {}, then {}", number(&it), rest.len()),
                Chosen::None => "none".to_owned(),
            };
            assert_eq!(chosen, expected, "{states:?}");
        }
    }

    #[test]
    fn hints_are_merged_within_their_bound() {
        let mut hint = PictureHint {
            promise: Promise::Guessed,
            others: vec![alternate(1)],
            ..PictureHint::default()
        };
        let more = PictureHint {
            promise: Promise::Linked,
            others: (0..20).map(alternate).collect(),
            ..PictureHint::default()
        };
        assert!(hint.merge(&more));
        assert!(!hint.merge(&more));
        assert_eq!(hint.promise, Promise::Linked);
        assert_eq!(hint.others.len(), PictureHint::MOST_OTHERS);
        assert_eq!(hint.others[0], alternate(1));
        // Another picture that names the same URL.
        let further = PictureHint {
            others: vec![alternate(50), alternate(51)],
            ..PictureHint::default()
        };
        assert!(hint.merge(&further));
        assert!(!hint.merge(&further));
        assert_eq!(hint.of_further, [further.others]);
        for n in 0..100 {
            hint.merge(&PictureHint {
                others: vec![alternate(100 + n)],
                ..PictureHint::default()
            });
        }
        assert_eq!(hint.of_further.len(), PictureHint::MOST_PICTURES);
        let bytes = postcard::to_stdvec(&hint.stored()).unwrap();
        let stored: StoredHint = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(PictureHint::from(stored), hint);
        assert!(PictureHint::default().is_plain() && !hint.is_plain());
    }
}
