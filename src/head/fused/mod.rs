//! The head over everything that the activations tell.

mod file;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Signal;
use super::calibration::Calibration;
use super::channel_scaler::ChannelScaler;
use super::collection_mean::CollectionMean;
use super::label_weights::LabelWeights;
use super::list_features::LIST_FEATURES;
use super::measure::{Measure, Needs};
use super::probe::{Background, ClassProbabilities, Probe};
use super::scorer::Scorer;
use crate::activation::Layout;
use crate::network::{Describer, Descriptor, LookOdds, LookProjection, Network, NetworkId};
use crate::picture::PictureId;

/// What "alike" means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The same kind of thing, however it looks.
    #[default]
    SameSubject,
    /// The same look: colours, textures, patterns, whatever is shown.
    LookAlike,
    /// One picture made from the other: cut, resized, mirrored, recompressed.
    Copy,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::SameSubject, Self::LookAlike, Self::Copy];

    /// The name used by flags and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::SameSubject => "same-subject",
            Self::LookAlike => "look-alike",
            Self::Copy => "copy",
        }
    }
}

/// The head over everything that the activations tell.
#[derive(Debug, Clone)]
pub struct Fused {
    network: NetworkId,
    descriptor: String,
    scaler: ChannelScaler,
    /// What the pictures of the training had in common.
    mean: CollectionMean,
    /// How their descriptors vary: the standard deviation of each number.
    spread: Vec<f32>,
    /// In the order of [`Mode::ALL`].
    scorers: [ModeScorers; 3],
    /// What lists tell of their candidates in `same-subject`; heads of earlier versions have none.
    calibration: Option<Calibration>,
    /// What the user's pairs taught: the pair's scorer before them.
    before_pairs: Option<Scorer>,
    /// What the user's labels taught.
    probe: Option<Probe>,
    /// What describes pictures for a head that was made for an earlier projection.
    describer: Option<Describer>,
    training: FusedTraining,
    /// The network's odds of looks, if it tells any.
    look: Option<LookOdds>,
}

/// The scorers of one mode.
#[derive(Debug, Clone)]
pub struct ModeScorers {
    /// For a pair alone.
    pub pair: Scorer,
    /// For a candidate in a list: with its neighbourhood or its parts.
    pub list: Scorer,
    /// Scores in lists at which results of the training were as precise as named.
    pub thresholds: Thresholds,
}

/// Scores from which on results were right, in the lists of the training.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Nine results of ten.
    pub precision_90: Option<f32>,
    /// Ninety-nine results of a hundred.
    pub precision_99: Option<f32>,
}

/// How a head was trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FusedTraining {
    /// What was learned from: `labels`, `pairs`, `edits`.
    pub from: String,
    /// The classes' names, if there were any.
    pub classes: Vec<String>,
    /// Pictures.
    pub pictures: usize,
    /// The first eight bytes of the id of each, in hexadecimal: an evaluation on them says
    /// nothing.
    pub seen: BTreeSet<String>,
    /// Pairs learned from.
    pub pairs: usize,
    /// Seed of everything random.
    pub seed: u64,
    /// Share of pairs that are the same at which a score of .5 means even odds.
    pub base_rate: f32,
}

/// What heads are made from that are taught from edits alone.
pub const FROM_EDITS: &str = "edits";

impl Fused {
    /// Puts a head together; `scorers` in the order of [`Mode::ALL`].
    pub fn new(
        network: &Network,
        scaler: ChannelScaler,
        mean: CollectionMean,
        spread: Vec<f32>,
        scorers: [ModeScorers; 3],
        calibration: Calibration,
        training: FusedTraining,
    ) -> Self {
        Self {
            network: network.id().clone(),
            descriptor: network.descriptor_id().to_owned(),
            scaler,
            mean,
            spread,
            scorers,
            calibration: Some(calibration),
            before_pairs: None,
            probe: None,
            describer: None,
            training,
            look: network.look().map(LookProjection::odds),
        }
    }

    /// What labels teach this head, before it is part of one.
    pub fn probe_of(
        &self,
        descriptors: &[&Descriptor],
        labels: &[usize],
        classes: &[String],
    ) -> Probe {
        let background = Background {
            mean: &self.mean.descriptor,
            spread: &self.spread,
        };
        Probe::fit(background, descriptors, labels, classes)
    }

