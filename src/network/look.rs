//! How a picture looks, whatever it shows: what `look-alike` compares.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::descriptor::unit;
use super::{NetworkId, Quantised};
use crate::activation::{Activations, inner_product_f32};

/// How a picture looks: the statistics of early and middle layers (colours, edges, textures,
/// patterns, wherever in the picture they are), projected to a few signed bytes.
///
/// ```
/// use simdex::network::LookDescriptor;
///
/// let a = LookDescriptor::quantised(&[3.0, 4.0]);
/// let b = LookDescriptor::quantised(&[4.0, 3.0]);
/// assert!((a.cosine(&b) - 0.96).abs() < 0.01);
/// assert_eq!(LookDescriptor::from_bytes(a.bytes(), 2), Some(a));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct LookDescriptor(Quantised);

impl LookDescriptor {
    /// As signed bytes.
    pub fn quantised(values: &[f32]) -> Self {
        Self(Quantised::of(values))
    }

    /// The signed bytes, as stored.
    pub fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }

    /// One over their length as a vector; 0 if all are 0.
    pub fn inverse_norm(&self) -> f32 {
        self.0.inverse_norm()
    }

    /// Reads what [`Self::bytes`] gave; `None` if there are not `dimensions` of them.
    pub fn from_bytes(bytes: &[u8], dimensions: usize) -> Option<Self> {
        Quantised::from_bytes(bytes, dimensions).map(Self)
    }

    /// Cosine similarity, -1 to 1.
    pub fn cosine(&self, other: &Self) -> f32 {
        self.0.cosine(&other.0)
    }

    /// The same with bytes that lie elsewhere.
    pub fn cosine_of(&self, bytes: &[u8], inverse_norm: f32) -> f32 {
        self.0.cosine_of(bytes, inverse_norm)
    }
}

/// Which numbers of a layer: the channels' means or their spreads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Statistic {
    /// Means over the positions.
    Mean,
    /// Standard deviations over the positions.
    Spread,
}

/// One part of what a look is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookPart {
    /// The layer's place in the manifest.
    pub layer: u32,
    /// Which numbers of it.
    pub statistic: Statistic,
}

/// How the statistics of a picture's layers become its [`LookDescriptor`]: each number is
/// standardised over the training pictures, each part scaled to unit length, and all of them
/// multiplied with a matrix.
#[derive(Debug, Clone)]
pub struct LookProjection {
    file: LookFile,
    id: String,
    /// The matrix's rows, widened.
    rows: Vec<Vec<f32>>,
}

/// A look projection on disk, written with postcard.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct LookFile {
    version: u32,
    network: NetworkId,
    parts: Vec<LookPart>,
    /// Numbers of each part.
    widths: Vec<u32>,
    /// Mean of each number over the training pictures, and one over its standard deviation.
    mean: Vec<f32>,
    inverse_std: Vec<f32>,
    /// Taken off after the matrix.
    offset: Vec<f32>,
    /// Worth of one step of each row's bytes.
    scales: Vec<f32>,
    /// Rows x columns, a signed byte each.
    matrix: Vec<u8>,
    /// Log-odds of the same look: slope x cosine + bias.
    odds: LookOdds,
}

const VERSION: u32 = 1;

/// How statistics are standardised, part by part.
#[derive(Debug, Clone)]
pub struct LookStatistics {
    /// The parts.
    pub parts: Vec<LookPart>,
    /// Numbers of each.
    pub widths: Vec<usize>,
    /// Mean of each number over the training pictures.
    pub mean: Vec<f32>,
    /// One over the standard deviation of each.
    pub inverse_std: Vec<f32>,
}

/// The statistics that `parts` name, one after the other, as they are; `None` where the codec
/// does not keep them or there is no such layer.
pub fn look_statistics(parts: &[LookPart], activations: Activations<'_>) -> Option<Vec<f32>> {
    let mut all = Vec::new();
    let mut of_layer = Vec::new();
    for part in parts {
        let layer = part.layer as usize;
        if layer >= activations.layer_count() {
            return None;
        }
        of_layer.clear();
        activations.channel_statistics(layer, &mut of_layer);
        let channels = activations.layout().layers()[layer].channels;
        if of_layer.len() != 2 * channels {
            return None;
        }
        let (means, spreads) = of_layer.split_at(channels);
        all.extend_from_slice(match part.statistic {
            Statistic::Mean => means,
            Statistic::Spread => spreads,
        });
    }
    all.iter().all(|value| value.is_finite()).then_some(all)
}

