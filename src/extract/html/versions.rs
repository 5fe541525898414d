//! The versions in which an element names one picture, best first.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::extract::data_picture::is_data;
use crate::extract::link_target::LinkTarget;
use crate::extract::srcset::{CandidateSize, Candidates};
use crate::extract::version::Version;
use crate::extract::{MOST_VERSIONS, PicturePlacement};

/// How much a version promises; the greatest is asked for first.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(super) enum Rank {
    /// The bytes stand in the page: mostly a placeholder.
    Held,
    /// It keeps the place of other pictures, too.
    Placeholder,
    /// The ending is that of a format that simdex may not decode.
    Unread,
    /// The name promises a small one.
    Small,
    /// An attribute beside `src` names it whose name says nothing: a portrait of the author, an
    /// animation.
    Unsure,
    /// So many pixels of the file for one of the layout, at most one. `src` stands for one.
    Plain(f64),
    /// A script puts it in the place of `src`; the greater, the more usual the name.
    Lazy(usize),
    /// More than one pixel of the file for one of the layout.
    Dense(f64),
    /// The file's width in pixels. It is certain, so it ranks above any density.
    Width(u32),
    /// The name promises the full size.
    Full,
    /// A link around the picture leads to it.
    Linked,
}

/// The best versions of one picture, bounded however many there are.
#[derive(Debug, Clone, Default)]
pub(super) struct Versions<'a> {
    list: Vec<(Rank, Version<'a>)>,
}

/// How many are kept before the worst of them are dropped.
const KEPT: usize = 64;

impl<'a> Versions<'a> {
    /// Adds what the page shows.
    pub(super) fn push(&mut self, rank: Rank, reference: impl Into<Cow<'a, str>>) {
        let reference = reference.into();
        let rank = match LinkTarget::of_path(&reference) {
            LinkTarget::Unread if rank > Rank::Placeholder => Rank::Unread,
            _ => rank,
        };
        self.add(rank, reference, PicturePlacement::Shown);
    }

    /// Adds what a link leads to.
    pub(super) fn push_linked(&mut self, reference: &'a str, placement: PicturePlacement) {
        self.add(Rank::Linked, reference.into(), placement);
    }

    /// Adds the candidates of a set.
    pub(super) fn push_set(&mut self, set: &'a str) {
        for candidate in Candidates::new(set) {
            let rank = match candidate.size {
                CandidateSize::Width(width) => Rank::Width(width),
                CandidateSize::Density(density) if density > 1.0 => Rank::Dense(density),
                CandidateSize::Density(density) => Rank::Plain(density),
            };
            if is_usable(candidate.url) {
                self.push(rank, candidate.url);
            }
        }
    }

    fn add(&mut self, rank: Rank, reference: Cow<'a, str>, placement: PicturePlacement) {
        let version = Version {
            reference,
            placement,
        };
        self.list.push((rank, version));
        if self.list.len() >= KEPT {
            self.sort();
        }
    }

    /// Adds those of another element; of equals, the ones that are here come first.
    pub(super) fn append(&mut self, other: Versions<'a>) {
        for (rank, version) in other.list {
            self.add(rank, version.reference, version.placement);
        }
    }

    /// Keeps those of a kind.
    pub(super) fn retain(&mut self, mut is_wanted: impl FnMut(Rank) -> bool) {
        self.list.retain(|(rank, _)| is_wanted(*rank));
    }

    /// Takes out those that are no versions of this picture alone.
    pub(super) fn take_shared(&mut self, is_shared: impl Fn(&str) -> bool) -> Vec<Version<'a>> {
        let shared = self.list.extract_if(.., |(_, it)| is_shared(&it.reference));
        shared.map(|(_, version)| version).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The rank of the best one.
    pub(super) fn best(&self) -> Option<Rank> {
        let ranks = self.list.iter().map(|(rank, _)| *rank);
        ranks.max_by(|a, b| compare(*a, *b))
    }

    /// The best one, not yet resolved.
    pub(super) fn best_reference(&mut self) -> Option<String> {
        self.sort();
        let (_, best) = self.list.first()?;
        Some(best.reference.clone().into_owned())
    }

    /// Best first, each once.
    pub(super) fn into_list(mut self) -> Vec<Version<'a>> {
        self.sort();
        self.list.into_iter().map(|(_, version)| version).collect()
    }

    fn sort(&mut self) {
        // Stable: of equals the first comes first.
        self.list.sort_by(|(a, _), (b, _)| compare(*b, *a));
        let mut best: Vec<(Rank, Version<'a>)> = Vec::with_capacity(MOST_VERSIONS);
        // Where all the large ones are dead, the plain one may be there.
        let mut humblest = None;
        for (rank, version) in self.list.drain(..) {
            let is_known = |(_, known): &(Rank, Version<'a>)| known.reference == version.reference;
            if best.iter().any(is_known) {
                continue;
            }
            if best.len() < MOST_VERSIONS {
                best.push((rank, version));
            } else if rank > Rank::Unread {
                humblest = Some((rank, version));
            }
        }
        if let Some(humblest) = humblest {
            best.truncate(MOST_VERSIONS - 1);
            best.push(humblest);
        }
        self.list = best;
    }
}

fn compare(a: Rank, b: Rank) -> Ordering {
    a.partial_cmp(&b).unwrap_or(Ordering::Equal)
}

/// Whether a reference may be fetched, and for a picture.
pub(super) fn is_usable(reference: &str) -> bool {
    !reference.is_empty()
        && !reference.starts_with('#')
        && !is_data(reference)
        && !reference.contains(['<', '\n'])
        && LinkTarget::of_path(reference) != LinkTarget::Other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_many_come_first_and_once() {
        let mut versions = Versions::default();
        for width in 0..1_000 {
            versions.push(Rank::Width(width), format!("{width}.jpg"));
            versions.push(Rank::Width(width), format!("{}.jpg", width / 2));
        }
        versions.push(Rank::Plain(1.0), "src.jpg");
        assert_eq!(versions.best(), Some(Rank::Width(999)));
        let list = versions.into_list();
        let names: Vec<&str> = list.iter().map(|version| &*version.reference).collect();
        assert_eq!(names.len(), MOST_VERSIONS);
        assert_eq!(names[..3], ["999.jpg", "499.jpg", "998.jpg"]);
        assert_eq!(
            names.last(),
            Some(&"src.jpg"),
            "it may be there if all others are not"
        );
    }

    #[test]
    fn ranks_have_an_order() {
        let ranks = [
            Rank::Held,
            Rank::Placeholder,
            Rank::Unread,
            Rank::Small,
            Rank::Unsure,
            Rank::Plain(0.5),
            Rank::Plain(1.0),
            Rank::Lazy(0),
            Rank::Lazy(3),
            Rank::Dense(1.5),
            Rank::Dense(3.0),
            Rank::Width(1),
            Rank::Width(2),
            Rank::Full,
            Rank::Linked,
        ];
        assert!(ranks.is_sorted());
    }
}