    /// The same head with what the user's labels taught.
    #[must_use]
    pub fn taught(&self, probe: Probe, training: FusedTraining) -> Self {
        Self {
            probe: Some(probe),
            training,
            ..self.clone()
        }
    }

    /// The same head, some of its modes learned further from pairs, of which all signals but
    /// `unmeasured` were measured.
    #[must_use]
    pub fn refitted(
        &self,
        modes: &[Mode],
        unmeasured: &[Signal],
        rows: &[Vec<f32>],
        same: &[bool],
        training: FusedTraining,
    ) -> Self {
        let mut head = Self {
            training,
            ..self.clone()
        };
        for &mode in modes {
            let scorers = &mut head.scorers[mode as usize];
            if mode == Mode::SameSubject && head.calibration.is_some() {
                head.before_pairs.get_or_insert(scorers.pair.clone());
            }
            scorers.pair = scorers.pair.refit(unmeasured, rows, same);
            scorers.list = scorers.list.refit(unmeasured, rows, same);
            // They were measured with the weights from before.
            scorers.thresholds = Thresholds::default();
        }
        head
    }

    /// How pairs of a collection are measured for this head: everything. If a collection is too
    /// small to have a mean, or has one of other descriptors, the mean of the training is used.
    pub fn measure<'a>(&'a self, mean: &'a CollectionMean) -> Measure<'a> {
        Measure {
            scaler: &self.scaler,
            needs: Needs::all(self.layers()),
            mean: if mean.embedding.is_empty() || self.describer.is_some() {
                &self.mean
            } else {
                mean
            },
        }
    }

    /// How many layers it looks at.
    fn layers(&self) -> usize {
        self.scaler.mean.len()
    }

    /// The same, but only what the scorer of pairs weighs in `mode`.
    pub fn measure_pairs<'a>(&'a self, mode: Mode, mean: &'a CollectionMean) -> Measure<'a> {
        let before = self.before_pairs.iter().flat_map(Scorer::weights);
        self.measure_weighed(self.scorers(mode).pair.weights().chain(before), mean)
    }

    /// The same, but only what the scorers of `mode` weigh in lists.
    pub fn measure_for<'a>(&'a self, mode: Mode, mean: &'a CollectionMean) -> Measure<'a> {
        let ModeScorers { pair, list, .. } = self.scorers(mode);
        // If parts are compared, the pair's scorer chooses for which candidates.
        let pair = pair.weights().filter(|_| list.uses(Signal::Local));
        self.measure_weighed(pair.chain(list.weights()), mean)
    }

