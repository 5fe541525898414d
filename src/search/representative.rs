//! Which member of a group of near-copies stands for it: the one nearest to the query.

use rayon::prelude::*;

use super::pool::Unread;
use super::rank::{Candidates, Likeness};
use super::selected::Selected;
use super::{SearchOptions, Searcher};
use crate::head::{Features, Mode, Ranking};
use crate::index::{Candidate, Looks};
use crate::picture::PictureId;
use crate::store::{NewPicture, Sequence, StoreError};

/// Members of a group whose descriptors are compared; groups of plain pictures are large.
const MOST_MEMBERS: usize = 1_000;
/// Those of them, the nearest, whose activations are compared.
const MOST_COMPARED: usize = 16;

impl Searcher {
    /// The stored picture with these very bytes, if the search may show it.
    pub(super) fn exact(
        &self,
        id: PictureId,
        selected: &Selected<'_>,
    ) -> Result<Option<Sequence>, StoreError> {
        let sequence = self.store.picture(id)?.map(|record| record.sequence);
        let sequence = sequence.map(Sequence);
        Ok(sequence.filter(|s| self.view.index.contains(*s) && selected.accepts(*s)))
    }

    /// Has each group of copies stood for by its member nearest to what is wanted, and adds
    /// pictures with the very bytes of what is wanted, should the index not have proposed them.
    pub(super) fn represent(
        &self,
        candidates: &mut Vec<Candidate>,
        wanted: &[Vec<NewPicture>],
        (options, selected): (&SearchOptions, &Selected<'_>),
        unread: &mut Unread,
    ) -> Result<(), StoreError> {
        let copies = self.view.index.near_duplicates();
        let mut exact = Vec::new();
        for views in wanted {
            if let Some(picture) = views.first() {
                exact.extend(self.exact(picture.id, selected)?);
            }
        }
        let stand_for = |candidate: &mut Candidate| {
            let mut unread = Unread::default();
            let group = copies.group(candidate.sequence);
            let same = exact.iter().find(|s| group.contains(s));
            let nearest = match same {
                _ if group.len() < 2 => None,
                Some(same) => Some(*same),
                None if options.all_copies => None,
                None => self.nearest(&group, wanted, (options, selected), &mut unread)?,
            };
            if let Some(sequence) = nearest {
                *candidate = self.candidate(sequence, wanted, options)?;
            }
            Ok(unread)
        };
        let unreadable = candidates.par_iter_mut().map(stand_for);
        for unreadable in unreadable.collect::<Result<Vec<_>, StoreError>>()? {
            unread.extend(unreadable);
        }
        for sequence in exact {
            let group = copies.original(sequence);
            if !candidates
                .iter()
                .any(|c| copies.original(c.sequence) == group)
            {
                candidates.push(self.candidate(sequence, wanted, options)?);
            }
        }
        Ok(())
    }

    /// The stored looks, if candidates are proposed by them: in `look-alike`, where the looks of all
    /// that is wanted are known.
    pub(super) fn compared_looks(
        &self,
        wanted: &[Vec<NewPicture>],
        options: &SearchOptions,
    ) -> Option<&Looks> {
        let is_asked =
            options.mode == Mode::LookAlike && matches!(*self.ranking, Ranking::Fused(_));
        let looks = self.view.looks.as_deref().filter(|_| is_asked)?;
        let mut wanted = wanted.iter().flatten();
        wanted.all(|view| view.look.is_some()).then_some(looks)
    }

    /// A picture as the index would propose it.
    fn candidate(
        &self,
        sequence: Sequence,
        wanted: &[Vec<NewPicture>],
        options: &SearchOptions,
    ) -> Result<Candidate, StoreError> {
        let look = match self.compared_looks(wanted, options) {
            Some(_) => self.store.look(sequence)?,
            None => None,
        };
        if let Some(look) = look {
            let views = wanted
                .iter()
                .flatten()
                .filter_map(|view| view.look.as_ref());
            let cosine = views
                .map(|view| view.cosine(&look))
                .fold(f32::MIN, f32::max);
            return Ok(Candidate { sequence, cosine });
        }
        let descriptor = self.store.descriptor(sequence)?;
        let views = wanted.iter().flatten();
        let cosines = views.map(|view| view.descriptor.cosine(&descriptor));
        let cosine = cosines.fold(f32::MIN, f32::max);
        Ok(Candidate { sequence, cosine })
    }

    /// The member of a group that is nearest to what is wanted, of those that the filter lets
    /// through; of several that are equally near the one stored first.
    fn nearest(
        &self,
        group: &[Sequence],
        wanted: &[Vec<NewPicture>],
        (options, selected): (&SearchOptions, &Selected<'_>),
        unread: &mut Unread,
    ) -> Result<Option<Sequence>, StoreError> {
        let accepted = group.iter().filter(|s| selected.accepts(**s));
        let mut members = Vec::new();
        for &sequence in accepted.take(MOST_MEMBERS) {
            // Removed while the search runs.
            if self.store.picture_at(sequence)?.is_some() {
                members.push(self.candidate(sequence, wanted, options)?);
            }
        }
        if members.len() > MOST_COMPARED {
            members.sort_by(|a, b| b.cosine.total_cmp(&a.cosine));
            members.truncate(MOST_COMPARED);
            members.sort_by_key(|member| member.sequence);
        }
        let sequences: Vec<Sequence> = members.iter().map(|member| member.sequence).collect();
        let pool = self.pool(&sequences, wanted, options)?;
        let (numbers, features): (Vec<usize>, Vec<Features<'_>>) =
            pool.read_all().into_iter().unzip();
        let layout = self.store.layout();
        let ranker = self.ranker(options, features.len());
        let mut all = vec![Likeness::default(); features.len()];
        for views in wanted {
            let views: Vec<Features<'_>> = views.iter().map(|p| p.features(layout)).collect();
            for (sum, likeness) in all.iter_mut().zip(ranker.likeness(&views, &features)) {
                *sum = sum.plus(likeness);
            }
        }
        let numbered = all.iter().zip(numbers).rev();
        let nearest = numbered.max_by(|(a, _), (b, _)| a.total_cmp(b));
        let nearest = nearest.map(|(_, number)| pool.sequence(number));
        unread.extend(pool.finish()?);
        Ok(nearest)
    }
}
