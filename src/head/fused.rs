//! The head over everything that the activations tell.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::channel_scaler::ChannelScaler;
use super::collection_mean::CollectionMean;
use super::measure::{Measure, Needs};
use super::probe::{Background, ClassProbabilities, Probe};
use super::scorer::{Scorer, ScorerFile};
use super::{HeadError, Signal};
use crate::activation::{Encoding, Layout};
use crate::network::{Descriptor, LookOdds, LookProjection, Network, NetworkId};
use crate::picture::PictureId;

/// What "alike" means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
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
    /// What the user's labels taught.
    probe: Option<Probe>,
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

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FusedFile {
    version: u32,
    kind: String,
    network: NetworkId,
    descriptor: String,
    training: FusedTraining,
    modes: Vec<ModeFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probe: Option<Probe>,
    #[serde(rename = "centre")]
    mean: CollectionMean,
    spread: Vec<f32>,
    scaler: ChannelScaler,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ModeFile {
    mode: Mode,
    thresholds: Thresholds,
    pair: ScorerFile,
    list: ScorerFile,
}

/// What heads are made from that are taught from edits alone.
pub const FROM_EDITS: &str = "edits";

const VERSION: u32 = 1;
const KIND: &str = "fused";

impl Fused {
    /// Puts a head together; `scorers` in the order of [`Mode::ALL`].
    pub fn new(
        network: &Network,
        scaler: ChannelScaler,
        mean: CollectionMean,
        spread: Vec<f32>,
        scorers: [ModeScorers; 3],
        training: FusedTraining,
    ) -> Self {
        Self {
            network: network.id().clone(),
            descriptor: network.descriptor_id().to_owned(),
            scaler,
            mean,
            spread,
            scorers,
            probe: None,
            training,
            look: network.look().map(LookProjection::odds),
        }
    }

    pub(super) fn parse(text: &str, path: &Path, network: &Network) -> Result<Self, HeadError> {
        let wrong = |message: String| HeadError::Format {
            path: path.to_owned(),
            message,
        };
        let file: FusedFile =
            serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        if file.version != VERSION || file.kind != KIND {
            return Err(wrong(format!(
                "it is of kind {} version {}, this simdex reads {KIND} version {VERSION}",
                file.kind, file.version
            )));
        }
        if file.network != *network.id() {
            return Err(HeadError::OtherNetwork {
                head: file.network.short().to_owned(),
                network: network.id().short().to_owned(),
            });
        }
        if file.descriptor != network.descriptor_id() {
            return Err(HeadError::OtherDescriptor);
        }
        let layout = network.layout(Encoding::default());
        check_scaler(&file.scaler, &layout).map_err(wrong)?;
        let dimensions = network.descriptor_dimensions();
        if file.mean.embedding.len() != network.manifest().embedding.dimensions
            || file.mean.descriptor.len() != dimensions
            || file.spread.len() != dimensions
        {
            return Err(wrong("the centre is not of this network".to_owned()));
        }
        if file.probe.as_ref().is_some_and(|p| !p.fits(dimensions)) {
            return Err(wrong("the probe's lengths do not fit together".to_owned()));
        }
        let mut scorers = Vec::new();
        for (mode, given) in Mode::ALL.into_iter().zip(file.modes) {
            if given.mode != mode {
                return Err(wrong(format!("mode {} is missing", mode.name())));
            }
            scorers.push(ModeScorers {
                pair: Scorer::from_file(given.pair, &layout).map_err(wrong)?,
                list: Scorer::from_file(given.list, &layout).map_err(wrong)?,
                thresholds: given.thresholds,
            });
        }
        let scorers = scorers
            .try_into()
            .map_err(|_| wrong("a mode is missing".to_owned()))?;
        Ok(Self {
            network: file.network,
            descriptor: file.descriptor,
            scaler: file.scaler,
            mean: file.mean,
            spread: file.spread,
            scorers,
            probe: file.probe,
            training: file.training,
            look: network.look().map(LookProjection::odds),
        })
    }

    /// The file's contents; `layout` names the layers.
    pub fn to_json(&self, layout: &Layout) -> String {
        let modes = Mode::ALL.into_iter().zip(&self.scorers);
        let file = FusedFile {
            version: VERSION,
            kind: KIND.to_owned(),
            network: self.network.clone(),
            descriptor: self.descriptor.clone(),
            training: self.training.clone(),
            modes: modes
                .map(|(mode, scorers)| ModeFile {
                    mode,
                    thresholds: scorers.thresholds,
                    pair: scorers.pair.to_file(layout),
                    list: scorers.list.to_file(layout),
                })
                .collect(),
            probe: self.probe.clone(),
            mean: self.mean.clone(),
            spread: self.spread.clone(),
            scaler: self.scaler.clone(),
        };
        let mut text = serde_json::to_string(&file).expect("numbers and strings always encode");
        text.push('\n');
        text
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
            scorers.pair = scorers.pair.refit(unmeasured, rows, same);
            scorers.list = scorers.list.refit(unmeasured, rows, same);
            // They were measured with the weights from before.
            scorers.thresholds = Thresholds::default();
        }
        head
    }

    /// How pairs of a collection are measured for this head: everything. If a collection is too
    /// small to have a mean, the mean of the training is used.
    pub fn measure<'a>(&'a self, mean: &'a CollectionMean) -> Measure<'a> {
        Measure {
            scaler: &self.scaler,
            needs: Needs::all(self.layers()),
            mean: if mean.embedding.is_empty() {
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

    /// The same, but only what the scorers of `mode` weigh.
    pub fn measure_for<'a>(&'a self, mode: Mode, mean: &'a CollectionMean) -> Measure<'a> {
        let ModeScorers { pair, list, .. } = self.scorers(mode);
        // If parts are compared, the pair's scorer chooses for which candidates.
        let pair = pair.weights().filter(|_| list.uses(Signal::Local));
        let weighed = pair.chain(list.weights()).filter(|(_, w)| *w != 0.0);
        Measure {
            needs: Needs::of(self.layers(), weighed.map(|(signal, _)| signal)),
            ..self.measure(mean)
        }
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

fn check_scaler(scaler: &ChannelScaler, layout: &Layout) -> Result<(), String> {
    let fits = |rows: &[Vec<f32>]| {
        let widths = layout.layers().iter().map(|layer| 2 * layer.channels);
        rows.iter().map(Vec::len).eq(widths)
    };
    if fits(&scaler.mean) && fits(&scaler.std) {
        Ok(())
    } else {
        Err("the channel scaler is not of this network's layers".to_owned())
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
