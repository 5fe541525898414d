//! Ranking by how pictures look.

use super::candidates::Candidates;
use super::ranker::Ranker;
use super::scored::Scored;
use crate::head::{Features, Mode, Ranking, sigmoid};
use crate::network::LookOdds;

impl Ranker<'_> {
    /// The odds of looks, where they alone rank: in `look-alike`, by a head that has not learned
    /// otherwise, and of pictures whose looks are known.
    pub(in crate::search) fn look_odds(
        &self,
        views: &[Features<'_>],
        pictures: &(impl Candidates + ?Sized),
    ) -> Option<LookOdds> {
        let Ranking::Fused(head) = self.ranking else {
            return None;
        };
        let odds = head.look_odds().filter(|_| self.mode == Mode::LookAlike)?;
        let has_look = |picture| pictures.known(picture).look.is_some();
        let all_have = views.iter().all(|view| view.look.is_some());
        (all_have && (0..pictures.len()).all(has_look)).then_some(odds)
    }

    /// Candidates by the cosines of their looks.
    pub(super) fn by_looks(
        &self,
        odds: LookOdds,
        query: &Features<'_>,
        pool: &(impl Candidates + ?Sized),
        chosen: &[usize],
    ) -> Vec<Scored> {
        let pictures = pool.read(chosen);
        let scored = pictures.iter().map(|&(candidate, ref picture)| {
            let looks = query.look.zip(picture.look);
            let odds = odds.of(looks.map_or(0.0, |(a, b)| a.cosine(b)));
            Scored {
                score: sigmoid(odds),
                look: Some(odds),
                ..self.plain(candidate, query, picture)
            }
        });
        scored.collect()
    }
}
