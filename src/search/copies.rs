//! Near-copies in result lists, and the groups of them.

use std::time::Instant;

use super::exact::exact_or;
use super::pool::Unread;
use super::rank::Candidates;
use super::result::{CopyEntry, QueryResult, Timing};
use super::selected::Selected;
use super::{SearchError, SearchOptions, Searcher};
use crate::head::Features;
use crate::index::Candidate;
use crate::local_path::LocalPath;
use crate::store::{Sequence, StoreError};

/// As many copies of one result are listed; `simdex duplicates` has them all.
const MOST_LISTED: usize = 100;

impl Searcher {
    /// Candidates, each with all its near-copies that the filter lets through: as near as
    /// itself, until their own activations are compared.
    pub(super) fn copies_of(
        &self,
        candidates: &[Candidate],
        selected: &Selected<'_>,
    ) -> Vec<Candidate> {
        let mut all = Vec::with_capacity(candidates.len());
        for candidate in candidates {
            all.push(*candidate);
            for sequence in self.view.index.near_duplicates().group(candidate.sequence) {
                if sequence != candidate.sequence && selected.accepts(sequence) {
                    all.push(Candidate {
                        sequence,
                        ..*candidate
                    });
                }
            }
        }
        all
    }

    /// The copies that a result stands for; none where they are results of their own.
    pub(super) fn copies(
        &self,
        sequence: Sequence,
        options: &SearchOptions,
    ) -> Result<Vec<CopyEntry>, StoreError> {
        if options.all_copies {
            return Ok(Vec::new());
        }
        let others = self
            .view
            .index
            .near_duplicates()
            .group(sequence)
            .into_iter();
        let mut copies = Vec::new();
        let is_hidden = |other: &Sequence| options.filter.hidden.contains(other);
        let others = others.filter(|other| *other != sequence && !is_hidden(other));
        for other in others.take(MOST_LISTED) {
            if let Some(id) = self.store.picture_at(other)? {
                let provenance = self.store.provenance(id)?;
                let paths: Vec<String> =
                    provenance.paths.iter().map(LocalPath::to_string).collect();
                let url = provenance.urls.into_iter().next();
                let place = url.or_else(|| paths.first().cloned());
                copies.push(CopyEntry {
                    id: id.to_string(),
                    place: place.unwrap_or_else(|| id.to_string()),
                    paths,
                });
            }
        }
        Ok(copies)
    }

    /// Every group of near-copies, each as the answer to its original, or to the first that
    /// the filter lets through: itself first, then the others, the most similar first. A picture
    /// that is in several files is a group, too. The options' `all_copies` should be set. Returns
    /// the ids of pictures that cannot be read, also where too little is left to be a group.
    ///
    /// # Errors
    /// If the store fails, or `each` does.
    pub fn duplicates<E: From<SearchError>>(
        &self,
        options: &SearchOptions,
        mut each: impl FnMut(QueryResult) -> Result<(), E>,
    ) -> Result<Vec<String>, E> {
        let alone = self.in_several_files().map_err(SearchError::from)?;
        let mut groups = self.view.index.near_duplicates().groups();
        groups.extend(alone.into_iter().map(|sequence| vec![sequence]));
        groups.sort_unstable();
        let selected = Selected::of(&self.store, &options.filter).map_err(SearchError::from)?;
        let mut all_unread = Unread::default();
        for group in groups {
            let mut unread = Unread::default();
            let result = self.group(&group, (options, &selected), &mut unread);
            let result = result.map_err(SearchError::from)?;
            all_unread.extend(unread);
            if let Some(result) = result {
                each(result)?;
            }
        }
        Ok(all_unread.ids())
    }

    /// Pictures without near-copies whose very bytes are in several files.
    fn in_several_files(&self) -> Result<Vec<Sequence>, StoreError> {
        let index = &self.view.index;
        let (mut several, mut last) = (Vec::new(), None);
        for place in self.store.file_places() {
            let id = place?.picture;
            // A picture's places come together.
            if last.replace(id) == Some(id) {
                several.push(id);
            }
        }
        several.dedup();
        let mut sequences = Vec::new();
        for id in several {
            if let Some(record) = self.store.picture(id)? {
                let sequence = Sequence(record.sequence);
                let is_alone = index.near_duplicates().group(sequence).is_empty();
                if is_alone && index.contains(sequence) {
                    sequences.push(sequence);
                }
            }
        }
        Ok(sequences)
    }

    fn group(
        &self,
        group: &[Sequence],
        (options, selected): (&SearchOptions, &Selected<'_>),
        unread: &mut Unread,
    ) -> Result<Option<QueryResult>, StoreError> {
        let started = Instant::now();
        let accepted = group.iter().copied();
        let accepted: Vec<Sequence> = accepted.filter(|s| selected.accepts(*s)).collect();
        let pool = self.pool(&accepted, &[], options)?;
        let (numbers, features): (Vec<usize>, Vec<Features<'_>>) =
            pool.read_all().into_iter().unzip();
        let Some(&first) = features.first() else {
            unread.extend(pool.finish()?);
            return Ok(None);
        };
        let views = vec![first];
        let ranker = self.ranker(options, usize::MAX);
        let mut scored = ranker.rank(&views, &features[..]);
        // Stable: the others keep their order.
        scored.sort_by_key(|scored| scored.candidate != 0);
        let mut results = Vec::with_capacity(scored.len());
        for mut scored in scored {
            scored.score = exact_or(scored.candidate == 0, scored.score);
            let Some(id) = pool.id(numbers[scored.candidate]) else {
                continue;
            };
            let candidate = &features[scored.candidate];
            if let Some(mut entry) = self.entry(options, id, scored, Some(&views), candidate)? {
                entry.rank = results.len() + 1;
                entry.thumbnail = self.preview(id, unread);
                results.push(entry);
            }
        }
        unread.extend(pool.finish()?);
        let Some(first) = results.first() else {
            return Ok(None);
        };
        // With a filter, what is left may be no group.
        if results.len() < 2 && first.paths.len() < 2 {
            return Ok(None);
        }
        let total = started.elapsed().as_secs_f64() * 1e3;
        Ok(Some(QueryResult {
            query: first.place().to_owned(),
            thumbnail: first.thumbnail.clone(),
            size: (first.width, first.height),
            results,
            unread: unread.ids(),
            timing_ms: Timing {
                total,
                rescore: total,
                ..Timing::default()
            },
        }))
    }
}