impl LookStatistics {
    /// Standardises what [`look_statistics`] gave, each part at unit length.
    pub fn standardise(&self, values: &mut [f32]) {
        standardise(
            &self.mean,
            &self.inverse_std,
            self.widths.iter().copied(),
            values,
        );
    }
}

fn standardise(
    mean: &[f32],
    inverse_std: &[f32],
    widths: impl Iterator<Item = usize>,
    values: &mut [f32],
) {
    for ((value, mean), inverse) in values.iter_mut().zip(mean).zip(inverse_std) {
        *value = (*value - mean) * inverse;
    }
    let mut rest = values;
    for width in widths {
        let (part, others) = rest.split_at_mut(width.min(rest.len()));
        unit(part);
        rest = others;
    }
}

impl LookProjection {
    /// From standardised statistics, the rows of the matrix, what is taken off after it, and the
    /// odds of a cosine.
    pub fn new(
        network: NetworkId,
        statistics: &LookStatistics,
        rows: &[Vec<f32>],
        offset: Vec<f32>,
        odds: LookOdds,
    ) -> Self {
        let mut scales = Vec::with_capacity(rows.len());
        let mut matrix = Vec::new();
        for row in rows {
            let largest = row.iter().fold(f32::MIN_POSITIVE, |m, v| m.max(v.abs()));
            scales.push(largest / 127.0);
            let byte = |v: &f32| (v / largest * 127.0).round() as i8 as u8;
            matrix.extend(row.iter().map(byte));
        }
        let widths = statistics.widths.iter();
        Self::of(LookFile {
            version: VERSION,
            network,
            parts: statistics.parts.clone(),
            widths: widths
                .map(|w| u32::try_from(*w).unwrap_or(u32::MAX))
                .collect(),
            mean: statistics.mean.clone(),
            inverse_std: statistics.inverse_std.clone(),
            offset,
            scales,
            matrix,
            odds,
        })
    }

    fn of(file: LookFile) -> Self {
        let columns = file.mean.len().max(1);
        let rows = file
            .matrix
            .chunks_exact(columns)
            .zip(&file.scales)
            .map(|(row, scale)| row.iter().map(|&b| f32::from(b as i8) * scale).collect())
            .collect();
        // Descriptors depend on all but the odds.
        let described = LookFile {
            odds: LookOdds::default(),
            ..file.clone()
        };
        let digest = Sha256::digest(encoded(&described));
        let id = digest[..8].iter().map(|byte| format!("{byte:02x}"));
        Self {
            id: id.collect(),
            rows,
            file,
        }
    }

    /// Reads what [`Self::to_bytes`] wrote; the message says what is wrong with it.
    pub(super) fn parse(bytes: &[u8], network: &NetworkId) -> Result<Self, String> {
        let file: LookFile = postcard::from_bytes(bytes).map_err(|error| error.to_string())?;
        if file.version != VERSION || file.network != *network {
            return Err("it is of another network or version".to_owned());
        }
        let columns = file.mean.len();
        let widths: usize = file.widths.iter().map(|width| *width as usize).sum();
        let fits = columns > 0
            && widths == columns
            && file.parts.len() == file.widths.len()
            && file.inverse_std.len() == columns
            && file.offset.len() == file.scales.len()
            && file.matrix.len() == columns * file.scales.len();
        match fits {
            true => Ok(Self::of(file)),
            false => Err("its lengths do not fit together".to_owned()),
        }
    }

    /// The file's contents.
    pub fn to_bytes(&self) -> Vec<u8> {
        encoded(&self.file)
    }

    /// Tells this projection from others: looks of two projections cannot be compared.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Bytes in a look.
    pub fn dimensions(&self) -> usize {
        self.rows.len()
    }

