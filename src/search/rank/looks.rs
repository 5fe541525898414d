//! Ranking by how pictures look.

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
        pictures: &[Features<'_>],
    ) -> Option<LookOdds> {
        let Ranking::Fused(head) = self.ranking else {
            return None;
        };
        let odds = head.look_odds().filter(|_| self.mode == Mode::LookAlike)?;
        let mut all = views.iter().chain(pictures);
        all.all(|picture| picture.look.is_some()).then_some(odds)
    }
    /// Candidates by the cosines of their looks.
    pub(super) fn by_looks(
        &self,
        odds: LookOdds,
        query: &Features<'_>,
        pool: &[Features<'_>],
        chosen: &[usize],
    ) -> Vec<Scored> {
        let scored = chosen.iter().map(|&candidate| {
            let looks = query.look.zip(pool[candidate].look);
            let odds = odds.of(looks.map_or(0.0, |(a, b)| a.cosine(b)));
            Scored {
                score: sigmoid(odds),
                look: Some(odds),
                ..self.plain(candidate, query, &pool[candidate])
            }
        });
        scored.collect()
    }
}
