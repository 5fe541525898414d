//! A fused head on disk: JSON.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Fused, FusedTraining, Mode, ModeScorers, Thresholds};
use crate::activation::{Encoding, Layout};
use crate::head::HeadError;
use crate::head::calibration::{Calibration, CalibrationFile};
use crate::head::channel_scaler::ChannelScaler;
use crate::head::collection_mean::CollectionMean;
use crate::head::probe::Probe;
use crate::head::scorer::{Scorer, ScorerFile};
use crate::network::{LookProjection, Network, NetworkId};

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
    before_pairs: Option<ScorerFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probe: Option<Probe>,
    #[serde(rename = "centre")]
    mean: CollectionMean,
    spread: Vec<f32>,
    scaler: ChannelScaler,
    /// Since version 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    calibration: Option<CalibrationFile>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ModeFile {
    mode: Mode,
    thresholds: Thresholds,
    pair: ScorerFile,
    list: ScorerFile,
}

const VERSION: u32 = 2;
/// The oldest version that is read.
const OLDEST: u32 = 1;
const KIND: &str = "fused";

impl Fused {
    pub(in crate::head) fn parse(
        text: &str,
        path: &Path,
        network: &Network,
    ) -> Result<Self, HeadError> {
        let wrong = |message: String| HeadError::Format {
            path: path.to_owned(),
            message,
        };
        let file: FusedFile =
            serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        if !(OLDEST..=VERSION).contains(&file.version) || file.kind != KIND {
            return Err(wrong(format!(
                "it is of kind {} version {}, this simdex reads {KIND} versions {OLDEST} to {VERSION}",
                file.kind, file.version
            )));
        }
        if file.network != *network.id() {
            return Err(HeadError::OtherNetwork {
                head: file.network.short().to_owned(),
                network: network.id().short().to_owned(),
            });
        }
        let describer = match file.descriptor == network.descriptor_id() {
            true => None,
            false => {
                let earlier = network.describer(&file.descriptor);
                Some(earlier.ok_or(HeadError::OtherDescriptor)?)
            }
        };
        let layout = network.layout(Encoding::default());
        check_scaler(&file.scaler, &layout).map_err(wrong)?;
        let dimensions = match &describer {
            Some(describer) => describer.dimensions(),
            None => network.descriptor_dimensions(),
        };
        if file.mean.embedding.len() != network.manifest().embedding.dimensions
            || file.mean.descriptor.len() != dimensions
            || file.spread.len() != dimensions
        {
            return Err(wrong("the centre is not of this network".to_owned()));
        }
        if file.probe.as_ref().is_some_and(|p| !p.fits(dimensions)) {
            return Err(wrong("the probe's lengths do not fit together".to_owned()));
        }
        let scorer = |file: ScorerFile| Scorer::from_file(file, &layout);
        let mut scorers = Vec::new();
        for (mode, given) in Mode::ALL.into_iter().zip(file.modes) {
            if given.mode != mode {
                return Err(wrong(format!("mode {} is missing", mode.name())));
            }
            scorers.push(ModeScorers {
                pair: scorer(given.pair).map_err(wrong)?,
                list: scorer(given.list).map_err(wrong)?,
                thresholds: given.thresholds,
            });
        }
        let scorers = scorers
            .try_into()
            .map_err(|_| wrong("a mode is missing".to_owned()))?;
        let calibration = file.calibration;
        let calibration = calibration.map(|file| Calibration::from_file(file, dimensions));
        Ok(Self {
            network: file.network,
            descriptor: file.descriptor,
            scaler: file.scaler,
            mean: file.mean,
            spread: file.spread,
            scorers,
            calibration: calibration.transpose().map_err(wrong)?,
            before_pairs: file.before_pairs.map(scorer).transpose().map_err(wrong)?,
            probe: file.probe,
            describer,
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
            before_pairs: self.before_pairs.as_ref().map(|s| s.to_file(layout)),
            probe: self.probe.clone(),
            mean: self.mean.clone(),
            spread: self.spread.clone(),
            scaler: self.scaler.clone(),
            calibration: self.calibration.as_ref().map(Calibration::to_file),
        };
        let mut text = serde_json::to_string(&file).expect("numbers and strings always encode");
        text.push('\n');
        text
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