    /// The same, with other odds of a cosine.
    #[must_use]
    pub fn with_odds(mut self, odds: LookOdds) -> Self {
        self.file.odds = odds;
        self
    }

    /// The log-odds that two pictures look alike whose looks have this cosine: a pair of the
    /// training has even odds to be one that does.
    pub fn odds(&self) -> LookOdds {
        self.file.odds
    }

    /// How a picture looks; `None` where the codec keeps no statistics.
    pub fn describe(&self, activations: Activations<'_>) -> Option<LookDescriptor> {
        let values = look_statistics(&self.file.parts, activations)?;
        (values.len() == self.file.mean.len()).then(|| self.describe_statistics(values))
    }

    /// How a picture looks, from what [`look_statistics`] gave of it.
    pub fn describe_statistics(&self, mut values: Vec<f32>) -> LookDescriptor {
        let file = &self.file;
        let widths = file.widths.iter().map(|width| *width as usize);
        standardise(&file.mean, &file.inverse_std, widths, &mut values);
        let rows = self.rows.iter().zip(&file.offset);
        let projected = rows.map(|(row, offset)| inner_product_f32(row, &values) - offset);
        LookDescriptor::quantised(&projected.collect::<Vec<_>>())
    }
}

fn encoded(file: &LookFile) -> Vec<u8> {
    postcard::to_stdvec(file).expect("plain numbers and a name always encode")
}

/// From the cosine of two looks to the log-odds that they are alike.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct LookOdds {
    /// What a cosine weighs.
    pub slope: f32,
    /// The log-odds of a cosine of 0.
    pub bias: f32,
    /// Scores (not log-odds) from which on nine results of ten were right in the training's
    /// lists, and ninety-nine of a hundred.
    pub precision: [Option<f32>; 2],
}

impl LookOdds {
    /// The log-odds of a cosine.
    pub fn of(self, cosine: f32) -> f32 {
        self.slope * cosine + self.bias
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ODDS: LookOdds = LookOdds {
        slope: 8.0,
        bias: -4.0,
        precision: [Some(0.5), None],
    };

    fn projection(network: &NetworkId) -> LookProjection {
        let part = |statistic| LookPart {
            layer: 0,
            statistic,
        };
        let statistics = LookStatistics {
            parts: vec![part(Statistic::Mean), part(Statistic::Spread)],
            widths: vec![2, 2],
            mean: vec![0.5; 4],
            inverse_std: vec![2.0; 4],
        };
        let rows = [vec![1.0, 0.0, 0.5, 0.0], vec![0.0, -2.0, 0.0, 0.25]];
        LookProjection::new(network.clone(), &statistics, &rows, vec![0.1; 2], ODDS)
    }

    #[test]
    fn a_look_projection_survives_its_file() {
        let network = NetworkId::of(b"model");
        let projection = projection(&network);
        let read = LookProjection::parse(&projection.to_bytes(), &network).unwrap();
        assert_eq!(read.id(), projection.id());
        assert_eq!(read.rows, projection.rows);
        assert_eq!(read.odds(), projection.odds());
        assert!(LookProjection::parse(&projection.to_bytes(), &NetworkId::of(b"other")).is_err());
        assert!(LookProjection::parse(&projection.to_bytes()[..20], &network).is_err());
        // Stored looks stay good when only the odds change.
        let other = projection.clone().with_odds(LookOdds::default());
        assert_eq!(other.id(), projection.id());
    }

    #[test]
    fn parts_are_standardised_on_their_own() {
        let mut values = vec![2.5, 0.5, 0.5, 1.0];
        standardise(&[0.5; 4], &[2.0; 4], [2, 2].into_iter(), &mut values);
        assert_eq!(values, [1.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn a_look_of_zeros_is_like_nothing() {
        let (none, some) = (LookDescriptor::quantised(&[0.0; 3]), [1.0, -2.0, 0.0]);
        let some = LookDescriptor::quantised(&some);
        assert_eq!(none.cosine(&some), 0.0);
        assert!((some.cosine(&some) - 1.0).abs() < 1e-6);
        assert_eq!(LookDescriptor::from_bytes(&[1, 2], 3), None);
    }
}
