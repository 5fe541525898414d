//! A candidate with its score.

use crate::head::{Alignment, Measured};

/// A candidate with its score and what explains it.
#[derive(Debug, Clone)]
pub struct Scored {
    /// Its place among the candidates given.
    pub candidate: usize,
    /// Similarity, 0 to 1.
    pub score: f32,
    /// Cosine of the embeddings.
    pub cosine: f32,
    /// The mean squared error of each layer; empty where the ranking did not need it.
    pub mses: Vec<f32>,
    /// Every signal; empty where the ranking has none.
    pub values: Vec<f32>,
    /// Whether the signals that only a list has are among them.
    pub in_list: bool,
    /// What its list tells of it; empty where the ranking does not ask.
    pub features: Vec<f32>,
    /// What the user's labels say for it, in log-odds.
    pub labels: f32,
    /// What the user's pairs say for it, in log-odds.
    pub pairs: f32,
    /// What the looks alone say for it, in log-odds, where they rank.
    pub look: Option<f32>,
    /// What comparing the pixels takes off, in log-odds; 0 unless it is sure of something else.
    pub pixels: f32,
    /// The view of the query that was compared.
    pub view: usize,
    /// Which parts match, where it was sought.
    pub alignment: Option<Alignment>,
}

impl Scored {
    /// A candidate of which nothing but the cosine is known.
    pub(super) fn of_cosine(candidate: usize, cosine: f32) -> Self {
        Self {
            candidate,
            score: 0.0,
            cosine,
            mses: Vec::new(),
            values: Vec::new(),
            in_list: false,
            features: Vec::new(),
            labels: 0.0,
            pairs: 0.0,
            look: None,
            pixels: 0.0,
            view: 0,
            alignment: None,
        }
    }

    /// A candidate that was measured, against one of the query's views.
    pub(super) fn of_measured(candidate: usize, measured: Measured, view: usize) -> Self {
        Self {
            mses: measured.mses,
            values: measured.values,
            view,
            ..Self::of_cosine(candidate, measured.cosine)
        }
    }

    /// What being found in a turned or mirrored view takes off, in log-odds.
    pub fn turned(&self) -> f32 {
        if self.in_list && self.view > 0 {
            -TURNED_ODDS
        } else {
            0.0
        }
    }
}

/// A view that is not upright counts this much less, in log-odds: few copies are mirrored or
/// turned, and five views have five chances to agree.
const TURNED_ODDS: f32 = 0.5;

/// Best first.
pub(super) fn sort(scored: &mut [Scored]) {
    scored.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then(b.cosine.total_cmp(&a.cosine))
            .then(a.candidate.cmp(&b.candidate))
    });
}