    fn measure_weighed<'a>(
        &'a self,
        weights: impl Iterator<Item = (Signal, f32)>,
        mean: &'a CollectionMean,
    ) -> Measure<'a> {
        let weighed = weights.filter(|(_, weight)| *weight != 0.0);
        Measure {
            needs: Needs::of(self.layers(), weighed.map(|(signal, _)| signal)),
            ..self.measure(mean)
        }
    }

    /// What lists tell of their candidates in a mode.
    pub fn calibration(&self, mode: Mode) -> Option<&Calibration> {
        let calibration = self.calibration.as_ref();
        calibration.filter(|_| mode == Mode::SameSubject)
    }

    /// What the pair's scorer says of measured signals, without the user's pairs.
    pub fn pair_odds(&self, values: &[f32]) -> f32 {
        let pair = &self.scorers(Mode::SameSubject).pair;
        self.before_pairs.as_ref().unwrap_or(pair).log_odds(values)
    }

    /// What the user's pairs add to that, in log-odds.
    pub fn taught_by_pairs(&self, values: &[f32]) -> f32 {
        let pair = &self.scorers(Mode::SameSubject).pair;
        let before = self.before_pairs.as_ref();
        before.map_or(0.0, |before| {
            pair.log_odds(values) - before.log_odds(values)
        })
    }

    /// What speaks for a candidate of a list and against it, in log-odds: by layer, then by what its
    /// list tells.
    pub fn list_evidence(
        &self,
        layout: &Layout,
        values: &[f32],
        features: &[f32],
    ) -> Vec<(String, f32)> {
        let Some(calibration) = &self.calibration else {
            return Vec::new();
        };
        let pair = &self.scorers(Mode::SameSubject).pair;
        let pair = self.before_pairs.as_ref().unwrap_or(pair);
        let mut groups: Vec<(String, f32)> = Vec::new();
        let mut add = |name: &str, term: f32| match groups.iter_mut().find(|(n, _)| n == name) {
            Some((_, sum)) => *sum += term,
            None => groups.push((name.to_owned(), term)),
        };
        for (feature, term) in calibration.terms(features) {
            let feature_of = LIST_FEATURES[feature];
            if feature_of.name == "pair" {
                let slope = calibration.slope(feature);
                for (name, odds) in pair.evidence(layout, values) {
                    add(&name, odds * slope);
                }
            } else {
                add(feature_of.group, term);
            }
        }
        groups.retain(|(_, sum)| *sum != 0.0);
        groups
    }

    /// What describes pictures for this head, if the store does it in another way.
    pub fn describer(&self) -> Option<&Describer> {
        self.describer.as_ref()
    }

    /// How channel statistics are scaled.
    pub fn scaler(&self) -> &ChannelScaler {
        &self.scaler
    }

    /// The scorers of a mode.
    pub fn scorers(&self, mode: Mode) -> &ModeScorers {
        &self.scorers[mode as usize]
    }

    /// The odds by which `look-alike` ranks, if looks are told: a head that was taught from edits
    /// has learned on its own what is alike.
    pub fn look_odds(&self) -> Option<LookOdds> {
        self.look.filter(|_| self.training.from != FROM_EDITS)
    }

    /// Scores of a mode at which results were as precise as named.
    pub fn thresholds(&self, mode: Mode) -> Thresholds {
        match self.look_odds() {
            Some(odds) if mode == Mode::LookAlike => Thresholds {
                precision_90: odds.precision[0],
                precision_99: odds.precision[1],
            },
            _ => self.scorers(mode).thresholds,
        }
    }

    /// Whether it was trained on this picture.
    pub fn saw(&self, picture: PictureId) -> bool {
        self.training.seen.contains(&short(picture))
    }

    /// How much the user's labels count in lists, if they taught it.
    pub fn label_weights(&self) -> Option<LabelWeights> {
        self.probe.as_ref().map(Probe::weights)
    }

    /// How it was trained.
    pub fn training(&self) -> &FusedTraining {
        &self.training
    }

    /// To which of the user's classes a picture belongs, if the mode asks what is shown. The
    /// odds of two pictures are added to the score.
    pub fn class_probabilities(
        &self,
        mode: Mode,
        picture: &Descriptor,
    ) -> Option<ClassProbabilities> {
        let probe = self.probe.as_ref().filter(|_| mode == Mode::SameSubject);
        probe.map(|probe| probe.probabilities(picture))
    }
}

fn short(picture: PictureId) -> String {
    picture.to_string()[..16].to_owned()
}

impl FusedTraining {
    /// The same training, with these pictures added to those seen.
    #[must_use]
    pub fn having_seen(mut self, pictures: impl Iterator<Item = PictureId>) -> Self {
        self.seen.extend(pictures.map(short));
        self
    }
}

impl ModeScorers {
    /// Signals that a mode may use for a pair without a list.
    pub fn pair_signals(mode: Mode, layers: usize) -> Vec<Signal> {
        let all = Signal::all(layers).into_iter();
        let of_pair = all.filter(|signal| !signal.is_similarity());
        match mode {
            Mode::SameSubject => of_pair.filter(|signal| *signal != Signal::Hash).collect(),
            Mode::Copy => of_pair.collect(),
            // The last layers tell what is shown, the ones before them how it looks.
            Mode::LookAlike => of_pair
                .filter(|signal| signal.layer().is_some_and(|l| l + LATE < layers))
                .collect(),
        }
    }

    /// The same, in a list.
    pub fn list_signals(mode: Mode, layers: usize) -> Vec<Signal> {
        let mut signals = Self::pair_signals(mode, layers);
        match mode {
            Mode::SameSubject => signals.push(Signal::Neighbourhood),
            Mode::Copy => signals.push(Signal::Local),
            Mode::LookAlike => {}
        }
        signals
    }
}

/// Last layers that `look-alike` does not see: those of 7 x 7 positions in MobileNetV2.
const LATE: usize = 5;
