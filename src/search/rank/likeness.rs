//! How like a query each of some near-copies is, whatever else there is.

use std::cmp::Ordering;

use super::ranker::{Ranker, with};
use crate::head::{Features, Mode, Ranking};

/// How like a query a picture is as a pair, to be held against others of its group only.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(in crate::search) struct Likeness {
    /// By the head; it may be the same for several.
    odds: f32,
    /// By the embeddings, among those.
    cosine: f32,
}

impl Likeness {
    /// Of several examples together.
    pub(in crate::search) fn plus(self, other: Self) -> Self {
        Self {
            odds: self.odds + other.odds,
            cosine: self.cosine + other.cosine,
        }
    }

    pub(in crate::search) fn total_cmp(&self, other: &Self) -> Ordering {
        let by_odds = self.odds.total_cmp(&other.odds);
        by_odds.then(self.cosine.total_cmp(&other.cosine))
    }
}

impl Ranker<'_> {
    /// How like a picture, given in one or more views, each of `members` is. A list's signals
    /// that tell of other pictures do not count.
    pub(in crate::search) fn likeness(
        &self,
        views: &[Features<'_>],
        members: &[Features<'_>],
    ) -> Vec<Likeness> {
        let own = |pictures| self.ranking.descriptors(pictures);
        let described = own(views).zip(own(members));
        let described = described
            .as_ref()
            .map(|(of_views, of_members)| (with(views, of_views), with(members, of_members)));
        let (views, members) = match &described {
            Some((views, members)) => (views.as_slice(), members.as_slice()),
            None => (views, members),
        };
        let mut all = vec![Likeness::default(); members.len()];
        match (self.ranking, views.first()) {
            (_, None) => {}
            // A copy is one whatever else there is; of the other modes a list knows more.
            (Ranking::Fused(head), Some(upright))
                if self.mode != Mode::Copy && self.look_odds(&views[..1], members).is_none() =>
            {
                let measure = head.measure_pairs(self.mode, self.mean);
                let prepared = measure.prepare(upright);
                let pair = &head.scorers(self.mode).pair;
                for (likeness, member) in all.iter_mut().zip(members) {
                    let measured = measure.measure(&prepared, member);
                    *likeness = Likeness {
                        odds: pair.log_odds(&measured.values),
                        cosine: measured.cosine,
                    };
                }
            }
            _ => {
                let ranker = Ranker {
                    rescored: members.len(),
                    ..*self
                };
                for scored in ranker.rank(views, members) {
                    all[scored.candidate] = Likeness {
                        odds: scored.score,
                        cosine: scored.cosine,
                    };
                }
            }
        }
        all
    }
}
